"""A two-point probability that is known as a curve alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from microdsd.baselines.covariance import nearest_radial
from microdsd.baselines.material import KnownMaterial
from microdsd.errors import InputError
from microdsd.microstructure.voxels import VoxelSizeLike, as_voxel_size

Array = NDArray[np.float64]

TOLERANCE = 0.05
"""Distance of a curve from the nearest two-point probability, over its fall, that is taken for
measurement error."""
_SAME_FRACTION = 0.01
_DECAYED = 0.1
_NEGLIGIBLE = 0.02
_LONGEST_REACH = 64
_SHORTEST_REACH = 8
_MOST_LAGS = 3
"""Reach, in distances at which the correlation is negligible."""


@dataclass(frozen=True)
class TwoPointCurve:
    r"""Hold the correlation of a phase as a curve over the distance in voxels.

    Attributes
    ----------
    distance : ndarray
        In voxels, rising from 0.
    correlation : ndarray
        :math:`(S_2 - \phi^2) / (\phi - \phi^2)`.
    material : KnownMaterial
        Of two phases, the one of the curve first.
    """

    distance: Array
    correlation: Array
    material: KnownMaterial

    @classmethod
    def of(
        cls,
        distance: ArrayLike,
        s2: ArrayLike,
        *,
        fraction: float | None,
        phases: Mapping[int, str] | None,
        voxel_size: VoxelSizeLike | None,
        ndim: Literal[2, 3],
        tolerance: float = TOLERANCE,
    ) -> TwoPointCurve:
        """Check that a curve can be the two-point probability of an isotropic material.

        Parameters
        ----------
        distance, s2 : array_like
            Distances in voxels, from 0.
        fraction : float, optional
            Fraction of the phase, to be compared with S2 at distance 0.
        phases : mapping of int to str, optional
            Two, the one of the curve first.
        voxel_size : float or str, optional
            Of the samples.
        ndim : {2, 3}
        tolerance : float
            Largest distance from the nearest two-point probability, over the fall of the curve.

        Raises
        ------
        InputError
            If it cannot; says why, and how far the nearest one is.
        """
        names = dict(phases or {0: "phase 0", 1: "phase 1"})
        if len(names) != 2:
            raise InputError(f"phases={names}: a curve is that of one phase of two")
        size = as_voxel_size(voxel_size, ndim)
        if max(size.size) > min(size.size) * (1 + 1e-9):
            raise InputError(f"voxel_size={size.size}: a radial curve needs voxels of equal edges")
        r, values = np.asarray(distance, dtype=float), np.asarray(s2, dtype=float)
        _refuse_no_curve(r, values)
        phi = float(values[0])
        if fraction is not None and abs(fraction - phi) > _SAME_FRACTION * min(phi, 1 - phi):
            raise InputError(
                f"s2: S2(0) = {phi:.4g}, which is the fraction of the phase, and not the "
                f"{fraction:g} that was requested; correct one of them, or multiply the curve's "
                "correlation out for the other fraction"
            )
        lowest = max(0.0, 2 * phi - 1)
        beyond = (values > phi + 1e-9) | (values < lowest - 1e-9)
        if beyond.any():
            k = int(np.argmax(beyond))
            raise InputError(
                f"s2: S2({r[k]:g}) = {values[k]:.4g} is no probability for a phase of the fraction "
                f"{phi:.4g}; it lies between {lowest:.4g} and {phi:.4g} at every distance"
            )
        correlation = (values - phi**2) / (phi - phi**2)
        if abs(correlation[-1]) > _DECAYED:
            raise InputError(
                f"s2: at its last distance {r[-1]:g} the curve is still {correlation[-1]:.0%} of "
                "its fall above the square of the fraction; measure it to longer distances"
            )
        if r[-1] < _SHORTEST_REACH:
            raise InputError(
                f"s2: the curve ends at {r[-1]:.3g} voxels; it needs {_SHORTEST_REACH} at least"
            )
        known = (names, (phi, 1 - phi), size)
        curve = cls(r, correlation, KnownMaterial(*known, (1,) * ndim, {}))
        record = {
            "curve": {"distance": r.tolist(), "s2": values.tolist()},
            "off_nearest": curve._off_nearest(tolerance),
        }
        shape = (2 * curve.reach,) * ndim
        return cls(r, correlation, KnownMaterial(*known, shape, record))

    @property
    def ndim(self) -> int:
        """Return the number of axes of the samples."""
        return len(self.material.shape)

    @property
    def reach(self) -> int:
        """Return the longest lag that is prescribed, in voxels."""
        telling = np.flatnonzero(np.abs(self.correlation) > _NEGLIGIBLE)
        wanted = _MOST_LAGS * int(np.ceil(self.distance[telling[-1]]))
        longest = min(int(self.distance[-1]), _LONGEST_REACH)
        return min(max(wanted, _SHORTEST_REACH), longest)

    def at(self, length: ArrayLike) -> Array:
        """Return the correlation at distances in voxels; zero beyond the curve."""
        return np.asarray(np.interp(np.asarray(length), self.distance, self.correlation, right=0.0))

    def correlation_map(self) -> Array:
        """Return the correlation at all lags ``(2 reach + 1, ...)``, lag zero in the middle."""
        lags = np.arange(-self.reach, self.reach + 1.0)
        return self.at(np.sqrt(sum(lag**2 for lag in np.ix_(*[lags] * self.ndim))))

    def _off_nearest(self, tolerance: float) -> float:
        """Return the distance from the nearest covariance; refuse the curve if it is large."""
        r = self.distance[self.distance <= self.reach]
        wanted = self.at(r)
        ndim: Literal[2, 3] = 2 if self.ndim == 2 else 3
        achieved = nearest_radial(r, wanted, reach=self.reach, ndim=ndim).at(r)
        apart = np.abs(achieved - wanted)
        off = float(np.trapezoid(apart, r) / np.trapezoid(np.abs(wanted), r))
        if off > tolerance:
            phi = self.material.fractions[0]
            k = int(apart.argmax())
            raise InputError(
                f"s2: no isotropic {self.ndim}D material has this curve as its two-point "
                f"probability: its spectrum is negative. The nearest that one can have differs by "
                f"{off:.1%} of its fall, most at {r[k]:.3g} voxels, by "
                f"{apart[k] * (phi - phi**2):.3g}. Measure the curve on more material, or accept "
                "the nearest with "
                f"tolerance={1.05 * off:.2g}"
            )
        return off


def _refuse_no_curve(distance: Array, s2: Array) -> None:
    if distance.ndim != 1 or distance.shape != s2.shape or len(distance) < 3:
        raise InputError(
            f"s2: distances {distance.shape} and values {s2.shape}; give as many of each, at least "
            "three"
        )
    if not (np.isfinite(distance).all() and np.isfinite(s2).all()):
        raise InputError("s2: holds values that are no finite numbers; leave these out")
    if distance[0] != 0 or (np.diff(distance) <= 0).any():
        raise InputError(
            f"s2: distances must rise from 0, got {distance[:3].tolist()} ...; S2 at distance 0 is "
            "the fraction of the phase"
        )
    if not 0 < s2[0] < 1:
        raise InputError(f"s2: S2(0) = {s2[0]:g} is the fraction of the phase, between 0 and 1")
