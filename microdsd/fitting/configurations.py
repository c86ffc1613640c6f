"""Local configurations: how often a phase fills which of the corners of a cube of 2^d voxels."""

from __future__ import annotations

import itertools
from functools import lru_cache

import numpy as np


def configuration_shares(stack: np.ndarray, label: int) -> np.ndarray:
    """Measure the shares of the configurations of a phase in every window.

    Surfaces that are flat along the lattice, corners and touching diagonals are different
    configurations, where interface and S2 hardly differ. Those that mirrors and turns of the
    square or cube carry into each other are one.

    Parameters
    ----------
    stack : ndarray of int, shape (n, *space)
        Labels in 2D or 3D, at least two voxels along every axis.
    label : int

    Returns
    -------
    ndarray of float64, shape (n, classes)
        6 classes in 2D, 22 in 3D; the first has no corner in the phase, the last all of them.
        Rows sum to 1.

    References
    ----------
    Ohser and Mücklich, Statistical Analysis of Microstructures in Materials Science, Wiley (2000),
    isbn:978-0-471-97486-4.

    Examples
    --------
    >>> stripes = np.tile(np.array([0, 0, 1, 1], np.uint8), (1, 4, 1))
    >>> configuration_shares(stripes, 1).round(2).tolist()
    [[0.33, 0.0, 0.33, 0.0, 0.0, 0.33]]
    """
    ndim = stack.ndim - 1
    phase = stack == label
    code = np.zeros((len(stack), *(n - 1 for n in stack.shape[1:])), np.uint8)
    for bit, corner in enumerate(itertools.product((0, 1), repeat=ndim)):
        places = tuple(slice(c, n - 1 + c) for c, n in zip(corner, stack.shape[1:], strict=True))
        code |= phase[(slice(None), *places)].astype(np.uint8) << bit
    classes = _classes(ndim)
    counts = np.stack(
        [np.bincount(classes[each].ravel(), minlength=classes.max() + 1) for each in code]
    )
    shares: np.ndarray = counts / counts.sum(1, keepdims=True)
    return shares


@lru_cache(maxsize=2)
def _classes(ndim: int) -> np.ndarray:
    """Number the class of every configuration, by ascending corners in the phase."""
    codes = np.arange(2 ** (2**ndim))
    bits = (codes[:, None] >> np.arange(2**ndim)) & 1
    cubes = bits.reshape(-1, *[2] * ndim)
    weights = 1 << np.arange(2**ndim)
    least = codes.copy()
    for order in itertools.permutations(range(1, ndim + 1)):
        for flips in itertools.product((1, -1), repeat=ndim):
            turned = cubes.transpose(0, *order)[
                (slice(None), *[slice(None, None, f) for f in flips])
            ]
            least = np.minimum(least, turned.reshape(len(codes), -1) @ weights)
    representatives = sorted(set(least.tolist()), key=lambda code: (code.bit_count(), code))
    number = {code: k for k, code in enumerate(representatives)}
    return np.array([number[code] for code in least.tolist()])
