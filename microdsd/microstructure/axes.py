"""Axes of a microstructure: ``([sample,] [z,] y, x)``, C order as stored."""

from __future__ import annotations

from os import PathLike
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from microdsd.errors import InputError

SPATIAL_DIMS = ("z", "y", "x")

LabelsLike = xr.DataArray | npt.NDArray[Any] | str | PathLike[str]
"""Labels in memory, or the name of a file that holds them."""

_COLOURS = (3, 4)  # red, green, blue, and opacity
_SMALLEST_PICTURE = 16  # voxels; nobody takes smaller ones


def spatial_dims(ms: LabelsLike) -> tuple[str, ...]:
    """Return ``("z", "y", "x")`` or ``("y", "x")``.

    Examples
    --------
    >>> import numpy as np
    >>> spatial_dims(np.zeros((2, 3), dtype=int))
    ('y', 'x')
    """
    dims = (
        checked_dims(ms)
        if isinstance(ms, xr.DataArray)
        else dims_of_ndarray(np.asarray(ms).ndim, False)
    )
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


def array_of(labels: npt.ArrayLike, *, ensemble: bool, named: bool) -> npt.NDArray[Any]:
    """Return labels as an ndarray, unless they are pictures that would pass for a volume.

    Parameters
    ----------
    labels : array_like
    ensemble : bool
        Whether the first axis counts samples.
    named : bool
        Whether the labels are named: then only grey pictures in colour, whose channels are equal,
        would pass for a volume.

    Raises
    ------
    InputError
        A list of arrays that is not said to be an ensemble, arrays of different shapes, or a colour
        image: bytes with a third spatial axis of length 3 or 4 behind two that are long.

    Examples
    --------
    >>> array_of([np.eye(2), np.eye(2)], ensemble=True, named=False).shape
    (2, 2, 2)
    """
    if isinstance(labels, list | tuple) and any(np.ndim(part) > 1 for part in labels):
        if len({np.shape(part) for part in labels}) > 1:
            raise InputError(
                f"labels: the {len(labels)} arrays differ in shape; crop them to one shape"
            )
        if not ensemble:
            raise InputError(
                f"labels: a list of {len(labels)} arrays may be so many samples or the slices of "
                "one volume; pass ensemble=True, or np.stack(...)"
            )
    values = np.asarray(labels)
    picture = (
        values.dtype == np.uint8
        and values.ndim - ensemble == 3
        and values.shape[-1] in _COLOURS
        and min(values.shape[-3:-1]) >= _SMALLEST_PICTURE
    )
    if picture and (not named or bool((values[..., :3] == values[..., :1]).all())):
        raise InputError(
            f"labels: bytes of shape {values.shape} are a colour image, not labels of a volume; "
            "take one channel, labels[..., 0], and map its values to phases. If x does count "
            f"{values.shape[-1]} voxels: xarray.DataArray(labels, dims=('z', 'y', 'x'))"
        )
    return values


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
