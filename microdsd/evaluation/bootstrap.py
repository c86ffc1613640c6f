"""Confidence bands of whole curves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Numbers = NDArray[np.float64]

RESAMPLES = 1_000


def simultaneous_band(
    curve: ArrayLike,
    contributions: ArrayLike,
    *,
    level: float = 0.95,
    resamples: int = RESAMPLES,
    rng: int | np.random.Generator | None = 0,
) -> tuple[Numbers, Numbers]:
    """Compute a simultaneous bootstrap band of an estimated curve.

    Parameters
    ----------
    curve : array_like, shape (points,)
        The estimate.
    contributions : array_like, shape (samples, points)
        What each independent sample contributes to the deviation of the estimate from the truth:
        for a mean of n samples, their deviations from it over n.
    level : float
        Chance that the whole true curve lies inside, range (0, 1).
    resamples : int
    rng : None, int or numpy Generator

    Returns
    -------
    low, high : ndarray, shape (points,)

    Notes
    -----
    The curve plus and minus c standard errors, c the `level` quantile over the resamples of the
    largest deviation in standard errors (sup-t band [1]_). A resample multiplies every
    contribution by a standard normal number.

    References
    ----------
    .. [1] Montiel Olea and Plagborg-Moller, J. Appl. Econom. 34, 1 (2019), doi:10.1002/jae.2656.

    Examples
    --------
    >>> curves = np.random.default_rng(0).normal(size=(50, 4))
    >>> mean = curves.mean(axis=0)
    >>> low, high = simultaneous_band(mean, (curves - mean) / 50, rng=1)
    >>> bool((low < 0).all() and (high > 0).all())
    True
    """
    centre, shares = np.asarray(curve, dtype=float), np.asarray(contributions, dtype=float)
    error = np.sqrt((shares**2).sum(axis=0))
    generator = np.random.default_rng(rng)
    deviations = generator.normal(size=(resamples, len(shares))) @ shares
    scaled = np.abs(deviations) / np.where(error > 0, error, np.inf)
    width = np.quantile(scaled.max(axis=1), level) * error
    return centre - width, centre + width
