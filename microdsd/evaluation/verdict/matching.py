"""Pairs of generated samples and real windows with the closest phase fractions."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import scipy.optimize

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Numbers = NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Pairs:
    """Pair each generated sample with a real window, or each window with a sample if fewer.

    Attributes
    ----------
    generated, real : ndarray of int, shape (pairs,)
        Numbers of the samples and of the windows.
    """

    generated: NDArray[np.intp]
    real: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.real)


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
    >>> pairs.generated.tolist(), pairs.real.tolist()
    ([0, 1], [2, 0])
    """
    new, windows = np.asarray(generated, dtype=float), np.asarray(real, dtype=float)
    cost = ((new[:, np.newaxis] - windows) ** 2).sum(axis=-1)
    return Pairs(*scipy.optimize.linear_sum_assignment(cost))
