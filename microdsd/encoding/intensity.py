"""Grey levels and colours to occupation numbers and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from microdsd.errors import InputError
from microdsd.microstructure import VoxelSize, as_images, intensity_totals
from microdsd.microstructure.composition import Fractions
from microdsd.microstructure.uncertain import RequestedFractions
from microdsd.models.contents import Channels


@dataclass(frozen=True)
class IntensityEncoding(Channels):
    """Define channels, and how their intensities become walkers and back.

    Examples
    --------
    >>> encoding = IntensityEncoding(("grey",), levels=17)
    >>> encoding.encode(np.array([[[[0, 16, 3]]]])).tolist()
    [[[[0.0, 16.0, 3.0]]]]
    >>> encoding.decode(torch.tensor([[[[0.0, 16.0, 3.0]]]])).tolist()
    [[[[0, 16, 3]]]]
    """

    def requested(
        self,
        phase_fraction: RequestedFractions | float | Sequence[float] | None,
        intensity: Fractions | float | None,
    ) -> Fractions | None:
        """Return the mean intensities that are asked for, by channel.

        Raises
        ------
        InputError
            If fractions of phases are asked for, or one number for several channels.
        """
        names = ", ".join(self.names)
        if phase_fraction is not None:
            raise InputError(
                f"phase_fraction={phase_fraction}: the model makes images; give intensity, the "
                f"mean of {names} from 0 to {self.top}"
            )
        if intensity is None or isinstance(intensity, Mapping):
            return intensity
        if len(self.names) > 1:
            raise InputError(f"intensity={intensity!r}: give a mapping of {names} to the mean")
        return dict.fromkeys(self.names, intensity)

    def counts(self, intensity: Mapping[str, float], n_sites: int) -> list[int]:
        """Return the total intensity of every channel, in whole units, for a mean per voxel.

        Raises
        ------
        InputError
            For a channel that is unknown or left out, or a mean that is not from 0 to the
            largest intensity.

        Examples
        --------
        >>> IntensityEncoding(("grey",), levels=17).counts({"grey": 4.88}, 64)
        [312]
        """
        unknown = sorted(set(intensity) - set(self.names))
        if unknown:
            raise InputError(
                f"intensity: there is no channel {unknown[0]!r}, only {list(self.names)}"
            )
        missing = ", ".join(name for name in self.names if name not in intensity)
        if missing:
            raise InputError(f"intensity: give the mean of every channel; {missing} lacks")
        for name, mean in intensity.items():
            if not 0 <= mean <= self.top:  # false for nan, too
                raise InputError(f"intensity[{name!r}]={mean}: give a mean from 0 to {self.top}")
        return [round(intensity[name] * n_sites) for name in self.names]

    def walkers(self, counts: Tensor) -> Tensor:
        """Return the walkers of every species: every unit of intensity is one."""
        return counts

    def encode(self, intensity: np.ndarray) -> Tensor:
        """Return intensities as occupation numbers (batch, channels, *space), float32.

        Raises
        ------
        InputError
            For a wrong number of channels, or an intensity that is not one of the levels.
        """
        if intensity.shape[1] != len(self.names):
            raise InputError(f"intensity: has {intensity.shape[1]} channels, expected {self.names}")
        low, high = int(intensity.min()), int(intensity.max())
        if low < 0 or high > self.top:
            raise InputError(
                f"intensity: runs from {low} to {high}, and {self.levels} levels are "
                f"0 to {self.top}; quantise the images first"
            )
        return torch.from_numpy(np.ascontiguousarray(intensity)).float()

    def decode(self, occupation: Tensor) -> np.ndarray:
        """Return the intensities of occupation numbers, unsigned.

        Walkers are free to meet, so a voxel may hold more than the largest intensity; it keeps
        them, as the total would not be exact otherwise.
        """
        counts = occupation.cpu().numpy()
        highest = max(self.top, int(counts.max(initial=0)))
        intensity: np.ndarray = counts.astype(np.min_scalar_type(highest))
        return intensity

    def array(
        self,
        intensity: np.ndarray,
        voxel_size: VoxelSize | None,
        classes: Sequence[str],
        provenance: Mapping[str, Any],
    ) -> xr.DataArray:
        """Return intensities (sample, channel, y, x) in the array contract.

        The axis of the channels is left out where there is one channel.
        """
        single = len(self.names) == 1
        return as_images(
            intensity[:, 0] if single else intensity,
            grey_levels=self.levels,
            channels=None if single else self.names,
            classes=classes or None,
            voxel_size=voxel_size,
            provenance=provenance,
        )

    def counted(self, samples: xr.DataArray) -> np.ndarray:
        """Sum the intensities of images in the array contract, shape (sample, channel)."""
        totals: np.ndarray = intensity_totals(samples).values
        return totals
