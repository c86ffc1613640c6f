"""Permutation tests of the residuals of a trend with the fractions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Numbers = NDArray[np.float64]

SHUFFLES = 9_999
ROWS_AT_A_TIME = 1_000


class Shuffles:
    """Hold random exchanges of generated samples and real windows.

    Parameters
    ----------
    samples, windows : int
    weights : ndarray, shape (windows,)
        Weights of the windows in the mean that is expected at the fractions of the samples.
    rng : numpy Generator
    number : int

    Notes
    -----
    If samples follow the law of real windows, what a trend through both leaves of their values
    can be exchanged freely (Freedman and Lane's permutation of residuals [1]_). The difference of
    the two sides is a weighted sum of all values, and the weights are blind to any trend: a
    shuffle moves the weights. Every component is divided by its own standard error, computed anew
    in each shuffle, so that the two sides may vary differently [2]_.

    References
    ----------
    .. [1] Freedman and Lane, J. Bus. Econ. Stat. 1, 292 (1983).
    .. [2] Janssen, Stat. Probab. Lett. 36, 9 (1997), doi:10.1016/S0167-7152(97)00043-6.
    """

    def __init__(
        self,
        samples: int,
        windows: int,
        weights: Numbers,
        rng: np.random.Generator,
        *,
        number: int = SHUFFLES,
    ) -> None:
        self.order: NDArray[Any] = rng.permuted(
            np.tile(np.arange(samples + windows, dtype=np.int32), (number, 1)), axis=1
        )
        self._samples = samples
        self._mean = np.concatenate([np.full(samples, 1 / samples), np.zeros(windows)])
        self._difference = np.concatenate([np.full(samples, 1 / samples), -weights])
        within = np.full(samples, 1 / (samples * max(samples - 1, 1)))
        self._variance = np.concatenate([within, weights**2])

    def squares(self, residuals: Numbers) -> Numbers:
        """Return the mean squared difference, in standard errors, of every permutation.

        Parameters
        ----------
        residuals : ndarray, shape (samples + windows, components)

        Returns
        -------
        ndarray, shape (shuffles,)
        """
        squared, statistics = residuals**2, np.empty(len(self.order))
        for start in range(0, len(self.order), ROWS_AT_A_TIME):
            order = self.order[start : start + ROWS_AT_A_TIME]
            difference = self._difference[order] @ residuals
            mean = self._mean[order] @ residuals
            variance = self._variance[order] @ squared - mean**2 / max(self._samples - 1, 1)
            statistics[start : start + ROWS_AT_A_TIME] = mean_square(difference, variance)
        return statistics


def mean_square(difference: Numbers, variance: Numbers) -> Numbers:
    """Average the squared differences over their variances, over the components.

    A component without difference counts as nothing; one that differs and does not vary, as very
    much.

    Examples
    --------
    >>> float(mean_square(np.array([2.0, 0.0]), np.array([1.0, 0.0])))
    2.0
    """
    squared = difference**2
    known = np.maximum(variance, 1e-12 * squared)
    ratio = np.divide(squared, known, out=np.zeros_like(squared), where=squared > 0)
    mean: Numbers = ratio.mean(axis=-1)
    return mean


def p_value(statistic: float, shuffled: ArrayLike) -> float:
    """Return the share of all statistics, permuted or observed, that are at least as large.

    Examples
    --------
    >>> p_value(3.0, [1.0, 2.0, 4.0])
    0.5
    """
    values = np.asarray(shuffled)
    tolerance = 1e-9 * abs(statistic)
    return float((1 + (values >= statistic - tolerance).sum()) / (1 + len(values)))


def distances(features: ArrayLike) -> Numbers:
    """Return the Euclidean distances ``(n, n)`` between rows of features ``(n, components)``."""
    rows = np.asarray(features, dtype=float)
    squares = (rows**2).sum(axis=1)
    squared = squares[:, np.newaxis] + squares - 2 * rows @ rows.T
    np.fill_diagonal(squared, 0)
    euclidean: Numbers = np.sqrt(np.maximum(squared, 0))
    return euclidean


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values of a family of tests by Holm's step-down rule.

    Rejecting those at or below alpha rejects a true hypothesis, any at all, with a chance of at
    most alpha, however the tests depend on one another [1]_.

    References
    ----------
    .. [1] Holm, Scand. J. Stat. 6, 65 (1979).

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_values)
    steps = np.arange(len(order), 0, -1) * np.asarray(p_values, dtype=float)[order]
    adjusted: NDArray[Any] = np.empty(len(order))
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return [float(p) for p in adjusted]
