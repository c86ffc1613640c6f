"""VTK image data (.vti) for ParaView: cell data, appended raw, zlib blocks."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from microdsd.errors import InputError
from microdsd.io.atomic import atomic_write
from microdsd.io.order import path_first
from microdsd.io.single_sample import low_byte_first, single_sample
from microdsd.microstructure import LabelsLike, phases_of, voxel_size_of

BLOCK_BYTES = 1 << 20
VTK_TYPES = {"uint8": "UInt8", "uint16": "UInt16", "uint32": "UInt32", "uint64": "UInt64"}
HEADER = """<?xml version="1.0"?>
<VTKFile type="ImageData" version="1.0" byte_order="LittleEndian" header_type="UInt64" \
compressor="vtkZLibDataCompressor">
  <ImageData WholeExtent="{extent}" Origin="{origin}" Spacing="{spacing}">
    <FieldData>
      <DataArray type="String" Name="phases" NumberOfTuples="1" format="ascii">{phases}</DataArray>
      <DataArray type="String" Name="unit" NumberOfTuples="1" format="ascii">{unit}</DataArray>
    </FieldData>
    <Piece Extent="{extent}">
      <CellData Scalars="labels">
        <DataArray type="{vtk_type}" Name="labels" format="appended" offset="0"/>
      </CellData>
    </Piece>
  </ImageData>
  <AppendedData encoding="raw">
_"""
FOOTER = "\n  </AppendedData>\n</VTKFile>\n"


@path_first
def save_vti(path: str | Path, ms: LabelsLike, *, overwrite: bool = False) -> None:
    """Write one sample as VTK image data with one cell per voxel.

    Lengths are metres where the voxel size is known. The field data ``phases`` holds the names as
    JSON, ``unit`` the unit of lengths. A 2D sample becomes one layer of cells.

    Parameters
    ----------
    path : str or Path
    ms : ndarray or DataArray
        One sample; choose from an ensemble with ``ms.isel(sample=0)``.
    overwrite : bool

    Raises
    ------
    InputError
        An ensemble.
    DataFileError
        The file exists, or the disk refused the data.

    References
    ----------
    VTK file formats, https://docs.vtk.org/en/latest/vtk_file_formats/vtkxml_file_format.html
    """
    ms = single_sample(ms)
    if ms.dtype.name not in VTK_TYPES:
        raise InputError(f"ms: cannot write labels of type {ms.dtype}")
    size, unit = voxel_size_of(ms)
    shape = ms.shape if ms.ndim == 3 else (1, *ms.shape)
    edges = size if ms.ndim == 3 else (min(size), *size)
    starts = [float(ms.coords[d][0]) - s / 2 for d, s in zip(ms.dims, size, strict=True)]
    origin = starts if ms.ndim == 3 else [0.0, *starts]
    header = HEADER.format(
        extent=" ".join(f"0 {n}" for n in reversed(shape)),
        origin=" ".join(repr(value) for value in reversed(origin)),
        spacing=" ".join(repr(value) for value in reversed(edges)),
        vtk_type=VTK_TYPES[ms.dtype.name],
        phases=_text(json.dumps({str(label): name for label, name in phases_of(ms).items()})),
        unit=_text(unit),
    )
    values = low_byte_first(ms)
    with atomic_write(path, overwrite=overwrite) as temporary, temporary.open("wb") as file:
        file.write(header.encode())
        file.writelines(_compressed(values.tobytes()))
        file.write(FOOTER.encode())


def _text(value: str) -> str:
    """Return text as VTK's XML has it: the bytes as numbers, ended by 0."""
    return " ".join(map(str, (*value.encode(), 0)))


def _compressed(data: bytes) -> Iterator[bytes]:
    """Yield the number of blocks, sizes before and after compression, then the blocks."""
    blocks = [zlib.compress(data[i : i + BLOCK_BYTES]) for i in range(0, len(data), BLOCK_BYTES)]
    partial = len(data) % BLOCK_BYTES
    yield struct.pack("<3Q", len(blocks), BLOCK_BYTES, partial)
    yield struct.pack(f"<{len(blocks)}Q", *map(len, blocks))
    yield from blocks
