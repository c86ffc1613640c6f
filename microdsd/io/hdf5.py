"""Microstructures in HDF5: whole arrays in the native layout and in those of other programs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from microdsd.io.atomic import ensure_writable
from microdsd.io.discovery import FoundArray, locate, split_spec
from microdsd.io.formats import is_volume, read_volume
from microdsd.io.hdf5_access import open_hdf5, reading
from microdsd.io.native import native_attrs, native_coords, write_group
from microdsd.io.order import path_first
from microdsd.io.stored import StoredLabels
from microdsd.microstructure import (
    LabelsLike,
    PhaseNames,
    VoxelSize,
    VoxelSizeLike,
    as_microstructure,
    label_counts,
    phases_of,
    provenance_of,
    voxel_size_of,
)
from microdsd.microstructure.axes import SPATIAL_DIMS
from microdsd.microstructure.voxels import voxel_coordinates

DEFAULT_GROUP = "microstructures"


@path_first
def save_microstructures(
    path: str | Path, ms: LabelsLike, *, group: str = DEFAULT_GROUP, overwrite: bool = False
) -> None:
    """Write a microstructure or an ensemble as one group of an HDF5 file.

    Parameters
    ----------
    path : str or Path
        A new file, or an HDF5 file that gains the group and keeps all it has.
    ms : ndarray or DataArray
    group : str
        Name of the group.
    overwrite : bool
        Whether a group of that name may be replaced. (HDF5 does not give back the room of a
        replaced group while the file holds others.)

    Raises
    ------
    DataFileError
        The group exists, the file is not HDF5, or the disk refused the data; the earlier file is
        then unchanged.
    InputError
        `ms` breaks the array contract.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "new.h5"
    >>> save_microstructures(file, np.eye(4, dtype=int))
    >>> load_microstructures(file).shape
    (4, 4)
    """
    write_group(Path(path), group, as_microstructure(ms), overwrite=overwrite)


def ensure_microstructures_writable(path: str | Path, *, overwrite: bool) -> None:
    """Refuse a name that `save_microstructures` would refuse, before long work.

    Raises
    ------
    DataFileError
        As `ensure_writable`; or the file that would be overwritten is not HDF5.

    Examples
    --------
    >>> ensure_microstructures_writable("new.h5", overwrite=False)
    """
    path = ensure_writable(path, overwrite=overwrite)
    if path.exists():
        with open_hdf5(path):
            pass


def load_microstructures(
    spec: str | Path,
    *,
    phases: PhaseNames | None = None,
    voxel_size: VoxelSizeLike | None = None,
    ensemble: bool = False,
    axis_order: str | None = None,
    external: bool = False,
    fill_unwritten: bool = False,
) -> xr.DataArray:
    """Read a whole array of labels.

    Parameters
    ----------
    spec : str or Path
        ``file.h5``, ``file.h5:/path/in/file``, or what `microdsd.io.read_volume` reads.
    phases, voxel_size
        As in `microdsd.microstructure.as_microstructure`; None takes what the file states.
    ensemble : bool
        Whether the first axis of a plain 3D array counts samples.
    axis_order : str, optional
        Order of the stored axes, slowest first, e.g. ``"xyz"``, of HDF5 with ``s``
        for samples. Default: what the file says of its axes, else ``"zyx"`` or ``"yx"``.
    external : bool
        Whether an HDF5 file may take values from other files: through external links, from raw
        files, or, as a virtual dataset, from outside its own folder.
    fill_unwritten : bool
        Whether voxels that were never written may read as the fill value.

    Raises
    ------
    DataFileError
        A missing, truncated or foreign file, nothing at the path, or values that are not all
        there, such as a virtual dataset whose sources are gone.
    InputError
        Several arrays to choose from, or an array that does not hold labels.
    """
    path, inner = split_spec(spec)
    if is_volume(spec):
        volume = read_volume(spec, axis_order=axis_order, ensemble=ensemble)
        return as_microstructure(
            volume.array,
            phases=volume.phases if phases is None else phases,
            voxel_size=volume.voxel_size if voxel_size is None else voxel_size,
            ensemble=volume.is_ensemble,
            provenance={"file": path.name, **({"notes": volume.notes} if volume.notes else {})},
        )
    with open_hdf5(path) as file:
        array = locate(
            file,
            inner,
            ensemble=ensemble,
            axis_order=axis_order,
            external=external,
            fill_unwritten=fill_unwritten,
        )
        stored = array.labels
        values = _all_samples(stored)
        dims = (("sample",) if stored.is_ensemble else ()) + SPATIAL_DIMS[-len(stored.shape) :]
        ms = xr.DataArray(values if stored.is_ensemble else values[0], dims=dims)
        if array.kind == "native":
            with reading(array.path):
                ms = ms.assign_coords(native_coords(array.dataset)[1])
                ms = ms.assign_attrs(native_attrs(array.dataset))
            return as_microstructure(ms, phases=phases, voxel_size=voxel_size)
        names, size = statement_of(array, sized=voxel_size is None)
        if size is not None:
            spatial = dict(zip(dims[-len(stored.shape) :], stored.shape, strict=True))
            ms = ms.assign_coords(voxel_coordinates(spatial, size))
        if phases is None:
            stored.refuse_missing(label_counts(values) if stored.missing is not None else ())
        origin = {"file": path.name, "path": array.path}
        if array.note:
            origin["note"] = array.note
        return as_microstructure(
            ms, phases=names if phases is None else phases, voxel_size=voxel_size, provenance=origin
        )


def statement_of(
    array: FoundArray, *, sized: bool = True
) -> tuple[dict[int, str] | None, VoxelSize | None]:
    """Return the phases and the voxel size that a file states of an array, None without any.

    Parameters
    ----------
    array : FoundArray
    sized : bool
        Whether the voxel size is wanted; one that cannot be told is then an error.

    Raises
    ------
    InputError
        Coordinates that do not run in even steps, or phases that cannot be understood.
    """
    with reading(array.path):
        if array.kind == "native":
            stated = _empty_like(array)
            return phases_of(stated), voxel_size_of(stated)
        attrs = native_attrs(array.dataset)
        names = phases_of(_empty_like(array)) if "phases" in attrs else None
        return names, array.voxel_size() if sized else None


def provenance_in(array: FoundArray) -> dict[str, Any] | None:
    """Return the provenance that a file states of an array, None where it states none.

    Raises
    ------
    InputError
        It cannot be understood.
    """
    with reading(array.path):
        return provenance_of(_empty_like(array))


def iterate_samples(spec: str | Path) -> Iterator[xr.DataArray]:
    """Read the samples of a native file one after the other, never all at once.

    Yields
    ------
    DataArray, dims ``([z,] y, x)``
        With the coordinates that all samples share.

    Raises
    ------
    DataFileError, InputError
        As `load_microstructures`.
    """
    path, inner = split_spec(spec)
    with open_hdf5(path) as file:
        array = locate(file, inner)
        with reading(array.path):
            coords = _empty_like(array).coords
            attrs = native_attrs(array.dataset)
        dims = SPATIAL_DIMS[-len(array.labels.shape) :]
        for sample in range(array.labels.n_samples):
            values = array.labels.load(sample)
            yield as_microstructure(xr.DataArray(values, dims=dims, coords=coords, attrs=attrs))


def _all_samples(stored: StoredLabels) -> np.ndarray:
    with reading("labels"):
        values = np.empty((stored.n_samples, *stored.shape), stored.dtype)
    for sample in range(stored.n_samples):
        values[sample] = stored.load(sample)
    return values


def _empty_like(array: FoundArray) -> xr.DataArray:
    """Return the statements of an array without its labels, on memory that is never filled."""
    coords = {}
    if array.kind == "native":
        _, stated = native_coords(array.dataset)
        coords = {name: values for name, values in stated.items() if "sample" not in values.dims}
    shape = array.labels.shape
    return xr.DataArray(
        np.broadcast_to(np.uint8(0), shape),
        dims=SPATIAL_DIMS[-len(shape) :],
        coords=coords,
        attrs=native_attrs(array.dataset),
    )
