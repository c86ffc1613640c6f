"""The power spectrum of a material: how much it varies on which length scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from microdsd.models.contents import CONFIG

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Spectrum:
    """Hold the power of a material's variations by wavenumber, as its windows have it.

    A species' indicator on a window, less its mean and divided by sqrt(phi (1 - phi)), has
    coefficients on the orthonormal modes of the window (cosines without flux, sines and cosines on
    a torus). Their covariance between species is the power; it is 1 for voxels without order, and
    at the smallest wavenumbers the integral range in voxels.

    Attributes
    ----------
    wavenumbers : tuple of tuple of float
        Per axis, ascending from 0, in radians per voxel.
    power : tuple of float
        Flattened, shape (species, species, *wavenumbers). At wavenumber 0 of all axes, where a
        window has none, it is that of the neighbouring ones.
    """

    __pydantic_config__: ClassVar = CONFIG

    wavenumbers: tuple[tuple[float, ...], ...]
    power: tuple[float, ...]

    @property
    def species(self) -> int:
        """Return the number of species."""
        return math.isqrt(len(self.power) // math.prod(map(len, self.wavenumbers)))

    @property
    def table(self) -> Array:
        """Return the power, shape (species, species, *wavenumbers)."""
        shape = self.species, self.species, *map(len, self.wavenumbers)
        return np.array(self.power).reshape(shape)

    def at(self, wavenumbers: Sequence[Array]) -> Array:
        """Interpolate the power on a grid of wavenumbers, one ascending array per axis.

        Beyond the largest wavenumber nothing changes any more.

        Returns
        -------
        ndarray, shape (species, species, *wavenumbers)

        Examples
        --------
        >>> spectrum = Spectrum(((0.0, 0.1, 0.3),), (9.0, 9.0, 5.0))
        >>> spectrum.at([np.array([0.05, 0.2, 1.0])]).ravel().tolist()
        [9.0, 7.0, 5.0]
        """
        power = self.table
        for axis, (known, asked) in enumerate(zip(self.wavenumbers, wavenumbers, strict=True)):
            power = np.moveaxis(power, 2 + axis, -1) @ _linear(np.array(known), asked)
            power = np.moveaxis(power, -1, 2 + axis)
        return power


def _linear(known: Array, asked: Array) -> Array:
    """Return the weights (known, asked) of linear interpolation."""
    weights = [np.interp(asked, known, unit) for unit in np.eye(len(known))]
    return np.stack(weights)
