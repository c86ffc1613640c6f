"""Samples in the format that the name of the output asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from microdsd.errors import InputError
from microdsd.io.atomic import atomic_write, ensure_writable
from microdsd.io.hdf5 import ensure_microstructures_writable, save_microstructures
from microdsd.io.images import save_tiff
from microdsd.io.meta_image import save_mha, save_mhd
from microdsd.io.nrrd import save_nhdr, save_nrrd
from microdsd.io.ome_files import ensure_folder_writable, save_ome_tiff, save_ome_zarr
from microdsd.io.order import path_first
from microdsd.io.single_sample import low_byte_first, single_sample
from microdsd.io.vti import save_vti
from microdsd.microstructure import LabelsLike

HDF5_SUFFIXES = (".h5", ".hdf5", ".nc")
"""Files that hold ensembles."""

MOST_FILES = 100_000
"""Files of one sample each that are written for one request."""


@path_first
def save_npy(path: str | Path, ms: LabelsLike, *, overwrite: bool = False) -> None:
    """Write one sample as a numpy array, which holds neither names nor voxel size.

    Examples
    --------
    >>> save_npy("new.npy", np.eye(4, dtype=int))
    >>> np.load("new.npy").shape
    (4, 4)
    """
    ms = single_sample(ms)
    with atomic_write(path, overwrite=overwrite) as temporary, temporary.open("wb") as file:
        np.save(file, ms.values, allow_pickle=False)


@path_first
def save_raw(path: str | Path, ms: LabelsLike, *, overwrite: bool = False) -> None:
    """Write the labels of one sample and nothing else, x running fastest, low byte first.

    Examples
    --------
    >>> save_raw("new.raw", np.eye(4, dtype=np.uint8))
    >>> Path("new.raw").stat().st_size
    16
    """
    ms = single_sample(ms)
    values = low_byte_first(ms)
    with atomic_write(path, overwrite=overwrite) as temporary:
        values.tofile(temporary)


WRITERS: dict[str, Callable[..., None]] = {
    ".ome.tif": save_ome_tiff,
    ".ome.tiff": save_ome_tiff,
    ".tif": save_tiff,
    ".tiff": save_tiff,
    ".vti": save_vti,
    ".nrrd": save_nrrd,
    ".nhdr": save_nhdr,
    ".mha": save_mha,
    ".mhd": save_mhd,
    ".zarr": save_ome_zarr,
    ".npy": save_npy,
    ".raw": save_raw,
}
"""By suffix, what writes a single sample."""

_PICTURES = (".png", ".jpg", ".jpeg", ".svg", ".pdf", ".bmp", ".gif")
BESIDE = {".nhdr": ".raw", ".mhd": ".raw"}
"""Of headers, the suffix of the file of labels that comes with them."""


def suffix_of(path: str | Path) -> str:
    """Return the suffix that tells the format, in lower case.

    Examples
    --------
    >>> suffix_of("new.OME.tif"), suffix_of("new.v2.tif")
    ('.ome.tif', '.tif')
    """
    path = Path(path)
    double = "".join(path.suffixes[-2:]).lower()
    return double if double in WRITERS else path.suffix.lower()


def check_format(path: str | Path, *, ensembles: bool = False) -> None:
    """Refuse an output whose suffix names no format that can be written.

    Parameters
    ----------
    path : str or Path
    ensembles : bool
        Whether it has to be a format that holds ensembles: HDF5.

    Raises
    ------
    InputError

    Examples
    --------
    >>> check_format("new.stl")
    Traceback (most recent call last):
    ...
    microdsd.errors.InputError: output: new.stl ends in none of .h5, .hdf5, .nc, .ome.tif, \
.ome.tiff, .tif, .tiff, .vti, .nrrd, .nhdr, .mha, .mhd, .zarr, .npy, .raw; name it so
    """
    known = HDF5_SUFFIXES if ensembles else (*HDF5_SUFFIXES, *WRITERS)
    if suffix_of(path) not in known:
        picture = ", or draw it with microdsd.plot" if suffix_of(path) in _PICTURES else ""
        raise InputError(f"output: {path} ends in none of {', '.join(known)}; name it so{picture}")


def output_files(path: str | Path, n: int) -> list[Path]:
    """Return the files that `save_samples` writes n samples to.

    Files of formats that hold one sample are numbered.

    Examples
    --------
    >>> [str(file) for file in output_files("new.tif", 2)], str(*output_files("new.h5", 2))
    (['new-000.tif', 'new-001.tif'], 'new.h5')
    """
    path = Path(path)
    if n == 1 or path.suffix.lower() in HDF5_SUFFIXES:
        return [path]
    if n > MOST_FILES:
        raise InputError(f"output: {path} would be {n} files, one per sample; write HDF5 (.h5)")
    digits = max(3, len(str(n - 1)))
    stem, suffix = path.name[: -len(suffix_of(path))], path.name[-len(suffix_of(path)) :]
    return [path.with_name(f"{stem}-{i:0{digits}d}{suffix}") for i in range(n)]


def ensure_samples_writable(
    path: str | Path, n: int, *, overwrite: bool, inputs: Iterable[str | Path] = ()
) -> list[Path]:
    """Refuse outputs that `save_samples` would refuse, before long work; what it will write.

    Raises
    ------
    InputError
        An unknown suffix.
    DataFileError
        As `ensure_writable`; or the file that would be overwritten is not HDF5, and should be.
    """
    check_format(path)
    files, inputs = output_files(path, n), list(inputs)
    beside = BESIDE.get(suffix_of(path))
    for file in files:
        if suffix_of(file) == ".zarr":
            ensure_folder_writable(file, overwrite=overwrite)
            continue
        ensure_writable(file, overwrite=overwrite, inputs=inputs)
        if beside:
            ensure_writable(file.with_suffix(beside), overwrite=overwrite, inputs=inputs)
    if Path(path).suffix.lower() in HDF5_SUFFIXES:
        ensure_microstructures_writable(path, overwrite=overwrite)
    return files


@path_first
def save_samples(path: str | Path, ms: xr.DataArray, *, overwrite: bool = False) -> list[Path]:
    """Write microstructures in the format of the suffix.

    Parameters
    ----------
    path : str or Path
        HDF5 holds all samples; of every other format (`WRITERS`) each sample of several gets a
        file of its own, see `output_files`. ``.nhdr`` and ``.mhd`` come with a ``.raw`` file.
    ms : DataArray, dims ([sample,] [z,] y, x)
    overwrite : bool
        Whether files of these names may be replaced.

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    InputError
        An unknown suffix.
    DataFileError
        A file exists, or the disk refused the data.
    """
    check_format(path)
    write = WRITERS.get(suffix_of(path))
    if write is None:
        save_microstructures(path, ms, overwrite=overwrite)
        return [Path(path)]
    samples: Sequence[xr.DataArray] = [ms] if "sample" not in ms.dims else list(ms)
    files = output_files(path, len(samples))
    for sample, file in zip(samples, files, strict=True):
        write(file, sample, overwrite=overwrite)
    return files
