"""Covariances on a torus that are prescribed at short lags."""

from __future__ import annotations

import numpy as np
import scipy.fft
from numpy.typing import NDArray

Array = NDArray[np.float64]

_ITERATIONS = 100
_NEGLIGIBLE = 1e-4


def nearest_spectrum(correlation: Array, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Find a non-negative spectrum on a torus with the given correlation at short lags.

    Parameters
    ----------
    correlation : ndarray, shape (2 reach + 1, ...)
        Lag zero, where it is 1, in the middle.
    shape : tuple of int
        Shape of the torus, at least ``2 reach`` per axis.

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
    for _ in range(_ITERATIONS):
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
