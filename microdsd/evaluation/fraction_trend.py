"""Trend of the values of real windows with their phase fractions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Numbers = NDArray[np.float64]

REACH = 0.5
"""Standard deviations of the windows' fractions by which others may lie outside their range."""
WINDOWS_PER_COEFFICIENT = 4
"""Windows that each coefficient of the trend needs; with fewer the trend is of lower degree."""


class FractionTrend:
    """Fit the least-squares trend of the values of some windows with their phase fractions.

    A parabola in every fraction but the last, which the others determine; a straight line or a
    mean where there are too few windows. It is linear in the values: a value expected at given
    fractions is a weighted sum of the values of the windows, and its error follows from the
    weights.

    Parameters
    ----------
    fractions : array_like, shape (windows, phases)

    Attributes
    ----------
    leverage : ndarray, shape (windows,)
        Weight of each window in the value expected at its own fractions, range [0, 1).
    own_weights : ndarray, shape (windows, windows)
        `weights` at the windows' own fractions.
    coefficients : int
        Number of coefficients that the windows determine.

    Examples
    --------
    >>> phi = np.linspace(0.1, 0.4, 12)
    >>> trend = FractionTrend(np.stack([phi, 1 - phi], axis=1))
    >>> (trend.weights([[0.5, 0.5]]) @ (3 * phi**2)).round(6).tolist()
    [0.75]
    """

    def __init__(self, fractions: ArrayLike) -> None:
        phi = np.asarray(fractions, dtype=float)
        windows, free = len(phi), phi.shape[1] - 1
        self._centre = phi.mean(axis=0)
        deviation = phi.std(axis=0)
        # What fractions that do not vary are off by is rounding.
        reach = np.maximum(REACH * deviation, 1e-3)
        self._low, self._high = phi.min(axis=0) - reach, phi.max(axis=0) + reach
        # Fractions that do not vary but for rounding carry no trend.
        self._deviation = np.where(deviation > 1e-9, deviation, np.inf)
        self._degree = next(
            degree
            for degree in (2, 1, 0)
            if degree == 0 or windows >= WINDOWS_PER_COEFFICIENT * (1 + degree * free)
        )
        design = self._powers(phi)
        self._solution = np.linalg.pinv(design, rcond=1e-9)
        self.coefficients = int(np.linalg.matrix_rank(design, tol=1e-9 * np.sqrt(windows)))
        own: Numbers = np.einsum("ij,ji->i", design, self._solution)
        self.leverage: Numbers = np.clip(own, 0.0, 1.0 - 1e-6)
        self.own_weights: Numbers = self.weights(phi)

    def reaches(self, fractions: ArrayLike) -> NDArray[np.bool_]:
        """Tell whether fractions ``(n, phases)`` lie in or near the range of the windows.

        Examples
        --------
        >>> FractionTrend([[0.1, 0.9], [0.3, 0.7]]).reaches([[0.2, 0.8], [0.9, 0.1]]).tolist()
        [True, False]
        """
        phi = np.asarray(fractions, dtype=float)
        inside: NDArray[np.bool_] = ((phi >= self._low) & (phi <= self._high)).all(axis=1)
        return inside

    def weights(self, fractions: ArrayLike) -> Numbers:
        """Return the weights ``(n, windows)`` of the windows in the values at some fractions."""
        weights: Numbers = self._powers(np.asarray(fractions, dtype=float)) @ self._solution
        return weights

    def residuals(self, values: ArrayLike) -> Numbers:
        """Return the deviations ``(windows, ...)`` of the values of the windows from the trend.

        Each is divided by ``sqrt(1 - leverage)``, so that it varies as much as the deviation of
        a window that was not fitted.
        """
        numbers = np.asarray(values, dtype=float)
        flat = numbers.reshape(len(numbers), -1)
        left = (flat - self.own_weights @ flat) / np.sqrt(1 - self.leverage)[:, np.newaxis]
        residuals: Numbers = left.reshape(numbers.shape)
        return residuals

    def _powers(self, phi: Numbers) -> Numbers:
        free = ((phi - self._centre) / self._deviation)[:, :-1]
        powers: Numbers = np.column_stack(
            [np.ones(len(free)), *(free**k for k in range(1, self._degree + 1))]
        )
        return powers
