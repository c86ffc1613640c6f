"""Labels to occupation numbers and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from microdsd.errors import InputError
from microdsd.microstructure import VoxelSize, as_microstructure, phase_counts
from microdsd.microstructure.arguments import by_phase
from microdsd.microstructure.axes import SPATIAL_DIMS
from microdsd.microstructure.composition import Fractions, counts_from_fractions
from microdsd.microstructure.counting import label_counts
from microdsd.microstructure.uncertain import RequestedFractions
from microdsd.models.contents import Phases


@dataclass(frozen=True)
class PhaseEncoding(Phases):
    """Define phases, and how their labels become walkers and back.

    Tables of phases are in ascending order of the labels, wherever they are. Walkers have an order
    of their own, the background first; `to_species` and `from_species` lead from one to the other.

    Examples
    --------
    >>> encoding = PhaseEncoding({0: "pore", 1: "solid"}, background=1)
    >>> encoding.encode(np.array([[[0, 1, 1]]])).tolist()
    [[[[1.0, 0.0, 0.0]]]]
    >>> encoding.decode(torch.tensor([[[1, 0, 0]]])).tolist()
    [[[0, 1, 1]]]
    """

    def requested(
        self,
        phase_fraction: RequestedFractions | float | Sequence[float] | None,
        intensity: Fractions | None,
    ) -> RequestedFractions | None:
        """Return the fractions that are asked for, by phase.

        Raises
        ------
        InputError
            If intensities are asked for.
        """
        if intensity is not None:
            raise InputError(
                f"intensity={intensity}: the model makes phases; give phase_fraction of "
                f"{', '.join(self.names)}"
            )
        return None if phase_fraction is None else by_phase(phase_fraction, self.phases)

    def counts(self, fractions: Mapping[Any, float], n_sites: int) -> list[int]:
        """Return the voxels of every phase, see `counts_from_fractions`."""
        return list(counts_from_fractions(fractions, self.phases, n_sites).values())

    @property
    def _order(self) -> list[int]:
        return [[*self.phases].index(label) for label in (self.background, *self.species)]

    def to_species(self, by_label: Tensor, axis: int = -1) -> Tensor:
        """Reorder the phases along an axis as walkers are ordered, the background first.

        Examples
        --------
        >>> encoding = PhaseEncoding({0: "pore", 3: "clay", 7: "solid"}, background=3)
        >>> encoding.to_species(torch.tensor([10, 20, 30]))
        tensor([20, 10, 30])
        >>> encoding.from_species(torch.tensor([20, 10, 30]))
        tensor([10, 20, 30])
        """
        return by_label.index_select(axis, torch.tensor(self._order, device=by_label.device))

    def from_species(self, by_species: Tensor, axis: int = -1) -> Tensor:
        """Reorder the phases along an axis, background first, as the labels are ordered."""
        order = torch.tensor(self._order, device=by_species.device).argsort()
        return by_species.index_select(axis, order)

    def walkers(self, counts: Tensor) -> Tensor:
        """Return the walkers of every species (..., species) for counts (..., phases)."""
        return self.to_species(counts)[..., 1:]

    def encode(self, labels: np.ndarray) -> Tensor:
        """Return occupation numbers (batch, species, *space), float32, of labels (batch, *space).

        Raises
        ------
        InputError
            If a label is not one of the phases.
        """
        unknown = sorted(set(label_counts(labels)) - set(self.phases))
        if unknown:
            raise InputError(
                f"labels={unknown}: the phases known here are {dict(self.phases)}; "
                "relabel the data or name the label among the phases"
            )
        stacked = np.stack([labels == label for label in self.species], axis=1)
        return torch.from_numpy(stacked).float()

    def numbered(self, labels: np.ndarray) -> Tensor:
        """Return every voxel's phase as samplers count: 0 is the background, c + 1 species c."""
        places = [labels == label for label in self.species]
        return torch.from_numpy(np.select(places, range(1, len(self.phases)), 0))

    def decode(self, phase: Tensor) -> np.ndarray:
        """Return the labels of assigned phases (0 is the background, c + 1 species c)."""
        order = np.array(
            [self.background, *self.species], dtype=np.min_scalar_type(max(self.phases))
        )
        labels: np.ndarray = order[phase.cpu().numpy()]
        return labels

    def array(
        self,
        labels: np.ndarray,
        voxel_size: VoxelSize | None,
        classes: Sequence[str],
        provenance: Mapping[str, Any],
    ) -> xr.DataArray:
        """Return labels (sample, *space) in the array contract."""
        ms = as_microstructure(
            xr.DataArray(labels, dims=("sample", *SPATIAL_DIMS[1 - labels.ndim :])),
            phases=self.phases,
            voxel_size=voxel_size,
            provenance=provenance,
        )
        return ms.assign_coords({"class": ("sample", list(classes))}) if classes else ms

    def counted(self, samples: xr.DataArray) -> np.ndarray:
        """Count the voxels of every phase of samples in the array contract, (sample, phase)."""
        counts: np.ndarray = phase_counts(samples).values
        return counts
