"""Voxels given back one by one where it suits best, so that every phase has its count again."""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from microdsd.cleaning.specks import Components
from microdsd.errors import InputError

Scores = dict[int, NDArray[np.floating]]


class Exchange:
    """Exchange single voxels of a box of labels without breaking a component.

    A voxel goes from one phase to another only where it touches that other phase and where the rest
    of its own component stays in one piece around it, no smaller than it may be.

    Parameters
    ----------
    labels : ndarray of int
        Changed in place.
    every_phase : sequence of int
        Phases that voxels may have; all else stays as it is.
    kept : sequence of int
        Phases whose components keep at least `min_size` voxels and, where `floating` components
        are not wanted, one in a face of the box.
    scores : dict of int to ndarray
        How well each phase fits every voxel.
    """

    def __init__(
        self,
        labels: NDArray[np.integer],
        every_phase: Sequence[int],
        kept: Sequence[int],
        scores: Scores,
        *,
        min_size: int,
        floating: bool,
        periodic: bool,
    ) -> None:
        self._shape, self._periodic = labels.shape, periodic
        self._labels = labels.reshape(-1)
        self._phases, self._kept = tuple(every_phase), frozenset(kept)
        self._scores = {phase: scores[phase].reshape(-1) for phase in every_phase}
        self._min_size, self._floating = min_size, floating
        components = Components.of(labels, every_phase, periodic)
        self._number = components.number.reshape(-1)
        self._voxels, self._on_faces = components.voxels, components.on_faces
        self._heaps: dict[tuple[int, int], list[tuple[float, int]]] = {}
        self._offsets = [
            offset
            for offset in itertools.product((-1, 0, 1), repeat=labels.ndim)
            if 0 < sum(map(abs, offset)) < 3
        ]

    def balance(self, counts: dict[int, int]) -> int:
        """Make voxels change sides until every phase has its count; how many did.

        Raises
        ------
        InputError
            If no further voxel can.
        """
        present = np.bincount(
            np.searchsorted(self._phases, self._material()), minlength=len(counts)
        )
        surplus = {p: int(n) - counts[p] for p, n in zip(self._phases, present, strict=True)}
        moved = 0
        while any(surplus.values()):
            path = self._best_path(surplus)
            if path is None:
                raise InputError(
                    "min_size: the counts cannot be kept, no voxel can change sides without "
                    "breaking a component; give a smaller size"
                )
            for one, other in itertools.pairwise(path):
                self._move(one, other)
                moved += 1
            surplus[path[0]] -= 1
            surplus[path[-1]] += 1
        return moved

    def _material(self) -> NDArray[np.integer]:
        return self._labels[np.isin(self._labels, self._phases)]

    def _best_path(self, surplus: dict[int, int]) -> list[int] | None:
        """Return phases from one with too many voxels to one with too few, neighbours in turn."""
        givers = [p for p, n in surplus.items() if n > 0]
        takers = [p for p, n in surplus.items() if n < 0]
        direct = [
            (gain, a, b) for a in givers for b in takers if (gain := self._gain(a, b)) is not None
        ]
        if direct:
            _, a, b = max(direct)
            return [a, b]
        for start in givers:
            before = {start: start}
            queue = deque([start])
            while queue:
                a = queue.popleft()
                for b in self._phases:
                    if b not in before and self._gain(a, b) is not None:
                        before[b] = a
                        queue.append(b)
            for end in takers:
                if end in before:
                    path = [end]
                    while path[0] != start:
                        path.insert(0, before[path[0]])
                    return path
        return None

    def _gain(self, one: int, other: int) -> float | None:
        """Return what the best voxel gains that can go to another phase; None without any."""
        heap = self._heaps.get((one, other))
        if heap is None:
            heap = self._heaps[one, other] = self._candidates(one, other)
        while heap:
            if self._can_go(heap[0][1], one, other):
                return -heap[0][0]
            heapq.heappop(heap)
        return None

    def _candidates(self, one: int, other: int) -> list[tuple[float, int]]:
        """List all voxels of one phase that touch another, best first."""
        labels = self._labels.reshape(self._shape)
        touching = np.zeros(self._shape, dtype=bool)
        for axis in range(labels.ndim):
            for shift in (-1, 1):
                beside = np.roll(labels == other, shift, axis)
                if not self._periodic:
                    edge = (slice(None),) * axis + (0 if shift == 1 else -1,)
                    beside[edge] = False
                touching |= beside
        place = np.flatnonzero((touching & (labels == one)).reshape(-1))
        gain = self._scores[other][place] - self._scores[one][place]
        heap = list(zip((-gain).tolist(), place.tolist(), strict=True))
        heapq.heapify(heap)
        return heap

    def _can_go(self, voxel: int, one: int, other: int) -> bool:
        if self._labels[voxel] != one:
            return False
        near = self._around(voxel)
        if not any(sum(map(abs, o)) == 1 and self._labels[v] == other for o, v in near):
            return False
        if one in self._kept:
            component = self._number[voxel]
            if self._voxels[component] <= self._min_size:
                return False
            if self._floating and self._is_on_face(voxel) and self._on_faces[component] <= 1:
                return False
        return self._stays_whole([(o, v) for o, v in near if self._labels[v] == one], one)

    def _stays_whole(self, same: list[tuple[tuple[int, ...], int]], phase: int) -> bool:
        """Return whether the voxels of a phase around a voxel are joined without it."""
        places = {offset for offset, _ in same}
        beside = {offset for offset in places if sum(map(abs, offset)) == 1}
        if not beside:
            return phase not in self._kept
        reached, queue = set(), [next(iter(beside))]
        while queue:
            place = queue.pop()
            if place in reached:
                continue
            reached.add(place)
            queue += [p for p in _next_to(place) if p in places and p not in reached]
        return beside <= reached

    def _move(self, one: int, other: int) -> None:
        """Move the best voxel of one phase that touches another there."""
        if self._gain(one, other) is None:
            raise ArithmeticError("a voxel that could change sides no longer can")
        _, voxel = heapq.heappop(self._heaps[one, other])
        near = [v for o, v in self._around(voxel) if sum(map(abs, o)) == 1]
        old = self._number[voxel]
        new = next(self._number[v] for v in near if self._labels[v] == other)
        self._labels[voxel], self._number[voxel] = other, new
        on_face = int(self._is_on_face(voxel))
        for component, change in ((old, -1), (new, 1)):
            self._voxels[component] += change
            self._on_faces[component] += change * on_face
        # What may have become possible, here and around.
        for v, _ in [(voxel, None), *((v, o) for o, v in self._around(voxel))]:
            label = int(self._labels[v])
            for (a, b), heap in self._heaps.items():
                if a == label:
                    gain = float(self._scores[b][v] - self._scores[a][v])
                    heapq.heappush(heap, (-gain, v))

    def _is_on_face(self, voxel: int) -> bool:
        if self._periodic:
            return False
        place = np.unravel_index(voxel, self._shape)
        return any(p in (0, n - 1) for p, n in zip(place, self._shape, strict=True))

    def _around(self, voxel: int) -> list[tuple[tuple[int, ...], int]]:
        """List offsets and places of the voxels that share a face or an edge with one."""
        return list(self._each_around(voxel))

    def _each_around(self, voxel: int) -> Iterator[tuple[tuple[int, ...], int]]:
        place: list[int] = []
        rest = voxel
        for n in reversed(self._shape):
            rest, p = divmod(rest, n)
            place.insert(0, p)
        for offset in self._offsets:
            flat = 0
            for p, o, n in zip(place, offset, self._shape, strict=True):
                q = p + o
                if not 0 <= q < n:
                    if not self._periodic:
                        break
                    q %= n
                flat = flat * n + q
            else:
                yield offset, flat


def _next_to(offset: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    for axis in range(len(offset)):
        for step in (-1, 1):
            yield (*offset[:axis], offset[axis] + step, *offset[axis + 1 :])
