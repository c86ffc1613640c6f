"""MetaImage: a header with the labels behind it (.mha), or beside it in a raw file (.mhd)."""

from __future__ import annotations

import json
from pathlib import Path

import xarray as xr

from microdsd.errors import InputError
from microdsd.io.atomic import atomic_write
from microdsd.io.order import path_first
from microdsd.io.single_sample import low_byte_first, single_sample
from microdsd.microstructure import LabelsLike, phases_of, voxel_size_of

_TYPES = {1: "MET_UCHAR", 2: "MET_USHORT", 4: "MET_UINT", 8: "MET_ULONG_LONG"}
_MILLIMETRES = 1e3


@path_first
def save_mha(path: str | Path, ms: LabelsLike, *, overwrite: bool = False) -> None:
    """Write one sample as MetaImage in one file, with its voxel size and phase names.

    Lengths are millimetres, as ITK takes them to be, where the voxel size is known, else voxels.
    The key ``phases`` holds the names as JSON.

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
    """
    ms = single_sample(ms)
    with atomic_write(path, overwrite=overwrite) as temporary, temporary.open("wb") as file:
        file.write(_header(ms, "LOCAL").encode())
        file.write(low_byte_first(ms).data)


@path_first
def save_mhd(path: str | Path, ms: LabelsLike, *, overwrite: bool = False) -> None:
    """Write one sample as a MetaImage header, and its labels into a raw file of the same name.

    Parameters
    ----------
    path : str or Path
        ``new.mhd`` comes with ``new.raw``: x runs fastest, low byte first.
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
    ms, data = single_sample(ms), Path(path).with_suffix(".raw")
    with (
        atomic_write(path, overwrite=overwrite) as header,
        atomic_write(data, overwrite=overwrite) as temporary,
    ):
        low_byte_first(ms).tofile(temporary)
        header.write_text(_header(ms, data.name), encoding="utf-8", newline="\n")


def _header(ms: xr.DataArray, data_file: str) -> str:
    if ms.dtype.itemsize not in _TYPES:
        raise InputError(f"ms: cannot write labels of type {ms.dtype}")
    size, unit = voxel_size_of(ms)
    factor = _MILLIMETRES if unit == "m" else 1.0
    entries = {
        "ObjectType": "Image",
        "NDims": ms.ndim,
        "BinaryData": "True",
        "BinaryDataByteOrderMSB": "False",
        "CompressedData": "False",
        "DimSize": " ".join(str(n) for n in reversed(ms.shape)),
        "ElementSpacing": " ".join(f"{factor * edge:.15g}" for edge in reversed(size)),
        **({"DistanceUnits": "mm"} if unit == "m" else {}),
        "phases": json.dumps({str(label): name for label, name in phases_of(ms).items()}),
        "ElementType": _TYPES[ms.dtype.itemsize],
        "ElementDataFile": data_file,
    }
    return "".join(f"{key} = {value}\n" for key, value in entries.items())
