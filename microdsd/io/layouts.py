"""What foreign HDF5 layouts say of the axes of an array: names, orders, spacings.

Understood are the dimension scales and labels of HDF5 and netCDF-4, ilastik's ``axistags``, the
attribute matrices of DREAM.3D and what MATLAB v7.3 notes of its variables.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import h5py
import numpy as np

from microdsd.errors import InputError
from microdsd.io.hdf5_access import dimension_scale, text_attribute
from microdsd.io.spacing import AxisSpacing, axis_spacing, spacing_note
from microdsd.microstructure.axes import SPATIAL_DIMS

Kind = Literal["native", "stack", "per-sample", "dream3d", "plain"]

CELL_GROUPS = {"CellData", "Cell Data"}
CELL_MATRIX = 3
TEXT_OF_MATLAB = {"char", "cell", "struct", "function_handle", "string", "table", "datetime"}
WITHOUT_VALUES = b"This is a netCDF dimension but not a netCDF variable"
SMALLEST_IMAGE = 16
COLOURS = (3, 4)
ROLES = {
    "z": {"z", "slice", "slices", "depth", "page", "pages", "plane", "planes", "layer", "layers"},
    "y": {"y", "row", "rows"},
    "x": {"x", "col", "cols", "column", "columns", "width"},
    "sample": {"s", "n", "sample", "samples", "realization", "realisation", "member", "t", "time",
               "frame", "frames", "batch"},
    "channel": {"c", "channel", "channels", "component", "components", "band", "bands"},
}  # fmt: skip


@dataclass(frozen=True)
class Layout:
    """Describe how the axes of a stored array become ``([sample,] [z,] y, x)``.

    Attributes
    ----------
    kind : str
    axes : tuple of int
        Stored axis of each of them; other axes have length one.
    has_samples : bool
    spacings : tuple of AxisSpacing or None
        One per spatial axis.
    note : str
        For people.
    """

    kind: Kind
    axes: tuple[int, ...]
    has_samples: bool = False
    spacings: tuple[AxisSpacing | None, ...] = ()
    note: str = ""

    @property
    def backwards(self) -> tuple[int, ...]:
        """Return the spatial axes whose coordinates decrease."""
        return tuple(i for i, s in enumerate(self.spacings) if s is not None and s.decreasing)


def layout_of(dataset: h5py.Dataset, axis_order: str | None = None) -> Layout:
    """Find out how an array of integers is stored.

    Parameters
    ----------
    dataset : h5py.Dataset
    axis_order : str, optional
        Order of the stored axes, slowest first, in the letters z, y, x and s for samples; axes of
        length one may be left out. What the file says of their order does not count then.

    Raises
    ------
    InputError
        The array does not hold labels of voxels, or its axes cannot be told; says why.
    """
    if why := _why_not_labels(dataset):
        raise InputError(why)
    names, kind, note = _names(dataset)
    spacings = _spacings(dataset, names)
    if axis_order is not None:
        names, note = _ordered(dataset, axis_order), ""
    if not any(names):
        if kind == "plain" and axis_order is None:
            _refuse_colours(dataset)
        layout = _by_position(dataset.shape)
    else:
        layout = _by_name(dataset, names)
    layout = replace(layout, kind=kind if kind == "dream3d" else layout.kind)
    spatial = layout.axes[1:] if layout.has_samples else layout.axes
    chosen = tuple(spacings[axis] for axis in spatial)
    notes = [note, spacing_note(SPATIAL_DIMS[-len(spatial) :], chosen)]
    if kind == "plain" and (text := _order_note(layout, spatial)):
        notes.insert(1, text)
    return replace(layout, spacings=chosen, note="; ".join(filter(None, notes)))


def _why_not_labels(dataset: h5py.Dataset) -> str:
    attrs = dataset.attrs
    what = f"{dataset.name}: is"
    if text_attribute(attrs, "MATLAB_class") in TEXT_OF_MATLAB:
        return f"{what} a MATLAB {text_attribute(attrs, 'MATLAB_class')}, not an array of labels"
    if _number(attrs.get("MATLAB_empty", 0)):
        return f"{what} empty in MATLAB"
    if _number(attrs.get("scale_factor", 1)) != 1 or _number(attrs.get("add_offset", 0)) != 0:
        return (
            f"{what} a packed quantity (scale_factor, add_offset), not labels; unpack and segment "
            "it first"
        )
    matrix = dataset.parent.attrs.get("AttributeMatrixType")
    if matrix is not None and _number(matrix) != CELL_MATRIX:
        return f"{what} in an attribute matrix of type {_number(matrix):g}, not of cells"
    components = int(np.prod(attrs.get("ComponentDimensions", 1), dtype=float))
    if components > 1:
        return f"{what} an array with {components} components per voxel, not labels; choose one"
    return ""


def _names(dataset: h5py.Dataset) -> tuple[list[str], Kind, str]:
    """Return the role of every stored axis (empty where unknown), the kind, and a note to show."""
    if names := _dream3d_names(dataset):
        return names, "dream3d", _dream3d_note(dataset)
    tags = _axistags(dataset)
    if tags and len(tags) == dataset.ndim:
        return [_role(tag) for tag in tags], "plain", ""
    if "MATLAB_class" in dataset.attrs:
        names = ["sample", "z", "x", "y"][-dataset.ndim :]
        order = "y (rows), x (columns)" + (", z (pages)" if dataset.ndim > 2 else "")
        if dataset.ndim <= 4:
            return names, "plain", f"MATLAB array, its axes are taken as {order}"
    scales = [dimension_scale(dataset, axis) for axis in range(dataset.ndim)]
    names = [_scale_name(dataset, axis, scale) for axis, scale in enumerate(scales)]
    roles = [_role(name) for name in names]
    words = [name.strip().lower() for name in names]
    if "height" in words:  # of an image beside its width, above the ground otherwise
        roles[words.index("height")] = "y" if "width" in words else "z"
    for axis, scale in enumerate(scales):
        letter = text_attribute(scale.attrs, "axis").lower() if scale is not None else ""
        if letter in ("x", "y", "z"):
            roles[axis] = letter
    spatial = [role for role in roles if role in SPATIAL_DIMS]
    if not spatial or len(set(spatial)) < len(spatial):
        return [""] * dataset.ndim, "plain", ""
    named = [role or f"? {name}" for role, name in zip(roles, names, strict=True)]
    return named, "plain", ""


def _by_position(shape: Sequence[int]) -> Layout:
    """Return the layout of axes without names: slowest first, of four the first counts samples."""
    axes = list(range(len(shape)))
    if len(axes) > 2 and shape[axes[-1]] == 1:  # a channel
        axes = axes[:-1]
    if len(axes) > 4:
        axes = [axis for axis in axes if shape[axis] > 1]
    if len(axes) not in (2, 3, 4):
        raise InputError(f"needs 2 to 4 axes, the array has the shape {tuple(shape)}")
    if len(axes) == 4:
        return Layout("stack", tuple(axes), has_samples=True)
    return Layout("plain", tuple(axes))


def _by_name(dataset: h5py.Dataset, names: list[str]) -> Layout:
    shape = dataset.shape
    long = [axis for axis in range(len(shape)) if shape[axis] > 1 or names[axis] in SPATIAL_DIMS]
    spatial = [axis for axis in long if names[axis] in SPATIAL_DIMS]
    if len(spatial) == 3:
        spatial = [a for a in spatial if shape[a] > 1 or names[a] != "z"]
    spatial.sort(key=lambda axis: SPATIAL_DIMS.index(names[axis]))
    others = [axis for axis in long if names[axis] not in SPATIAL_DIMS]
    channels = [axis for axis in others if names[axis] == "channel"]
    if channels:
        raise InputError(
            f"{dataset.name}: has {shape[channels[0]]} channels or components per voxel, not one "
            "label; choose one and save it by itself"
        )
    unknown = [axis for axis in others if names[axis] != "sample"]
    if unknown and len(shape) < 4:
        raise InputError(
            f"{dataset.name}: the axis {names[unknown[0]][2:]!r} is none of x, y, z; say what its "
            "axes are, slowest first, e.g. axis_order='zyx' (--axis-order zyx, s for samples)"
        )
    if len(spatial) not in (2, 3) or len(others) > 1:
        raise InputError(
            f"{dataset.name}: needs two or three axes of space and at most one of samples, its "
            f"axes are {', '.join(n or 'without a name' for n in names)} of shape {shape}; give "
            "axis_order (--axis-order)"
        )
    return Layout("stack" if others else "plain", (*others, *spatial), has_samples=bool(others))


def _order_note(layout: Layout, spatial: Sequence[int]) -> str:
    dims = SPATIAL_DIMS[-len(spatial) :]
    words = []
    if list(spatial) != sorted(spatial):
        stored = [dims[i] for i in np.argsort(spatial)]
        words.append(f"stored as {', '.join(stored)}, read as {', '.join(dims)}")
    return "; ".join(words)


def _ordered(dataset: h5py.Dataset, axis_order: str) -> list[str]:
    """Return names of the stored axes from letters; axes of length one may be left out."""
    letters = axis_order.lower()
    names = ["sample" if letter == "s" else letter for letter in letters]
    known = set(names) <= {*SPATIAL_DIMS, "sample"} and len(set(names)) == len(names)
    long = [axis for axis, length in enumerate(dataset.shape) if length > 1]
    enough = {"y", "x"} <= set(names)
    if known and enough and len(names) == dataset.ndim:
        return names
    if known and enough and len(names) == len(long):
        placed = dict(zip(long, names, strict=True))
        return [placed.get(axis, "channel") for axis in range(dataset.ndim)]
    raise InputError(
        f"axis_order: needs one of the letters z, y, x (and s for samples) for each axis of "
        f"{dataset.name}, shape {dataset.shape}, slowest first; got {axis_order!r}"
    )


def _refuse_colours(dataset: h5py.Dataset) -> None:
    if (
        dataset.ndim == 3
        and dataset.dtype == np.uint8
        and dataset.shape[-1] in COLOURS
        and min(dataset.shape[:2]) >= SMALLEST_IMAGE
    ):
        raise InputError(
            f"{dataset.name}: of shape {dataset.shape} looks like an image with "
            f"{dataset.shape[-1]} colours; turn colours into labels first, or give "
            "axis_order='zyx' (--axis-order zyx) if it is a volume"
        )


def _dream3d_names(dataset: h5py.Dataset) -> list[str]:
    """Return the axes of a cell array of DREAM.3D; none for other arrays."""
    components = np.ravel(dataset.attrs.get("ComponentDimensions", []))
    parent = dataset.parent
    cells = (
        _number(parent.attrs.get("AttributeMatrixType", -1)) == CELL_MATRIX
        or str(parent.name).rpartition("/")[2] in CELL_GROUPS
        or (components.size and dataset.ndim - components.size in (2, 3))
    )
    if not cells:
        return []
    extra = components.size or int(dataset.ndim == 4)
    cell_axes = dataset.ndim - extra
    if cell_axes not in (2, 3) or int(np.prod(dataset.shape[cell_axes:])) != 1:
        raise InputError(
            f"{dataset.name}: of shape {dataset.shape} is not an array with one label per cell"
        )
    return [*SPATIAL_DIMS[-cell_axes:], *["channel"] * extra]


def _dream3d_note(dataset: h5py.Dataset) -> str:
    container = dataset.parent.parent
    spacing = container.get("_SIMPL_GEOMETRY/SPACING")
    values = container.attrs.get("_SPACING") if spacing is None else spacing[()]
    if values is None or np.size(values) < 3:
        return ""
    x, y, z = np.ravel(values)[:3]
    return (
        f"spacing z, y, x = {z:g}, {y:g}, {x:g} in a unit the file does not state; if micrometres, "
        f"voxel_size is {z * 1e-6:g} {y * 1e-6:g} {x * 1e-6:g} (--voxel-size)"
    )


def _axistags(dataset: h5py.Dataset) -> list[str]:
    try:
        record = json.loads(text_attribute(dataset.attrs, "axistags"))
        return [str(axis["key"]) for axis in record["axes"]]
    except (KeyError, TypeError, ValueError):
        return []


def _scale_name(dataset: h5py.Dataset, axis: int, scale: Any) -> str:
    if scale is not None:
        return str(scale.name).rpartition("/")[2]
    return str(dataset.dims[axis].label)


def _role(name: str) -> str:
    """Return which of z, y, x, sample, channel the name of an axis means; empty for none."""
    text = name.strip().lower()
    for role, words in ROLES.items():
        if text in words:
            return role
    letters = {word for word in re.split(r"[^a-z]+", text) if word in SPATIAL_DIMS}
    return letters.pop() if len(letters) == 1 else ""


def _spacings(dataset: h5py.Dataset, names: Sequence[str]) -> list[AxisSpacing | None]:
    """Return the spacing along every stored axis, from coordinates or ``element_size_um``."""
    spacings: list[AxisSpacing | None] = [None] * dataset.ndim
    for axis in range(dataset.ndim):
        scale = dimension_scale(dataset, axis)
        if (
            scale is None
            or bytes(scale.attrs.get("NAME", b"")).startswith(WITHOUT_VALUES)
            or scale.shape != (dataset.shape[axis],)
            or scale.dtype.kind not in "iuf"
        ):
            continue
        name = str(scale.name).rpartition("/")[2]
        unit = text_attribute(scale.attrs, "units")
        spacing = axis_spacing(name, scale[()], unit)
        size = scale.attrs.get("voxel_size")
        if size is not None and scale.size == 1:
            spacing = replace(spacing, step=_number(size))
        spacings[axis] = spacing
    size = np.ravel(dataset.attrs.get("element_size_um", []))
    if size.size == 3 and not any(spacings):
        order = [name if name in SPATIAL_DIMS else "" for name in names]
        if set(order) >= set(SPATIAL_DIMS):
            for dim, step in zip(SPATIAL_DIMS, size, strict=True):
                spacings[order.index(dim)] = AxisSpacing(float(step), 1e-6, "um")
        elif dataset.ndim == 3:
            spacings = [AxisSpacing(float(step), 1e-6, "um") for step in size]
    return spacings


def _number(value: Any) -> float:
    return float(np.ravel(value)[0])
