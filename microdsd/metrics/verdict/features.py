"""Measured descriptors as arrays, in the groups that are tested as one."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

TESTED = (
    "two_point_probability",
    "cross_two_point_probability",
    "anisotropy",
    "two_point_cluster",
    "lineal_path",
    "chord_length",
    "local_thickness",
    "specific_surface_area",
    "pair_surface_area",
    "triple_phase_boundary",
    "interface_density",
    "euler_density",
    "body_count",
    "largest_body_share",
    "percolates",
)
"""Descriptors that are tested, each with all its phases, axes and distances at once.

The fractions are not among them: samples and windows are paired by those."""

IN_VOXELS = ("anisotropy", "lineal_path", "chord_length")
"""Curves along axes: their points are in voxels, whatever the unit of length."""

WHOLE_NUMBERS = ("body_count",)
"""Descriptors of which a sample has a whole number."""

_ALONG_CURVES = ("distance", "lag", "chord", "diameter")
_SAME_FOR_BOTH = ("two_point_probability", "anisotropy", "specific_surface_area")


@dataclasses.dataclass(frozen=True)
class Block:
    """One descriptor of all samples.

    Attributes
    ----------
    descriptor, units : str
    values : ndarray, shape (samples, parts, points)
        One part for every phase or pair and axis; one point for scalars.
    phase, axis : tuple of (str or None), length parts
    points : tuple of float
        Distances or lengths of the points of a curve; empty for scalars.
    step : float
        Least difference of two samples where values are whole numbers of something; else 0.
    """

    descriptor: str
    units: str
    values: Numbers
    phase: tuple[str | None, ...]
    axis: tuple[str | None, ...]
    points: tuple[float, ...]
    step: float

    @property
    def curve(self) -> bool:
        """Whether there is a value for every distance."""
        return bool(self.points)


def feature_blocks(described: xr.Dataset, *, last_lag: int) -> list[Block]:
    """Arrays of all descriptors that are tested and that were measured.

    Parameters
    ----------
    described : Dataset
        Of `describe`.
    last_lag : int
        Last point of a curve, in voxels.

    Notes
    -----
    Chord lengths, mean over the axes, and local thickness are tested as the share of the chords
    and of the phase with at least each length: the bins of a density hold too few of one window.

    Examples
    --------
    >>> from microdsd.metrics.descriptors import JUDGED, describe
    >>> described = describe(np.eye(8, dtype=int), periodic=False, descriptors=JUDGED)
    >>> found = feature_blocks(described, last_lag=3)
    >>> [block.descriptor for block in found][:3]
    ['two_point_probability', 'anisotropy', 'two_point_cluster']
    >>> found[0].values.shape
    (1, 1, 4)
    """
    two_phases = described.sizes["phase"] == 2
    found = {
        **described.data_vars,
        "anisotropy": _anisotropy(described),
        "chord_length": _chord_lengths(described),
    }
    if "local_thickness_share" in found:  # not of voxels that are no cubes
        found["local_thickness"] = _local_thickness(described, last_lag)
    return [
        _block(name, found[name], last_lag, one_phase=two_phases and name in _SAME_FOR_BOTH)
        for name in TESTED
        if name in found and not (two_phases and name == "pair_surface_area")
    ]


def _anisotropy(described: xr.Dataset) -> xr.DataArray:
    """S2 along every axis less the mean of the axes, over the fall of S2: 0 where isotropic."""
    along = described["two_point_along"]
    fraction = along.isel(distance=0, drop=True) if "distance" in along.dims else None
    fraction = along.isel(lag=0, drop=True) if fraction is None else fraction
    fall = fraction * (1 - fraction)
    return ((along - along.mean("axis")) / fall.where(fall > 0)).assign_attrs(units="1")


def _chord_lengths(described: xr.Dataset) -> xr.DataArray:
    """Share of the chords with at least each length, mean over the axes."""
    density = described["chord_length_density"].mean("axis")
    longer = density.isel(chord=slice(None, None, -1)).cumsum("chord", skipna=False)
    longer = longer.isel(chord=slice(None, None, -1))
    return (
        (longer / longer.isel(chord=0)).assign_coords(chord=density.chord).assign_attrs(units="1")
    )


def _local_thickness(described: xr.Dataset, last_lag: int) -> xr.DataArray:
    """Share of the phase with at least each thickness, on the same points for every ensemble."""
    share = described["local_thickness_share"]
    edge = float(share.diameter[0])
    points = last_lag // 2 + 1
    kept = share.isel(diameter=slice(points))
    kept = kept.pad(diameter=(0, points - kept.sizes["diameter"]), constant_values=0.0)
    diameter = ("diameter", (2 * np.arange(points) + 1) * edge)
    return kept.assign_coords(diameter=diameter)


def _block(name: str, found: xr.DataArray, last_lag: int, *, one_phase: bool) -> Block:
    if one_phase:
        found = found.isel(phase=slice(1))
    along = next((dim for dim in _ALONG_CURVES if dim in found.dims), None)
    dims = [str(dim) for dim in found.dims if dim not in ("sample", along)]
    if along:
        found = found.isel({along: slice(last_lag + 1)}).transpose("sample", ..., along)
    values = found.values.astype(float).reshape(len(found), -1, found.sizes[along] if along else 1)
    parts = list(_parts(found, dims))
    return Block(
        name,
        str(found.attrs.get("units", "1")),
        values,
        tuple(part.get("phase", part.get("pair")) for part in parts),
        tuple(part.get("axis") for part in parts),
        tuple(found[along].values.astype(float).tolist()) if along else (),
        _step(name, found),
    )


def _step(name: str, found: xr.DataArray) -> float:
    """Least difference of two samples: of a number of bodies, and of yes and no."""
    return 1.0 if name in WHOLE_NUMBERS or found.dtype == bool else 0.0


def _parts(found: xr.DataArray, dims: list[str]) -> Iterator[dict[str, str]]:
    for index in np.ndindex(*(found.sizes[dim] for dim in dims)):
        yield {
            dim: str(found["phase_name" if dim == "phase" else dim].values[i])
            for dim, i in zip(dims, index, strict=True)
        }
