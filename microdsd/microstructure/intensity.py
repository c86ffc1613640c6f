"""The array contract of images: intensities in levels, one or several channels, classes.

Images are an `xarray.DataArray` named ``intensity`` of unsigned integers with dims
``(sample, [channel,] y, x)``; the attribute ``levels`` is the number of grey levels, 0 to
``levels - 1``. A coordinate ``class`` along ``sample`` names the class of every image, where it
is known. ``provenance`` and the coordinates of space are those of a microstructure.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from microdsd.errors import InputError
from microdsd.microstructure.labels import require_printable, require_printable_record
from microdsd.microstructure.voxels import VoxelSizeLike, as_voxel_size, voxel_coordinates

IMAGE_DIMS = {("sample", "y", "x"), ("sample", "channel", "y", "x")}
GREY = ("grey",)


def as_images(
    intensity: xr.DataArray | npt.NDArray[Any],
    *,
    grey_levels: int | None = None,
    channels: Sequence[str] | None = None,
    classes: Sequence[str] | None = None,
    voxel_size: VoxelSizeLike | None = None,
    provenance: Mapping[str, Any] | None = None,
) -> xr.DataArray:
    """Validate intensities and convert them to the array contract of images.

    Parameters
    ----------
    intensity : ndarray or DataArray
        Integers, axes ``(sample, [channel,] y, x)``. What a DataArray states is kept where the
        arguments below are None.
    grey_levels : int, optional
        Number of grey levels; by default one more than the largest intensity.
    channels : sequence of str, optional
        Names of the channels, where there is a channel axis.
    classes : sequence of str, optional
        Class of every image.
    voxel_size : float or sequence of float, optional
        Edge of a pixel in metres.
    provenance : mapping, optional
        Anything that JSON can hold.

    Raises
    ------
    InputError
        Intensities that are not integers, are negative or beyond the levels; a wrong number of
        axes, channels or classes.

    Examples
    --------
    >>> as_images(np.array([[[0, 3], [1, 2]]]), grey_levels=4, classes=["b"]).sizes
    Frozen({'sample': 1, 'y': 2, 'x': 2})
    """
    coords: dict[Any, Any] = {}
    if isinstance(intensity, xr.DataArray):
        dims = tuple(str(dim) for dim in intensity.dims)
        coords = {name: c for name, c in intensity.coords.items() if set(c.dims) <= set(dims)}
        if grey_levels is None:
            grey_levels = intensity.attrs.get("levels")
        if provenance is None and "provenance" in intensity.attrs:
            provenance = json.loads(intensity.attrs["provenance"])
        values = intensity.values
    else:
        values = np.asarray(intensity)
        dims = ("sample", "channel", "y", "x") if values.ndim == 4 else ("sample", "y", "x")
    if dims not in IMAGE_DIMS or values.ndim != len(dims):
        raise InputError(
            f"intensity: axes must be (sample, [channel,] y, x), got {dims} and the shape "
            f"{values.shape}"
        )
    values = _whole(values)
    levels = int(values.max()) + 1 if grey_levels is None else int(grey_levels)
    if "channel" in dims:
        names = coords["channel"].values if channels is None and "channel" in coords else channels
        coords["channel"] = ("channel", _names(names, values.shape[1], "channel"))
    if classes is not None:
        coords["class"] = ("sample", _names(classes, len(values), "class", repeat=True))
    if voxel_size is not None or not {"y", "x"} <= set(coords):
        size = as_voxel_size(voxel_size, 2)
        lengths = dict(zip(dims[-2:], values.shape[-2:], strict=True))
        coords |= voxel_coordinates(lengths, size)
    attrs: dict[str, Any] = {"levels": max(levels, 2)}
    if provenance is not None:
        require_printable_record(provenance, "provenance")
        attrs["provenance"] = json.dumps(dict(provenance))
    return xr.DataArray(values, dims=dims, coords=coords, attrs=attrs, name="intensity")


def is_images(array: object) -> bool:
    """Tell whether an array states the contract of images."""
    return isinstance(array, xr.DataArray) and "levels" in array.attrs


def channels_of(images: xr.DataArray) -> tuple[str, ...]:
    """Return the names of the channels; ``("grey",)`` if there is no channel axis."""
    if "channel" not in images.dims:
        return GREY
    return tuple(str(name) for name in images["channel"].values)


def classes_of(images: xr.DataArray) -> tuple[str, ...]:
    """Return the class of every image; empty where it is not known."""
    return tuple(str(name) for name in images["class"].values) if "class" in images.coords else ()


def with_channels(images: xr.DataArray) -> npt.NDArray[Any]:
    """Return intensities (sample, channel, y, x), with a channel axis in any case."""
    return images.values if "channel" in images.dims else images.values[:, np.newaxis]


def intensity_totals(images: xr.DataArray) -> xr.DataArray:
    """Sum the intensity of every channel, int64, dims (sample, channel).

    Examples
    --------
    >>> intensity_totals(as_images(np.array([[[0, 3], [1, 2]]]))).values
    array([[6]])
    """
    totals = with_channels(images).sum(axis=(-2, -1), dtype=np.int64)
    return xr.DataArray(
        totals, dims=("sample", "channel"), coords={"channel": list(channels_of(images))}
    )


def quantise(
    values: npt.NDArray[Any], grey_levels: int, *, limits: tuple[float, float] | None = None
) -> npt.NDArray[Any]:
    """Round grey values to a few levels.

    The cost of the walk grows with the intensity: eight or sixteen levels are much cheaper than
    256, and often enough.

    Parameters
    ----------
    values : ndarray
    grey_levels : int
        At least 2.
    limits : (float, float), optional
        Grey values that become the first and the last level, what lies beyond is clipped; by
        default the extremes.

    Examples
    --------
    >>> quantise(np.array([0.0, 0.4, 1.0]), 3)
    array([0, 1, 2], dtype=uint8)
    """
    low, high = limits if limits is not None else (float(np.min(values)), float(np.max(values)))
    if grey_levels < 2 or not low < high:
        raise InputError(
            f"grey_levels={grey_levels}, limits={low:g} to {high:g}: give at least two levels, and "
            "limits in ascending order"
        )
    scaled = (np.asarray(values, dtype=float) - low) * ((grey_levels - 1) / (high - low))
    quantised: np.ndarray = np.rint(scaled.clip(0, grey_levels - 1))
    return quantised.astype(np.min_scalar_type(grey_levels - 1))


def _whole(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the same intensities as unsigned integers."""
    if values.size == 0:
        raise InputError(f"intensity: the array is empty, its shape is {values.shape}")
    if values.dtype.kind not in "iu":
        raise InputError(
            f"intensity: expected whole numbers, got {values.dtype}; "
            "use microdsd.microstructure.quantise"
        )
    if int(values.min()) < 0:
        raise InputError(f"intensity: must not be negative, the lowest is {values.min()}")
    highest = int(values.max())
    return values if values.dtype.kind == "u" else values.astype(np.min_scalar_type(highest))


def _names(
    given: Sequence[str] | None, length: int, what: str, *, repeat: bool = False
) -> npt.NDArray[Any]:
    names = [f"{what} {i}" for i in range(length)] if given is None else [str(n) for n in given]
    if len(names) != length or not (repeat or len(set(names)) == length) or not all(names):
        raise InputError(f"{what}: give {length} names, got {len(names)}: {names[:8]}")
    for name in dict.fromkeys(names):
        require_printable(name, what)
    return np.array(names)
