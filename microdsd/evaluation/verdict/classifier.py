"""Classifier two-sample test: a small classifier tries to recognise generated samples."""

from __future__ import annotations

import dataclasses
import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.stats
import xarray as xr

from microdsd.evaluation.verdict.permutation import p_value
from microdsd.microstructure.schema import phases_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Numbers = NDArray[np.float64]

RIDGE = 1.0
"""Ridge of the classifier over the mean eigenvalue of its Gram matrix."""


@dataclasses.dataclass(frozen=True)
class ClassifierTest:
    """Hold how often a classifier recognises the generated samples.

    Attributes
    ----------
    right, number : int
        Half of the number is expected if both sides are equal.
    p_value : float
        Chance of as many right if samples follow the law of real windows.
    """

    right: int
    number: int
    p_value: float

    @property
    def accuracy(self) -> float:
        """Return the share of correct answers."""
        return self.right / self.number

    def interval(self, alpha: float) -> tuple[float, float]:
        """Return the 1 - 2 alpha interval of the accuracy less one half (Wilson [1]_).

        References
        ----------
        .. [1] Wilson, J. Am. Stat. Assoc. 22, 209 (1927), doi:10.2307/2276774.

        Examples
        --------
        >>> low, high = ClassifierTest(50, 100, 0.5).interval(0.05)
        >>> round(low, 3), round(high, 3)
        (-0.081, 0.081)
        """
        interval = scipy.stats.binomtest(self.right, self.number).proportion_ci(
            1 - 2 * alpha, "wilson"
        )
        return float(interval.low) - 0.5, float(interval.high) - 0.5


def classifier_test(
    differences: ArrayLike, residuals: ArrayLike, order: NDArray[Any]
) -> ClassifierTest:
    """Train on all pairs but one, and predict which member of that pair is generated.

    Parameters
    ----------
    differences : array_like, shape (pairs, samples + windows)
        Weights of all samples and windows in the difference of the two members of each pair, both
        as deviations from the trend of the windows.
    residuals : array_like, shape (samples + windows, components)
        Features of all, less a trend through both sides.
    order : ndarray of int, shape (shuffles, samples + windows)
        Random orders of samples and windows.

    Notes
    -----
    A classifier two-sample test [1]_. The classifier is ridge regression on the difference of
    the two members. Left-out predictions of a linear smoother H for targets y have the closed form
    ``y_i - (y_i - (H y)_i) / (1 - H_ii)``, so that training anew for every pair of a shuffle is
    one small linear system.

    References
    ----------
    .. [1] Lopez-Paz and Oquab, ICLR (2017), arXiv:1610.06545.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> sides = rng.normal(size=(2, 30, 5)) + [[[0]], [[1]]]
    >>> pairs = np.concatenate([np.eye(30), -np.eye(30)], axis=1)
    >>> order = rng.permuted(np.tile(np.arange(60), (99, 1)), axis=1)
    >>> result = classifier_test(pairs, sides.reshape(60, 5), order)
    >>> result.right > 25, result.p_value
    (True, 0.01)
    """
    weights, rows = np.asarray(differences, dtype=float), np.asarray(residuals, dtype=float)
    gram = rows @ rows.T
    right = [_right(weights @ gram @ weights.T)]
    for places in order:
        shuffled = weights[:, places]
        right.append(_right(shuffled @ gram @ shuffled.T))
    return ClassifierTest(right[0], len(weights), p_value(right[0], right[1:]))


def _right(gram: Numbers) -> int:
    """Count the left-out pairs whose first member is recognised, from products of differences."""
    pairs = len(gram)
    ridge = RIDGE * np.trace(gram) / pairs
    if ridge <= 1e-20:
        return pairs // 2
    smoother = np.linalg.solve(gram + ridge * np.eye(pairs), gram)
    fitted = smoother.sum(axis=0)
    return int((1 - (1 - fitted) / (1 - np.diag(smoother)) > 0).sum())


def configurations(ms: xr.DataArray) -> Numbers:
    """Measure the frequencies of local patterns of every phase, at spacings of 1, 2, 4 ... voxels.

    Parameters
    ----------
    ms : DataArray, dims (sample, [z,] y, x)

    Returns
    -------
    ndarray, shape (samples, components)
        Square roots of the frequencies (so that rare and common ones are known equally well) of
        the 512 patterns on 3 x 3 points in a plane and the 256 on 2 x 2 x 2 points of a volume,
        up to an extent of a quarter of the shortest side.

    Notes
    -----
    They are many-point probabilities: texture that no two-point function holds.

    Examples
    --------
    >>> from microdsd.microstructure import as_ensemble, checkerboard
    >>> configurations(as_ensemble(checkerboard((16, 16)))).shape
    (1, 1024)
    """
    labels = ms.values
    dimension = labels.ndim - 1
    points = {2: 3, 3: 2}[dimension]
    phases = list(phases_of(ms))
    # Of two phases the second is where the first is not.
    chosen = phases[:1] if len(phases) == 2 else phases
    spacing, columns = 1, []
    while spacing == 1 or (points - 1) * spacing <= min(labels.shape[1:]) // 4:
        columns += [_frequencies(labels == phase, points, spacing) for phase in chosen]
        spacing *= 2
    roots: Numbers = np.sqrt(np.concatenate(columns, axis=1))
    return roots


def _frequencies(indicator: NDArray[np.bool_], points: int, spacing: int) -> Numbers:
    """Return the relative frequencies (samples, 2^n) of patterns on a grid of n points."""
    space = indicator.shape[1:]
    spacings = [min(spacing, (length - 1) // (points - 1)) for length in space]
    inner = [length - (points - 1) * step for length, step in zip(space, spacings, strict=True)]
    code = np.zeros((len(indicator), *inner), dtype=np.int64)
    offsets = list(itertools.product(range(points), repeat=len(space)))
    for bit, offset in enumerate(offsets):
        part = tuple(
            slice(k * step, k * step + length)
            for k, step, length in zip(offset, spacings, inner, strict=True)
        )
        code += indicator[(slice(None), *part)].astype(np.int64) << bit
    patterns = 1 << len(offsets)
    code = code.reshape(len(indicator), -1)
    rows = code + patterns * np.arange(len(code))[:, np.newaxis]
    counts = np.bincount(rows.ravel(), minlength=patterns * len(code)).reshape(len(code), patterns)
    return counts / code.shape[1]
