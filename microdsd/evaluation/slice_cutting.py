"""Independent slices of volumes, and windows of them."""

from __future__ import annotations

import numpy as np
import xarray as xr

from microdsd.evaluation.reference import FEWEST_WANTED
from microdsd.metrics.two_point import two_point_probability
from microdsd.microstructure import as_microstructure, cut_windows, phases_of
from microdsd.microstructure.axes import SPATIAL_DIMS
from microdsd.microstructure.windows import disjoint_windows

UNCORRELATED = 0.1
"""Correlation of the phases below which two slices count as independent: what varies with the
square of the field, as surfaces do, then correlates by a hundredth."""


def independent_spacing(volumes: xr.DataArray, axis: str) -> int | None:
    """Return the distance in voxels at which slices of a volume are nearly independent.

    Parameters
    ----------
    volumes : DataArray, dims (sample, z, y, x)
    axis : {"z", "y", "x"}
        The slices are normal to it.

    Returns
    -------
    int or None
        The first lag at which the correlation of every phase has fallen to 0.1; None where it has
        not within half the volume.

    Examples
    --------
    >>> noise = np.random.default_rng(0).integers(0, 2, (1, 16, 16, 16))
    >>> independent_spacing(as_microstructure(noise, ensemble=True), "z")
    1
    """
    distances = []
    for label in phases_of(volumes):
        s2 = two_point_probability(volumes, phase=label, periodic=False, axis=axis)
        curve = s2.mean("sample").values
        variance = curve[0] - curve[0] ** 2
        if variance > 0:
            decayed = np.flatnonzero((curve - curve[0] ** 2) / variance <= UNCORRELATED)
            distances.append(int(decayed[0]) if len(decayed) else None)
    return None if None in distances else max((d for d in distances if d), default=1)


def slices_of(volumes: xr.DataArray, axis: str) -> xr.DataArray:
    """Return all slices normal to an axis, dims ``(sample, slice, y, x)``, of pixels.

    Rows run along the first of the two axes left.
    """
    first, second = (dim for dim in SPATIAL_DIMS if dim != axis)
    turned = volumes.transpose("sample", axis, first, second)
    return xr.DataArray(
        turned.values,
        dims=("sample", "slice", "y", "x"),
        coords={
            dim: (dim, turned[old].values, turned[old].attrs)
            for dim, old in (("y", first), ("x", second))
            if old in turned.coords
        },
        attrs={key: value for key, value in volumes.attrs.items() if key == "phases"},
    )


def windows_of_slices(
    planes: xr.DataArray,
    spacing: int | None,
    edges: tuple[int, ...],
    most: int,
    rng: np.random.Generator,
) -> xr.DataArray:
    """Cut windows of independent slices, evenly spread over volumes and places.

    Parameters
    ----------
    planes : DataArray, dims (sample, slice, y, x)
    spacing : int or None
        Of independent slices.
    edges : tuple of int
        Voxels per axis of a window.
    most : int
        Windows, or 32 if that is more.
    rng : numpy Generator
    """
    chosen = planes.isel(slice=_places(planes.sizes["slice"], spacing))
    flat = as_microstructure(
        xr.DataArray(
            chosen.values.reshape(-1, *chosen.shape[-2:]),
            dims=("sample", "y", "x"),
            coords={dim: chosen[dim] for dim in ("y", "x") if dim in chosen.coords},
            attrs=chosen.attrs,
        )
    )
    wanted = min(disjoint_windows(flat, edges), max(FEWEST_WANTED, most))
    per_slice = -(-wanted // len(flat))
    kept = np.unique(np.linspace(0, len(flat) - 1, -(-wanted // per_slice)).round().astype(int))
    flat = flat.isel(sample=kept)
    number = min(wanted, disjoint_windows(flat, edges))
    return cut_windows(flat, edges, n=number, rng=rng)


def _places(layers: int, spacing: int | None) -> list[int]:
    """Return the layers of a volume that are one spacing apart, in its middle."""
    if spacing is None:
        return [layers // 2]
    number = 1 + (layers - 1) // spacing
    first = (layers - 1 - (number - 1) * spacing) // 2
    return [first + spacing * k for k in range(number)]


def independent_slices(planes: xr.DataArray, spacing: int | None) -> int:
    """Count the independent slices of all volumes."""
    return planes.sizes["sample"] * len(_places(planes.sizes["slice"], spacing))
