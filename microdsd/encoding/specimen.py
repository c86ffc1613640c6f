"""Where windows may begin in a specimen that does not fill its box."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from microdsd.microstructure.outside import starts_inside

Read = Callable[[Sequence[int], Sequence[int]], NDArray[np.integer]]
"""Labels of a part of one volume, from its first voxel and its size."""

_SLAB_VOXELS = 1 << 24


class SpecimenStarts:
    """Hold the first voxels of all windows of one size that lie inside the specimen.

    The places are found slab by slab and kept as bits, so that a scan need not fit into memory.

    Parameters
    ----------
    read : callable
    extent : sequence of int
        Voxels of the volume.
    size : sequence of int
        Voxels of the window, per axis of the volume.
    outside : int
        Label of what is no material.

    Examples
    --------
    >>> labels = np.array([[2, 0, 0, 1], [2, 1, 0, 2]])
    >>> starts = SpecimenStarts(lambda at, n: labels[: n[0]], (2, 4), (2, 2), outside=2)
    >>> starts.number, starts.draw(np.random.default_rng(0))
    (1, [0, 1])
    """

    def __init__(
        self, read: Read, extent: Sequence[int], size: Sequence[int], outside: int
    ) -> None:
        self._plane = tuple(n - w + 1 for n, w in zip(extent[1:], size[1:], strict=True))
        layers = extent[0] - size[0] + 1
        thick = max(1, _SLAB_VOXELS // int(np.prod(extent[1:])) - size[0] + 1)
        bits, counts = [], []
        for first in range(0, layers, thick):
            number = min(thick, layers - first)
            slab = read((first, *[0] * len(self._plane)), (number + size[0] - 1, *extent[1:]))
            inside = starts_inside(slab == outside, size).reshape(number, -1)
            bits.append(np.packbits(inside, axis=1))
            counts.append(inside.sum(axis=1))
        self._bits = np.concatenate(bits)
        self._cumulative = np.cumsum(np.concatenate(counts))

    @property
    def number(self) -> int:
        """Return the number of windows."""
        return int(self._cumulative[-1])

    def draw(self, rng: np.random.Generator) -> list[int]:
        """Draw the first voxel of a window; all are equally likely."""
        chosen = int(rng.integers(self.number))
        layer = int(np.searchsorted(self._cumulative, chosen, side="right"))
        before = int(self._cumulative[layer - 1]) if layer else 0
        inside = np.flatnonzero(np.unpackbits(self._bits[layer]))
        place = np.unravel_index(inside[chosen - before], self._plane)
        return [layer, *(int(start) for start in place)]


def longest_edge(read: Read, extent: Sequence[int], size: Sequence[int], outside: int) -> int:
    """Return the length to which a window must be cut, along all longer axes, to lie inside.

    The length is zero where there is no voxel of the specimen.

    Examples
    --------
    >>> labels = np.array([[2, 0, 0, 1], [2, 1, 0, 2]])
    >>> longest_edge(lambda at, n: labels[: n[0]], (2, 4), (1, 4), outside=2)
    3
    """
    fits, fails = 0, max(size) + 1
    while fails - fits > 1:
        edge = (fits + fails) // 2
        cut = [min(length, edge) for length in size]
        if SpecimenStarts(read, extent, cut, outside).number:
            fits = edge
        else:
            fails = edge
    return fits
