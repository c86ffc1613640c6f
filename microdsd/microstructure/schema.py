"""The array contract: what a microstructure is everywhere in this package.

A microstructure is an `xarray.DataArray` named ``labels`` of unsigned integers with dims
``([sample,] [z,] y, x)``. The coordinates ``z, y, x`` are voxel centres, in metres when the voxel
size is known and in voxels otherwise. The attributes ``phases`` (label to name) and ``provenance``
are JSON strings, so that they survive netCDF.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import xarray as xr

from microdsd.errors import InputError
from microdsd.microstructure.counting import label_counts

SPATIAL_DIMS = ("z", "y", "x")
MAX_UNNAMED_PHASES = 32
OTSU = "labels = image > skimage.filters.threshold_otsu(image)"

LabelsLike = xr.DataArray | npt.NDArray[Any]


class VoxelSize(NamedTuple):
    """Edge lengths of one voxel in the order of the spatial dims, and their unit."""

    size: tuple[float, ...]
    unit: Literal["m", "voxel"]


def as_microstructure(
    labels: LabelsLike,
    *,
    phases: Mapping[int, str] | None = None,
    voxel_size: float | Sequence[float] | None = None,
    ensemble: bool = False,
    provenance: Mapping[str, Any] | None = None,
) -> xr.DataArray:
    """Validate an array of phase labels and dress it in the array contract.

    Parameters
    ----------
    labels : ndarray or DataArray
        Integers or bool. An ndarray has axes ``([sample,] [z,] y, x)``; the sample axis is there
        when `ensemble` is true. A DataArray is recognised by its dims, and what it states (phases,
        coordinates, provenance) is kept where the arguments below are None.
    phases : mapping of int to str, optional
        Name of every label. Default: ``"phase <label>"`` for the labels that occur.
    voxel_size : float or sequence of float, optional
        Edge length in metres, one for all axes or one per spatial axis. Default: not known.
    ensemble : bool
        Whether the first axis of an ndarray counts samples.
    provenance : mapping, optional
        Anything that JSON can hold.

    Returns
    -------
    DataArray
        Shares memory with `labels` where the dtype allows it.

    Raises
    ------
    InputError
        Not integers (greyscale), negative labels, an empty array, a wrong number of axes, labels
        without a name, names that repeat, or a voxel size that is not positive.

    Examples
    --------
    >>> eye = np.eye(4, dtype=bool)
    >>> ms = as_microstructure(eye, phases={0: "pore", 1: "solid"}, voxel_size=2e-6)
    >>> ms.dims, ms.dtype.name, float(ms.x[0]), ms.x.units
    (('y', 'x'), 'uint8', 1e-06, 'm')
    """
    if isinstance(labels, xr.DataArray):
        dims = _checked_dims(labels)
        coords: dict[Any, Any] = {
            name: c for name, c in labels.coords.items() if set(c.dims) <= set(dims)
        }
        if phases is None and "phases" in labels.attrs:
            phases = _phases_from_json(labels.attrs["phases"])
        provenance = provenance if provenance is not None else provenance_of(labels)
        values = labels.values
    else:
        values = np.asarray(labels)
        dims = dims_of_ndarray(values.ndim, ensemble)
        coords = {}
    values = check_integers(values)
    present = label_counts(values)
    names = name_phases(present, phases)
    values = values.astype(unsigned_dtype(values.dtype, max(present)), copy=False)
    spatial = tuple(dim for dim in dims if dim != "sample")
    if voxel_size is not None or not all(dim in coords for dim in spatial):
        lengths = {dim: values.shape[dims.index(dim)] for dim in spatial}
        coords |= voxel_coordinates(lengths, as_voxel_size(voxel_size, len(spatial)))
    attrs = {"phases": json.dumps({str(label): name for label, name in names.items()})}
    if provenance is not None:
        attrs["provenance"] = json.dumps(dict(provenance))
    result = xr.DataArray(values, dims=dims, coords=coords, name="labels", attrs=attrs)
    voxel_size_of(result)
    return result


def check_microstructure(ms: xr.DataArray) -> None:
    """Raise unless `ms` keeps the array contract, labels included.

    Raises
    ------
    InputError
        Says what is wrong and that `as_microstructure` mends it.

    Examples
    --------
    >>> check_microstructure(as_microstructure(np.eye(4, dtype=bool)))
    """
    remedy = "; pass it through as_microstructure"
    if not isinstance(ms, xr.DataArray):
        raise InputError(f"ms: expected a DataArray, got {type(ms).__name__}{remedy}")
    if ms.dtype.kind != "u":
        raise InputError(f"ms: expected unsigned integer labels, got {ms.dtype}{remedy}")
    if "phases" not in ms.attrs:
        raise InputError(f"ms: has no attribute 'phases'{remedy}")
    as_microstructure(ms)


def phases_of(ms: LabelsLike) -> dict[int, str]:
    """Map every label to the name of its phase, in ascending order of the labels.

    Examples
    --------
    >>> phases_of(np.eye(3, dtype=int))
    {0: 'phase 0', 1: 'phase 1'}
    """
    if isinstance(ms, xr.DataArray) and "phases" in ms.attrs:
        return _phases_from_json(ms.attrs["phases"])
    return name_phases(label_counts(check_integers(np.asarray(ms))), None)


def resolve_phase(ms: LabelsLike, phase: int | str) -> int:
    """Find the label of a phase given by label or by name.

    Raises
    ------
    InputError
        There is no such phase; the message lists those that there are.

    Examples
    --------
    >>> ms = as_microstructure(np.eye(3, dtype=int), phases={0: "pore", 1: "solid"})
    >>> resolve_phase(ms, "solid"), resolve_phase(ms, 0)
    (1, 0)
    """
    phases = phases_of(ms)
    if isinstance(phase, str):
        for label, name in phases.items():
            if name == phase:
                return label
    elif int(phase) in phases:
        return int(phase)
    known = ", ".join(f"{label} = {name}" for label, name in phases.items())
    raise InputError(f"phase: there is no phase {phase!r}; the phases are {known}")


def voxel_size_of(ms: LabelsLike) -> VoxelSize:
    """Read the edge lengths of a voxel from the coordinates; 1 voxel where they are not known.

    Raises
    ------
    InputError
        Coordinates that are not evenly spaced or whose unit is neither metre nor voxel.

    Examples
    --------
    >>> voxel_size_of(as_microstructure(np.eye(3, dtype=int), voxel_size=2e-6))
    VoxelSize(size=(2e-06, 2e-06), unit='m')
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


