"""Lines at which three phases meet, counted on the corners of four voxels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from microdsd.metrics._ensembles import MaskLike, per_sample, specimen_of
from microdsd.metrics._figures import (
    SQUARE,
    Figure,
    corners_of,
    lattice_section,
    mean_of_cells,
    section_area,
    squares,
    whole_figures,
)
from microdsd.metrics.registry import Descriptor, Group, Margin, Variables, Words
from microdsd.metrics.request import Request
from microdsd.metrics.surface import check_thickness, direction_weights
from microdsd.microstructure.schema import (
    LabelsLike,
    as_ensemble,
    spatial_dims,
    voxel_size_of,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]


def triple_phase_boundary(
    ms: LabelsLike, *, periodic: bool, mask: MaskLike | None = None
) -> xr.DataArray:
    r"""Measure the length of triple lines per volume (3D), or triple points per area (2D).

    Parameters
    ----------
    ms : DataArray or ndarray
        Integer labels, dims ``([sample,] [z,] y, x)``. Voxel edges may differ between the axes.
    periodic : bool
        True counts across the faces of the box too. False counts inside the box alone, which is
        free of bias for a stationary medium. There is no default.
    mask : array_like of bool, dims ``([sample,] [z,] y, x)``, optional
        Where the specimen is, if it does not fill the box: only corners whose
        voxels are all in it count, so that its boundary is no phase. NaN where there are none.

    Returns
    -------
    DataArray
        float64, dim ``sample``, in 1/m^2, or in 1/voxel^2 where the voxel size is not known.

    Raises
    ------
    InputError
        If the box is one voxel thick and not periodic.

    Notes
    -----
    A triple point is a corner at which four voxels of a plane section meet that hold three
    phases; four phases count as two points. In 2D the density is their number per area. In 3D
    lines are found by the points in which they pierce plane sections:

    .. math:: L_V = 2 \sum_d c_d\, P_A(d)

    over the 13 lattice planes whose normals d point to the neighbours of a voxel. :math:`P_A(d)`
    is the number of triple points per area of section, and :math:`c_d` the share of all normals
    that are nearest to d. Sections normal to a diagonal of space are tiled by triangles of three
    voxels instead of rectangles of four. The sections normal to the axes alone, with c = 1/3
    each, would give 2/3 of the voxel edges of `triple_edge_density`.

    A straight line along an axis comes out 7 % too short. Where the three phases meet at equal
    angles, the mean over all orientations is 1 to 2 % too long. Where one of them ends in a wedge,
    voxels pinch it off before its edge, and every pinch adds to the length: 9 % for a wedge of 60
    and 40 % for one of 30 degrees.

    References
    ----------
    Underwood, Quantitative Stereology, Addison-Wesley (1970), chapter 2: L_V = 2 P_A.
    Jørgensen et al., Journal of Power Sources 261 (2014) 198, on the errors of triple-phase
    boundaries counted on voxel edges.

    Examples
    --------
    >>> import numpy as np
    >>> quarters = np.kron([[0, 1], [2, 2]], np.ones((8, 8), dtype=int))
    >>> triple_phase_boundary(quarters, periodic=False).item() * 15**2
    1.0
    """
    ensemble = as_ensemble(ms)
    check_thickness(ensemble, periodic)
    labels, inside = ensemble.values, specimen_of(ensemble, mask)
    size, unit = voxel_size_of(ensemble)
    if len(size) == 2:
        density = _points(labels, inside, (SQUARE,), periodic) / np.prod(size)
    else:
        density = np.zeros(len(labels))
        for normal, share in direction_weights(tuple(1 / edge for edge in size)).items():
            section = lattice_section(normal)
            points = _points(labels, inside, section, periodic)
            density += 2 * share * points / section_area(section, size)
    return per_sample(
        ensemble,
        density,
        name="triple_phase_boundary",
        long_name="triple-phase boundary",
        units=f"1/{unit}^2",
    )


def triple_edge_density(
    ms: LabelsLike, *, periodic: bool, mask: MaskLike | None = None
) -> xr.DataArray:
    """Count the voxel edges (3D) or corners (2D) whose four voxels hold three phases, per voxel.

    Parameters
    ----------
    ms, periodic, mask
        As in `triple_phase_boundary`.

    Returns
    -------
    DataArray
        float64, dim ``sample``; the sum over the axes of the share of such edges.

    Raises
    ------
    InputError
        As in `triple_phase_boundary`.

    Notes
    -----
    The staircase of edges is longer than the line by 3/2 on average over orientations, and by
    1 to 1.73 in single ones. Use `triple_phase_boundary` for lengths.

    Examples
    --------
    >>> import numpy as np
    >>> quarters = np.kron([[0, 1], [2, 2]], np.ones((8, 8), dtype=int))
    >>> triple_edge_density(quarters, periodic=False).item() * 15**2
    1.0
    """
    ensemble = as_ensemble(ms)
    check_thickness(ensemble, periodic)
    inside = specimen_of(ensemble, mask)
    edges = np.zeros(len(ensemble))
    for figure in squares(len(spatial_dims(ensemble))):
        several = _phases_met(ensemble.values, figure, periodic) >= 3
        edges += mean_of_cells(several, whole_figures(inside, figure, periodic))
    return per_sample(
        ensemble, edges, name="triple_edge_density", long_name="triple voxel edges per voxel"
    )


def _points(
    labels: Array,
    inside: NDArray[np.bool_] | None,
    section: tuple[Figure, ...],
    periodic: bool,
) -> NDArray[np.float64]:
    """Count the triple points per cell of a section, for each sample."""
    points = np.zeros(len(labels))
    for figure in section:
        met = np.maximum(_phases_met(labels, figure, periodic), 2) - 2
        points += mean_of_cells(met, whole_figures(inside, figure, periodic))
    return points


def _phases_met(labels: Array, figure: Figure, periodic: bool) -> NDArray[np.uint8]:
    """Count the phases on the corners of a figure, for every place at which it fits."""
    corners = corners_of(labels, figure, periodic)
    met = np.ones(corners[0].shape, dtype=np.uint8)
    for i in range(1, len(corners)):
        met += np.logical_and.reduce([corners[i] != corner for corner in corners[:i]])
    return met


def _measure(request: Request) -> Variables:
    if not request.many:
        return {}
    length = triple_phase_boundary(request.ensemble, periodic=request.periodic, mask=request.mask)
    return {"triple_phase_boundary": length}


TRIPLE_LINES = Group(
    "triple_lines",
    _measure,
    (
        Descriptor(
            name="triple_phase_boundary",
            label="triple-phase boundary",
            definition="length of lines where three phases meet per volume (2D: points per area), "
            "by plane sections",
            references="Underwood, Quantitative Stereology (1970), chapter 2",
            unit="1/length^2",
            symbol="L_V (3D), P_A (2D)",
            explanation="Length of the lines in which three phases meet, per volume of the sample, "
            "from the points at which they pierce plane sections in 13 directions (in a plane: "
            "number of such points, per area).",
            compared=True,
            margin=Margin(0.05, "mean"),
            words=Words("triple-phase boundaries are", "too long", "too short"),
            tolerance=0.03,
            rank=11,
        ),
    ),
)
