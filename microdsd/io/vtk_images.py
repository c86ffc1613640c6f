"""VTK image data (.vti) in every encoding that ParaView writes.

This is code of our own because the reader of vtk kills the process on some damaged files, where a
block size of zero divides by zero.
"""

from __future__ import annotations

import base64
import itertools
import json
import lzma
import math
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt

from microdsd.errors import DataFileError
from microdsd.io.request import ReadRequest
from microdsd.io.volume import Volume, with_note, with_spacing
from microdsd.microstructure.lengths import metres_per

APPENDED = re.compile(rb"<AppendedData[^>]*>\s*_")
TYPES = {
    **{f"Int{bits}": f"i{bits // 8}" for bits in (8, 16, 32, 64)},
    **{f"UInt{bits}": f"u{bits // 8}" for bits in (8, 16, 32, 64)},
}
COMPRESSORS: dict[str, Callable[[], Any]] = {
    "vtkZLibDataCompressor": zlib.decompressobj,
    "vtkLZMADataCompressor": lzma.LZMADecompressor,
}
STATEMENTS = ("phases", "unit")


def read_vti(request: ReadRequest) -> Volume:
    """Read an integer array of cells or points; the format has no unit of length.

    microdsd writes unit and phase names into the field data.
    """
    content = request.path.read_bytes()
    matched = APPENDED.search(content)
    head = content[: matched.start()] + b"</VTKFile>" if matched else content
    if b"<!ENTITY" in head:
        raise ValueError("entities are not read")
    root = ElementTree.fromstring(head)
    appended = (
        _Stream(content[matched.end() :], b'"raw"' not in matched.group()) if matched else None
    )
    image = root.find("ImageData")
    pieces = [] if image is None else image.findall("Piece")
    if image is None or len(pieces) != 1:
        raise DataFileError(
            f"{request.name}: holds {len(pieces)} pieces of image data; save one piece (ParaView: "
            "merge, then save as .vti)"
        )
    # Numbers of points: cells lie between them, and a layer of cells may be one of points.
    ends = np.array(pieces[0].get("Extent", "").split(), dtype=int).reshape(3, 2)[::-1]
    points = tuple((ends[:, 1] - ends[:, 0] + 1).tolist())
    shapes = {"CellData": tuple(max(n - 1, 1) for n in points), "PointData": points}
    arrays = {
        entry.get("Name", f"array {number}"): (entry, shapes[data.tag])
        for data in pieces[0]
        if data.tag in shapes
        for number, entry in enumerate(data.findall("DataArray"))
        if entry.get("type") in TYPES and entry.get("NumberOfComponents", "1") == "1"
    }
    listing = {
        name: f"{' x '.join(map(str, shape))} {entry.get('type')}"
        for name, (entry, shape) in arrays.items()
    }
    entry, shape = arrays[request.choose(listing)]
    kind = np.dtype(TYPES[entry.get("type", "")])
    request.check_expansion(math.prod(shape) * kind.itemsize)
    values = _decoded(root, entry, kind, math.prod(shape), appended)
    volume = Volume(values.reshape(shape), "iyx")
    return _with_statements(volume, image)


@dataclass(frozen=True)
class _Stream:
    """Hold bytes, or their base64 text."""

    data: bytes
    is_text: bool

    def take(self, start: int, length: int) -> bytes:
        """Take bytes from a place that is counted as they are stored."""
        taken = self.data[start : start + self.stored(length)]
        unpacked = base64.b64decode(taken, validate=True) if self.is_text else taken
        if len(unpacked) < length:
            raise EOFError("the file ends early")
        return unpacked[:length]

    def stored(self, length: int) -> int:
        """Return how many bytes of the file hold so many bytes."""
        return 4 * -(-length // 3) if self.is_text else length


def _decoded(
    root: Any, entry: Any, kind: np.dtype[Any], number: int, appended: _Stream | None
) -> npt.NDArray[Any]:
    text = (entry.text or "").encode()
    if entry.get("format") == "ascii":
        values = np.array(text.split(), dtype=kind)
    else:
        order = ">" if root.get("byte_order") == "BigEndian" else "<"
        length = np.dtype(f"{order}u{'8' if root.get('header_type') == 'UInt64' else '4'}")
        inline = entry.get("format") == "binary"
        stream = _Stream(b"".join(text.split()), True) if inline else appended
        if stream is None:
            raise EOFError("the file ends early")
        start = 0 if inline else int(entry.get("offset", ""))
        data = _unpacked(stream, start, length, root.get("compressor"), number * kind.itemsize)
        values = np.frombuffer(data, np.dtype(f"{order}{kind.str[1:]}")).astype(kind)
    if values.size != number:
        raise ValueError(f"{values.size} values for {number} voxels")
    return values


def _unpacked(
    stream: _Stream, start: int, length: np.dtype[Any], compressor: str | None, expected: int
) -> bytes:
    """Unpack the bytes of one array, of which a header says how they are packed."""
    if compressor is None:
        (size,) = np.frombuffer(stream.take(start, length.itemsize), length).tolist()
        if size != expected:
            raise ValueError(f"{size} bytes where {expected} are needed")
        return stream.take(start, length.itemsize + size)[length.itemsize :]
    if compressor not in COMPRESSORS:
        raise ValueError(f"packed by {compressor}; save it with ZLib or without compression")
    (blocks,) = np.frombuffer(stream.take(start, length.itemsize), length).tolist()
    if blocks > len(stream.data):
        raise EOFError("the file ends early")
    header = length.itemsize * (3 + blocks)
    _, size, rest, *packed = np.frombuffer(stream.take(start, header), length).tolist()
    if blocks * size - (size - rest if rest else 0) != expected:
        raise ValueError(f"blocks of another size than the {expected} bytes that are needed")
    data = stream.take(start + stream.stored(header), sum(packed))
    pieces = []
    for first, last in itertools.pairwise(np.cumsum([0, *packed]).tolist()):
        unpacker = COMPRESSORS[compressor]()
        # One byte more than there should be, so that the checksum behind it is compared.
        pieces.append(unpacker.decompress(data[first:last], size + 1))
        if not unpacker.eof:
            raise ValueError("a block does not end where it should")
    return b"".join(pieces)


def _with_statements(volume: Volume, image: Any) -> Volume:
    fields = {
        entry.get("Name"): bytes(int(code) for code in (entry.text or "").split() if code != "0")
        for entry in image.findall("FieldData/*")
        if entry.get("type") == "String" and entry.get("format") == "ascii"
    }
    statements = {name: text.decode() for name, text in fields.items() if name in STATEMENTS}
    if "phases" in statements:
        names = json.loads(statements["phases"])
        volume = replace(volume, phases={int(label): str(name) for label, name in names.items()})
    lengths = tuple(float(length) for length in image.get("Spacing", "1 1 1").split()[::-1])
    unit = metres_per(statements.get("unit"))
    if unit is not None:
        return with_spacing(volume, tuple(length * unit for length in lengths), "microdsd")
    if set(lengths) == {1.0}:
        return volume
    text = " x ".join(f"{length:g}" for length in lengths)
    return with_note(volume, f"spacing {text} stated without a unit, not used; pass voxel_size")
