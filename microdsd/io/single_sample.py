"""The one sample that a file holds, and its labels as raw files have them."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from microdsd.errors import InputError
from microdsd.microstructure import LabelsLike, as_microstructure


def single_sample(ms: LabelsLike) -> xr.DataArray:
    """Check labels and return them, where a file holds one sample.

    Raises
    ------
    InputError
        An ensemble.
    """
    ms = as_microstructure(ms)
    if "sample" in ms.dims:
        raise InputError("ms: the file holds one sample; choose it with ms.isel(sample=0)")
    return ms


def low_byte_first(ms: xr.DataArray) -> NDArray[Any]:
    """Return the labels in one piece, x running fastest, low byte first."""
    return np.ascontiguousarray(ms.values, dtype=ms.dtype.newbyteorder("<"))
