"""Arrays without statements: npy, npz and raw numbers."""

from __future__ import annotations

import math
import zipfile
from typing import Any

import numpy as np
import numpy.typing as npt

from microdsd.errors import DataFileError, InputError
from microdsd.io.request import ReadRequest
from microdsd.io.volume import Volume, plain_axes


def read_npy(request: ReadRequest) -> Volume:
    """Read an array that numpy saved; objects are refused, since unpickling can run any code."""
    # The map checks the length of the file before any memory is taken.
    array = np.array(np.load(request.path, mmap_mode="r", allow_pickle=False))
    return Volume(array, plain_axes(array.ndim))


def read_npz(request: ReadRequest) -> Volume:
    """Read the array of integers in an archive that numpy saved, or the one that was named."""
    with zipfile.ZipFile(request.path) as archive:
        request.check_expansion(sum(entry.file_size for entry in archive.infolist()))
    with np.load(request.path, allow_pickle=False) as archive:
        arrays = {}
        for name in archive.files:
            try:
                array = archive[name]
            except ValueError:  # objects, which are no labels
                continue
            if array.dtype.kind in "biu" and 2 <= array.ndim <= 4:
                arrays[name] = array
    name = request.choose({name: described(array) for name, array in arrays.items()})
    return Volume(arrays[name], plain_axes(arrays[name].ndim))


def read_raw(request: ReadRequest) -> Volume:
    """Read numbers without a header, in C order.

    Raises
    ------
    InputError
        Shape or dtype missing or not understood.
    DataFileError
        The file has another length.
    """
    path, shape = request.path, request.shape
    if shape is None or request.dtype is None:
        raise InputError(
            f"{request.name}: a raw file needs shape and dtype, e.g. 480 480 480 and uint8"
        )
    try:
        kind = np.dtype(request.dtype)
    except TypeError as error:
        raise InputError(
            f"dtype: {request.dtype!r} is not known; take uint8, uint16, >u2, ..."
        ) from error
    if kind.kind not in "biufc" or any(length < 1 for length in shape):
        raise InputError(f"shape and dtype: {tuple(shape)} of {kind} is no array of numbers")
    expected, size = math.prod(shape) * kind.itemsize, path.stat().st_size
    if size != expected:
        raise DataFileError(
            f"{request.name}: has {size} bytes, the shape {tuple(shape)} of {kind} needs "
            f"{expected}; correct shape or dtype, or take a whole copy"
        )
    array = np.fromfile(path, dtype=kind).astype(kind.newbyteorder("="), copy=False)
    return Volume(array.reshape(shape), plain_axes(len(shape)))


def described(array: npt.NDArray[Any]) -> str:
    """Describe shape and type of an array, for lists to choose from."""
    return f"{' x '.join(map(str, array.shape))} {array.dtype}"
