"""Two-point probability functions of labelled microstructures, by pruned Fourier transforms.

Pairs are counted, not estimated: every count is rounded to the integer it is before it is divided
by the number of places where the pair could have stood.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import scipy.fft
import xarray as xr

from microdsd.errors import InputError
from microdsd.metrics._ensembles import per_sample
from microdsd.microstructure.schema import (
    LabelsLike,
    as_ensemble,
    phases_of,
    resolve_phase,
    spatial_dims,
    voxel_size_of,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]
    Array = NDArray[Any]

VOXELS_PER_BATCH = 2**21
VALUES_PER_BLOCK = 2**16


def two_point_probability(
    ms: LabelsLike,
    *,
    phase: int | str,
    phase2: int | str | None = None,
    periodic: bool,
    max_distance: int | None = None,
    along: str = "radial",
) -> xr.DataArray:
    r"""Two-point probability function S2 of one phase, or of a pair of phases.

    Parameters
    ----------
    ms : DataArray or ndarray
        Integer labels, dims ``([sample,] [z,] y, x)``.
    phase : int or str
        Label or name of the phase at one end of the pair.
    phase2 : int or str, optional
        Phase at the other end; the same as `phase` by default.
    periodic : bool
        True wraps the box. False uses only pairs inside the box and divides each lag by the
        number of places it fits, which is free of bias. There is no default.
    max_distance : int, optional
        Largest distance, in voxel edges (the shortest edge if they differ). By default half
        the shortest side of the box.
    along : {"radial", "z", "y", "x"}, optional
        Average over all lags of a shell, or only along one axis.

    Returns
    -------
    DataArray
        float64 probabilities, dims ``(sample, distance)``. ``distance`` is in metres or voxels;
        for shells it is the mean length of their lags. The first value, at distance zero, is the
        phase fraction (zero for two different phases).

    Raises
    ------
    InputError
        If the phase or direction does not exist, or `max_distance` does not fit the box.

    Notes
    -----
    .. math:: S_2^{ab}(r) = \langle I_a(x)\, I_b(x + r) \rangle

    A lag and its opposite are averaged, so exchanging the two phases changes nothing. Shell i
    holds the lags with :math:`i \le |r| < i + 1` (in the shortest voxel edge) and is the plain
    mean over them. In a periodic box lags reach half a side at most.

    References
    ----------
    Torquato, Random Heterogeneous Materials, Springer (2002), doi:10.1007/978-1-4757-6355-3.

    Examples
    --------
    >>> import numpy as np
    >>> stripes = np.tile(np.array([0, 0, 1, 1], dtype=np.uint8), (8, 2))
    >>> s2 = two_point_probability(stripes, phase=1, periodic=True, max_distance=4, along="x")
    >>> s2.values
    array([[0.5 , 0.25, 0.  , 0.25, 0.5 ]])
    """
    ensemble = as_ensemble(ms)
    first = resolve_phase(ensemble, phase)
    second = first if phase2 is None else resolve_phase(ensemble, phase2)
    dims = spatial_dims(ensemble)
    if along != "radial" and along not in dims:
        raise InputError(f"along: {along!r} is not one of {('radial', *dims)}")
    size, unit = voxel_size_of(ensemble)
    grid = _Grid(ensemble.shape[1:], tuple(np.round(np.array(size) / min(size), 6)), periodic)

    if along == "radial":
        edge = min(size)
        reach = _checked_distance(max_distance, min(ensemble.shape[1:]) // 2, grid.longest_shell())
        shells = _shells(grid, reach)
        values = [
            shells.mean(counts)
            for masks in _mask_batches(ensemble.values, (first, second))
            for counts in _pair_counts(*masks, grid, shells.reach)
        ]
        distance = shells.distance
    else:
        axis = dims.index(along)
        edge = size[axis]
        reach = _checked_distance(
            max_distance, min(ensemble.shape[1:]) // 2, grid.farthest_lag(axis)
        )
        values = [
            row
            for masks in _mask_batches(ensemble.values, (first, second))
            for row in _along_axis(*masks, grid, axis, reach)
        ]
        distance = np.arange(reach + 1.0)

    names = phases_of(ensemble)
    return per_sample(
        ensemble,
        np.stack(values),
        name="two_point_probability",
        long_name="two-point probability",
        dims=("distance",),
        coords={"distance": ("distance", distance * edge, {"units": unit})},
        phase=names[first],
        phase2=names[second],
        along=along,
        periodic=int(periodic),
    )


class _Grid(NamedTuple):
    """The box in which pairs are counted; voxel edges relative to the shortest."""

    shape: tuple[int, ...]
    edges: tuple[float, ...]
    periodic: bool

    def farthest_lag(self, axis: int) -> int:
        n = self.shape[axis]
        return n // 2 if self.periodic else n - 1

    def longest_shell(self) -> int:
        if self.periodic:
            return int(min(n * e for n, e in zip(self.shape, self.edges, strict=True)) / 2)
        return max(n for n, e in zip(self.shape, self.edges, strict=True) if e == 1.0) - 1

    def transform_length(self, axis: int, reach: int) -> int:
        n = self.shape[axis]
        return n if self.periodic else scipy.fft.next_fast_len(n + reach)

    def places(self, axis: int, lags: NDArray[np.int64]) -> NDArray[np.int64]:
        n = self.shape[axis]
        return np.full_like(lags, n) if self.periodic else n - np.abs(lags)


class _Shells(NamedTuple):
    """The lags of one orthant: how far they reach, shell number, places and reflections of each."""

    reach: tuple[int, ...]
    shell: NDArray[np.intp]
    places: NDArray[np.float64]
    reflections: NDArray[np.float64]
    members: NDArray[np.float64]
    distance: NDArray[np.float64]

    def mean(self, counts: NDArray[np.float64]) -> NDArray[np.float64]:
        probability = counts / self.places
        probability *= self.reflections
        return _sum_by_shell(self.shell, probability, len(self.members)) / self.members


def _sum_by_shell(shell: NDArray[np.intp], values: Array, shells: int) -> NDArray[np.float64]:
    sums = np.bincount(shell.ravel(), values.ravel(), minlength=shells + 1)
    return np.asarray(sums[:shells], dtype=np.float64)


def _shells(grid: _Grid, max_distance: int) -> _Shells:
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
    return _Shells(reach, shell, places, reflections, members, distance)


def _outer_product(factors: Sequence[NDArray[np.int64]]) -> NDArray[np.float64]:
    return np.asarray(functools.reduce(np.multiply, factors), dtype=np.float64)


def _pair_counts(
    first: Mask, second: Mask, grid: _Grid, reach: tuple[int, ...]
) -> NDArray[np.float64]:
    """Pairs at every lag of one orthant, averaged over its reflections.

    Shape ``(batch, reach[0] + 1, reach[1] + 1, ...)``.
    """
    batch = len(first)
    last = len(grid.shape) - 1
    lengths = [grid.transform_length(axis, r) for axis, r in enumerate(reach)]

    def partial_spectrum(mask: Mask) -> Array:
        spectrum = scipy.fft.rfft(mask.astype(np.float64), lengths[last], axis=-1)
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


def _along_axis(
    first: Mask, second: Mask, grid: _Grid, axis: int, reach: int
) -> NDArray[np.float64]:
    """S2 along one axis, ``(batch, reach + 1)``."""
    length = grid.transform_length(axis, reach)

    def spectrum(mask: Mask) -> Array:
        return np.asarray(scipy.fft.rfft(mask.astype(np.float64), length, axis=axis + 1))

    a = spectrum(first)
    b = a if second is first else spectrum(second)
    others = tuple(i for i in range(1, a.ndim) if i != axis + 1)
    power = (a.real * b.real + a.imag * b.imag).sum(axis=others)
    counts = _rounded_to(0.5, scipy.fft.irfft(power, length, axis=-1)[:, : reach + 1])
    lines = np.prod(grid.shape) // grid.shape[axis]
    return np.asarray(counts / (lines * grid.places(axis, np.arange(reach + 1))))


def _rounded_to(fraction: float, counts: Array) -> NDArray[np.float64]:
    # Counts are whole; their averages over opposite and reflected lags are such fractions.
    return np.asarray(np.rint(counts / fraction) * fraction)


def _mask_batches(
    labels: NDArray[np.integer[Any]], phases: Sequence[int]
) -> Iterator[tuple[Mask, Mask]]:
    step = max(1, VOXELS_PER_BATCH // int(np.prod(labels.shape[1:])))
    for start in range(0, len(labels), step):
        batch = labels[start : start + step]
        first = batch == phases[0]
        yield first, first if phases[1] == phases[0] else batch == phases[1]


def _checked_distance(max_distance: int | None, default: int, limit: int) -> int:
    if max_distance is None:
        return min(default, limit)
    if not 0 <= max_distance <= limit or int(max_distance) != max_distance:
        raise InputError(
            f"max_distance: {max_distance!r} does not fit the box; use a whole number of voxels "
            f"from 0 to {limit}, or a larger sample"
        )
    return int(max_distance)
