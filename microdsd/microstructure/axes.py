"""Axes of a microstructure: ``([sample,] [z,] y, x)``, C order as stored."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt
import xarray as xr

from microdsd.errors import InputError

SPATIAL_DIMS = ("z", "y", "x")

LabelsLike = xr.DataArray | npt.NDArray[Any]


def spatial_dims(ms: LabelsLike) -> tuple[str, ...]:
    """Return ``("z", "y", "x")`` or ``("y", "x")``.

    Examples
    --------
    >>> import numpy as np
    >>> spatial_dims(np.zeros((2, 3), dtype=int))
    ('y', 'x')
    """
    dims = checked_dims(ms) if isinstance(ms, xr.DataArray) else dims_of_ndarray(ms.ndim, False)
    return tuple(dim for dim in dims if dim != "sample")


def dims_of_ndarray(ndim: int, ensemble: bool) -> tuple[str, ...]:
    """Name the axes of an ndarray of labels.

    Raises
    ------
    InputError
        Not two or three spatial axes.

    Examples
    --------
    >>> dims_of_ndarray(3, ensemble=True)
    ('sample', 'y', 'x')
    """
    spatial = ndim - 1 if ensemble else ndim
    if spatial not in (2, 3):
        hint = "; pass ensemble=True for a stack of samples" if ndim == 4 and not ensemble else ""
        raise InputError(
            f"labels: needs 2 or 3 spatial axes, got {spatial}"
            f"{' beside the sample axis' if ensemble else ''}{hint}"
        )
    return (("sample",) if ensemble else ()) + SPATIAL_DIMS[-spatial:]


def checked_dims(ms: xr.DataArray) -> tuple[str, ...]:
    """Return the dims of a DataArray.

    Raises
    ------
    InputError
        They are not ``([sample,] [z,] y, x)`` in this order.
    """
    dims = tuple(str(dim) for dim in ms.dims)
    spatial = dims[1:] if dims[:1] == ("sample",) else dims
    if spatial not in (SPATIAL_DIMS, SPATIAL_DIMS[1:]):
        raise InputError(
            f"ms: dims must be ([sample,] [z,] y, x) in this order, got {dims}; "
            "rename or transpose them"
        )
    return dims
