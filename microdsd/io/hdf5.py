"""Microstructures in HDF5: the native layout, written atomically, and whole arrays read back.

The native layout is netCDF-4: a group with the dataset ``labels`` (chunked, gzip), one coordinate
dataset per dim as dimension scale, and the attributes of the array contract. So
``xarray.open_dataset(path, group="microstructures", engine="h5netcdf")`` opens it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import xarray as xr

from microdsd.errors import DataFileError, InputError
from microdsd.io.atomic import atomic_write, ensure_writable
from microdsd.io.discovery import FoundArray, locate, native_dims, split_spec
from microdsd.io.formats import is_volume, read_volume
from microdsd.io.hdf5_access import dimension_scales, open_hdf5, reading, text_attribute
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

SCHEMA_VERSION = 1
DEFAULT_GROUP = "microstructures"
CHUNK_EDGE = {2: 256, 3: 64}
IMAGE_CHUNK = 1 << 16
CHECKSUMMED = ("v110", "v110")
"""Version of the HDF5 file format: the first of which all metadata carry checksums."""

DIMENSION_WITHOUT_VALUES = b"This is a netCDF dimension"


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
        found = locate(
            file,
            inner,
            ensemble=ensemble,
            axis_order=axis_order,
            external=external,
            fill_unwritten=fill_unwritten,
        )
        stored = found.labels
        values = _all_samples(stored)
        dims = (("sample",) if stored.is_ensemble else ()) + SPATIAL_DIMS[-len(stored.shape) :]
        ms = xr.DataArray(values if stored.is_ensemble else values[0], dims=dims)
        if found.kind == "native":
            with reading(found.path):
                ms = ms.assign_coords(_native_coords(found.dataset))
                ms = ms.assign_attrs(_native_attrs(found.dataset))
            return as_microstructure(ms, phases=phases, voxel_size=voxel_size)
        names, size = statement_of(found, sized=voxel_size is None)
        if size is not None:
            spatial = dict(zip(dims[-len(stored.shape) :], stored.shape, strict=True))
            ms = ms.assign_coords(voxel_coordinates(spatial, size))
        if phases is None:
            stored.refuse_missing(label_counts(values) if stored.missing is not None else ())
        origin = {"file": path.name, "path": found.path}
        if found.note:
            origin["note"] = found.note
        return as_microstructure(
            ms, phases=names if phases is None else phases, voxel_size=voxel_size, provenance=origin
        )


def statement_of(
    found: FoundArray, *, sized: bool = True
) -> tuple[dict[int, str] | None, VoxelSize | None]:
    """Phases and voxel size that a file states of an array, None where it does not.

    Parameters
    ----------
    found : FoundArray
    sized : bool
        Whether the voxel size is wanted; one that cannot be told is then an error.

    Raises
    ------
    InputError
        Coordinates that do not run in even steps, or phases that cannot be understood.
    """
    with reading(found.path):
        if found.kind == "native":
            stated = _empty_like(found)
            return phases_of(stated), voxel_size_of(stated)
        attrs = _native_attrs(found.dataset)
        names = phases_of(_empty_like(found)) if "phases" in attrs else None
        return names, found.voxel_size() if sized else None


def provenance_in(found: FoundArray) -> dict[str, Any] | None:
    """Provenance that a file states of an array, None where it states none.

    Raises
    ------
    InputError
        It cannot be understood.
    """
    with reading(found.path):
        return provenance_of(_empty_like(found))


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
        found = locate(file, inner)
        with reading(found.path):
            coords = _empty_like(found).coords
            attrs = _native_attrs(found.dataset)
        dims = SPATIAL_DIMS[-len(found.labels.shape) :]
        for sample in range(found.labels.n_samples):
            values = found.labels.load(sample)
            yield as_microstructure(xr.DataArray(values, dims=dims, coords=coords, attrs=attrs))


def _all_samples(stored: StoredLabels) -> np.ndarray:
    with reading("labels"):
        values = np.empty((stored.n_samples, *stored.shape), stored.dtype)
    for sample in range(stored.n_samples):
        values[sample] = stored.load(sample)
    return values


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
        chunks=None if text and values.ndim == 1 else True,
        fletcher32=not text,
    )
    _write_attrs(dataset, values.attrs)
    return dataset


def _native_coords(labels: h5py.Dataset) -> dict[str, xr.Variable]:
    dims, scales = native_dims(labels), dimension_scales(labels)
    if dims is None or scales is None:
        raise DataFileError(f"{labels.name}: has lost its dimension scales; write it again")
    coords = {}
    for dim, scale in zip(dims, scales, strict=True):
        if not bytes(scale.attrs.get("NAME", b"")).startswith(DIMENSION_WITHOUT_VALUES):
            coords[dim] = xr.Variable(dim, stored_values(scale), plain_attrs(scale))
    for name in text_attribute(labels.attrs, "coordinates").split():
        beside = labels.parent[name]
        scales = dimension_scales(beside)
        if scales is None:
            raise DataFileError(f"{beside.name}: has lost its dimension scales; write it again")
        own = [str(scale.name).rpartition("/")[2] for scale in scales]
        coords[name] = xr.Variable(own, stored_values(beside), plain_attrs(beside))
    return coords


def stored_values(dataset: h5py.Dataset) -> np.ndarray:
    """Values of a dataset, text as str."""
    if h5py.check_string_dtype(dataset.dtype) is not None:
        return np.array(dataset.asstr()[()], dtype=str)
    values: np.ndarray = dataset[()]
    return values


def plain_attrs(dataset: h5py.Dataset) -> dict[str, Any]:
    """Attributes that describe values; netCDF keeps single numbers as arrays of length one."""
    kept = {n: dataset.attrs[n] for n in ("units", "voxel_size", "long_name") if n in dataset.attrs}
    for name, value in kept.items():
        if not isinstance(value, str | bytes | np.generic | np.ndarray):
            raise DataFileError(
                f"{dataset.name}: its attribute {name} is neither a number nor text; write it again"
            )
    plain = {name: v.item() if isinstance(v, np.ndarray) else v for name, v in kept.items()}
    return {n: text_attribute(plain, n) if isinstance(v, bytes) else v for n, v in plain.items()}


def _native_attrs(labels: h5py.Dataset) -> dict[str, str]:
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


def _empty_like(found: FoundArray) -> xr.DataArray:
    """Statements of an array without its labels, on memory that is never filled."""
    coords = {}
    if found.kind == "native":
        stated = _native_coords(found.dataset)
        coords = {name: values for name, values in stated.items() if "sample" not in values.dims}
    shape = found.labels.shape
    return xr.DataArray(
        np.broadcast_to(np.uint8(0), shape),
        dims=SPATIAL_DIMS[-len(shape) :],
        coords=coords,
        attrs=_native_attrs(found.dataset),
    )
