"""VTK's XML files of meshes and fields: arrays appended raw, written piece by piece."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import numpy as np
import numpy.typing as npt

from microdsd.io.atomic import atomic_write

_TYPES = {"i4": "Int32", "i8": "Int64", "u1": "UInt8", "u2": "UInt16", "f4": "Float32"}
_TYPES |= {"u4": "UInt32", "u8": "UInt64", "f8": "Float64"}


@dataclass(frozen=True)
class Array:
    """Describe one array of a file, in pieces that need not be in memory at once.

    Attributes
    ----------
    section : str
        "Points", "Cells", "Polys" or "CellData".
    name : str
    dtype : dtype
        Little-endian.
    length : int
        Number of values, components counted each.
    components : int
    pieces : callable
        Makes the pieces, one after the other.
    """

    section: str
    name: str
    dtype: np.dtype[Any]
    length: int
    components: int
    pieces: Callable[[], Iterable[npt.NDArray[Any]]]

    @classmethod
    def of(cls, section: str, name: str, values: npt.NDArray[Any]) -> Array:
        """Return one piece that is in memory."""
        components = values.shape[1] if values.ndim == 2 else 1
        return cls(section, name, values.dtype, values.size, components, lambda: [values])

    @property
    def nbytes(self) -> int:
        """Return the bytes of the values."""
        return self.length * self.dtype.itemsize


def write_vtk(
    path: str | Path,
    kind: str,
    size: Mapping[str, object],
    arrays: Sequence[Array],
    texts: Mapping[str, str],
    *,
    grid: Mapping[str, object] | None = None,
    overwrite: bool,
) -> None:
    """Write a mesh or a grid.

    Parameters
    ----------
    path : str or Path
    kind : {"PolyData", "UnstructuredGrid", "ImageData"}
    size : mapping of str to object
        Attributes of the piece: numbers of points and cells, or an extent.
    arrays : sequence of Array
    texts : mapping of str to str
        Field data.
    grid : mapping of str to object, optional
        Attributes of the grid.
    overwrite : bool

    Raises
    ------
    DataFileError
        The file exists, or the disk refused the data.

    References
    ----------
    VTK file formats, https://docs.vtk.org/en/latest/vtk_file_formats/vtkxml_file_format.html
    """
    with atomic_write(path, overwrite=overwrite) as temporary, temporary.open("wb") as file:
        file.write("\n".join(_head(kind, size, arrays, texts, grid or {})).encode())
        for array in arrays:
            file.write(np.uint64(array.nbytes).astype("<u8").tobytes())
            for piece in array.pieces():
                file.write(np.ascontiguousarray(piece, dtype=array.dtype).tobytes())
        file.write(b"\n  </AppendedData>\n</VTKFile>\n")


def _head(
    kind: str,
    size: Mapping[str, object],
    arrays: Sequence[Array],
    texts: Mapping[str, str],
    grid: Mapping[str, object],
) -> Iterator[str]:
    yield '<?xml version="1.0"?>'
    yield f'<VTKFile type="{kind}" version="1.0" byte_order="LittleEndian" header_type="UInt64">'
    yield f"  <{' '.join([kind, *_attributes(grid)])}>"
    yield "    <FieldData>"
    for name, text in texts.items():
        characters = " ".join(map(str, (*text.encode(), 0)))
        yield f'      <DataArray type="String" Name="{name}" NumberOfTuples="1" format="ascii">'
        yield f"{characters}</DataArray>"
    yield "    </FieldData>"
    yield f"    <{' '.join(['Piece', *_attributes(size)])}>"
    starts = itertools.accumulate((8 + array.nbytes for array in arrays), initial=0)
    placed = list(zip(arrays, starts, strict=False))
    for section, members in itertools.groupby(placed, key=lambda one: one[0].section):
        yield f"      <{section}>"
        for array, start in members:
            yield (
                f'        <DataArray type="{_TYPES[array.dtype.str[1:]]}" '
                f"Name={quoteattr(array.name)} "
                f'NumberOfComponents="{array.components}" format="appended" offset="{start}"/>'
            )
        yield f"      </{section}>"
    yield "    </Piece>"
    yield f"  </{kind}>"
    yield '  <AppendedData encoding="raw">'
    yield "_"


def _attributes(values: Mapping[str, object]) -> list[str]:
    return [f'{name}="{value}"' for name, value in values.items()]