def spatial_dims(ms: LabelsLike) -> tuple[str, ...]:
    """Return ``("z", "y", "x")`` or ``("y", "x")``.

    Examples
    --------
    >>> spatial_dims(np.zeros((2, 3), dtype=int))
    ('y', 'x')
    """
    dims = _checked_dims(ms) if isinstance(ms, xr.DataArray) else dims_of_ndarray(ms.ndim, False)
    return tuple(dim for dim in dims if dim != "sample")


def as_ensemble(ms: LabelsLike) -> xr.DataArray:
    """Return the microstructure with a leading ``sample`` dim, of length one if it had none.

    Examples
    --------
    >>> as_ensemble(np.eye(3, dtype=int)).dims
    ('sample', 'y', 'x')
    """
    ms = as_microstructure(ms)
    return ms if "sample" in ms.dims else ms.expand_dims("sample")


def provenance_of(ms: LabelsLike) -> dict[str, Any] | None:
    """Read the provenance record; None where there is none."""
    if not isinstance(ms, xr.DataArray) or "provenance" not in ms.attrs:
        return None
    return _object_from_json(ms.attrs["provenance"])


def derived_provenance(ms: LabelsLike, operation: str, **parameters: object) -> dict[str, Any]:
    """Wrap the provenance of `ms` in a record of the operation applied to it.

    Nesting keeps statements on the parent, such as its counts, from being read as the child's.
    """
    return {"operation": operation, **parameters, "source": provenance_of(ms)}


