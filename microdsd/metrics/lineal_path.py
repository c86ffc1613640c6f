"""Lineal-path function: probability of straight segments inside a phase."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from microdsd.errors import InputError
from microdsd.metrics._ensembles import MaskLike, per_sample, specimen_of
from microdsd.metrics._runs import Runs
from microdsd.metrics.correlation import Grid, checked_distance
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

    Values = NDArray[np.float64]


def lineal_path(
    ms: LabelsLike,
    *,
    phase: int | str,
    periodic: bool,
    max_distance: int | None = None,
    axis: str = "mean",
    mask: MaskLike | None = None,
) -> xr.DataArray:
    r"""Measure the lineal-path function L(z): the probability that a segment lies in the phase.

    Parameters
    ----------
    ms : DataArray or ndarray
        Integer labels, dims ``([sample,] [z,] y, x)``.
    phase : int or str
        Label or name of the phase.
    periodic : bool
        True wraps the box. False uses only segments inside the box and divides each length by the
        number of places where it fits, which is free of bias. There is no default.
    max_distance : int, optional
        Longest segment, in voxel edges (the shortest edge if they differ). By default half the
        shortest side of the box.
    axis : {"mean", "z", "y", "x"}, optional
        Segments along one axis, or the mean over the axes. Where voxels are not cubes, the curve
        of a longer edge is interpolated linearly to multiples of the shortest one.
    mask : array_like of bool, dims ``([sample,] [z,] y, x)``, optional
        Where the specimen is, if it does not fill the box: only segments wholly in it count.

    Returns
    -------
    DataArray
        float64 probabilities, dims ``(sample, distance)``; NaN for lengths that fit nowhere.
        ``distance`` is in metres or voxels. The first value is the phase fraction.

    Raises
    ------
    InputError
        If the phase or axis does not exist, or `max_distance` or the mask does not fit the box.

    Notes
    -----
    .. math:: L(z) = \langle I(x) I(x + 1) \cdots I(x + z) \rangle

    A segment of length z joins the centres of two voxels z apart and lies in the phase if all
    z + 1 voxels that it meets do. So L(0) is the phase fraction, L equals the two-point
    probability along the axis at one voxel and is at most that beyond. Runs of l voxels hold
    l - z places each, so that the time is proportional to the number of voxels, whatever z.

    References
    ----------
    Lu and Torquato, Physical Review A 45 (1992) 922, doi:10.1103/PhysRevA.45.922.
    Torquato, Random Heterogeneous Materials, Springer (2002), section 2.4,
    doi:10.1007/978-1-4757-6355-3.

    Examples
    --------
    >>> import numpy as np
    >>> stripes = np.tile(np.array([0, 0, 1, 1], dtype=np.uint8), (8, 2))
    >>> path = lineal_path(stripes, phase=1, periodic=True, max_distance=3, axis="x")
    >>> path.values
    array([[0.5 , 0.25, 0.  , 0.  ]])
    """
    ensemble = as_ensemble(ms)
    label = resolve_phase(ensemble, phase)
    dims = spatial_dims(ensemble)
    if axis not in ("mean", *dims):
        raise InputError(f"axis: {axis!r} is not one of {('mean', *dims)}")
    size, unit = voxel_size_of(ensemble)
    grid = Grid.of(ensemble.shape[1:], size, periodic)
    inside = specimen_of(ensemble, mask)
    default = min(ensemble.shape[1:]) // 2

    def curves(number: int, reach: int) -> Values:
        return np.stack(
            [
                _path(
                    sample == label, None if inside is None else inside[i], number, reach, periodic
                )
                for i, sample in enumerate(ensemble.values)
            ]
        )

    if axis == "mean":
        reach = checked_distance(max_distance, default, _longest_common(grid))
        edge = min(size)
        wanted = np.arange(reach + 1.0)
        values = np.zeros((len(ensemble), reach + 1))
        for number, ratio in enumerate(grid.edges):
            lags = np.arange(int(np.ceil(reach / ratio)) + 1)
            for i, curve in enumerate(curves(number, int(lags[-1]))):
                values[i] += np.interp(wanted, lags * ratio, curve) / len(dims)
    else:
        number = dims.index(axis)
        edge = size[number]
        reach = checked_distance(max_distance, default, grid.farthest_lag(number))
        values = curves(number, reach)
    return per_sample(
        ensemble,
        values,
        name="lineal_path",
        long_name="lineal-path function",
        dims=("distance",),
        coords={"distance": ("distance", np.arange(reach + 1) * edge, {"units": unit})},
        phase=phases_of(ensemble)[label],
        axis=axis,
        periodic=int(periodic),
    )


def _longest_common(grid: Grid) -> int:
    """Return the longest distance, in shortest edges, to which all axes reach."""
    return int(min(grid.farthest_lag(axis) * edge for axis, edge in enumerate(grid.edges)))


def _path(
    in_phase: NDArray[np.bool_],
    inside: NDArray[np.bool_] | None,
    axis: int,
    reach: int,
    periodic: bool,
) -> Values:
    n = in_phase.shape[axis]
    if inside is None:
        per_line = np.full(reach + 1, n) if periodic else n - np.arange(reach + 1)
        places = per_line * (in_phase.size // n)
    else:
        places = Runs.along(inside, axis, periodic=periodic).segments(reach)
        in_phase = in_phase & inside
    segments = Runs.along(in_phase, axis, periodic=periodic).segments(reach)
    share = np.divide(segments, places, out=np.full(reach + 1, np.nan), where=places > 0)
    return np.asarray(share)


def _measure(request: Request) -> Variables:
    def path(phase: int, axis: str) -> xr.DataArray:
        return lineal_path(
            request.ensemble,
            phase=phase,
            periodic=request.periodic,
            axis=axis,
            max_distance=request.reach,
            mask=request.mask,
        )

    def mean(phase: int) -> xr.DataArray:
        curve = path(phase, "mean").drop_vars("distance").rename(distance="lag")
        return curve.assign_coords(lag=("lag", np.arange(request.reach + 1), {"units": "voxel"}))

    def along(phase: int) -> xr.DataArray:
        return request.by_axis(
            lambda axis: path(phase, axis), "lag", 0, "lineal-path function along an axis"
        )

    return {"lineal_path": request.by_phase(mean), "lineal_path_along": request.by_phase(along)}


_LU_TORQUATO = "doi:10.1103/PhysRevA.45.922"

LINEAL_PATH = Group(
    "lineal_path",
    _measure,
    (
        Descriptor(
            name="lineal_path",
            label="lineal path",
            definition="L(z): chance that a segment joining the centres of voxels z apart lies in "
            "the phase, mean over the axes",
            references=_LU_TORQUATO,
            symbol="L(z)",
            points="lag",
            points_in_voxels=True,
            drawn=True,
            margin=Margin(0.05, "fall"),
            words=Words("straight paths in {phase} are", "too long", "too short"),
            tolerance=0.1,
            rank=6,
        ),
        Descriptor(
            name="lineal_path_along",
            label="lineal path along an axis",
            definition="L(z) along one axis",
            references=_LU_TORQUATO,
            symbol="L(z)",
            points="lag",
            points_in_voxels=True,
        ),
    ),
)
