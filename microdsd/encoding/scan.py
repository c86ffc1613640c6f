"""Facts of a scan that decide how it becomes windows and walkers."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import xarray as xr

from microdsd.errors import InputError
from microdsd.io import LabelSource
from microdsd.microstructure.outside import material_phases
from microdsd.process.lattice import MIN_LENGTH

Source = str | xr.DataArray | np.ndarray | LabelSource

MEASURED_VOXELS = 1 << 19
"""Voxels of windows that are enough to measure on."""


def window_shape(window: int | Sequence[int], axes: int) -> tuple[int, ...]:
    """Return the voxels per axis of a window, checked as far as it needs no scan."""
    shape = (window,) * axes if isinstance(window, int) else tuple(int(n) for n in window)
    if len(shape) not in (2, 3):
        raise InputError(f"window={shape}: give 2 or 3 numbers")
    if min(shape) < MIN_LENGTH:
        raise InputError(f"window={shape}: every axis needs at least {MIN_LENGTH} voxels")
    return shape


def number_of_windows(shape: Sequence[int]) -> int:
    """Return how many windows are enough to measure on: as many voxels of any shape."""
    return max(8, min(64, MEASURED_VOXELS // math.prod(shape)))


def present_phases(source: LabelSource) -> tuple[dict[int, str], int]:
    """Return the phases that the whole scan holds, and the label of the largest."""
    counts = source.counts()  # a rare phase may be in none of the windows
    phases = {
        label: name for label, name in material_phases(source.phases).items() if counts.get(label)
    }
    if len(phases) < 2:
        raise InputError(f"source: holds only {phases}; a model needs at least two phases")
    return phases, max(phases, key=lambda label: counts[label])
