"""Arrays without statements: npy, npz, MATLAB up to v7, and raw numbers."""

from __future__ import annotations

import math
import zipfile
from typing import Any

import numpy as np
import numpy.typing as npt

from microdsd.errors import DataFileError, InputError
from microdsd.io.request import ReadRequest
from microdsd.io.volume import Volume, plain_axes

# MATLAB indexes rows, columns, pages.
MATLAB_AXES = {2: "yx", 3: "yxi"}
MATLAB_TYPES = {
    "logical": 1,
    **{f"{sign}int{bits}": bits // 8 for sign in ("", "u") for bits in (8, 16, 32, 64)},
    "single": 4,
    "double": 8,
}


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


def read_matlab(request: ReadRequest) -> Volume:
    """Read an array of a MATLAB file up to v7; a double that holds whole numbers is one."""
    from scipy.io import loadmat, whosmat

    listed = {
        name: (shape, MATLAB_TYPES[kind], kind)
        for name, shape, kind in whosmat(request.path)
        if kind in MATLAB_TYPES and len(shape) in MATLAB_AXES and sum(n > 1 for n in shape) > 1
    }
    texts = {
        name: f"{' x '.join(map(str, shape))} {kind}" for name, (shape, _, kind) in listed.items()
    }
    name = request.choose(texts)
    request.check_expansion(math.prod(listed[name][0]) * listed[name][1])
    array = np.asarray(loadmat(request.path, variable_names=[name])[name])
    # Numbers of MATLAB are doubles unless one says otherwise, labels too.
    if array.dtype.kind == "f" and (np.abs(array) < 2**31).all() and (array % 1 == 0).all():
        array = array.astype(np.int32)
    return Volume(array, MATLAB_AXES[array.ndim])


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
    expected, found = math.prod(shape) * kind.itemsize, path.stat().st_size
    if found != expected:
        raise DataFileError(
            f"{request.name}: has {found} bytes, the shape {tuple(shape)} of {kind} needs "
            f"{expected}; correct shape or dtype, or take a whole copy"
        )
    array = np.fromfile(path, dtype=kind).astype(kind.newbyteorder("="), copy=False)
    return Volume(array.reshape(shape), plain_axes(len(shape)))


def described(array: npt.NDArray[Any]) -> str:
    """Shape and type of an array, for lists to choose from."""
    return f"{' x '.join(map(str, array.shape))} {array.dtype}"
