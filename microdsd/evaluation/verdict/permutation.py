"""Exact tests by swapping the two members of pairs at random."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Numbers = NDArray[np.float64]

SWAPS = 9_999


def random_swaps(pairs: int, rng: np.random.Generator, *, swaps: int = SWAPS) -> Numbers:
    """Signs ``(swaps, pairs)``: -1 where the members of a pair change sides."""
    signs: Numbers = rng.choice([-1.0, 1.0], size=(swaps, pairs))
    return signs


def p_value(statistic: float, swapped: ArrayLike) -> float:
    """Share of the swapped statistics, the observed one among them, that are at least as large.

    Examples
    --------
    >>> p_value(3.0, [1.0, 2.0, 4.0])
    0.5
    """
    values = np.asarray(swapped)
    tolerance = 1e-9 * abs(statistic)
    return float((1 + (values >= statistic - tolerance).sum()) / (1 + len(values)))


def distances(features: ArrayLike) -> Numbers:
    """Euclidean distances ``(n, n)`` between the rows of features ``(n, components)``."""
    rows = np.asarray(features, dtype=float)
    squares = (rows**2).sum(axis=1)
    squared = squares[:, np.newaxis] + squares - 2 * rows @ rows.T
    np.fill_diagonal(squared, 0)
    found: Numbers = np.sqrt(np.maximum(squared, 0))
    return found


def energy_test(distance: ArrayLike, signs: Numbers) -> tuple[float, float]:
    """Energy distance of the two sides of pairs, and its p-value under swaps.

    Parameters
    ----------
    distance : array_like, shape (2 pairs, 2 pairs)
        Distances between all samples: first one side, then the other in the same order of pairs.
    signs : ndarray, shape (swaps, pairs)
        Of `random_swaps`.

    Returns
    -------
    statistic, p_value : float
        ``2 E|X - Y| - E|X - X'| - E|Y - Y'|`` with means over all pairs of indices [1]_.

    Notes
    -----
    With signs s of the pairs the statistic is a quadratic form, so that all swaps are one matrix
    product. Where the members of a pair are exchangeable the test is exact.

    References
    ----------
    .. [1] Szekely and Rizzo, J. Stat. Plan. Inference 143, 1249 (2013),
       doi:10.1016/j.jspi.2013.03.018.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> near, far = rng.normal(size=(2, 20, 1)) + [[[0]], [[3]]]
    >>> energy_test(distances(np.concatenate([near, far])), random_swaps(20, rng))[1]
    0.0001
    """
    matrix = np.asarray(distance, dtype=float)
    pairs = len(matrix) // 2
    ours, theirs = slice(None, pairs), slice(pairs, None)
    form = matrix[ours, theirs] + matrix[theirs, ours] - matrix[ours, ours] - matrix[theirs, theirs]
    form = form / pairs**2
    statistic = float(form.sum())
    return statistic, p_value(statistic, ((signs @ form) * signs).sum(axis=1))


def sign_test(differences: ArrayLike, signs: Numbers) -> float:
    """p-value, one-sided, of a sum of differences within pairs that is large.

    Examples
    --------
    >>> sign_test(np.ones(20), random_swaps(20, np.random.default_rng(0)))
    0.0001
    """
    values = np.asarray(differences, dtype=float)
    return p_value(float(values.sum()), signs @ values)


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
