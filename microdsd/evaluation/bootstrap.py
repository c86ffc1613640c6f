"""Bands that hold the mean of an ensemble of curves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Numbers = NDArray[np.float64]

RESAMPLES = 1_000


def mean_band(
    curves: ArrayLike,
    *,
    level: float = 0.95,
    resamples: int = RESAMPLES,
    rng: int | np.random.Generator | None = None,
) -> tuple[Numbers, Numbers]:
    """Simultaneous bootstrap band of a mean curve.

    Parameters
    ----------
    curves : array_like, shape (samples, points)
    level : float
        Chance that the whole true curve lies inside, range (0, 1).
    resamples : int
        Bootstrap ensembles, drawn with replacement.
    rng : None, int or numpy Generator

    Returns
    -------
    low, high : ndarray, shape (points,)

    Notes
    -----
    The mean plus and minus c standard errors, c the `level` quantile over the resamples of the
    largest deviation of their mean from the mean, in standard errors (sup-t band [1]_).

    References
    ----------
    .. [1] Montiel Olea and Plagborg-Moller, J. Appl. Econom. 34, 1 (2019), doi:10.1002/jae.2656.

    Examples
    --------
    >>> low, high = mean_band(np.random.default_rng(0).normal(size=(50, 4)), rng=1)
    >>> bool((low < 0).all() and (high > 0).all())
    True
    """
    values = np.asarray(curves, dtype=float)
    n = len(values)
    mean = values.mean(axis=0)
    generator = np.random.default_rng(rng)
    weights = generator.multinomial(n, np.full(n, 1 / n), size=resamples) / n
    deviations = weights @ values - mean
    error = deviations.std(axis=0)
    scaled = np.abs(deviations) / np.where(error > 0, error, np.inf)
    width = np.quantile(scaled.max(axis=1), level) * error
    return mean - width, mean + width
