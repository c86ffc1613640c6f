"""Counting labels without widening the whole volume."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt

BLOCK = 1 << 20
BINCOUNT_LIMIT = 1 << 16


def label_counts(labels: npt.NDArray[Any]) -> dict[int, int]:
    """Count the voxels of every label that occurs, in ascending order of the labels.

    Parameters
    ----------
    labels : ndarray of integers or bool, any shape

    Returns
    -------
    dict of int to int

    Examples
    --------
    >>> label_counts(np.array([[0, 2], [2, 2]]))
    {0: 1, 2: 3}
    """
    totals: Counter[int] = Counter()
    flat = labels.reshape(-1)
    for start in range(0, flat.size, BLOCK):
        block = flat[start : start + BLOCK]
        if block.min() >= 0 and block.max() < BINCOUNT_LIMIT:
            counts = np.bincount(block.astype(np.intp))
            values = np.flatnonzero(counts)
            counts = counts[values]
        else:
            values, counts = np.unique(block, return_counts=True)
        totals.update(dict(zip(values.tolist(), counts.tolist(), strict=True)))
    return dict(sorted(totals.items()))
