"""The formats that are read, and the one way from the name of a file to a volume."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import h5py
import numpy.typing as npt

from microdsd.errors import DataFileError, InputError, MicrodsdError
from microdsd.io.archives import PACKED_SUFFIXES, unpacked
from microdsd.io.arrays import read_npy, read_npz, read_raw
from microdsd.io.discovery import split_spec
from microdsd.io.expansion import MAX_RATIO
from microdsd.io.images import read_picture
from microdsd.io.itk import read_itk
from microdsd.io.matlab import read_matlab
from microdsd.io.ome_zarr import read_zarr
from microdsd.io.request import ReadRequest
from microdsd.io.slices import joined, slice_files
from microdsd.io.tiff import read_tiff
from microdsd.io.volume import Volume, in_order
from microdsd.io.vtk_images import read_vti

HDF5_SUFFIXES = frozenset((".h5", ".hdf5", ".hdf", ".he5", ".nc", ".nc4", ".cdf", ".dream3d"))
PATTERN = frozenset("*?[")
CLOSED = {
    ".am": "Avizo and Amira files have no maintained reader for Python; save the labels from "
    "there as TIFF or NRRD (File > Export Data As)",
    ".hx": "this is a project of Avizo or Amira without data; save the labels from there as TIFF",
    ".jpg": "JPEG changes values, so that labels do not survive it; take a TIFF or PNG",
    ".jpeg": "JPEG changes values, so that labels do not survive it; take a TIFF or PNG",
}


@dataclass(frozen=True)
class Format:
    """Describe a format of files, and what reads it.

    Attributes
    ----------
    name : str
    suffixes : tuple of str
    read : callable
    extra : str or None
        Extra of this package, where the reader needs more than its dependencies.
    """

    name: str
    suffixes: tuple[str, ...]
    read: Callable[[ReadRequest], Volume]
    extra: str | None = None


FORMATS = (
    Format("TIFF", (".tif", ".tiff"), read_tiff),
    Format("PNG", (".png",), read_picture),
    Format("BMP", (".bmp",), read_picture),
    Format("npy", (".npy",), read_npy),
    Format("npz", (".npz",), read_npz),
    Format("MATLAB", (".mat",), read_matlab),
    Format("raw", (".raw", ".bin"), read_raw),
    Format("NRRD", (".nrrd", ".nhdr"), read_itk, "formats"),
    Format("MetaImage", (".mha", ".mhd"), read_itk, "formats"),
    Format("NIfTI", (".nii",), read_itk, "formats"),
    Format("VTK image data", (".vti",), read_vti),
    Format("OME-Zarr", (".zarr",), read_zarr, "zarr"),
)
READERS = {suffix: one for one in FORMATS for suffix in one.suffixes}
SLICES = frozenset((".tif", ".tiff", ".png", ".bmp", ".npy"))


def readable_formats() -> str:
    """List what is read, for help and messages.

    Examples
    --------
    >>> readable_formats().startswith("TIFF, PNG, BMP, npy")
    True
    """
    names = ", ".join(one.name for one in FORMATS)
    return (
        f'{names}, HDF5 and netCDF (FILE:/path), a folder or "pattern*.tif" of slices, and '
        "zip, tar or gz of one of them (FILE.zip:/member)"
    )


def is_volume(spec: str | Path) -> bool:
    """Return whether `read_volume` reads what a spec names; else it is HDF5.

    Raises
    ------
    DataFileError
        It is missing, or of a format that is not read.
    """
    path, _ = split_spec(spec)
    suffix = path.suffix.lower()
    if path.is_dir() or _is_pattern(path):
        return True
    if not path.is_file():
        raise DataFileError(f"{path}: there is no such file; check the name and the folder")
    if suffix == ".mat":
        return not h5py.is_hdf5(path)
    if suffix in READERS or suffix in PACKED_SUFFIXES or suffix in CLOSED:
        return True
    if suffix in HDF5_SUFFIXES or h5py.is_hdf5(path):
        return False
    raise DataFileError(f"{path}: {_unreadable(suffix)}")


def read_volume(
    spec: str | Path,
    *,
    shape: Sequence[int] | None = None,
    dtype: str | None = None,
    axis_order: str | None = None,
    ensemble: bool = False,
    max_ratio: float = MAX_RATIO,
) -> Volume:
    """Read a file that is not HDF5, a folder or pattern of slices, or a member of an archive.

    Parameters
    ----------
    spec : str or Path
        ``rock.tif``, ``rock.zip:/member.tif``, ``slices/``, ``slices/*.png``.
    shape, dtype
        Shape and type of raw numbers, where both are needed; other files state them.
    axis_order : str, optional
        Order of the stored axes, slowest first, e.g. ``"xyz"``, against what the file says.
    ensemble : bool
        Whether the first axis counts samples.
    max_ratio : float
        How many times larger than the file its content may be.

    Returns
    -------
    Volume
        Axes ``([s,] [z,] y, x)``.

    Raises
    ------
    DataFileError
        A missing, damaged or unsupported file, or one that expands beyond the limit.
    InputError
        Colours, several arrays to choose from, axes that are not space, a missing extra.

    Examples
    --------
    >>> import numpy as np
    >>> np.save("eye.npy", np.eye(3, dtype=np.uint8))
    >>> read_volume("eye.npy").axes
    'yx'
    """
    path, member = split_spec(spec)
    request = ReadRequest(path, str(path), member, shape, dtype, ensemble, max_ratio)
    return in_order(_read(request), str(path), axis_order, ensemble)


def read_image_stack(
    path: str | Path,
    *,
    shape: Sequence[int] | None = None,
    dtype: str | None = None,
    axis_order: str | None = None,
) -> npt.NDArray[Any]:
    """Read the array of `read_volume`, without what the file says about it.

    Returns
    -------
    ndarray, axes ``([z,] y, x)``
    """
    return read_volume(path, shape=shape, dtype=dtype, axis_order=axis_order).array


def _read(request: ReadRequest) -> Volume:
    path = request.path
    suffix = path.suffix.lower()
    if _is_pattern(path) or (path.is_dir() and not _is_zarr(path)):
        return _slices(request)
    if not path.exists():
        raise DataFileError(f"{request.name}: there is no such file; check the name and the folder")
    if suffix in PACKED_SUFFIXES:
        return _guarded(request, "an archive", None, _packed)
    reader = READERS[".zarr"] if path.is_dir() else READERS.get(suffix)
    if reader is None or (suffix == ".mat" and h5py.is_hdf5(path)):
        raise DataFileError(f"{request.name}: {_unreadable(suffix)}")
    return _guarded(request, reader.name, reader.extra, reader.read)


def _guarded(
    request: ReadRequest, name: str, extra: str | None, read: Callable[[ReadRequest], Volume]
) -> Volume:
    """Read, and say what went wrong in words of this package."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of decoders, about metadata that are not used
            return read(request)
    except MicrodsdError:
        raise
    except ImportError as error:
        package = f"microdsd[{extra or 'formats'}]"
        raise InputError(
            f'{request.name}: to read {name}, pip install "{package}" ({error})'
        ) from error
    except Exception as error:  # decoders raise what they like on damaged files
        reason = " ".join(str(error).split()).rpartition("ITK ERROR: ")[2][:200]
        reason = reason or type(error).__name__
        raise DataFileError(
            f"{request.name}: cannot be read as {name} ({reason}); it is damaged, truncated or of "
            "another format"
        ) from error


def _packed(request: ReadRequest) -> Volume:
    with unpacked(request, frozenset(READERS) - {".zarr"}) as member:
        return _read(member)


def _slices(request: ReadRequest) -> Volume:
    files = slice_files(request.path, SLICES, ensemble=request.ensemble)
    ones = [_read(replace(request, path=file, name=str(file))) for file in files]
    names = [file.name for file in files]
    return joined(request.name, names, ones, ensemble=request.ensemble)


def _is_pattern(path: Path) -> bool:
    return bool(PATTERN & set(path.name)) and not path.exists()


def _is_zarr(path: Path) -> bool:
    return any((path / name).is_file() for name in (".zgroup", ".zarray", "zarr.json"))


def _unreadable(suffix: str) -> str:
    remedy = CLOSED.get(suffix, "save it as one of them")
    return f"files that end in {suffix!r} are not read; read are {readable_formats()}; {remedy}"
