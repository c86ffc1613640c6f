"""Joining the measurements of parts of an ensemble, or of phases."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, TypeVar

import xarray as xr

Measured = TypeVar("Measured", xr.DataArray, xr.Dataset)


def concat_curves(pieces: Sequence[Measured], dim: Any) -> Measured:
    """Join measurements along a dim; a curve that ends before others continues as 0.

    The curve of an absent phase, which is NaN throughout, is NaN at all lengths.

    Parameters
    ----------
    pieces : sequence of DataArray or of Dataset
        With the same variables. Attributes on which they differ are dropped.
    dim : str or Variable
        Dim to put them together along, which may be new.

    Returns
    -------
    DataArray or Dataset

    Examples
    --------
    >>> short, long = ({"size": [1.0, 3.0, 5.0][:n]} for n in (1, 3))
    >>> absent = xr.DataArray([float("nan")], dims="size", coords=short)
    >>> result = xr.DataArray([1.0, 0.5, 0.2], dims="size", coords=long)
    >>> concat_curves([absent, result, result[:2]], "phase").values
    array([[nan, nan, nan],
           [1. , 0.5, 0.2],
           [1. , 0.5, 0. ]])
    """
    name: Hashable = dim.dims[0] if isinstance(dim, xr.Variable) else dim
    longer = xr.align(*pieces, join="outer", exclude=[name], fill_value=0)
    joined: Measured = xr.concat(
        [_unknown_as_before(*pair) for pair in zip(pieces, longer, strict=True)],
        dim,
        data_vars="all",
        coords="minimal",
        compat="override",
        join="exact",
        combine_attrs="drop_conflicts",
    )
    return joined


def _unknown_as_before(before: Measured, after: Measured) -> Measured:
    """Restore NaN in curves that hold no number."""
    if isinstance(before, xr.Dataset):
        return after.assign(
            {name: _unknown_as_before(before[name], after[name]) for name in before.data_vars}
        )
    grown = [dim for dim in before.dims if before.sizes[dim] < after.sizes[dim]]
    return after.where(before.notnull().any(grown)) if grown else after
