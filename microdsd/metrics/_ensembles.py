"""Results of a descriptor, one value or curve per sample."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import xarray as xr

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def per_sample(
    ensemble: xr.DataArray,
    values: ArrayLike,
    *,
    name: str,
    long_name: str,
    units: str = "1",
    dims: tuple[str, ...] = (),
    coords: dict[str, Any] | None = None,
    **attrs: str | int,
) -> xr.DataArray:
    """Label `values`, dims ``(sample, *dims)``, and keep the sample coordinate of the ensemble."""
    sample = {"sample": ensemble["sample"]} if "sample" in ensemble.coords else {}
    return xr.DataArray(
        values,
        dims=("sample", *dims),
        coords={**sample, **(coords or {})},
        name=name,
        attrs={"units": units, "long_name": long_name, **attrs},
    )
