"""Pairs of voxels at every lag by pruned Fourier transforms, and means over shells of lags.

Pairs are counted, not estimated: every count is rounded to the integer it is before it is divided
by the number of places where the pair could have stood.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import scipy.fft

from microdsd.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]
    Array = NDArray[Any]

VALUES_PER_BLOCK = 2**16
VOXELS_PER_BATCH = 2**21


class Grid(NamedTuple):
    """Describe the box in which pairs are counted; voxel edges are relative to the shortest."""

    shape: tuple[int, ...]
    edges: tuple[float, ...]
    periodic: bool

    @classmethod
    def of(cls, shape: Sequence[int], size: Sequence[float], periodic: bool) -> Grid:
        """Return the grid of a box of `shape` voxels with edges in any unit."""
        return cls(tuple(shape), tuple(np.round(np.array(size) / min(size), 6)), periodic)

    def farthest_lag(self, axis: int) -> int:
        """Return the longest lag along an axis."""
        n = self.shape[axis]
        return n // 2 if self.periodic else n - 1

    def longest_shell(self) -> int:
        """Return the largest distance, in shortest edges, whose shell can be counted."""
        if self.periodic:
            return int(min(n * e for n, e in zip(self.shape, self.edges, strict=True)) / 2)
        return max(n for n, e in zip(self.shape, self.edges, strict=True) if e == 1.0) - 1

    def transform_length(self, axis: int, reach: int) -> int:
        """Return the length at which a transform separates lags up to `reach` from wrapped ones."""
        n = self.shape[axis]
        return n if self.periodic else scipy.fft.next_fast_len(n + reach)

    def transform_lengths(self, reach: Sequence[int]) -> tuple[int, ...]:
        """Return the `transform_length` of every axis."""
        return tuple(self.transform_length(axis, r) for axis, r in enumerate(reach))

    def places(self, axis: int, lags: NDArray[np.int64]) -> NDArray[np.int64]:
        """Count the voxels of a line that have a partner at each lag."""
        n = self.shape[axis]
        return np.full_like(lags, n) if self.periodic else n - np.abs(lags)


class Shells(NamedTuple):
    """Hold the lags of one orthant: their reach, shell number, places and reflections."""

    reach: tuple[int, ...]
    shell: NDArray[np.intp]
    places: NDArray[np.float64]
    reflections: NDArray[np.float64]
    members: NDArray[np.float64]
    distance: NDArray[np.float64]

    @classmethod
    def of(cls, grid: Grid, max_distance: int) -> Shells:
        """Return the shells ``i <= |lag| < i + 1`` in shortest edges, up to `max_distance`."""
        reach = tuple(
            min(int(np.ceil((max_distance + 1) / edge)) - 1, grid.farthest_lag(axis))
            for axis, edge in enumerate(grid.edges)
        )
        lags = np.ix_(*(np.arange(r + 1) for r in reach))
        length = np.sqrt(sum((lag * e) ** 2 for lag, e in zip(lags, grid.edges, strict=True)))
        shell = np.minimum(length, max_distance + 1).astype(np.intp)
        places = _outer_product([grid.places(axis, lag) for axis, lag in enumerate(lags)])
        reflections = _outer_product([np.where(lag == 0, 1, 2) for lag in lags])
        members = _sum_by_shell(shell, reflections, max_distance + 1)
        distance = _sum_by_shell(shell, reflections * length, max_distance + 1) / members
        return cls(reach, shell, places, reflections, members, distance)

    def mean(
        self, counts: NDArray[np.float64], places: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        """Average pairs over places for each shell; the default places are those of the box.

        Lags without places do not count; a shell of such lags is NaN.
        """
        if places is None:
            probability = counts / self.places
            members = self.members
        else:
            possible = places > 0
            probability = np.divide(counts, places, out=np.zeros_like(counts), where=possible)
            members = _sum_by_shell(self.shell, self.reflections * possible, len(self.members))
        probability *= self.reflections
        sums = _sum_by_shell(self.shell, probability, len(self.members))
        return np.divide(sums, members, out=np.full_like(sums, np.nan), where=members > 0)


def pair_counts(
    first: Array, second: Array, lengths: Sequence[int], reach: Sequence[int]
) -> NDArray[np.float64]:
    """Count the pairs at every lag of one orthant, averaged over its reflections.

    Parameters
    ----------
    first, second : ndarray of bool or of whole numbers, shape (batch, ...)
        Where, and how many, the two ends of a pair may be.
    lengths, reach : sequence of int
        Transform length and longest lag of each axis; an axis as long as its transform wraps.

    Returns
    -------
    ndarray, shape (batch, reach[0] + 1, reach[1] + 1, ...)
    """
    batch = len(first)
    last = len(reach) - 1

    def partial_spectrum(ends: Array) -> Array:
        spectrum = scipy.fft.rfft(ends.astype(np.float64), lengths[last], axis=-1)
        for axis in range(last - 1, 0, -1):
            spectrum = scipy.fft.fft(spectrum, lengths[axis], axis=axis + 1, overwrite_x=True)
        return np.asarray(spectrum)

    a = partial_spectrum(first)
    b = a if second is first else partial_spectrum(second)
    kept = np.empty((batch, reach[0] + 1, *a.shape[2:]), dtype=np.complex128)
    rows_a, rows_b, rows_kept = (s.reshape(batch, s.shape[1], -1) for s in (a, b, kept))
    # The first axis goes forward and back block by block, so its full spectrum never exists.
    width = max(1, VALUES_PER_BLOCK // (batch * lengths[0]))
    for start in range(0, rows_kept.shape[2], width):
        block = np.s_[:, :, start : start + width]
        fa = scipy.fft.fft(rows_a[block], lengths[0], axis=1)
        fb = fa if b is a else scipy.fft.fft(rows_b[block], lengths[0], axis=1)
        # The real part alone averages each lag with its opposite.
        power = fa.real * fb.real + fa.imag * fb.imag
        rows_kept[block] = scipy.fft.ihfft(power, axis=1, overwrite_x=True)[:, : reach[0] + 1]
    del a, b, rows_a, rows_b

    for axis in range(1, last):
        lagged = scipy.fft.ifft(kept, axis=axis + 1, overwrite_x=True)
        forth = np.arange(reach[axis] + 1)
        kept = lagged.take(forth, axis=axis + 1)
        kept += lagged.take(-forth % lengths[axis], axis=axis + 1)
        kept /= 2
    counts = scipy.fft.irfft(kept.real, lengths[last], axis=-1)[..., : reach[last] + 1]
    return _rounded_to(2.0 ** -len(reach), counts)


def pair_map(first: Mask, second: Mask | None, grid: Grid, reach: int) -> NDArray[np.float64]:
    r"""Average the share of places over a batch, at every lag :math:`|r_d| \le` reach.

    Parameters
    ----------
    first, second : ndarray of bool, shape (batch, *shape)
        Where the two ends of a pair may be; None: the same as the first.
    grid : Grid
    reach : int
        The same for all axes.

    Returns
    -------
    ndarray, shape (2 reach + 1, ...)
        Lag zero in the middle. Each lag is averaged with its opposite, and with nothing else.
    """
    lags = np.arange(-reach, reach + 1)
    lengths = grid.transform_lengths([reach] * len(grid.shape))
    axes = tuple(range(1, first.ndim))
    step = max(1, VOXELS_PER_BATCH // int(np.prod(lengths)))
    power: Any = 0.0
    for start in range(0, len(first), step):
        batch = slice(start, start + step)
        a = scipy.fft.rfftn(first[batch].astype(np.float64), lengths, axes=axes)
        b = a
        if second is not None:
            b = scipy.fft.rfftn(second[batch].astype(np.float64), lengths, axes=axes)
        power = power + (a.real * b.real + a.imag * b.imag).sum(axis=0)
    counts = scipy.fft.irfftn(power, lengths)
    counts = counts[np.ix_(*(lags % length for length in lengths))]
    places = _outer_product(np.ix_(*(grid.places(axis, lags) for axis in range(len(lengths)))))
    return _rounded_to(0.5, counts) / (places * len(first))


def pair_counts_along(
    first: Mask, second: Mask, length: int, axis: int, reach: int
) -> NDArray[np.float64]:
    """Count the pairs at every lag along an axis, ``(batch, reach + 1)``, in both senses."""

    def spectrum(mask: Mask) -> Array:
        return np.asarray(scipy.fft.rfft(mask.astype(np.float64), length, axis=axis + 1))

    a = spectrum(first)
    b = a if second is first else spectrum(second)
    others = tuple(i for i in range(1, a.ndim) if i != axis + 1)
    power = (a.real * b.real + a.imag * b.imag).sum(axis=others)
    return _rounded_to(0.5, scipy.fft.irfft(power, length, axis=-1)[:, : reach + 1])


def checked_distance(max_distance: int | None, default: int, limit: int) -> int:
    """Return `max_distance`, or the part of the default that fits into the box.

    Raises
    ------
    InputError
        It is not a whole number from 0 to `limit`.
    """
    if max_distance is None:
        return min(default, limit)
    if not 0 <= max_distance <= limit or int(max_distance) != max_distance:
        raise InputError(
            f"max_distance: {max_distance!r} does not fit the box; use a whole number of voxels "
            f"from 0 to {limit}, or a larger sample"
        )
    return int(max_distance)


def _sum_by_shell(shell: NDArray[np.intp], values: Array, shells: int) -> NDArray[np.float64]:
    sums = np.bincount(shell.ravel(), values.ravel(), minlength=shells + 1)
    return np.asarray(sums[:shells], dtype=np.float64)


def _outer_product(factors: Sequence[NDArray[np.int64]]) -> NDArray[np.float64]:
    return np.asarray(functools.reduce(np.multiply, factors), dtype=np.float64)


def _rounded_to(fraction: float, counts: Array) -> NDArray[np.float64]:
    # Counts are whole; their averages over opposite and reflected lags are such fractions.
    return np.asarray(np.rint(counts / fraction) * fraction)
