"""Voxel sizes and the coordinates that carry them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, NamedTuple

import numpy as np
import xarray as xr

from microdsd.errors import InputError
from microdsd.microstructure.axes import SPATIAL_DIMS, LabelsLike, spatial_dims
from microdsd.microstructure.lengths import UNITS, metres_in


class VoxelSize(NamedTuple):
    """Hold the edge lengths of one voxel in the order of the spatial dims, and their unit."""

    size: tuple[float, ...]
    unit: Literal["m", "voxel"]


VoxelSizeLike = VoxelSize | float | str | Sequence[float | str]
"""Edge lengths: metres, text with a unit, quantities of pint; one, or one per axis."""

_LENGTH = re.compile(r"\s*([-+]?[\d.]+(?:[eE][-+]?\d+)?)\s*([^\W\d]*)\s*")
_BELIEVED = 1e-3
"""Largest edge in metres that is taken from a bare number: more is a forgotten unit."""


def as_voxel_size(voxel_size: VoxelSizeLike | None, ndim: int) -> VoxelSize:
    """Expand a voxel size to one edge per axis, in metres; None counts in voxels.

    Parameters
    ----------
    voxel_size : VoxelSize, float, str, quantity, sequence of these, or None
        Bare numbers are metres, and none above a millimetre is believed; ``"0.398 um"``,
        ``"398nm"`` and ``"0.398 m"`` are. Quantities are those of pint or astropy.
    ndim : int

    Raises
    ------
    InputError
        Sizes that are not positive and finite, or not one per axis; an unknown unit; a bare number
        above a millimetre.

    Examples
    --------
    >>> as_voxel_size(2e-6, 2), as_voxel_size("398 nm", 2).size
    (VoxelSize(size=(2e-06, 2e-06), unit='m'), (3.98e-07, 3.98e-07))
    """
    if voxel_size is None:
        return VoxelSize((1.0,) * ndim, "voxel")
    if isinstance(voxel_size, VoxelSize):
        sizes, unit = voxel_size
    else:
        sizes, unit = tuple(_metres(voxel_size)), "m"
    if len(sizes) not in (1, ndim):
        raise InputError(
            f"voxel_size: give one size or one for each of {SPATIAL_DIMS[-ndim:]}, got {voxel_size}"
        )
    if not all(math.isfinite(size) and size > 0 for size in sizes):
        raise InputError(f"voxel_size: must be positive, in metres, got {voxel_size}")
    edges = tuple(float(size) for size in sizes)
    return VoxelSize(edges * ndim if len(edges) == 1 else edges, unit)


def _metres(given: Any) -> Iterator[float]:
    """Return edge lengths in metres, one or more of them."""
    if hasattr(given, "to"):
        quantity = given.to("m")
        magnitude: Any = getattr(quantity, "magnitude", getattr(quantity, "value", None))
        yield from np.ravel(magnitude).astype(float).tolist()
    elif isinstance(given, str):
        yield _metres_of_text(given)
    elif isinstance(given, Iterable):
        for one in given:
            yield from _metres(one)
    else:
        try:
            size = float(given)
        except (TypeError, ValueError) as error:
            raise InputError(
                f"voxel_size: expected metres or a length with its unit, got {given!r}"
            ) from error
        yield _believed(size)


def _metres_of_text(text: str) -> float:
    """Return the metres of a number with a unit, or without one."""
    parts = _LENGTH.fullmatch(text)
    try:
        number, unit = Decimal(parts[1]), parts[2]  # type: ignore[index]
    except (TypeError, InvalidOperation) as error:
        raise InputError(
            f"voxel_size: expected a length such as 0.398um, 398nm or 3.98e-7, got {text!r}"
            + ("; write a decimal point" if "," in text else "")
        ) from error
    if not unit:
        return _believed(float(number))
    metres = metres_in(unit)
    if metres is None:
        raise InputError(
            f"voxel_size: the unit of {text!r} is not known; there are {', '.join(UNITS)}"
        )
    return float(number * metres)


def _believed(size: float) -> float:
    if size > _BELIEVED:
        raise InputError(
            f"voxel_size: {size:g} would be metres; say the unit, as '{size:g}um', or "
            f"'{size:g}m' if metres are meant"
        )
    return size


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
    units = {str(ms.coords[dim].attrs.get("units", "voxel")) for dim in dims}
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
    if coordinate.dtype.kind not in "iuf":
        raise InputError(
            f"ms: the coordinate {coordinate.name} must hold numbers, got {coordinate.dtype}; "
            "replace it by positions, or pass voxel_size"
        )
    stated = _stated_size(coordinate)
    centres = coordinate.values.astype(float)  # differences of unsigned integers would wrap
    if centres.size < 2:
        return 1.0 if stated is None else stated
    spacing = float(centres[-1] - centres[0]) / (centres.size - 1)
    even = np.allclose(np.diff(centres), spacing, rtol=1e-4, atol=0)
    if spacing <= 0 or not even:
        raise InputError(
            f"ms: the coordinate {coordinate.name} must rise in even steps, got {centres}; "
            "resample it or pass voxel_size"
        )
    # The attribute holds the size as it was given; the difference of centres has lost a digit.
    same = stated is not None and np.isclose(stated, spacing, rtol=1e-6, atol=0)
    return stated if stated is not None and same else spacing


def _stated_size(coordinate: xr.DataArray) -> float | None:
    """Return the edge length that a coordinate states beside its values."""
    stated = coordinate.attrs.get("voxel_size")
    try:
        return None if stated is None else float(stated)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"ms: the attribute voxel_size of the coordinate {coordinate.name} must be a number, "
            f"got {stated!r}; correct it, or pass voxel_size"
        ) from error
