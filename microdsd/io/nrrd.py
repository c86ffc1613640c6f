"""NRRD files, which ITK-SNAP, 3D Slicer and SimpleITK open."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import xarray as xr

from microdsd.errors import InputError
from microdsd.io.atomic import atomic_write
from microdsd.io.order import path_first
from microdsd.io.single_sample import low_byte_first, single_sample
from microdsd.microstructure import LabelsLike, phases_of, voxel_size_of

_LEVEL = 4
"""Of compression: as small as level 9 within a few per cent for labels, and much faster."""


@path_first
def save_nrrd(path: str | Path, ms: LabelsLike, *, overwrite: bool = False) -> None:
    """Write one sample as NRRD with its voxel size, phase names and provenance.

    Lengths are metres where the voxel size is known, else voxels. Names and provenance are the keys
    ``phases`` and ``provenance``, as JSON; ``sample`` is the number within the ensemble.

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
    Definition of the NRRD file format, https://teem.sourceforge.net/nrrd/format.html
    """
    ms = single_sample(ms)
    header = _header(ms, ["encoding: gzip"])
    values = low_byte_first(ms)
    with atomic_write(path, overwrite=overwrite) as temporary, temporary.open("wb") as file:
        file.write(f"{header}\n".encode())
        with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=_LEVEL, mtime=0) as packed:
            packed.write(values.data)


@path_first
def save_nhdr(path: str | Path, ms: LabelsLike, *, overwrite: bool = False) -> None:
    """Write one sample as an NRRD header, and its labels into a raw file of the same name.

    Parameters
    ----------
    path : str or Path
        ``new.nhdr`` comes with ``new.raw``: x runs fastest, low byte first.
    ms : ndarray or DataArray
        One sample; choose from an ensemble with ``ms.isel(sample=0)``.
    overwrite : bool
        Whether both may be replaced.

    Raises
    ------
    InputError
        An ensemble.
    DataFileError
        One of the files exists, or the disk refused the data.
    """
    ms = single_sample(ms)
    data = Path(path).with_suffix(".raw")
    values = low_byte_first(ms)
    with (
        atomic_write(path, overwrite=overwrite) as header,
        atomic_write(data, overwrite=overwrite) as temporary,
    ):
        values.tofile(temporary)
        text = _header(ms, ["encoding: raw", f"data file: {data.name}"])
        header.write_text(text, encoding="utf-8", newline="\n")


def _header(ms: xr.DataArray, encoding: list[str]) -> str:
    """Return the lines of the header, each ended, with how and where the data are."""
    if ms.dtype.kind not in "iu":
        raise InputError(f"ms: cannot write labels of type {ms.dtype}")
    size, unit = voxel_size_of(ms)
    # The first axis of NRRD is the fastest one, our last.
    dims = list(reversed([str(dim) for dim in ms.dims]))
    keys = {"phases": json.dumps({str(k): name for k, name in phases_of(ms).items()}), "unit": unit}
    if "sample" in ms.coords:
        keys["sample"] = str(ms.coords["sample"].item())
    if "provenance" in ms.attrs:
        keys["provenance"] = str(ms.attrs["provenance"])
    header = [
        "NRRD0005",
        f"type: {ms.dtype.newbyteorder('=').name}",
        f"dimension: {ms.ndim}",
        f"sizes: {' '.join(str(ms.sizes[dim]) for dim in dims)}",
        f"spacings: {' '.join(repr(float(edge)) for edge in reversed(size))}",
        f"labels: {' '.join(json.dumps(dim) for dim in dims)}",
        *(["units:" + ms.ndim * ' "m"'] if unit == "m" else []),
        "endian: little",
        *encoding,
        *(f"{key}:={_escaped(value)}" for key, value in keys.items()),
    ]
    return "\n".join(header) + "\n"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n")
