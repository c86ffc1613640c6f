"""Covariances on a torus that are prescribed at short lags."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy.fft
import scipy.optimize
import scipy.special
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

_ITERATIONS = 100
_NEGLIGIBLE = 1e-4
_TAPER = 0.4
"""Of the reach: lag over which the waves of a radial covariance decay."""
_LAG_ZERO = 100.0
"""Weight of lag zero, where the covariance is 1."""


def nearest_spectrum(
    correlation: Array, shape: tuple[int, ...], *, iterations: int = _ITERATIONS
) -> tuple[Array, Array]:
    """Find a non-negative spectrum on a torus with the given correlation at short lags.

    Parameters
    ----------
    correlation : ndarray, shape (2 reach + 1, ...)
        Lag zero, where it is 1, in the middle.
    shape : tuple of int
        Shape of the torus, at least ``2 reach`` per axis.
    iterations : int
        At most; one is enough for what is a covariance already, and only ends at the reach.

    Returns
    -------
    spectrum : ndarray
        Half spectrum, as of `rfftn`; the inverse transform has the value 1 at lag zero.
    achieved : ndarray, shape as `correlation`
        The correlation that this spectrum has.

    Notes
    -----
    What is measured on few windows is seldom the correlation of any field: its spectrum has
    negative parts. Steps alternate between the nearest non-negative spectrum and a pull towards
    the prescribed values, by a weight that falls with the lag as a Gaussian of a quarter of the
    reach, and is zero beyond: long lags rest on few pairs and give way to short ones.
    """
    reach = correlation.shape[0] // 2
    lags = np.arange(-reach, reach + 1)
    prescribed = np.ix_(*(lags % n for n in shape))
    squared = sum(lag.astype(np.float64) ** 2 for lag in np.ix_(*[lags] * len(shape)))
    weight = np.exp(-0.5 * squared / (reach / 4) ** 2)
    torus = np.zeros(shape)
    torus[prescribed] = correlation
    for _ in range(iterations):
        spectrum = scipy.fft.rfftn(torus).real
        positive = np.maximum(spectrum, 0)
        torus = scipy.fft.irfftn(positive, shape)
        if (positive - spectrum).sum() < _NEGLIGIBLE * positive.sum():
            break
        torus[prescribed] += weight * (correlation - torus[prescribed])
    positive = np.maximum(scipy.fft.rfftn(torus).real, 0)
    torus = scipy.fft.irfftn(positive, shape)
    scale = torus.flat[0]
    return positive / scale, torus[prescribed] / scale


def nearest_radial(
    length: ArrayLike, correlation: ArrayLike, *, reach: int, ndim: Literal[2, 3]
) -> RadialCovariance:
    """Fit a covariance of isotropic fields to a correlation that is known along distances.

    Parameters
    ----------
    length, correlation : array_like
        Distances in voxels, rising from 0, and the correlation there.
    reach : int
        Longest lag.
    ndim : {2, 3}
        Of the fields.

    Notes
    -----
    By Bochner's theorem a radial covariance is a sum of waves that are averaged over all
    directions, sin(kr)/kr in 3D and J0(kr) in 2D, with weights nowhere negative: here those of
    the least squares. Waves are damped by a Gaussian of 0.4 reaches, itself a covariance, so that
    the spectrum has no detail which the measured lags could not show.

    Examples
    --------
    >>> r = np.arange(0, 21, 0.5)
    >>> fitted = nearest_radial(r, np.exp(-r**2 / 8), reach=20, ndim=3)
    >>> fitted.at([0, 2]).round(2).tolist()
    [1.0, 0.61]
    """
    distances, values = np.asarray(length, dtype=float), np.asarray(correlation, dtype=float)
    inside = distances <= reach
    highest = np.sqrt(ndim) * np.pi / min(1.0, float(np.diff(distances[:2])[0]))
    spacing = 1 / (2 * _TAPER * reach)
    waves = RadialCovariance(np.arange(0, highest, spacing), np.empty(0), reach, ndim)
    weight = np.exp(-0.5 * (distances[inside] / (_TAPER * reach)) ** 2)
    weight[distances[inside] == 0] = _LAG_ZERO
    shares, _ = scipy.optimize.nnls(
        weight[:, np.newaxis] * waves.basis(distances[inside]), weight * values[inside]
    )
    return RadialCovariance(waves.wave_number, shares / shares.sum(), reach, ndim)


def nearest_radial_map(correlation: Array) -> Array:
    """Return the covariance of isotropic fields that is nearest to a map, on the same lags.

    Parameters
    ----------
    correlation : ndarray, shape (2 reach + 1, ...)
        Lag zero, where it is 1, in the middle; it depends on the distance alone.
    """
    reach, ndim = correlation.shape[0] // 2, correlation.ndim
    lags = np.arange(-reach, reach + 1)
    squared = sum(lag**2 for lag in np.ix_(*[lags] * ndim))
    known, place = np.unique(squared, return_inverse=True)
    curve = np.bincount(place.ravel(), correlation.ravel()) / np.bincount(place.ravel())
    fitted = nearest_radial(np.sqrt(known), curve, reach=reach, ndim=2 if ndim == 2 else 3)
    return fitted.at(np.sqrt(squared))


@dataclass(frozen=True)
class RadialCovariance:
    """Hold a covariance of isotropic fields as a sum of damped waves.

    Attributes
    ----------
    wave_number, shares : ndarray
    reach : int
    ndim : {2, 3}
    """

    wave_number: Array
    shares: Array
    reach: int
    ndim: Literal[2, 3]

    def at(self, length: ArrayLike) -> Array:
        """Return the covariance at distances in voxels; it is 1 at 0."""
        distances, place = np.unique(np.asarray(length, dtype=float), return_inverse=True)
        curve = self.basis(distances) @ self.shares
        return np.asarray(curve[place].reshape(np.shape(length)))

    def basis(self, length: Array) -> Array:
        """Return the damped waves ``(distances, waves)``."""
        phase = length[:, np.newaxis] * self.wave_number
        wave = scipy.special.j0(phase) if self.ndim == 2 else np.sinc(phase / np.pi)
        damping = np.exp(-0.5 * (length / (_TAPER * self.reach)) ** 2)
        return np.asarray(damping[:, np.newaxis] * wave)
