"""Representative volumes: how a property scatters and drifts with the size of the window."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, get_args

import numpy as np
import xarray as xr

from microdsd.errors import InputError
from microdsd.metrics import specific_surface_area
from microdsd.microstructure import (
    LabelsLike,
    as_microstructure,
    cut_windows,
    phase_fractions,
    phases_of,
    resolve_phase,
    spatial_dims,
    voxel_size_of,
)
from microdsd.progress import stage
from microdsd.transport.diffusion import diffusivity
from microdsd.transport.permeability import permeability

Property = Literal["fraction", "surface", "tortuosity", "permeability"]
Measure = Callable[[xr.DataArray, int], xr.DataArray]


def _surface(windows: xr.DataArray, phase: int) -> xr.DataArray:
    return specific_surface_area(windows, phase=phase, periodic=False)


def _tortuosity(windows: xr.DataArray, phase: int) -> xr.DataArray:
    """Return the tortuosity factor of the mean diffusivity over the axes."""
    result = diffusivity(windows, phase=phase)
    fraction = phase_fractions(windows).sel(phase=phase, drop=True)
    mean: xr.DataArray = result["relative_diffusivity"].mean("axis")
    ratio: xr.DataArray = fraction / mean.where(mean > 0)
    return ratio.fillna(np.inf).assign_attrs(units="1")


def _permeability(windows: xr.DataArray, phase: int) -> xr.DataArray:
    result: xr.DataArray = permeability(windows, phase=phase)["permeability"]
    return result.mean("axis", keep_attrs=True)


_MEASURES: dict[str, Measure] = {
    "fraction": lambda windows, phase: phase_fractions(windows).sel(phase=phase, drop=True),
    "surface": _surface,
    "tortuosity": _tortuosity,
    "permeability": _permeability,
}


def by_size(
    ms: LabelsLike,
    *,
    phase: int | str,
    sizes: Sequence[int],
    properties: Sequence[Property] = ("fraction", "surface", "tortuosity"),
    windows: int = 8,
    rng: int | np.random.Generator | None = 0,
) -> xr.Dataset:
    """Measure properties in random windows of several sizes.

    A volume is representative for a property from the size on at which the scatter between windows
    is small and their mean no longer changes.

    Parameters
    ----------
    ms : DataArray or ndarray, dims ([z,] y, x)
        One sample, larger than the windows.
    phase : int or str
    sizes : sequence of int
        Edges of the windows, voxels.
    properties : sequence of {"fraction", "surface", "tortuosity", "permeability"}
        Tortuosity is that of the mean diffusivity over the axes, infinite where no axis is open;
        the permeability is the mean over the axes.
    windows : int
        Number of windows of each size; they may overlap where the sample has no room for as many.
    rng : int or Generator, optional

    Returns
    -------
    Dataset, dims (size, window)
        One variable per property; ``size`` in metres (or voxels), and ``voxels``.

    Raises
    ------
    InputError
        An ensemble, a phase or property that does not exist, or windows that do not fit.

    References
    ----------
    Kanit et al., International Journal of Solids and Structures 40 (2003) 3647,
    doi:10.1016/S0020-7683(03)00143-4.

    Examples
    --------
    >>> noise = np.random.default_rng(0).integers(0, 2, (64, 64))
    >>> found = by_size(noise, phase=1, sizes=[8, 32], properties=["fraction"])
    >>> spread = found.fraction.std("window")
    >>> bool(spread[1] < spread[0])
    True
    """
    sample = as_microstructure(ms)
    if "sample" in sample.dims:
        raise InputError("ms: windows are of one sample; choose it with ms.isel(sample=0)")
    label = resolve_phase(sample, phase)
    if unknown := [one for one in properties if one not in get_args(Property)]:
        raise InputError(f"properties: {unknown} are not among {get_args(Property)}")
    shortest = min(sample.shape)
    if not sizes or min(sizes) < 2 or max(sizes) > shortest:
        raise InputError(f"sizes={list(sizes)}: give edges from 2 to {shortest} voxels")
    if windows < 2:
        raise InputError(f"windows: give at least 2 of each size, got {windows}")
    generator = np.random.default_rng(rng)
    columns: dict[str, list[xr.DataArray]] = {name: [] for name in properties}
    ordered = sorted(set(sizes))
    with stage("measuring windows", total=len(ordered) * len(properties)) as progress:
        for edge in ordered:
            cut = cut_windows(
                sample, (edge,) * sample.ndim, n=windows, rng=generator, disjoint=False
            )
            for name in properties:
                columns[name].append(_MEASURES[name](cut, label))
                progress.advance(1)
    size, unit = voxel_size_of(sample)
    result = xr.Dataset(
        {
            name: (
                ("size", "window"),
                np.stack([values.values for values in column]),
                {"units": str(column[0].attrs.get("units", "1")), "long_name": name},
            )
            for name, column in columns.items()
        },
        coords={
            "size": ("size", np.array(ordered) * size[0], {"units": unit}),
            "voxels": ("size", ordered),
        },
        attrs={"phase": phases_of(sample)[label], "dims": " ".join(spatial_dims(sample))},
    )
    return result
