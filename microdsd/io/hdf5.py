"""Microstructures in HDF5: the native layout, written atomically, and whole arrays read back.

The native layout is netCDF-4: a group with the dataset ``labels`` (chunked, gzip), one coordinate
dataset per dim as dimension scale, and the attributes of the array contract. So
``xarray.open_dataset(path, group="microstructures", engine="h5netcdf")`` opens it.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import xarray as xr

from microdsd.errors import DataFileError, InputError
from microdsd.io.atomic import atomic_write, ensure_writable
from microdsd.io.discovery import (
    FoundArray,
    locate,
    native_dims,
    open_hdf5,
    split_spec,
)
from microdsd.io.images import IMAGE_SUFFIXES, read_image_stack
from microdsd.microstructure import (
    LabelsLike,
    PhaseNames,
    VoxelSize,
    VoxelSizeLike,
    as_microstructure,
    phases_of,
    voxel_size_of,
)
from microdsd.microstructure.axes import SPATIAL_DIMS

SCHEMA_VERSION = 1
DEFAULT_GROUP = "microstructures"
CHUNK_EDGE = {2: 256, 3: 64}
IMAGE_CHUNK = 1 << 16
DIMENSION_WITHOUT_VALUES = b"This is a netCDF dimension"


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
) -> xr.DataArray:
    """Read a whole array of labels.

    Parameters
    ----------
    spec : str or Path
        ``file.h5``, ``file.h5:/path/in/file``, or an image file (TIFF, PNG, npy).
    phases, voxel_size
        As in `microdsd.microstructure.as_microstructure`; None takes what the file states.
    ensemble : bool
        Whether the first axis of a plain 3D array counts samples.

    Raises
    ------
    DataFileError
        A missing, truncated or foreign file, or nothing at the path.
    InputError
        Several arrays to choose from, or an array that does not hold labels.
    """
    path, inner = split_spec(spec)
    if path.suffix.lower() in IMAGE_SUFFIXES:
        return as_microstructure(
            read_image_stack(path),
            phases=phases,
            voxel_size=voxel_size,
            ensemble=ensemble,
            provenance={"file": path.name},
        )
    with open_hdf5(path) as file:
        found = locate(file, inner, ensemble=ensemble)
        stored = found.labels
        everything = tuple(slice(0, n) for n in stored.shape)
        samples = [stored.read(sample, everything) for sample in range(stored.n_samples)]
        ms = xr.DataArray(
            np.stack(samples) if stored.is_ensemble else samples[0],
            dims=(("sample",) if stored.is_ensemble else ()) + SPATIAL_DIMS[-len(stored.shape) :],
        )
        if found.kind == "native":
            ms = ms.assign_coords(_native_coords(found.dataset)).assign_attrs(
                _native_attrs(found.dataset)
            )
            return as_microstructure(ms, phases=phases, voxel_size=voxel_size)
        origin = {"file": path.name, "path": found.path}
        return as_microstructure(ms, phases=phases, voxel_size=voxel_size, provenance=origin)


def native_statement(found: FoundArray) -> tuple[dict[int, str], VoxelSize] | None:
    """Phases and voxel size that a native array states; None for other kinds."""
    if found.kind != "native":
        return None
    stated = _empty_like(found)
    return phases_of(stated), voxel_size_of(stated)


def write_group(path: Path, group: str, array: xr.DataArray, *, overwrite: bool) -> None:
    """Write an array that keeps its contract as one group of a file, atomically."""
    name = group.strip("/")
    if not name:
        raise InputError(f"group: needs a name, got {group!r}")
    keep = path.exists() and _keeps_others(path, name, overwrite)
    image = _file_image(path if keep else None, name, array)
    with atomic_write(path, overwrite=True) as temporary:
        temporary.write_bytes(image)


def _keeps_others(path: Path, name: str, overwrite: bool) -> bool:
    """Whether the file holds more than the group that is to be written."""
    with open_hdf5(path) as file:
        if name in file and not overwrite:
            raise DataFileError(
                f"{path}: already holds a group {name!r}; "
                "pass overwrite=True (--force), another group or another file"
            )
        return bool(set(file) - {name})


def _file_image(earlier: Path | None, name: str, ms: xr.DataArray) -> bytes:
    """Build the file in memory, packed as it will be on disk, with all that `earlier` holds.

    The HDF5 library cannot close a file that a full disk has refused (the process crashes later),
    so it must not be the one that writes to the disk.
    """
    place, mode = (earlier, "r+") if earlier else ("new.h5", "w")
    with h5py.File(place, mode, driver="core", backing_store=False) as file:
        if name in file:
            del file[name]
        _write_group(file.create_group(name), ms)
        file.flush()
        image: bytes = file.id.get_file_image()
    return image


def _write_group(group: h5py.Group, array: xr.DataArray) -> None:
    group.attrs["schema"] = "microdsd"
    group.attrs["schema_version"] = SCHEMA_VERSION
    stored = group.create_dataset(
        str(array.name),
        data=array.values,
        chunks=_chunks(array),
        compression="gzip",
        compression_opts=4,
    )
    stored.attrs.update(array.attrs)
    for axis, dim in enumerate(array.dims):
        values = (
            array.coords[dim] if dim in array.coords else xr.DataArray(np.arange(array.sizes[dim]))
        )
        scale = _write_coordinate(group, str(dim), values)
        scale.make_scale(str(dim))
        stored.dims[axis].attach_scale(scale)
    # Values that go along with samples or voxels, a class or a region, stay with them.
    beside = [
        name
        for name, c in array.coords.items()
        if name not in array.dims and c.ndim and set(c.dims) <= set(array.dims)
    ]
    for name in beside:
        values = array.coords[name]
        dataset = _write_coordinate(group, str(name), values)
        for axis, dim in enumerate(values.dims):
            dataset.dims[axis].attach_scale(group[str(dim)])
    if beside:
        stored.attrs["coordinates"] = " ".join(str(name) for name in beside)


def _chunks(array: xr.DataArray) -> tuple[int, ...]:
    """One sample per chunk, and no more of it than is read at once; images are small: more."""
    spatial = [dim for dim in array.dims if dim in SPATIAL_DIMS]
    edge = CHUNK_EDGE[len(spatial)]
    lengths = [
        array.sizes[dim] if dim == "channel" else min(edge, array.sizes[dim])
        for dim in array.dims
        if dim != "sample"
    ]
    if "sample" not in array.dims:
        return tuple(lengths)
    images = IMAGE_CHUNK // math.prod(lengths) if array.name == "intensity" else 1
    return (max(1, min(images, array.sizes["sample"])), *lengths)


def _write_coordinate(group: h5py.Group, name: str, values: xr.DataArray) -> h5py.Dataset:
    text = values.dtype.kind in "UO"
    dataset = group.create_dataset(
        name,
        data=values.values.astype(object) if text else values.values,
        dtype=h5py.string_dtype() if text else None,
        compression="gzip" if values.ndim > 1 else None,
    )
    dataset.attrs.update(values.attrs)
    return dataset


def _native_coords(labels: h5py.Dataset) -> dict[str, xr.Variable]:
    dims = native_dims(labels)
    if dims is None:
        raise DataFileError(f"{labels.name}: has lost its dimension scales; write it again")
    coords = {}
    for axis, dim in enumerate(dims):
        scale = labels.dims[axis][0]
        if not bytes(scale.attrs.get("NAME", b"")).startswith(DIMENSION_WITHOUT_VALUES):
            coords[dim] = xr.Variable(dim, stored_values(scale), _plain_attrs(scale))
    for name in str(labels.attrs.get("coordinates", "")).split():
        beside = labels.parent[name]
        own = [axis[0].name.rpartition("/")[2] for axis in beside.dims]
        coords[name] = xr.Variable(own, stored_values(beside), _plain_attrs(beside))
    return coords


def stored_values(dataset: h5py.Dataset) -> np.ndarray:
    """Values of a dataset, text as str."""
    if h5py.check_string_dtype(dataset.dtype) is not None:
        return np.array(dataset.asstr()[()], dtype=str)
    values: np.ndarray = dataset[()]
    return values


def _plain_attrs(dataset: h5py.Dataset) -> dict[str, Any]:
    """Attributes that describe values; netCDF keeps single numbers as arrays of length one."""
    kept = {n: dataset.attrs[n] for n in ("units", "voxel_size", "long_name") if n in dataset.attrs}
    return {name: v.item() if isinstance(v, np.ndarray) else v for name, v in kept.items()}


def _native_attrs(labels: h5py.Dataset) -> dict[str, str]:
    version = int(labels.parent.attrs.get("schema_version", SCHEMA_VERSION))
    if version > SCHEMA_VERSION:
        raise DataFileError(
            f"{labels.file.filename}: has schema version {version}, this microdsd reads up to "
            f"{SCHEMA_VERSION}; update microdsd"
        )
    return {
        name: str(labels.attrs[name]) for name in ("phases", "provenance") if name in labels.attrs
    }


def _empty_like(found: FoundArray) -> xr.DataArray:
    """Statements of a native array without its labels, on memory that is never filled."""
    coords = {n: c for n, c in _native_coords(found.dataset).items() if "sample" not in c.dims}
    shape = found.labels.shape
    return xr.DataArray(
        np.broadcast_to(np.uint8(0), shape),
        dims=SPATIAL_DIMS[-len(shape) :],
        coords=coords,
        attrs=_native_attrs(found.dataset),
    )
