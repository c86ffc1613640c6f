"""Requests to a baseline, checked before any work, and the form of its samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

import microdsd
from microdsd.baselines.material import KnownMaterial
from microdsd.errors import InputError
from microdsd.microstructure import as_microstructure
from microdsd.microstructure.arguments import box_shape, by_phase, whole_number
from microdsd.microstructure.axes import SPATIAL_DIMS
from microdsd.microstructure.composition import (
    Fractions,
    counts_from_fractions,
    fractions_per_sample,
)
from microdsd.microstructure.seeds import resolve_seed

_MIN_LENGTH = 4


@dataclass(frozen=True)
class BaselineRequest:
    """Hold the requested samples with the exact counts of their composition.

    Attributes
    ----------
    material : KnownMaterial
    shape : tuple of int
    fractions : dict of str to tuple of float
        The request: by phase name, one entry per sample.
    counts : ndarray of int64, shape (samples, phases)
        In ascending order of the labels.
    seed : int
        Sample i depends on (seed, i) alone.
    """

    material: KnownMaterial
    shape: tuple[int, ...]
    fractions: Mapping[str, tuple[float, ...]]
    counts: NDArray[np.int64]
    seed: int

    def __len__(self) -> int:
        return len(self.counts)

    @classmethod
    def resolve(
        cls,
        material: KnownMaterial,
        n: int,
        *,
        phase_fraction: Fractions | float | Sequence[float] | None,
        shape: int | Sequence[int] | None,
        rng: int | np.random.Generator | None,
    ) -> BaselineRequest:
        """Check a request.

        Raises
        ------
        InputError
            For a request that cannot be met; says what can.
        """
        if whole_number(n, "n", least=0) < 1:
            raise InputError(f"n={n}: ask for at least one sample")
        if shape is not None and np.size(shape) == 3 > len(material.shape):
            raise InputError(
                f"shape={shape}: the reference windows are 2D; give 2 numbers, or make volumes "
                "with from_planes"
            )
        edges = box_shape(shape, material.shape, owner="the samples are")
        if min(edges) < _MIN_LENGTH:
            raise InputError(f"shape={edges}: every axis needs at least {_MIN_LENGTH} voxels")
        phases = dict(material.phases)
        wanted: Fractions
        if phase_fraction is not None:
            wanted = by_phase(phase_fraction, phases)
        else:
            wanted = dict(zip(phases, material.fractions, strict=True))
        fractions = fractions_per_sample(wanted, phases, n)
        rows = [
            counts_from_fractions(
                {name: column[i] for name, column in fractions.items()},
                phases,
                int(np.prod(edges)),
            )
            for i in range(n)
        ]
        counts = np.array([[row[label] for label in phases] for row in rows], dtype=np.int64)
        return cls(material, edges, fractions, counts, resolve_seed(rng))

    def dress(self, method: str, phase: Sequence[NDArray[np.int8]], **record: Any) -> xr.DataArray:
        """Convert samples (positions among the phases) to the array contract."""
        material = self.material
        labels = np.array(list(material.phases), dtype=np.min_scalar_type(max(material.phases)))[
            np.stack(phase)
        ]
        return as_microstructure(
            xr.DataArray(labels, dims=("sample", *SPATIAL_DIMS[1 - labels.ndim :])),
            phases=material.phases,
            voxel_size=material.voxel_size,
            provenance={
                "generator": f"microdsd {microdsd.__version__}",
                "method": method,
                "samples": len(self),
                "shape": list(self.shape),
                "seed": self.seed,
                "requested_fractions": {k: list(v) for k, v in self.fractions.items()},
                "requested_counts": {
                    name: self.counts[:, k].tolist()
                    for k, name in enumerate(material.phases.values())
                },
                **record,
                "reference": material.record,
            },
        )
