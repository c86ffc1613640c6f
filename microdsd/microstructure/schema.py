"""The array contract of microstructures in this package.

A microstructure is an `xarray.DataArray` named ``labels`` of unsigned integers with dims
``([sample,] [z,] y, x)``. The coordinates ``z, y, x`` are voxel centres, in metres when the voxel
size is known and in voxels otherwise. The attributes ``phases`` (label to name) and ``provenance``
are JSON strings, so that they survive netCDF. A phase named "outside" is not material, see
`microdsd.microstructure.outside`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from os import PathLike
from typing import Any

import numpy as np
import xarray as xr

from microdsd.errors import InputError
from microdsd.microstructure.axes import (
    SPATIAL_DIMS,
    LabelsLike,
    array_of,
    checked_dims,
    dims_of_ndarray,
    spatial_dims,
)
from microdsd.microstructure.counting import label_counts
from microdsd.microstructure.labels import (
    PhaseNames,
    check_integers,
    find_phase,
    lawful_labels,
    map_labels,
    name_phases,
    require_printable_record,
    unsigned_dtype,
)
from microdsd.microstructure.reading import load_by_name
from microdsd.microstructure.voxels import (
    VoxelSize,
    VoxelSizeLike,
    as_voxel_size,
    voxel_coordinates,
    voxel_size_of,
)

__all__ = [
    "SPATIAL_DIMS",
    "LabelsLike",
    "PhaseNames",
    "VoxelSize",
    "VoxelSizeLike",
    "as_ensemble",
    "as_microstructure",
    "check_microstructure",
    "derived_provenance",
    "phases_of",
    "provenance_of",
    "resolve_phase",
    "spatial_dims",
    "stated_phases",
    "voxel_size_of",
]


def as_microstructure(
    labels: LabelsLike,
    *,
    phases: PhaseNames | None = None,
    voxel_size: VoxelSizeLike | None = None,
    ensemble: bool = False,
    provenance: Mapping[str, Any] | None = None,
) -> xr.DataArray:
    """Validate an array of phase labels and convert it to the array contract.

    Parameters
    ----------
    labels : ndarray or DataArray
        Integers or bool. An ndarray has axes ``([sample,] [z,] y, x)``; the sample axis is there
        when `ensemble` is true. A DataArray is recognised by its dims, and what it states (phases,
        coordinates, provenance) is kept where the arguments below are None.
    phases : mapping of int to str, or of str to int, optional
        Name of every label. Default: ``"phase <label>"`` for the labels that occur. Named labels
        below 0 become the lowest labels that are free, and the provenance says which; the phase
        named "outside" is not material.
    voxel_size : float, str, quantity, or sequence of these, optional
        Edge length, one for all axes or one per spatial axis: in metres, with a unit
        (``"0.398 um"``), or a quantity of pint. Default: not known.
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
        Not integers (greyscale), a colour image, a list of images, negative labels without a name,
        an empty array, a wrong number of axes, labels without a name, names that repeat or cannot
        be shown, or a voxel size that is not positive or not believable.

    Examples
    --------
    >>> eye = np.eye(4, dtype=bool)
    >>> ms = as_microstructure(eye, phases={0: "pore", 1: "solid"}, voxel_size=2e-6)
    >>> ms.dims, ms.dtype.name, float(ms.x[0]), ms.x.units
    (('y', 'x'), 'uint8', 1e-06, 'm')
    """
    if isinstance(labels, str | PathLike):
        labels = load_by_name(labels)
    if isinstance(labels, xr.DataArray):
        dims = checked_dims(labels)
        coords: dict[Any, Any] = {
            name: c for name, c in labels.coords.items() if set(c.dims) <= set(dims)
        }
        phases = stated_phases(labels) if phases is None else phases
        if provenance is None and _is_stated(labels):
            provenance = provenance_of(labels)
        values = labels.values
    else:
        values = array_of(labels, ensemble=ensemble, named=phases is not None)
        dims = dims_of_ndarray(values.ndim, ensemble)
        coords = {}
    values = check_integers(values)
    present = label_counts(values)
    names = name_phases(present, phases)
    lawful = lawful_labels(names)
    if changed := {str(old): new for old, new in lawful.items() if old != new}:
        values = map_labels(values, lawful)
        names = {lawful[label]: name for label, name in names.items()}
        provenance = {**(provenance or {}), "labels_mapped": changed}
    values = values.astype(unsigned_dtype(values.dtype, max(present)), copy=False)
    spatial = tuple(dim for dim in dims if dim != "sample")
    if voxel_size is not None or not all(dim in coords for dim in spatial):
        lengths = {dim: values.shape[dims.index(dim)] for dim in spatial}
        coords |= voxel_coordinates(lengths, as_voxel_size(voxel_size, len(spatial)))
    attrs = {"phases": json.dumps({str(label): names[label] for label in sorted(names)})}
    if provenance is not None:
        require_printable_record(provenance, "provenance")
        attrs["provenance"] = json.dumps(dict(provenance))
    result = xr.DataArray(values, dims=dims, coords=coords, name="labels", attrs=attrs)
    result.encoding = {"dtype": values.dtype}  # see `_is_stated`
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
    stated = stated_phases(ms)
    if stated is not None:
        return stated
    if isinstance(ms, str | PathLike):
        return phases_of(load_by_name(ms))
    return name_phases(label_counts(check_integers(np.asarray(ms))), None)


def stated_phases(ms: LabelsLike) -> dict[int, str] | None:
    """Read the names of the phases that an array states; None where it states none."""
    if not isinstance(ms, xr.DataArray) or "phases" not in ms.attrs or not _is_stated(ms):
        return None
    return _phases_from_json(ms.attrs["phases"])


def _is_stated(ms: xr.DataArray) -> bool:
    """Tell whether the attributes of an array describe its own values.

    xarray hands attributes on to the result of any arithmetic and comparison, where they are wrong:
    ``labels == 0`` is True in the pores, and 1 is the name of the solid. It hands the encoding on
    to parts, copies and transposed arrays alone. A file has one, too.
    """
    computed = ms.name == "labels" and not ms.encoding
    return ms.dtype != bool and not computed


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
    return find_phase(phases_of(ms), phase)


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
