"""Whether generated samples differ from one another as much as real windows do."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from microdsd.evaluation.verdict.permutation import sign_test
from microdsd.microstructure.schema import phases_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Numbers = NDArray[np.float64]

VOXELS_AT_A_TIME = 1 << 16


@dataclasses.dataclass(frozen=True)
class DiversityTest:
    """Mean distance between two samples of each side.

    Attributes
    ----------
    generated, real : float
    p_value : float
        Chance of a generated mean as low, by swapping the members of pairs. (Samples that vary
        more than real windows show in the other tests; windows of one scan are a little alike.)
    """

    generated: float
    real: float
    p_value: float

    @property
    def ratio(self) -> float:
        """Generated over real; 1 where real windows do not differ at all."""
        return self.generated / self.real if self.real > 0 else 1.0


def diversity_test(distance: ArrayLike, signs: Numbers) -> DiversityTest:
    """Compare the distances among generated samples with those among real windows.

    Parameters
    ----------
    distance : array_like, shape (2 pairs, 2 pairs)
        Between all samples: first the generated, then the real in the same order of pairs.
    signs : ndarray, shape (swaps, pairs)
        Of `random_swaps`.

    Notes
    -----
    For any division into two sides the sum within the one less the sum within the other is that
    of the distances of its members to *all* samples, less the same of the other's: a sum of
    differences within pairs.

    Examples
    --------
    >>> from microdsd.evaluation.verdict.permutation import distances, random_swaps
    >>> rng = np.random.default_rng(0)
    >>> sides = rng.normal(size=(2, 20, 3)) * [[[0.1]], [[1]]]
    >>> found = diversity_test(distances(sides.reshape(40, 3)), random_swaps(20, rng))
    >>> round(found.ratio, 1), found.p_value < 0.01
    (0.1, True)
    """
    matrix = np.asarray(distance, dtype=float)
    pairs = len(matrix) // 2
    to_all = matrix.sum(axis=1)
    p_value = sign_test(to_all[pairs:] - to_all[:pairs], signs)
    number = max(pairs * (pairs - 1), 1)
    generated = matrix[:pairs, :pairs].sum() / number
    real = matrix[pairs:, pairs:].sum() / number
    return DiversityTest(float(generated), float(real), p_value)


def unlike_voxels(ms: xr.DataArray) -> Numbers:
    """Share of unlike voxels ``(n, n)`` of two samples, over that of unrelated ones.

    About 1 for samples that have nothing to do with one another, 0 for equal ones.

    Examples
    --------
    >>> from microdsd.microstructure import as_microstructure
    >>> pair = as_microstructure(np.array([[[0, 0, 1, 1]] * 2, [[0, 1, 0, 1]] * 2]), ensemble=True)
    >>> unlike_voxels(pair).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    labels = ms.values.reshape(len(ms), -1)
    phases = list(phases_of(ms))
    fractions = np.stack([(labels == phase).mean(axis=1) for phase in phases], axis=1)
    like = np.zeros((len(labels), len(labels)))
    for start in range(0, labels.shape[1], VOXELS_AT_A_TIME):
        part = labels[:, start : start + VOXELS_AT_A_TIME]
        for phase in phases:
            indicator = (part == phase).astype(np.float32)
            like += indicator @ indicator.T
    by_chance = 1 - fractions @ fractions.T
    share = 1 - like / labels.shape[1]
    found: Numbers = share / np.where(by_chance > 0, by_chance, 1)
    np.fill_diagonal(found, 0)
    return found
