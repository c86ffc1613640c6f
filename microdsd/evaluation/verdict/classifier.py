"""Classifier two-sample test: whether a small classifier tells generated from real samples."""

from __future__ import annotations

import dataclasses
import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
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
    """Pairs in which a classifier trained on the other pairs names the generated one.

    Attributes
    ----------
    right, pairs : int
        Half of the pairs are expected where nothing can be told.
    p_value : float
        Chance of as many right, by swapping the members of pairs and training anew.
    """

    right: int
    pairs: int
    p_value: float

    @property
    def accuracy(self) -> float:
        """Share of the pairs that are named rightly."""
        return self.right / self.pairs


def classifier_test(features: ArrayLike, signs: Numbers) -> ClassifierTest:
    """Train on all pairs but one, and ask which member of that one is the generated.

    Parameters
    ----------
    features : array_like, shape (2 pairs, components)
        First of the generated samples, then of the real windows in the same order of pairs.
    signs : ndarray, shape (swaps, pairs)
        Of `random_swaps`.

    Notes
    -----
    A classifier two-sample test [1]_. The classifier is ridge regression on the difference of
    the two members. Left-out predictions of a linear smoother H for targets y have the closed form
    ``y_i - (y_i - (H y)_i) / (1 - H_ii)``, and a swap of members changes signs of y alone:
    training anew for every pair and every swap is one matrix product, and the p-value is exact.

    References
    ----------
    .. [1] Lopez-Paz and Oquab, ICLR (2017), arXiv:1610.06545.

    Examples
    --------
    >>> from microdsd.evaluation.verdict.permutation import random_swaps
    >>> rng = np.random.default_rng(0)
    >>> sides = rng.normal(size=(2, 30, 5)) + [[[0]], [[1]]]
    >>> found = classifier_test(sides.reshape(60, 5), random_swaps(30, rng))
    >>> found.right > 25, found.p_value < 0.001
    (True, True)
    """
    rows = np.asarray(features, dtype=float)
    pairs = len(rows) // 2
    difference = rows[:pairs] - rows[pairs:]
    gram = difference @ difference.T
    ridge = RIDGE * np.trace(gram) / pairs
    if ridge == 0:
        return ClassifierTest(pairs // 2, pairs, 1.0)
    smoother = np.linalg.solve(gram + ridge * np.eye(pairs), gram)
    left_out = 1 - np.diag(smoother)

    def right(targets: Numbers) -> NDArray[Any]:
        predicted = targets - (targets - targets @ smoother) / left_out
        count: NDArray[Any] = (predicted * targets > 0).sum(axis=-1)
        return count

    count = int(right(np.ones(pairs)))
    return ClassifierTest(count, pairs, p_value(count, right(signs)))


def configurations(ms: xr.DataArray) -> Numbers:
    """Frequencies of local configurations of every phase, at spacings of 1, 2, 4 ... voxels.

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
    told = phases[:1] if len(phases) == 2 else phases
    spacing, columns = 1, []
    while spacing == 1 or (points - 1) * spacing <= min(labels.shape[1:]) // 4:
        columns += [_frequencies(labels == phase, points, spacing) for phase in told]
        spacing *= 2
    found: Numbers = np.sqrt(np.concatenate(columns, axis=1))
    return found


def _frequencies(indicator: NDArray[np.bool_], points: int, spacing: int) -> Numbers:
    """Relative frequencies (samples, 2^n) of patterns on a grid of n points."""
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
