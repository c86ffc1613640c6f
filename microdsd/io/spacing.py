"""Voxel sizes from the coordinates and units that files state for their axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from microdsd.errors import InputError
from microdsd.microstructure import VoxelSize
from microdsd.microstructure.lengths import metres_per

NO_UNIT = {"", "1", "px", "pixel", "pixels", "voxel", "voxels", "index", "none", "unknown"}
EVEN = 1e-3


@dataclass(frozen=True)
class AxisSpacing:
    """State the distance of voxel centres along one axis.

    Attributes
    ----------
    step : float
        NaN where one voxel alone cannot say it.
    metres : float or None
        Length of the unit; None where the file does not state one.
    unit : str
        As the file writes it.
    decreasing : bool
        Whether the first voxel has the largest coordinate.
    uneven : str
        What is wrong with the coordinates; empty where steps are equal.
    """

    step: float
    metres: float | None
    unit: str = ""
    decreasing: bool = False
    uneven: str = ""


def axis_spacing(name: str, centres: npt.NDArray[Any], unit: str) -> AxisSpacing:
    """Read the spacing of an axis from the coordinates of its voxels.

    Parameters
    ----------
    name : str
        Name of the axis, for messages.
    centres : ndarray, shape (n,)
    unit : str
        As the file writes it; empty where it does not.

    Examples
    --------
    >>> axis_spacing("x", np.array([4.0, 2.0, 0.0]), "um")
    AxisSpacing(step=2.0, metres=1e-06, unit='um', decreasing=True, uneven='')
    """
    metres = metres_per(unit)
    if centres.size < 2:
        return AxisSpacing(math.nan, metres, unit)
    values = centres.astype(float)
    step = float(values[-1] - values[0]) / (values.size - 1)
    rounding = np.finfo(centres.dtype).eps if centres.dtype.kind == "f" else 0.0
    tolerance = EVEN * abs(step) + 4 * rounding * float(np.abs(values).max())
    even = np.isfinite(values).all() and step and (abs(np.diff(values) - step) <= tolerance).all()
    if not even:
        wrong = (
            f"the coordinate {name} does not run in even steps ({values[0]:g}, {values[1]:g}, ... "
            f"{values[-1]:g}); resample the data, or give voxel_size (--voxel-size) if the "
            "coordinates are wrong"
        )
        return AxisSpacing(math.nan, metres, unit, uneven=wrong)
    return AxisSpacing(_short(abs(step), centres.dtype), metres, unit, decreasing=step < 0)


def voxel_size_from(spacings: Sequence[AxisSpacing | None]) -> VoxelSize | None:
    """Return the voxel size in metres of axes with stated spacing and unit, else None.

    An axis of one voxel is as long as the others are where these agree.

    Raises
    ------
    InputError
        Coordinates that do not run in even steps.
    """
    stated = [spacing for spacing in spacings if spacing is not None]
    for spacing in stated:
        if spacing.uneven:
            raise InputError(spacing.uneven)
    sizes = [float(f"{s.step * s.metres:.12g}") for s in stated if s.metres and np.isfinite(s.step)]
    single = [s for s in stated if np.isnan(s.step)]
    if len(stated) < len(spacings) or len(sizes) + len(single) < len(spacings) or not sizes:
        return None
    if single and len(set(sizes)) > 1:
        return None
    known = iter(sizes)
    return VoxelSize(tuple(sizes[0] if s in single else next(known) for s in stated), "m")


def spacing_note(dims: Sequence[str], spacings: Sequence[AxisSpacing | None]) -> str:
    """Say what a file states of its spacing and what is not acted upon."""
    stated = [spacing for spacing in spacings if spacing is not None]
    if not stated:
        return ""
    for spacing in stated:
        if spacing.uneven:
            return spacing.uneven
    try:
        if voxel_size_from(spacings) is not None:
            return ""
    except InputError as error:
        return str(error)
    indices = all(s.step == 1 and s.unit.strip().lower() in NO_UNIT for s in stated)
    if indices:
        return ""
    steps = ", ".join("?" if s is None or np.isnan(s.step) else f"{s.step:g}" for s in spacings)
    units = {s.unit.strip() for s in stated if not s.metres} - {""}
    unit = f"in {', '.join(sorted(units))}, which is" if units else "in a unit the file does"
    return f"spacing {', '.join(dims)} = {steps} {unit} not {'a length' if units else 'state'}"


def _short(step: float, dtype: np.dtype[Any]) -> float:
    """Return the spacing without the digits that rounding of the coordinates has made up."""
    digits = 6 if dtype == np.float32 else 10
    return float(f"{step:.{digits}g}")
