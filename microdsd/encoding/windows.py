"""Random windows of a scan, turned by the symmetries that the material is said to have."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Protocol

import numpy as np

from microdsd.encoding.specimen import SpecimenStarts, longest_edge
from microdsd.errors import InputError
from microdsd.microstructure.symmetry import Symmetry, symmetry_elements

__all__ = ["LabelReader", "Symmetry", "WindowSampler", "split_scan", "symmetry_elements"]

_IN_MEMORY = 1 << 30
"""Bytes of labels up to which a region is read once and kept."""


Place = tuple[int, list[int], tuple[int, ...]]
"""Member, first voxel and size of a window in the axes of the scan."""


class LabelReader(Protocol):
    """Define what is needed of a source of labels; `microdsd.io.open_labels` returns one."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the voxels per axis."""
        ...

    @property
    def n_samples(self) -> int:
        """Return the number of volumes."""
        ...

    @property
    def dtype(self) -> np.dtype:
        """Return the type of the labels."""
        ...

    def read(self, sample: int, start: Sequence[int], size: Sequence[int]) -> np.ndarray:
        """Read the labels of one window."""
        ...


class WindowSampler:
    """Draw windows of a block of a scan.

    Parameters
    ----------
    source : LabelReader
    window : sequence of int
        Voxels per axis. With one axis fewer than the scan, windows are slices: normal to the
        first axis, or to any axis when the material is isotropic.
    block : (int, int)
        First and last + 1 layer along axis 0 that windows may touch.
    symmetry : {"isotropic", "transverse", "orthotropic", "none"}
    samples : range, optional
        Volumes of an ensemble to draw from; all by default.
    outside : int, optional
        Label of what is no material; windows hold none of it.

    Raises
    ------
    InputError
        If no window fits into the block, or into the specimen in it.
    """

    def __init__(
        self,
        source: LabelReader,
        window: Sequence[int],
        block: tuple[int, int],
        symmetry: Symmetry,
        samples: range | None = None,
        outside: int | None = None,
    ) -> None:
        self.window = tuple(window)
        self._source = source
        self._samples = range(source.n_samples) if samples is None else samples
        self._low = (block[0],) + (0,) * (len(source.shape) - 1)
        self._extent = (block[1] - block[0], *source.shape[1:])
        self._elements = symmetry_elements(symmetry, len(window))
        self._sizes = [size for size in self._oriented(symmetry) if self._fits(size)]
        if not self._sizes:
            raise InputError(
                f"window={self.window}: does not fit into the block of {self._extent} voxels "
                f"(layers {block[0]} to {block[1]} of axis 0); use a smaller window"
            )
        self._kept: list[np.ndarray] | None = None
        if len(self._samples) * math.prod(self._extent) * source.dtype.itemsize <= _IN_MEMORY:
            self._kept = [source.read(i, self._low, self._extent) for i in self._samples]
        weight = [
            math.prod(e - s + 1 for e, s in zip(self._extent, size, strict=True))
            for size in self._sizes
        ]
        self._inside: list[tuple[int, tuple[int, ...], SpecimenStarts]] = []
        if outside is not None:
            self._inside = self._inside_specimen(outside)
            weight = [starts.number for *_, starts in self._inside]
        self._odds = np.array(weight) / sum(weight)

    def _oriented(self, symmetry: Symmetry) -> list[tuple[int, ...]]:
        """Return the sizes of a window along the axes of the scan, one per orientation."""
        if len(self.window) == len(self._extent):
            return [self.window]
        if len(self.window) != len(self._extent) - 1:
            raise InputError(
                f"window={self.window}: the scan has {len(self._extent)} axes; give as many "
                "entries, or one fewer for slices"
            )
        normals = range(len(self._extent)) if symmetry == "isotropic" else range(1)
        return [(*self.window[:axis], 1, *self.window[axis:]) for axis in normals]

    def _inside_specimen(self, outside: int) -> list[tuple[int, tuple[int, ...], SpecimenStarts]]:
        """List member, size and starts of all windows inside the specimen."""
        places = [
            (member, size, SpecimenStarts(partial(self._read, member), self._extent, size, outside))
            for member in range(len(self._samples))
            for size in self._sizes
        ]
        places = [entry for entry in places if entry[2].number]
        if not places:
            edge = max(
                longest_edge(partial(self._read, member), self._extent, size, outside)
                for member in range(len(self._samples))
                for size in self._sizes
            )
            largest = tuple(min(length, edge) for length in self.window)
            raise InputError(
                f"window={self.window}: none lies inside the specimen, all hold voxels outside; "
                f"use a smaller window, at most {largest} in this block of {self._extent}"
            )
        return places

    def _read(self, member: int, start: Sequence[int], size: Sequence[int]) -> np.ndarray:
        """Read the labels of a part of the block."""
        if self._kept is not None:
            return self._kept[member][
                tuple(slice(a, a + s) for a, s in zip(start, size, strict=True))
            ]
        corner = [a + low for a, low in zip(start, self._low, strict=True)]
        return self._source.read(self._samples[member], corner, size)

    @property
    def number(self) -> int:
        """Return the number of places where a window may lie."""
        if self._inside:
            return sum(starts.number for *_, starts in self._inside)
        return len(self._samples) * sum(
            math.prod(e - s + 1 for e, s in zip(self._extent, size, strict=True))
            for size in self._sizes
        )

    def _place(self, rng: np.random.Generator) -> Place:
        """Draw member, first voxel and size of a random window."""
        if self._inside:
            member, size, starts = self._inside[rng.choice(len(self._inside), p=self._odds)]
            return member, starts.draw(rng), size
        member = int(rng.integers(len(self._samples)))
        size = self._sizes[rng.choice(len(self._sizes), p=self._odds)]
        start = [int(rng.integers(e - s + 1)) for e, s in zip(self._extent, size, strict=True)]
        return member, start, size

    def _fits(self, size: tuple[int, ...]) -> bool:
        return all(0 < s <= e for s, e in zip(size, self._extent, strict=True))

    def batch(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Return labels (n, *window) of random windows in random orientations."""
        return np.stack([self.window_at(self.choose(rng)) for _ in range(n)])

    def choose(self, rng: np.random.Generator) -> tuple[Place, int]:
        """Place and orientation of a random window."""
        return self._place(rng), int(rng.integers(len(self._elements)))

    def window_at(self, choice: tuple[Place, int]) -> np.ndarray:
        """Return labels (*window)."""
        place, orientation = choice
        labels = self._read(*place).reshape(self.window)
        order, flip = self._elements[orientation]
        turned = labels.transpose(order)
        if turned.shape != self.window:  # an axis order that a box of unequal sides forbids
            turned = labels
        return np.flip(turned, flip)


def split_scan(
    source: LabelReader,
    window: tuple[int, ...],
    symmetry: Symmetry,
    validation: float,
    outside: int | None = None,
) -> tuple[WindowSampler, WindowSampler | None]:
    """Split a scan into windows to train on and windows of a disjoint part to validate on.

    Parameters
    ----------
    source : LabelReader
    window : tuple of int
    symmetry : {"isotropic", "transverse", "orthotropic", "none"}
    validation : float
        Share held back: the far end of axis 0, or the last samples of an ensemble; 0 for none.
    outside : int, optional
        Label of what is no material; windows hold none of it.

    Raises
    ------
    InputError
        If the share is no share, or either part is too thin for the window.
    """
    if not 0 <= validation < 1:
        raise InputError(f"validation={validation}: give a share of the scan from 0 to below 1")
    depth = source.shape[0]

    def sampler(first: int, last: int, samples: range | None = None) -> WindowSampler:
        return WindowSampler(source, window, (first, last), symmetry, samples, outside)

    if validation == 0:
        return sampler(0, depth), None
    if source.n_samples > 1:
        cut = max(1, source.n_samples - max(1, round(validation * source.n_samples)))
        return (
            sampler(0, depth, range(cut)),
            sampler(0, depth, range(cut, source.n_samples)),
        )
    needed = window[0] if len(window) == len(source.shape) else 1
    cut = depth - max(needed, round(validation * depth))
    if cut < needed:
        raise InputError(
            f"validation={validation}: of the {depth} layers along axis 0, windows of "
            f"{window} need {needed} to train on and {needed} to validate on; "
            "use a smaller window, or validation=0"
        )
    return sampler(0, cut), sampler(cut, depth)
