"""MATLAB files up to v7, through scipy; those of v7.3 are HDF5."""

from __future__ import annotations

import math
import mmap
import struct
import zlib

import numpy as np

from microdsd.io.request import ReadRequest
from microdsd.io.volume import Volume

# MATLAB indexes rows, columns, pages.
AXES = {2: "yx", 3: "yxi"}
BYTES = {
    "logical": 1,
    **{f"{sign}int{bits}": bits // 8 for sign in ("", "u") for bits in (8, 16, 32, 64)},
    "single": 4,
    "double": 8,
}
HEADER_BYTES = 128
MATRIX, PACKED = 14, 15
NUMERIC_CLASSES = range(6, 16)
ELEMENT_TYPES = frozenset((*range(1, 8), 9, *range(12, 19)))
LARGEST_WHOLE = 2**31


def read_matlab(request: ReadRequest) -> Volume:
    """Read the array of numbers, or the one that was named; whole numbers in doubles are labels."""
    from scipy.io import loadmat, whosmat

    _check_elements(request)
    listed = {
        name: (shape, kind)
        for name, shape, kind in whosmat(request.path)
        if kind in BYTES and len(shape) in AXES and sum(n > 1 for n in shape) > 1
    }
    name = request.choose(
        {name: f"{' x '.join(map(str, shape))} {kind}" for name, (shape, kind) in listed.items()}
    )
    shape, kind = listed[name]
    request.check_expansion(math.prod(shape) * BYTES[kind])
    array = np.asarray(loadmat(request.path, variable_names=[name])[name])
    # Numbers of MATLAB are doubles unless one says otherwise, labels too.
    if array.dtype.kind == "f" and (np.abs(array) < LARGEST_WHOLE).all() and (array % 1 == 0).all():
        array = array.astype(np.int32)
    return Volume(array, AXES[array.ndim])


def _check_elements(request: ReadRequest) -> None:
    """Refuse types of elements that do not exist: scipy looks them up beyond the end of a table."""
    if request.path.stat().st_size < HEADER_BYTES:
        raise EOFError("the file ends early")
    with (
        request.path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data,
    ):
        order = {b"IM": "<", b"MI": ">"}.get(data[126:HEADER_BYTES])
        if order is None:
            return  # version 4, which scipy reads without such a table
        position = HEADER_BYTES
        while position + 8 <= len(data):
            kind, size = struct.unpack_from(order + "II", data, position)
            position += 8
            if kind == PACKED:
                # What follows the types of the numbers is covered by the checksum.
                head = zlib.decompressobj().decompress(data[position : position + size], 4096)
                _check_matrix(head, 8, len(head), order)
            elif kind == MATRIX:
                _check_matrix(data, position, min(position + size, len(data)), order)
            else:
                raise ValueError(f"element of type {kind} at byte {position - 8}")
            position += size


def _check_matrix(data: bytes | mmap.mmap, position: int, stop: int, order: str) -> None:
    if stop - position < 16:
        raise EOFError("the file ends early")
    (flags,) = struct.unpack_from(order + "I", data, position + 8)
    if flags & 0xFF not in NUMERIC_CLASSES:
        return
    while position + 8 <= stop:
        kind, size = struct.unpack_from(order + "II", data, position)
        if kind >> 16:  # four bytes or fewer stand beside their type
            kind, size = kind & 0xFFFF, 0
        if kind not in ELEMENT_TYPES:
            raise ValueError(f"numbers of type {kind}")
        position += 8 + -(-size // 8) * 8
