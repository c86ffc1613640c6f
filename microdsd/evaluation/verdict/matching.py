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
"""Mean difference of a fraction within pairs, in its deviations between real windows, that a
trend with the fraction is trusted to make good."""
STANDARD_ERRORS = 3.0
"""Difference of the means of all samples and all windows, in its standard errors, that leaves
them two sets of one distribution, whatever the pairs."""


@dataclasses.dataclass(frozen=True)
class Pairs:
    """One real window for each generated sample, or one sample for each window if those are fewer.

    Attributes
    ----------
    generated, real : ndarray of int, shape (pairs,)
        Numbers of the samples and of the windows.
    shift : ndarray, shape (phases,)
        Mean over the pairs of the generated less the real fraction.
    whole_shift : ndarray, shape (phases,)
        The same of all samples and all windows, in standard errors.
    deviation : ndarray, shape (phases,)
        Standard deviation of the fractions of all real windows.
    """

    generated: NDArray[np.intp]
    real: NDArray[np.intp]
    shift: Numbers
    whole_shift: Numbers
    deviation: Numbers

    def __len__(self) -> int:
        return len(self.real)

    @property
    def alike(self) -> bool:
        """Whether the fractions agree, in the pairs or as two real sets do."""
        # What the fractions of real windows that do not vary are off by is rounding.
        in_pairs = np.abs(self.shift) <= np.maximum(LARGEST_SHIFT * self.deviation, 1e-3)
        return bool((in_pairs | (np.abs(self.whole_shift) <= STANDARD_ERRORS)).all())


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
    deviation = found.std(axis=0)
    error = deviation * np.sqrt(1 / len(made) + 1 / len(found))
    whole = made.mean(axis=0) - found.mean(axis=0)
    return Pairs(
        of_made,
        of_found,
        (made[of_made] - found[of_found]).mean(axis=0),
        np.divide(whole, error, out=np.full_like(whole, np.inf), where=error > 0),
        deviation,
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