def name_phases(present: Collection[int], phases: Mapping[int, str] | None) -> dict[int, str]:
    """Name all phases and check them against the labels that occur.

    Parameters
    ----------
    present : collection of int
        Labels that occur.
    phases : mapping of int to str, or None
        None names each label ``"phase <label>"``, unless there are so many distinct values that
        the array must be greyscale.

    Raises
    ------
    InputError
        Negative labels, labels without a name, repeated or empty names, or greyscale.

    Examples
    --------
    >>> name_phases([0, 255], None)
    {0: 'phase 0', 255: 'phase 255'}
    """
    if min(present) < 0:
        raise InputError(
            f"labels: must not be negative, the lowest is {min(present)}; "
            "crop that region away or map it to a phase first"
        )
    if phases is None:
        if len(present) > MAX_UNNAMED_PHASES:
            raise InputError(
                f"labels: {len(present)} distinct values look like a greyscale image, not phase "
                f"labels; segment it first, e.g. {OTSU}, or name every label in phases"
            )
        return {label: f"phase {label}" for label in sorted(present)}
    names = {int(label): str(name).strip() for label, name in sorted(phases.items())}
    if min(names, default=0) < 0 or not all(names.values()):
        raise InputError(f"phases: needs labels >= 0 and names that are not empty, got {names}")
    if len(set(names.values())) < len(names):
        raise InputError(f"phases: every phase needs its own name, got {list(names.values())}")
    missing = sorted(set(present) - set(names))
    if missing:
        raise InputError(
            f"phases: the array also holds {_few(missing)}, named are {_few(list(names))}; "
            "add the missing labels or map them with relabel"
        )
    return names


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


def unsigned_dtype(dtype: np.dtype[Any], highest: int) -> np.dtype[Any]:
    """Choose the dtype of labels: unsigned ones stay, others become the smallest that fits."""
    return dtype if dtype.kind == "u" else np.min_scalar_type(highest)


def dims_of_ndarray(ndim: int, ensemble: bool) -> tuple[str, ...]:
    """Name the axes of an ndarray of labels.

    Raises
    ------
    InputError
        Not two or three spatial axes.

    Examples
    --------
    >>> dims_of_ndarray(3, ensemble=True)
    ('sample', 'y', 'x')
    """
    spatial = ndim - 1 if ensemble else ndim
    if spatial not in (2, 3):
        hint = "; pass ensemble=True for a stack of samples" if ndim == 4 and not ensemble else ""
        raise InputError(
            f"labels: needs 2 or 3 spatial axes, got {spatial}"
            f"{' beside the sample axis' if ensemble else ''}{hint}"
        )
    return (("sample",) if ensemble else ()) + SPATIAL_DIMS[-spatial:]


def check_integers(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return an array that may hold labels, bool as uint8.

    Raises
    ------
    InputError
        An empty array, or one that does not hold integers.

    Examples
    --------
    >>> check_integers(np.array([True, False]))
    array([1, 0], dtype=uint8)
    """
    if values.size == 0:
        raise InputError(f"labels: the array is empty, its shape is {values.shape}")
    if values.dtype.kind not in "biu":
        raise InputError(_not_labels(values))
    return values.view(np.uint8) if values.dtype == bool else values


def _checked_dims(ms: xr.DataArray) -> tuple[str, ...]:
    dims = tuple(str(dim) for dim in ms.dims)
    spatial = dims[1:] if dims[:1] == ("sample",) else dims
    if spatial not in (SPATIAL_DIMS, SPATIAL_DIMS[1:]):
        raise InputError(
            f"ms: dims must be ([sample,] [z,] y, x) in this order, got {dims}; "
            "rename or transpose them"
        )
    return dims


def _not_labels(values: npt.NDArray[Any]) -> str:
    found = f"{values.dtype}"
    if values.dtype.kind == "f":
        finite = values[np.isfinite(values)]
        if finite.size < values.size:
            found += " with NaN or infinite values"
        elif np.array_equal(finite, np.rint(finite)):
            found += " (whole numbers: if they are labels, convert with .astype('uint8'))"
    return (
        f"labels: expected integer phase labels, got {found}; segment an image first, e.g. {OTSU}"
    )


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


def _object_from_json(text: object) -> dict[str, Any]:
    try:
        record = json.loads(str(text))
    except json.JSONDecodeError:
        record = None
    if not isinstance(record, dict):
        raise InputError(f"ms: expected a JSON object in the attributes, got {text!r}")
    return record


def _phases_from_json(text: object) -> dict[int, str]:
    record = _object_from_json(text)
    if not all(label.isdecimal() for label in record):
        raise InputError(f"ms: the attribute 'phases' needs labels >= 0 as keys, got {text!r}")
    return {
        int(label): str(name) for label, name in sorted(record.items(), key=lambda i: int(i[0]))
    }


def _few(labels: Sequence[int]) -> str:
    shown = ", ".join(str(label) for label in labels[:8])
    return f"labels {shown}" + (f" and {len(labels) - 8} more" if len(labels) > 8 else "")
