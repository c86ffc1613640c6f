"""Diversity of generated samples, compared with that of real windows."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import scipy.stats
import xarray as xr

from microdsd.microstructure.schema import phases_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Numbers = NDArray[np.float64]

VOXELS_AT_A_TIME = 1 << 16


@dataclasses.dataclass(frozen=True)
class DiversityTest:
    """Hold the mean distance between two samples of each side.

    Attributes
    ----------
    generated, real : float
    standard_error : float
        Standard error of the ratio of the two.
    freedom : float
        Its degrees of freedom.
    """

    generated: float
    real: float
    standard_error: float
    freedom: float

    @property
    def ratio(self) -> float:
        """Return generated over real; 1 where real windows do not differ at all."""
        return self.generated / self.real if self.real > 0 else 1.0

    def p_value(self, *, lower: bool) -> float:
        """Return the probability of a ratio as far from 1, or if `lower` as far below it."""
        if self.standard_error == 0:
            return 1.0 if self.ratio == 1 or (lower and self.ratio > 1) else 0.0
        score = (self.ratio - 1) / self.standard_error
        if lower:
            return float(scipy.stats.t.cdf(score, self.freedom))
        return float(2 * scipy.stats.t.sf(abs(score), self.freedom))

    def interval(self, alpha: float) -> tuple[float, float]:
        """Return the interval of the ratio less 1 with the confidence 1 - 2 alpha."""
        width = float(scipy.stats.t.ppf(1 - alpha, self.freedom)) * self.standard_error
        return self.ratio - 1 - width, self.ratio - 1 + width


def diversity_test(distance: ArrayLike) -> DiversityTest:
    """Compare the distances among generated samples with those among real windows.

    Parameters
    ----------
    distance : array_like, shape (2 n, 2 n)
        Between all samples: first the generated, then as many real.

    Notes
    -----
    The mean distance of two samples is a U-statistic. Its error is that of the mean over the
    samples of twice the mean distance of each to the others [1]_.

    References
    ----------
    .. [1] Hoeffding, Ann. Math. Stat. 19, 293 (1948), doi:10.1214/aoms/1177730196.

    Examples
    --------
    >>> from microdsd.evaluation.verdict.permutation import distances
    >>> rng = np.random.default_rng(0)
    >>> sides = rng.normal(size=(2, 20, 3)) * [[[0.1]], [[1]]]
    >>> result = diversity_test(distances(sides.reshape(40, 3)))
    >>> round(result.ratio, 1), result.p_value(lower=True) < 0.001
    (0.1, True)
    """
    matrix = np.asarray(distance, dtype=float)
    n = len(matrix) // 2
    generated, generated_error = _mean_distance(matrix[:n, :n])
    real, real_error = _mean_distance(matrix[n:, n:])
    if not real > 0:
        return DiversityTest(generated, real, 0.0, 1.0)
    error_of_generated, error_of_real = (
        (generated_error / real) ** 2,
        (generated * real_error / real**2) ** 2,
    )
    total = error_of_generated + error_of_real
    # Welch's degrees of freedom.
    freedom = (n - 1) * total**2 / (error_of_generated**2 + error_of_real**2) if total > 0 else 1.0
    return DiversityTest(generated, real, float(np.sqrt(total)), float(freedom))


def _mean_distance(matrix: Numbers) -> tuple[float, float]:
    """Return the mean distance of two samples, and its standard error."""
    n = len(matrix)
    if n < 2:
        return 0.0, 0.0
    to_others = matrix.sum(axis=1) / (n - 1)
    return float(to_others.mean()), float(2 * to_others.std(ddof=1) / np.sqrt(n))


def differing_voxels(ms: xr.DataArray) -> Numbers:
    """Return the share of differing voxels ``(n, n)`` of two samples, over that of unrelated ones.

    About 1 for samples that have nothing to do with one another, 0 for equal ones.

    Examples
    --------
    >>> from microdsd.microstructure import as_microstructure
    >>> pair = as_microstructure(np.array([[[0, 0, 1, 1]] * 2, [[0, 1, 0, 1]] * 2]), ensemble=True)
    >>> differing_voxels(pair).tolist()
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
    relative: Numbers = share / np.where(by_chance > 0, by_chance, 1)
    np.fill_diagonal(relative, 0)
    return relative
