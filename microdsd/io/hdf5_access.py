"""Access to HDF5 files: opening them, and what its many exceptions mean in plain words."""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from microdsd.errors import DataFileError, MicrodsdError

CHUNK_CACHE_BYTES = 64 << 20
HEAP_MAGIC = b"GCOL\1\0\0\0"
SEARCHED_BYTES = 1 << 28
"""Larger files are not searched for damaged heaps, since that would take seconds."""

NETCDF3_MAGIC = (b"CDF\x01", b"CDF\x02", b"CDF\x05")
ANOTHER_COPY = "the file is damaged or truncated, take another copy"

HDF5_ERRORS = (
    OSError,
    RuntimeError,
    KeyError,
    TypeError,
    ValueError,  # UnicodeDecodeError is one
    OverflowError,
    IndexError,
    AttributeError,
    SystemError,
)
"""What h5py raises where the structures of a file contradict one another."""


def open_hdf5(path: str | Path) -> h5py.File:
    """Open a file for reading.

    Raises
    ------
    DataFileError
        It is missing, a folder, not readable for this user, held by another program, not closed
        by the program that wrote it, netCDF-3, not HDF5, or truncated.
    """
    path = Path(path)
    if path.is_dir():
        raise DataFileError(f"{path}: is a folder; give the name of a file in it")
    if not path.is_file():
        raise DataFileError(f"{path}: there is no such file; check the name and the folder")
    if not os.access(path, os.R_OK):
        raise DataFileError(f"{path}: may not be read by this user; change its permissions")
    now = path.stat()
    if 0 < now.st_size <= SEARCHED_BYTES and _has_endless_heap(path, now.st_size, now.st_mtime_ns):
        raise DataFileError(f"{path}: its heap of texts cannot be read; {ANOTHER_COPY}")
    try:
        return h5py.File(path, "r", rdcc_nbytes=CHUNK_CACHE_BYTES)
    except HDF5_ERRORS as error:
        raise DataFileError(f"{path}: {_why_not_opened(path, error)}") from error


@contextmanager
def reading(place: str) -> Iterator[None]:
    """Translate what h5py raises inside the block, in this one place.

    Parameters
    ----------
    place : str
        File or path in it, for the message.

    Raises
    ------
    DataFileError
        h5py could not read what the block asked for.
    """
    try:
        yield
    except MicrodsdError:
        raise
    except MemoryError as error:
        raise DataFileError(
            f"{place}: does not fit into the memory of this machine ({error}); read a part of it "
            "(region, --region)"
        ) from error
    except HDF5_ERRORS as error:
        raise DataFileError(
            f"{place}: the data cannot be read ({_one_line(error)}); {ANOTHER_COPY}"
        ) from error


def text_attribute(attrs: Mapping[str, Any], name: str, default: str = "") -> str:
    """Return the text of an attribute, stored with a fixed or a variable length, or in an array.

    Examples
    --------
    >>> text_attribute({"units": np.bytes_("um")}, "units"), text_attribute({}, "units", "m")
    ('um', 'm')
    """
    value = attrs.get(name, default)
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.item()
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def dimension_scale(dataset: h5py.Dataset, axis: int) -> h5py.Dataset | None:
    """Give the first dimension scale of an axis, None where there is none.

    Raises
    ------
    DataFileError
        The list of scales is damaged; the HDF5 library would end the process over it.
    """
    if "DIMENSION_LIST" not in dataset.attrs:
        return None
    stored = dataset.attrs.get_id("DIMENSION_LIST")
    entry = h5py.check_vlen_dtype(stored.dtype)
    listed = entry is not None and h5py.check_ref_dtype(entry) is h5py.Reference
    if not listed or stored.shape != (dataset.ndim,):
        raise DataFileError(
            f"{dataset.name}: the list of its dimension scales is damaged; take another copy"
        )
    scales = dataset.dims[axis]
    return scales[0] if len(scales) else None


def dimension_scales(dataset: h5py.Dataset) -> list[h5py.Dataset] | None:
    """Give the dimension scales of all axes, None where an axis has none."""
    scales = [dimension_scale(dataset, axis) for axis in range(dataset.ndim)]
    present = [scale for scale in scales if scale is not None]
    return present if len(present) == len(scales) else None


@lru_cache(maxsize=256)
def _has_endless_heap(path: Path, length: int, modified: int) -> bool:
    """Return whether a heap of texts is damaged so that the HDF5 library would never end.

    It goes from one object header of 16 bytes to the next, and does not stop where a size is 0 or
    so large that the sum wraps around. The answer holds while the file is what it is.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        start = data.find(HEAP_MAGIC)
        while start >= 0:
            (size,) = struct.unpack_from("<Q", data[start + 8 : start + 16].ljust(8, b"\0"))
            at, end = start + 16, min(start + size, length)
            while at + 16 <= end:
                number, _, _, content = struct.unpack_from("<HHIQ", data, at)
                step = 16 + -(-content // 8) * 8 if number else content
                if not 0 < step < 1 << 63:
                    return True
                at += step
            start = data.find(HEAP_MAGIC, start + 1)
    return False


def _why_not_opened(path: Path, error: Exception) -> str:
    message = _one_line(error)
    if isinstance(error, PermissionError):
        return "may not be read by this user; change its permissions"
    if isinstance(error, BlockingIOError) or "unable to lock file" in message:
        return (
            "is locked, another program has it open for writing; close that program, or copy the "
            "file, or set HDF5_USE_FILE_LOCKING=FALSE where the file system has no locks"
        )
    if "h5clear" in message or "already open for write" in message:
        return (
            "is being written by another program, or was not closed when one stopped; wait for "
            "it, or clear the mark with 'h5clear -s' and check the data"
        )
    with path.open("rb") as file:
        start = file.read(8)
    if start.startswith(NETCDF3_MAGIC):
        return (
            "is netCDF-3 (classic), which is not HDF5; convert it with 'nccopy -k nc4 OLD NEW' or "
            "xarray.open_dataset(OLD).to_netcdf(NEW, engine='h5netcdf')"
        )
    if not start:
        return "cannot be opened as HDF5, it is empty (truncated to nothing); take another copy"
    return (
        f"cannot be opened as HDF5 ({message}); it is truncated, damaged or of another format "
        "(bring images in with 'microdsd import')"
    )


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
