"""Grey levels and colours to occupation numbers and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from microdsd.errors import InputError


@dataclass(frozen=True)
class IntensityEncoding:
    """Every unit of intensity is a walker, every channel a species; there is no background.

    Parameters
    ----------
    channels : tuple of str
        Names, in the order of the channel axis.
    levels : int
        Number of grey levels: intensities are 0 to ``levels - 1``.

    Examples
    --------
    >>> encoding = IntensityEncoding(("grey",), levels=17)
    >>> encoding.encode(np.array([[[[0, 16, 3]]]])).tolist()
    [[[[0.0, 16.0, 3.0]]]]
    >>> encoding.decode(torch.tensor([[[[0.0, 16.0, 3.0]]]])).tolist()
    [[[[0, 16, 3]]]]
    """

    channels: tuple[str, ...]
    levels: int

    def __post_init__(self) -> None:
        if not self.channels or len(set(self.channels)) < len(self.channels):
            raise InputError(f"channels={self.channels}: give every channel a name of its own")
        if self.levels < 2:
            raise InputError(f"levels={self.levels}: an image needs at least two")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the channels."""
        return self.channels

    @property
    def species(self) -> tuple[int, ...]:
        """Numbers of the channels."""
        return tuple(range(len(self.channels)))

    @property
    def top(self) -> int:
        """Largest intensity."""
        return self.levels - 1

    def counts(self, intensity: Mapping[str, float], n_sites: int) -> list[int]:
        """Total intensity of every channel, see `counts_from_intensity`."""
        totals = counts_from_intensity(intensity, self.channels, self.levels, n_sites)
        return list(totals.values())

    def walkers(self, counts: Tensor) -> Tensor:
        """Walkers of every species: every unit of intensity is one."""
        return counts

    def encode(self, intensity: np.ndarray) -> Tensor:
        """Occupation numbers (batch, channels, *space), float32, of intensities of that shape.

        Raises
        ------
        InputError
            For a wrong number of channels, or an intensity that is not one of the levels.
        """
        if intensity.shape[1] != len(self.channels):
            raise InputError(
                f"intensity: has {intensity.shape[1]} channels, expected {self.channels}"
            )
        low, high = int(intensity.min()), int(intensity.max())
        if low < 0 or high > self.top:
            raise InputError(
                f"intensity: runs from {low} to {high}, and {self.levels} levels are "
                f"0 to {self.top}; quantise the images first"
            )
        return torch.from_numpy(np.ascontiguousarray(intensity)).float()

    def decode(self, occupation: Tensor) -> np.ndarray:
        """Intensities of occupation numbers, unsigned.

        Walkers are free to meet, so a voxel may hold more than the largest intensity; it keeps
        them, as the total would not be exact otherwise.
        """
        counts = occupation.cpu().numpy()
        highest = max(self.top, int(counts.max(initial=0)))
        intensity: np.ndarray = counts.astype(np.min_scalar_type(highest))
        return intensity


def counts_from_intensity(
    intensity: Mapping[str, float], channels: Sequence[str], levels: int, n_sites: int
) -> dict[str, int]:
    """Total intensity of every channel for the requested mean per voxel.

    Parameters
    ----------
    intensity : dict of str to float
        Mean intensity of every channel, in levels.
    channels : sequence of str
    levels : int
        Number of grey levels.
    n_sites : int
        Voxels of the box.

    Returns
    -------
    dict of str to int
        Nearest whole number of units.

    Raises
    ------
    InputError
        For a channel that is unknown or left out, or a mean that is not from 0 to the
        largest intensity.

    Examples
    --------
    >>> counts_from_intensity({"grey": 4.88}, ("grey",), 17, 64)
    {'grey': 312}
    """
    unknown = sorted(set(intensity) - set(channels))
    if unknown:
        raise InputError(f"intensity: there is no channel {unknown[0]!r}, only {list(channels)}")
    missing = [name for name in channels if name not in intensity]
    if missing:
        raise InputError(f"intensity: give the mean of every channel; {', '.join(missing)} lacks")
    for name, mean in intensity.items():
        if not 0 <= mean <= levels - 1:  # false for nan, too
            raise InputError(f"intensity[{name!r}]={mean}: give a mean from 0 to {levels - 1}")
    return {name: round(intensity[name] * n_sites) for name in channels}
