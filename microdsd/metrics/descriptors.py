"""All descriptors of an ensemble in one data set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import xarray as xr

from microdsd.metrics._ensembles import per_sample
from microdsd.metrics.surface import interface_density, specific_surface_area
from microdsd.metrics.topology import connected_bodies, euler_characteristic, percolates
from microdsd.metrics.triple_lines import triple_phase_boundary
from microdsd.metrics.two_point import two_point_probability
from microdsd.microstructure.phases import phase_fractions
from microdsd.microstructure.schema import (
    LabelsLike,
    as_ensemble,
    phases_of,
    resolve_phase,
    spatial_dims,
    voxel_size_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

SCALARS = (
    "phase_fraction",
    "specific_surface_area",
    "pair_surface_area",
    "triple_phase_boundary",
    "interface_density",
    "euler_density",
    "body_count",
    "largest_body_share",
    "percolates",
)
"""Variables of `describe` with one number per sample and phase, pair or axis."""


def describe(
    ms: LabelsLike, *, periodic: bool, phases: Sequence[int | str] | None = None
) -> xr.Dataset:
    """Measure an ensemble with every descriptor of this package.

    Parameters
    ----------
    ms : DataArray or ndarray
        Integer labels, dims ``([sample,] [z,] y, x)``.
    periodic : bool
        Whether the boxes wrap. There is no default.
    phases : sequence of int or str, optional
        Phases to describe; all by default.

    Returns
    -------
    Dataset
        Dims ``sample``; ``phase`` (labels, with ``phase_name``); ``pair`` of phases
        ("pore-solid"); ``distance`` (metres or voxels), ``lag`` (voxels); ``axis`` ("z", "y",
        "x"). Variables:

        - ``phase_fraction (sample, phase)``
        - ``two_point_probability (sample, phase, distance)``, radial
        - ``two_point_along (sample, phase, axis, lag)``
        - ``specific_surface_area (sample, phase)`` and ``pair_surface_area (sample, pair)``
        - ``interface_density (sample)``, between all phases
        - ``euler_characteristic`` and, per volume, ``euler_density (sample, phase)``
        - ``body_count`` and ``largest_body_share (sample, phase)``
        - ``percolates (sample, phase, axis)``, in a box that does not wrap

        and, of three phases and more,

        - ``cross_two_point_probability (sample, pair, distance)``, radial
        - ``triple_phase_boundary (sample)``, between all phases

    Raises
    ------
    InputError
        If a phase does not exist, or the boxes are one voxel thick and not periodic.

    Examples
    --------
    >>> import numpy as np
    >>> stripes = np.tile(np.repeat([0, 1], 4), (16, 2))
    >>> found = describe(stripes, periodic=True)
    >>> found.body_count.sel(phase=1).item(), found.percolates.sel(phase=1).values.tolist()
    (2, [[True, False]])
    """
    ensemble = as_ensemble(ms)
    names = phases_of(ensemble)
    labels = list(names) if phases is None else [resolve_phase(ensemble, p) for p in phases]
    dims = spatial_dims(ensemble)
    size, unit = voxel_size_of(ensemble)
    volume = float(np.prod(ensemble.shape[1:]) * np.prod(size))
    reach = min(ensemble.shape[1:]) // 2

    def area(phase: int | None, phase2: int | None = None) -> xr.DataArray:
        return specific_surface_area(ensemble, phase=phase, phase2=phase2, periodic=periodic)

    def radial(phase: int, phase2: int | None = None) -> xr.DataArray:
        return two_point_probability(ensemble, phase=phase, phase2=phase2, periodic=periodic)

    def along_axes(phase: int) -> xr.DataArray:
        curves = [
            two_point_probability(
                ensemble, phase=phase, periodic=periodic, along=dim, max_distance=reach
            )
            for dim in dims
        ]
        stacked = np.stack([curve.values for curve in curves], axis=1)
        lag = ("lag", np.arange(reach + 1), {"units": "voxel"})
        return per_sample(
            ensemble,
            stacked,
            name="two_point_along",
            long_name="two-point probability along an axis",
            dims=("axis", "lag"),
            coords={"axis": list(dims), "lag": lag},
        )

    def euler(phase: int) -> xr.DataArray:
        return euler_characteristic(ensemble, phase=phase, periodic=periodic)

    def euler_density(phase: int) -> xr.DataArray:
        return per_sample(
            ensemble,
            euler(phase).values / volume,
            name="euler_density",
            long_name="Euler characteristic per volume",
            units=f"1/{unit}^{len(dims)}",
        )

    def bodies(phase: int) -> xr.Dataset:
        return connected_bodies(ensemble, phase=phase, periodic=periodic)

    def spans(phase: int) -> xr.DataArray:
        return percolates(ensemble, phase=phase)

    found = _side_by_side(bodies, labels)
    described = xr.Dataset(
        {
            "phase_fraction": phase_fractions(ensemble).sel(phase=labels),
            "two_point_probability": _side_by_side(radial, labels),
            "two_point_along": _side_by_side(along_axes, labels),
            "specific_surface_area": _side_by_side(area, labels),
            "interface_density": interface_density(ensemble, periodic=periodic),
            "euler_characteristic": _side_by_side(euler, labels),
            "euler_density": _side_by_side(euler_density, labels),
            "body_count": found["number"],
            "largest_body_share": found["largest_share"],
            "percolates": _side_by_side(spans, labels),
        },
        attrs={"periodic": int(periodic), "voxel_size": list(size), "unit": unit},
    )
    pairs = {f"{names[a]}-{names[b]}": (a, b) for a, b in combinations(labels, 2)}
    if pairs:
        described["pair_surface_area"] = _by_pair(area, pairs)
    if len(names) > 2:
        described["triple_phase_boundary"] = triple_phase_boundary(ensemble, periodic=periodic)
        if pairs:
            described["cross_two_point_probability"] = _by_pair(radial, pairs)
    return described


def scalar_columns(described: xr.Dataset) -> Iterator[xr.DataArray]:
    """Columns (sample) of all scalar descriptors, without those that repeat another.

    Each is named after its variable and has its phase, pair or axis as a coordinate.

    Examples
    --------
    >>> import numpy as np
    >>> found = describe(np.eye(4, dtype=int), periodic=True)
    >>> [column.name for column in scalar_columns(found)][:3]
    ['phase_fraction', 'phase_fraction', 'specific_surface_area']
    """
    two_phases = described.sizes["phase"] == 2
    for name in SCALARS:
        if name not in described or (two_phases and name == "pair_surface_area"):
            continue
        found = described[name]
        if two_phases and name == "specific_surface_area":
            # Both phases have the one interface as their boundary.
            found = found.isel(phase=0, drop=True)
        for index in np.ndindex(*found.shape[1:]):
            yield found[(slice(None), *index)]


def _by_pair(
    measure: Callable[[int, int], xr.DataArray], pairs: Mapping[str, tuple[int, int]]
) -> xr.DataArray:
    """One measurement per pair of phases, dims ``(sample, pair, ...)``."""
    stacked = xr.concat(
        [measure(a, b) for a, b in pairs.values()],
        xr.Variable("pair", list(pairs)),
        combine_attrs="drop_conflicts",
    )
    return stacked.transpose("sample", "pair", ...)


@overload
def _side_by_side(
    measure: Callable[[int], xr.DataArray], labels: Sequence[int]
) -> xr.DataArray: ...
@overload
def _side_by_side(measure: Callable[[int], xr.Dataset], labels: Sequence[int]) -> xr.Dataset: ...
def _side_by_side(measure: Callable[[int], Any], labels: Sequence[int]) -> Any:
    """One measurement per phase, dims ``(sample, phase, ...)``."""
    stacked = xr.concat(
        [measure(label) for label in labels],
        xr.Variable("phase", list(labels)),
        combine_attrs="drop_conflicts",
    )
    return stacked.transpose("sample", "phase", ...)
