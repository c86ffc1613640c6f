"""The native layout of arrays in HDF5, written atomically and read back.

It is netCDF-4: a group with one dataset of values (chunked, gzip), one coordinate dataset per dim
as dimension scale, and the attributes of the array contract. So
``xarray.open_dataset(path, group="microstructures", engine="h5netcdf")`` opens it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import xarray as xr

from microdsd.errors import DataFileError, InputError
from microdsd.io.atomic import atomic_write, ensure_writable
from microdsd.io.hdf5_access import dimension_scales, open_hdf5, reading, text_attribute
from microdsd.microstructure.axes import SPATIAL_DIMS

SCHEMA_VERSION = 1
CHUNK_EDGE = {2: 256, 3: 64}
IMAGE_CHUNK = 1 << 16
CHECKSUMMED = ("v110", "v110")
"""Version of the HDF5 file format: the first of which all metadata carry checksums."""

DIMENSION_WITHOUT_VALUES = b"This is a netCDF dimension"


def write_group(path: Path, group: str, array: xr.DataArray, *, overwrite: bool) -> None:
    """Write an array that keeps its contract as one group of a file, atomically."""
    name = group.strip("/")
    if not name or {".", ".."} & set(name.split("/")):
        raise InputError(f"group: needs a name, got {group!r}")
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"group: {group!r} has characters that no file can hold") from error
    ensure_writable(path, overwrite=True)
    keep = path.exists() and _keeps_others(path, name, overwrite)
    image = _file_image(path if keep else None, name, array)
    with atomic_write(path, overwrite=True) as temporary:
        temporary.write_bytes(image)


def _keeps_others(path: Path, name: str, overwrite: bool) -> bool:
    """Return whether the file holds more than the group that is to be written."""
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
    with (
        reading(str(earlier)) if earlier else nullcontext(),
        h5py.File(place, mode, driver="core", backing_store=False, libver=CHECKSUMMED) as file,
    ):
        if name in file:
            del file[name]
        _write_group(file.create_group(name), ms)
        file.flush()
        image: bytes = file.id.get_file_image()
    return image


def _write_group(group: h5py.Group, array: xr.DataArray) -> None:
    _write_attrs(group, {"schema": "microdsd"})
    group.attrs["schema_version"] = SCHEMA_VERSION
    stored = group.create_dataset(
        str(array.name),
        data=array.values,
        chunks=_chunks(array),
        compression="gzip",
        compression_opts=4,
        fletcher32=True,
    )
    _write_attrs(stored, array.attrs)
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
        _write_attrs(stored, {"coordinates": " ".join(str(name) for name in beside)})


def _write_attrs(item: h5py.Group | h5py.Dataset, attrs: Mapping[Any, Any]) -> None:
    """Write attributes, text in the header itself: the heap of HDF5 has no checksum."""
    for name, value in attrs.items():
        if isinstance(value, str):
            encoded = value.encode()
            kind = h5py.string_dtype("utf-8", max(len(encoded), 1))
            item.attrs.create(name, np.array(encoded, dtype=kind))
        else:
            item.attrs[name] = value


def _chunks(array: xr.DataArray) -> tuple[int, ...]:
    """Return chunks of one sample, no larger than what is read at once.

    Several small images share a chunk.
    """
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
        chunks=None if text and values.ndim == 1 else True,
        fletcher32=not text,
    )
    _write_attrs(dataset, values.attrs)
    return dataset


def native_coords(stored: h5py.Dataset) -> tuple[tuple[str, ...], dict[str, xr.Variable]]:
    """Read the dims of a dataset, and the coordinates that go along with it.

    Raises
    ------
    DataFileError
        It has lost its dimension scales, or they are damaged.
    """
    dims, scales = _scales(stored)
    coords = {
        dim: xr.Variable(dim, _values(scale), _plain_attrs(scale))
        for dim, scale in zip(dims, scales, strict=True)
        if not bytes(scale.attrs.get("NAME", b"")).startswith(DIMENSION_WITHOUT_VALUES)
    }
    for name in text_attribute(stored.attrs, "coordinates").split():
        beside = stored.parent[name]
        coords[name] = xr.Variable(_scales(beside)[0], _values(beside), _plain_attrs(beside))
    return dims, coords


def _scales(dataset: h5py.Dataset) -> tuple[tuple[str, ...], list[h5py.Dataset]]:
    """Return the names of the dims of a dataset, and their dimension scales."""
    scales = dimension_scales(dataset)
    if scales is None:
        raise DataFileError(f"{dataset.name}: has lost its dimension scales; write it again")
    return tuple(str(scale.name).rpartition("/")[2] for scale in scales), scales


def native_attrs(labels: h5py.Dataset) -> dict[str, str]:
    """Read the phases and the provenance that a dataset states, as JSON.

    Raises
    ------
    DataFileError
        A later version of this package has written it.
    """
    version = int(labels.parent.attrs.get("schema_version", SCHEMA_VERSION))
    if version > SCHEMA_VERSION:
        raise DataFileError(
            f"{labels.file.filename}: has schema version {version}, this microdsd reads up to "
            f"{SCHEMA_VERSION}; update microdsd"
        )
    return {
        name: text_attribute(labels.attrs, name)
        for name in ("phases", "provenance")
        if name in labels.attrs
    }


def _values(dataset: h5py.Dataset) -> np.ndarray:
    """Return the values of a dataset, text as str."""
    if h5py.check_string_dtype(dataset.dtype) is not None:
        return np.array(dataset.asstr()[()], dtype=str)
    values: np.ndarray = dataset[()]
    return values


def _plain_attrs(dataset: h5py.Dataset) -> dict[str, Any]:
    """Return what attributes say of values; netCDF keeps single numbers as arrays of length one."""
    kept = {n: dataset.attrs[n] for n in ("units", "voxel_size", "long_name") if n in dataset.attrs}
    for name, value in kept.items():
        if not isinstance(value, str | bytes | np.generic | np.ndarray):
            raise DataFileError(
                f"{dataset.name}: its attribute {name} is neither a number nor text; write it again"
            )
    plain = {name: v.item() if isinstance(v, np.ndarray) else v for name, v in kept.items()}
    return {n: text_attribute(plain, n) if isinstance(v, bytes) else v for n, v in plain.items()}
