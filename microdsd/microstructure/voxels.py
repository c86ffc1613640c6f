"""Voxel sizes and the coordinates that carry them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
import xarray as xr

from microdsd.errors import InputError
from microdsd.microstructure.axes import SPATIAL_DIMS, LabelsLike, spatial_dims


class VoxelSize(NamedTuple):
    """Edge lengths of one voxel in the order of the spatial dims, and their unit."""

    size: tuple[float, ...]
    unit: Literal["m", "voxel"]


def as_voxel_size(voxel_size: float | Sequence[float] | None, ndim: int) -> VoxelSize:
    """Expand a voxel size in metres to one edge per axis; None counts in voxels.

    Raises
    ------
    InputError
        Sizes that are not positive and finite, or not one per axis.

    Examples
    --------
    >>> as_voxel_size(2e-6, 2)
    VoxelSize(size=(2e-06, 2e-06), unit='m')
    """
    if voxel_size is None:
        return VoxelSize((1.0,) * ndim, "voxel")
    sizes = np.atleast_1d(np.asarray(voxel_size, dtype=float))
    if sizes.ndim != 1 or sizes.size not in (1, ndim):
        raise InputError(
            f"voxel_size: give one size or one for each of {SPATIAL_DIMS[-ndim:]}, got {voxel_size}"
        )
    if not np.all(np.isfinite(sizes) & (sizes > 0)):
        raise InputError(f"voxel_size: must be positive, in metres, got {voxel_size}")
    return VoxelSize(tuple(np.broadcast_to(sizes, ndim).tolist()), "m")


def voxel_size_of(ms: LabelsLike) -> VoxelSize:
    """Read the edge lengths of a voxel from the coordinates; 1 voxel where they are not known.

    Raises
    ------
    InputError
        Coordinates that are not evenly spaced or whose unit is neither metre nor voxel.

    Examples
    --------
    >>> voxel_size_of(np.eye(3, dtype=int))
    VoxelSize(size=(1.0, 1.0), unit='voxel')
    """
    dims = spatial_dims(ms)
    if not isinstance(ms, xr.DataArray) or not all(dim in ms.coords for dim in dims):
        return VoxelSize((1.0,) * len(dims), "voxel")
    units = {ms.coords[dim].attrs.get("units", "voxel") for dim in dims}
    if units == {"m"}:
        return VoxelSize(tuple(_spacing(ms.coords[dim]) for dim in dims), "m")
    if units == {"voxel"}:
        return VoxelSize(tuple(_spacing(ms.coords[dim]) for dim in dims), "voxel")
    raise InputError(
        f"ms: the coordinates are in {sorted(units)}; give them all in 'm' or all in 'voxel'"
    )


def voxel_coordinates(lengths: Mapping[str, int], voxel_size: VoxelSize) -> dict[str, xr.Variable]:
    """Place voxel centres ``(i + 1/2)`` voxel sizes from the corner of the box.

    Parameters
    ----------
    lengths : mapping of str to int
        Number of voxels per spatial dim.
    voxel_size : VoxelSize
    """
    return {
        dim: xr.Variable(
            dim, (np.arange(n) + 0.5) * size, {"units": voxel_size.unit, "voxel_size": size}
        )
        for (dim, n), size in zip(lengths.items(), voxel_size.size, strict=True)
    }


def _spacing(coordinate: xr.DataArray) -> float:
    centres = coordinate.values
    if centres.size < 2:
        return float(coordinate.attrs.get("voxel_size", 1.0))
    spacing = float(centres[-1] - centres[0]) / (centres.size - 1)
    even = np.allclose(np.diff(centres), spacing, rtol=1e-4, atol=0)
    if spacing <= 0 or not even:
        raise InputError(
            f"ms: the coordinate {coordinate.name} must rise in even steps, got {centres}; "
            "resample it or pass voxel_size"
        )
    # The attribute holds the size as it was given; the difference of centres has lost a digit.
    stated = coordinate.attrs.get("voxel_size")
    return float(stated) if stated and np.isclose(stated, spacing, rtol=1e-6, atol=0) else spacing
