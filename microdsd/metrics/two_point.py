"""Two-point probability functions of labelled microstructures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from microdsd.errors import InputError
from microdsd.metrics._ensembles import MaskLike, per_sample, specimen_of
from microdsd.metrics.correlation import (
    Grid,
    Shells,
    checked_distance,
    pair_counts,
    pair_counts_along,
)
from microdsd.metrics.registry import Descriptor, Group, Margin, Variables, Words
from microdsd.metrics.request import Request
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

VOXELS_PER_BATCH = 2**21


def two_point_probability(
    ms: LabelsLike,
    *,
    phase: int | str,
    phase2: int | str | None = None,
    periodic: bool,
    max_distance: int | None = None,
    axis: str = "radial",
    mask: MaskLike | None = None,
) -> xr.DataArray:
    r"""Measure the two-point probability function S2 of one phase, or of a pair of phases.

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
    axis : {"radial", "z", "y", "x"}, optional
        Average over all lags of a shell, or only along one axis.
    mask : array_like of bool, dims ``([sample,] [z,] y, x)``, optional
        Where the specimen is, if it does not fill the box: only pairs with both ends in it count,
        and each lag is divided by the number of such pairs. Lags that fit nowhere are left out.

    Returns
    -------
    DataArray
        float64 probabilities, dims ``(sample, distance)``. ``distance`` is in metres or voxels;
        for shells it is the mean length of their lags. The first value, at distance zero, is the
        phase fraction (zero for two different phases).

    Raises
    ------
    InputError
        If the phase or direction does not exist, `max_distance` does not fit the box, or the mask
        does not.

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
    >>> s2 = two_point_probability(stripes, phase=1, periodic=True, max_distance=4, axis="x")
    >>> s2.values
    array([[0.5 , 0.25, 0.  , 0.25, 0.5 ]])
    """
    ensemble = as_ensemble(ms)
    first = resolve_phase(ensemble, phase)
    second = first if phase2 is None else resolve_phase(ensemble, phase2)
    dims = spatial_dims(ensemble)
    if axis != "radial" and axis not in dims:
        raise InputError(f"axis: {axis!r} is not one of {('radial', *dims)}")
    size, unit = voxel_size_of(ensemble)
    grid = Grid.of(ensemble.shape[1:], size, periodic)
    default = min(ensemble.shape[1:]) // 2
    batches = _batches(ensemble.values, (first, second), specimen_of(ensemble, mask))

    if axis == "radial":
        edge = min(size)
        shells = Shells.of(grid, checked_distance(max_distance, default, grid.longest_shell()))
        lengths = grid.transform_lengths(shells.reach)
        values = [
            shells.mean(counts, places)
            for a, b, inside in batches
            for counts, places in _with_places(
                pair_counts(a, b, lengths, shells.reach),
                None if inside is None else pair_counts(inside, inside, lengths, shells.reach),
            )
        ]
        distance = shells.distance
    else:
        number = dims.index(axis)
        edge = size[number]
        reach = checked_distance(max_distance, default, grid.farthest_lag(number))
        distance = np.arange(reach + 1.0)
        length = grid.transform_length(number, reach)
        lines = np.prod(grid.shape) // grid.shape[number]
        of_box = lines * grid.places(number, np.arange(reach + 1))
        values = [
            _share(counts, of_box if places is None else places)
            for a, b, inside in batches
            for counts, places in _with_places(
                pair_counts_along(a, b, length, number, reach),
                None
                if inside is None
                else pair_counts_along(inside, inside, length, number, reach),
            )
        ]

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
        axis=axis,
        periodic=int(periodic),
    )


def _batches(
    labels: NDArray[np.integer[Any]], phases: Sequence[int], specimen: Mask | None
) -> Iterator[tuple[Mask, Mask, Mask | None]]:
    """Yield the places of the two phases, and the specimen, for a few samples at a time."""
    step = max(1, VOXELS_PER_BATCH // int(np.prod(labels.shape[1:])))
    for start in range(0, len(labels), step):
        batch = slice(start, start + step)
        inside = None if specimen is None else specimen[batch]

        def where(phase: int, batch: slice = batch, inside: Mask | None = inside) -> Mask:
            in_phase = np.asarray(labels[batch] == phase)
            return in_phase if inside is None else np.asarray(in_phase & inside)

        first = where(phases[0])
        yield first, first if phases[1] == phases[0] else where(phases[1]), inside


def _with_places(
    counts: NDArray[np.float64], places: NDArray[np.float64] | None
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64] | None]]:
    """Return the counts of each sample, and the places of its specimen if it has one."""
    for i, sample_counts in enumerate(counts):
        yield sample_counts, None if places is None else places[i]


def _share(counts: NDArray[np.float64], places: NDArray[Any]) -> NDArray[np.float64]:
    share = np.divide(counts, places, out=np.full(counts.shape, np.nan), where=places > 0)
    return np.asarray(share)


def radial(request: Request, phase: int) -> xr.DataArray:
    """Measure the radial S2 of a phase, once per request."""
    return request.once(
        ("two_point_probability", phase),
        lambda: two_point_probability(
            request.ensemble, phase=phase, periodic=request.periodic, mask=request.mask
        ),
    )


def _measure_radial(request: Request) -> Variables:
    return {"two_point_probability": request.by_phase(lambda phase: radial(request, phase))}


def _measure_along(request: Request) -> Variables:
    def along(phase: int) -> xr.DataArray:
        return request.by_axis(
            lambda axis: two_point_probability(
                request.ensemble,
                phase=phase,
                periodic=request.periodic,
                axis=axis,
                max_distance=request.reach,
                mask=request.mask,
            ),
            "lag",
            0,
            "two-point probability along an axis",
        )

    return {"two_point_along": request.by_phase(along)}


def _measure_cross(request: Request) -> Variables:
    if not (request.many and request.pairs):
        return {}

    def cross(phase: int, phase2: int) -> xr.DataArray:
        return two_point_probability(
            request.ensemble,
            phase=phase,
            phase2=phase2,
            periodic=request.periodic,
            mask=request.mask,
        )

    return {"cross_two_point_probability": request.by_pair(cross)}


def _anisotropy(along: xr.DataArray, last_lag: int) -> xr.DataArray:
    """Return S2 along every axis less the mean of the axes, over the fall of S2."""
    fraction = along.isel(lag=0, drop=True)
    fall = fraction * (1 - fraction)
    return ((along - along.mean("axis")) / fall.where(fall > 0)).assign_attrs(units="1")


_TORQUATO = "doi:10.1007/978-1-4757-6355-3"

TWO_POINT = Group(
    "two_point",
    _measure_radial,
    (
        Descriptor(
            name="two_point_probability",
            label="two-point probability",
            definition="S2(r) = <I(x) I(x + r)>, plain mean over the lags i <= |r| < i + 1 "
            "shortest edges",
            references=_TORQUATO,
            symbol="S2(r)",
            explanation="S₂(r): probability that two points at distance r both lie in the phase; "
            "S₂(0) is the phase fraction, and S₂ tends to its square where the phase has no order "
            "left. The radial curve averages all directions: shell i holds the lags with "
            "i ≤ |r| < i + 1 voxels.",
            points="distance",
            drawn=True,
            compared=True,
            margin=Margin(0.05, "fall"),
            words=Words("{phase} structures are", "too coarse", "too fine"),
            same_for_both_phases=True,
            tolerance=0.1,
            rank=2,
        ),
    ),
)

TWO_POINT_ALONG = Group(
    "two_point_along",
    _measure_along,
    (
        Descriptor(
            name="two_point_along",
            label="two-point probability along an axis",
            definition="S2 at lags along one axis",
            references=_TORQUATO,
            symbol="S2(r)",
            points="lag",
            points_in_voxels=True,
            compared=True,
        ),
        Descriptor(
            name="anisotropy",
            label="anisotropy",
            definition="S2 along an axis less the mean of the axes, over phi (1 - phi)",
            references=_TORQUATO,
            points="lag",
            points_in_voxels=True,
            derived_from="two_point_along",
            derive=_anisotropy,
            margin=Margin(0.05, "points"),
            words=Words(
                "{phase} structures are", "too long along {axis}", "too short along {axis}"
            ),
            same_for_both_phases=True,
            rank=4,
        ),
    ),
)

CROSS_TWO_POINT = Group(
    "cross_two_point",
    _measure_cross,
    (
        Descriptor(
            name="cross_two_point_probability",
            label="two-point probability of two phases",
            definition="S2(r) = <I_a(x) I_b(x + r)> of two phases, r and -r averaged, mean over "
            "shells",
            references=_TORQUATO,
            symbol="S2(r)",
            explanation="Probability that of two points at distance r one lies in the first phase "
            "and one in the second; 0 at r = 0, and the product of the two fractions where no "
            "order is left.",
            points="distance",
            compared=True,
            margin=Margin(0.05, "fall"),
            words=Words("distances from {phase} are", "too short", "too long"),
            rank=3,
        ),
    ),
)
