"""Pairs of generated samples and real windows with the same phase fractions."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.optimize

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Numbers = NDArray[np.float64]

LARGEST_SHIFT = 0.25
"""Mean difference of a fraction within pairs, over its deviation between real windows, that is
always tolerated: a trend with the fraction is taken out of the descriptors."""
STANDARD_ERRORS = 3.0
"""The same, over what it is between two random real sets."""


@dataclasses.dataclass(frozen=True)
class Pairs:
    """One real window for each generated sample, or one sample for each window if those are fewer.

    Attributes
    ----------
    generated, real : ndarray of int, shape (pairs,)
        Numbers of the samples and of the windows.
    shift : ndarray, shape (phases,)
        Mean over the pairs of the generated less the real fraction.
    deviation : ndarray, shape (phases,)
        Standard deviation of the fractions of all real windows.
    """

    generated: NDArray[np.intp]
    real: NDArray[np.intp]
    shift: Numbers
    deviation: Numbers

    def __len__(self) -> int:
        return len(self.real)

    @property
    def alike(self) -> bool:
        """Whether the fractions agree as well as those of two real sets do."""
        tolerated = max(LARGEST_SHIFT, STANDARD_ERRORS * np.sqrt(2 / len(self)))
        # What the fractions of real windows that do not vary are off by is rounding.
        return bool((np.abs(self.shift) <= np.maximum(tolerated * self.deviation, 1e-3)).all())


def match_fractions(generated: ArrayLike, real: ArrayLike) -> Pairs:
    """Pair samples and windows so that the squared differences of their fractions are least.

    Parameters
    ----------
    generated, real : array_like, shape (samples, phases) and (windows, phases)
        Phase fractions.

    Returns
    -------
    Pairs
        As many as the smaller of the two sets has members.

    Examples
    --------
    >>> pairs = match_fractions([[0.2, 0.8], [0.4, 0.6]], [[0.4, 0.6], [0.9, 0.1], [0.2, 0.8]])
    >>> pairs.generated.tolist(), pairs.real.tolist(), pairs.alike
    ([0, 1], [2, 0], True)
    """
    made, found = np.asarray(generated, dtype=float), np.asarray(real, dtype=float)
    cost = ((made[:, np.newaxis] - found) ** 2).sum(axis=-1)
    of_made, of_found = scipy.optimize.linear_sum_assignment(cost)
    return Pairs(
        of_made,
        of_found,
        (made[of_made] - found[of_found]).mean(axis=0),
        found.std(axis=0),
    )


def fraction_trend(fractions: ArrayLike, values: ArrayLike, at: ArrayLike) -> Numbers:
    """Part of some values that a parabola in the phase fractions explains.

    Parameters
    ----------
    fractions : array_like, shape (n, phases)
    values : array_like, shape (n, components)
        From which the trend is found by least squares.
    at : array_like, shape (k, phases)
        Fractions to evaluate it at.

    Returns
    -------
    ndarray, shape (k, components)

    Examples
    --------
    >>> phi = np.array([[0.1, 0.9], [0.2, 0.8], [0.3, 0.7], [0.4, 0.6]])
    >>> fraction_trend(phi, 3 * phi[:, :1] ** 2, [[0.5, 0.5]]).round(6).tolist()
    [[0.75]]
    """
    known, wanted = np.asarray(fractions, dtype=float), np.asarray(at, dtype=float)
    centre = known.mean(axis=0)
    design = _powers(known - centre)
    solution, *_ = np.linalg.lstsq(design, np.asarray(values, dtype=float), rcond=1e-9)
    trend: Numbers = _powers(wanted - centre) @ solution
    return trend


def _powers(offsets: Numbers) -> NDArray[Any]:
    """Columns 1, phi and phi^2 of every phase but the last, which the others determine."""
    free = offsets[:, :-1]
    return np.column_stack([np.ones(len(free)), free, free**2])
