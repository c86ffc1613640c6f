"""Two-point probabilities in CSV files."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from microdsd.errors import InputError
from microdsd.io.tables import read_rows
from microdsd.microstructure.lengths import metres_in

Array = NDArray[np.float64]

_UNIT = re.compile(r"[\[(/]\s*([^\W\d]+)\s*[\])]?\s*$")
_VOXELS = ("voxel", "voxels", "px", "pixel", "pixels")


def read_curve(path: str | Path) -> tuple[Array, Array, bool]:
    """Read distances and S2 from the first two columns of a CSV file.

    Parameters
    ----------
    path : str or Path
        A header is optional; the unit of the distance stands in it, as ``r / um`` or ``r [um]``.

    Returns
    -------
    distance, s2 : ndarray
        Distances in metres if the header states a unit of length, else in voxels.
    metric : bool
        Whether it does.

    Raises
    ------
    DataFileError
        If the file cannot be read.
    InputError
        If it has no two columns of numbers, or an unknown unit.
    """
    rows = read_rows(path)
    scale, metric = 1.0, False
    if rows and not _number(rows[0][0]):
        unit = _UNIT.search(rows.pop(0)[0])
        if unit is not None and unit[1].lower() not in _VOXELS:
            metres = metres_in(unit[1])
            if metres is None:
                raise InputError(f"{path}: the unit {unit[1]!r} of the distance is not known")
            scale, metric = float(metres), True
    for number, row in enumerate(rows, 1):
        if len(row) < 2 or not (_number(row[0]) and _number(row[1])):
            raise InputError(
                f"{path}: row {number} holds {', '.join(row)!r}; give two columns of numbers, the "
                "distance and S2"
            )
    table = np.array([[float(cell) for cell in row[:2]] for row in rows]).reshape(-1, 2)
    return table[:, 0] * scale, table[:, 1], metric


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
