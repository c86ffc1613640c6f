"""Pictures: PNG and BMP in, TIFF out."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from microdsd.io.atomic import atomic_write
from microdsd.io.order import path_first
from microdsd.io.request import ReadRequest
from microdsd.io.single_sample import single_sample
from microdsd.io.volume import Volume, with_note
from microdsd.microstructure import (
    LabelsLike,
    phases_of,
    spatial_dims,
    voxel_size_of,
)

METRES_PER_CM = 0.01
PIXEL_BYTES = {"I;16": 2, "I": 4}


@path_first
def save_tiff(path: str | Path, ms: LabelsLike, *, overwrite: bool = False) -> None:
    """Write one sample as a (multi-page) TIFF, with resolution and phases in its header.

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
    import tifffile

    ms = single_sample(ms)
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


def read_picture(request: ReadRequest) -> Volume:
    """Read PNG or BMP; of a picture with a palette, the numbers of its colours."""
    from PIL.BmpImagePlugin import BmpImageFile
    from PIL.PngImagePlugin import PngImageFile

    # The classes themselves, not Image.open: its limit on the size is ours to set.
    kind = PngImageFile if request.path.suffix.lower() == ".png" else BmpImageFile
    if kind is PngImageFile:
        with request.path.open("rb") as file, PngImageFile(file) as checked:
            checked.verify()
    with request.path.open("rb") as file, kind(file) as picture:
        bands = picture.getbands()
        request.check_expansion(
            math.prod(picture.size) * len(bands) * PIXEL_BYTES.get(picture.mode, 1)
        )
        array = np.asarray(picture)
    colours = sum(band != "A" for band in bands)
    volume = Volume(array, "yxr" if len(bands) > 1 else "yx", colours=colours)
    if picture.mode == "P":
        return with_note(volume, "values are the numbers of the colours in the palette")
    return volume
