"""Numbers of samples and windows that would decide an undecided test."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import scipy.stats

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Numbers = NDArray[np.float64]

POWER = 0.8
"""Chance of an answer with as many samples and windows as are said to be needed."""
MOST = 1_000
"""Times as many; more is no advice."""


class Needed(NamedTuple):
    """Hold numbers of samples and windows, in their present proportion, that probably decide."""

    samples: int
    windows: int

    @classmethod
    def times(cls, factor: float, samples: int, windows: int) -> Needed | None:
        """Multiply both numbers, and add at least one to each; None where that is no advice.

        Examples
        --------
        >>> Needed.times(2.5, 10, 20)
        Needed(samples=25, windows=50)
        """
        if not factor < MOST:
            return None
        more = (max(int(np.ceil(factor * n)), n + 1) for n in (samples, windows))
        return cls(*more)


def factors_within(shift: ArrayLike, error: ArrayLike, margin: float, alpha: float) -> Numbers:
    """Return the factors of the numbers that would show differences to be within a margin.

    Parameters
    ----------
    shift, error : array_like
        The differences, taken to be as measured, and their standard errors.
    margin : float
    alpha : float
        Level of a one-sided test.

    Examples
    --------
    >>> round(float(factors_within(0.0, 0.05, 0.05, 0.05)), 1)
    6.2
    """
    room = np.maximum(margin - np.abs(np.asarray(shift)), 1e-12)
    return _factors(np.asarray(error) / room, alpha)


def factors_differs(shift: ArrayLike, error: ArrayLike, level: float) -> Numbers:
    """Return the factors of the numbers that would show differences to exist.

    Examples
    --------
    >>> round(float(factors_differs(0.1, 0.05, 0.05)), 1)
    2.0
    """
    size = np.maximum(np.abs(np.asarray(shift)), 1e-12)
    return _factors(np.asarray(error) / size, level / 2)


def _factors(errors: Numbers, level: float) -> Numbers:
    factors: Numbers = (np.sum(scipy.stats.norm.ppf([1 - level, POWER])) * errors) ** 2
    return factors
