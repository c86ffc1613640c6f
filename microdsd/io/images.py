"""Images and raw volumes: TIFF, PNG, npy and raw in, TIFF out."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from microdsd.errors import DataFileError, InputError
from microdsd.io.atomic import atomic_write
from microdsd.microstructure import (
    LabelsLike,
    as_microstructure,
    phases_of,
    spatial_dims,
    voxel_size_of,
)

TIFF_SUFFIXES = {".tif", ".tiff"}
RAW_SUFFIXES = {".raw", ".bin"}
IMAGE_SUFFIXES = TIFF_SUFFIXES | RAW_SUFFIXES | {".png", ".npy"}
METRES_PER_CM = 0.01


def read_image_stack(
    path: str | Path,
    *,
    shape: Sequence[int] | None = None,
    dtype: str | None = None,
    axis_order: str | None = None,
) -> npt.NDArray[Any]:
    """Read a 2D image or a 3D stack as it is stored; values are not interpreted.

    Parameters
    ----------
    path : str or Path
        TIFF, PNG, npy, or raw (no header, C order).
    shape, dtype
        Of a raw file, where both are needed; other files state them.
    axis_order : str, optional
        Order of the stored axes, slowest first, e.g. ``"xyz"``. Default: ``"zyx"`` or ``"yx"``.

    Returns
    -------
    ndarray, axes ``([z,] y, x)``

    Raises
    ------
    DataFileError
        A missing, damaged or unsupported file, or a raw file of another size.
    InputError
        Shape or dtype missing or not understood, colours, or a wrong axis order.
    """
    path = Path(path)
    if not path.is_file():
        raise DataFileError(f"{path}: there is no such file; check the name and the folder")
    suffix = path.suffix.lower()
    coloured = False
    if suffix in RAW_SUFFIXES:
        array = _read_raw(path, shape, dtype)
    elif suffix in IMAGE_SUFFIXES:
        try:
            array, coloured = _decode(path, suffix)
        except Exception as error:  # decoders raise what they like on damaged files
            raise DataFileError(
                f"{path}: cannot be read as {suffix[1:]} ({error}); it is damaged, of another "
                "format, or packed in a way that needs the package imagecodecs"
            ) from error
    else:
        raise DataFileError(
            f"{path}: cannot read files that end in {suffix!r}; "
            f"take one of {', '.join(sorted(IMAGE_SUFFIXES))}"
        )
    if coloured:
        array = _grey_of_colours(path, array)
    while array.ndim > 2 and array.shape[0] == 1:  # TIFF pages that are no axis
        array = array[0]
    if array.ndim not in (2, 3):
        raise InputError(f"{path}: needs 2 or 3 axes, the array has the shape {array.shape}")
    return np.ascontiguousarray(_in_order(array, axis_order))


def save_tiff(ms: LabelsLike, path: str | Path, *, overwrite: bool = False) -> None:
    """Write one sample as a (multi-page) TIFF, with resolution and phases in its header.

    Parameters
    ----------
    ms : ndarray or DataArray
        One sample; choose from an ensemble with ``ms.isel(sample=0)``.
    path : str or Path
    overwrite : bool

    Raises
    ------
    InputError
        An ensemble.
    DataFileError
        The file exists, or the disk refused the data.
    """
    import tifffile

    ms = as_microstructure(ms)
    single_sample(ms)
    size, unit = voxel_size_of(ms)
    description: dict[str, Any] = {
        "axes": "".join(spatial_dims(ms)).upper(),
        "voxel_size": size,
        "unit": unit,
        "phases": json.dumps(phases_of(ms)),
    }
    resolution: dict[str, Any] = {}
    if unit == "m":
        resolution = {
            "resolution": (METRES_PER_CM / size[-1], METRES_PER_CM / size[-2]),
            "resolutionunit": "CENTIMETER",
        }
    with atomic_write(path, overwrite=overwrite) as temporary:
        tifffile.imwrite(
            temporary,
            ms.values,
            compression="zlib",
            photometric="minisblack",
            metadata=description,
            **resolution,
        )


def single_sample(ms: LabelsLike) -> None:
    """Refuse ensembles where a file holds one sample."""
    if "sample" in getattr(ms, "dims", ()):
        raise InputError("ms: the file holds one sample; choose it with ms.isel(sample=0)")


def _decode(path: Path, suffix: str) -> tuple[npt.NDArray[Any], bool]:
    """Array, and whether its last axis holds colours."""
    if suffix == ".npy":
        return np.asarray(np.load(path, allow_pickle=False)), False
    if suffix == ".png":
        from PIL import Image

        with Image.open(path) as image:
            return np.asarray(image), len(image.getbands()) > 1
    import tifffile

    with tifffile.TiffFile(path) as tiff:
        return np.asarray(tiff.asarray()), tiff.series[0].axes.endswith("S")


def _read_raw(path: Path, shape: Sequence[int] | None, dtype: str | None) -> npt.NDArray[Any]:
    if shape is None or dtype is None:
        raise InputError(f"{path}: a raw file needs shape and dtype, e.g. 480 480 480 and uint8")
    try:
        kind = np.dtype(dtype)
    except TypeError as error:
        raise InputError(f"dtype: {dtype!r} is not known; take uint8, uint16, >u2, ...") from error
    expected = math.prod(shape) * kind.itemsize
    found = path.stat().st_size
    if found != expected:
        raise DataFileError(
            f"{path}: has {found} bytes, the shape {tuple(shape)} of {kind} needs {expected}; "
            "correct shape or dtype, or take a whole copy"
        )
    return np.fromfile(path, dtype=kind).astype(kind.newbyteorder("="), copy=False).reshape(shape)


def _grey_of_colours(path: Path, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """One channel of a colour image whose channels agree."""
    grey = array[..., : min(array.shape[-1], 3)]  # the fourth channel is opacity
    if not (grey == array[..., :1]).all():
        raise InputError(
            f"{path}: is a colour image; turn its colours into integer labels first "
            "(numpy.unique with axis=0 lists them)"
        )
    return array[..., 0]


def _in_order(array: npt.NDArray[Any], axis_order: str | None) -> npt.NDArray[Any]:
    wanted = "zyx"[-array.ndim :]
    order = axis_order or wanted
    if sorted(order) != sorted(wanted):
        raise InputError(
            f"axis_order: needs the letters {wanted} in the order of the stored axes, got {order!r}"
        )
    return array.transpose([order.index(axis) for axis in wanted])
