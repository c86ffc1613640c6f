"""Interfaces between phases, counted on pairs of neighbouring voxels."""

from __future__ import annotations

import functools
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from scipy.spatial import SphericalVoronoi

from microdsd.errors import InputError
from microdsd.metrics._ensembles import MaskLike, per_sample, specimen_of
from microdsd.metrics._figures import Direction
from microdsd.metrics.registry import Descriptor, Group, Margin, Variables, Words
from microdsd.metrics.request import Request
from microdsd.microstructure.schema import (
    LabelsLike,
    as_ensemble,
    resolve_phase,
    spatial_dims,
    voxel_size_of,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Field = NDArray[Any]


def specific_surface_area(
    ms: LabelsLike,
    *,
    phase: int | str | None = None,
    phase2: int | str | None = None,
    periodic: bool,
    mask: MaskLike | None = None,
) -> xr.DataArray:
    r"""Measure the interface area per volume (3D) or length per area (2D) by Crofton's formula.

    Parameters
    ----------
    ms : DataArray or ndarray
        Integer labels, dims ``([sample,] [z,] y, x)``. Voxel edges may differ between the axes.
    phase : int or str, optional
        Boundary of this phase. By default every interface counts, whatever it parts.
    phase2 : int or str, optional
        Only the interface between `phase` and this one.
    periodic : bool
        True counts pairs across the faces of the box too. False uses pairs inside the box alone;
        the faces of the box are not an interface, and the mean over the pairs inside is free of
        bias for a stationary medium. There is no default.

    Returns
    -------
    DataArray
        float64, dim ``sample``, in 1/m, or in 1/voxel where the voxel size is not known.

    Raises
    ------
    InputError
        If a phase does not exist, `phase2` comes without `phase` or equals it, or the box is one
        voxel thick and not periodic.

    Notes
    -----
    .. math:: S_V = 2 \sum_d c_d\, P_L(d) \quad (3D), \qquad
              L_A = \frac{\pi}{2} \sum_d c_d\, P_L(d) \quad (2D)

    over 13 (3D) or 4 (2D) directions d to the neighbours of a voxel. :math:`P_L(d)` is the number
    of crossings per length of line: the share of differing voxel pairs over their distance. The
    weight :math:`c_d` is the share of all directions that are nearest to d, which accounts for
    voxels that are not cubes. A plane normal to an axis comes out 7 % (3D) or 5 % (2D) too small;
    over all orientations the errors average out.

    References
    ----------
    Ohser and Schladitz, 3D Images of Materials Structures, Wiley (2009),
    doi:10.1002/9783527628308.
    Legland, Kiêu and Devaux, Image Analysis & Stereology 26 (2007) 83,
    doi:10.5566/ias.v26.p83-92.

    Examples
    --------
    >>> import numpy as np
    >>> y, x = np.indices((100, 100)) - 49.5
    >>> disc = (y**2 + x**2 < 30**2).astype(np.uint8)
    >>> length = specific_surface_area(disc, periodic=True).item() * 100**2
    >>> round(length / (2 * np.pi * 30), 2)
    1.0
    """
    ensemble = as_ensemble(ms)
    size, unit = voxel_size_of(ensemble)
    check_thickness(ensemble, periodic)
    inside = specimen_of(ensemble, mask)
    crossings = sum(
        share * differing_share(field, direction, periodic, inside) * weight / np.linalg.norm(step)
        for share, field in _fields(ensemble, phase, phase2)
        for direction, weight in direction_weights(size).items()
        for step in [np.multiply(direction, size)]
    )
    factor = 2 if len(size) == 3 else np.pi / 2
    return per_sample(
        ensemble,
        factor * crossings,
        name="specific_surface_area",
        long_name="specific surface area",
        units=f"1/{unit}",
    )


def interface_density(
    ms: LabelsLike,
    *,
    phase: int | str | None = None,
    phase2: int | str | None = None,
    periodic: bool,
    mask: MaskLike | None = None,
) -> xr.DataArray:
    """Count the voxel faces (3D) or edges (2D) between different phases, per voxel.

    Parameters
    ----------
    ms, phase, phase2, periodic, mask
        As in `specific_surface_area`.

    Returns
    -------
    DataArray
        float64, dim ``sample``, from 0 to the number of axes (a checkerboard); the sum over the
        axes of the share of differing neighbours. Divide by the number of axes for the share of
        all pairs of neighbours.

    Raises
    ------
    InputError
        As in `specific_surface_area`.

    Notes
    -----
    Depends on the orientation of the interface: the staircase of voxel faces is longer than the
    surface by 3/2 (3D) or 4/pi (2D) on average. It is a fast measure of isolated voxels; use
    `specific_surface_area` for areas.

    Examples
    --------
    >>> import numpy as np
    >>> interface_density(np.indices((4, 4)).sum(axis=0) % 2, periodic=True).item()
    2.0
    """
    ensemble = as_ensemble(ms)
    check_thickness(ensemble, periodic)
    ndim = len(spatial_dims(ensemble))
    inside = specimen_of(ensemble, mask)
    faces = sum(
        share * differing_share(field, tuple(int(i == axis) for i in range(ndim)), periodic, inside)
        for share, field in _fields(ensemble, phase, phase2)
        for axis in range(ndim)
    )
    return per_sample(ensemble, faces, name="interface_density", long_name="interface density")


@functools.lru_cache(maxsize=32)
def direction_weights(size: tuple[float, ...]) -> dict[Direction, float]:
    """Return neighbour directions and the share of all directions nearest to each.

    Parameters
    ----------
    size : tuple of float
        Edge lengths of a voxel.

    Returns
    -------
    dict
        13 (3D) or 4 (2D) directions in voxels, one of each opposite pair; the weights sum to one.
    """
    directions = [d for d in product((-1, 0, 1), repeat=len(size)) if any(d)]
    points = np.multiply(directions, size)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    if len(size) == 3:
        shares = SphericalVoronoi(points).calculate_areas() / (4 * np.pi)
    else:
        angle = np.arctan2(points[:, 0], points[:, 1])
        order = np.argsort(angle)
        gaps = np.diff(angle[order], append=angle[order[0]] + 2 * np.pi)
        shares = np.empty(len(angle))
        shares[order] = (gaps + np.roll(gaps, 1)) / (4 * np.pi)
    half = len(directions) // 2
    return {d: float(2 * share) for d, share in zip(directions[:half], shares[:half], strict=True)}


def _fields(
    ensemble: xr.DataArray, phase: int | str | None, phase2: int | str | None
) -> list[tuple[float, Field]]:
    """Return fields whose jumps, summed with the factors, are the interface in question."""
    labels = ensemble.values
    if phase is None:
        if phase2 is not None:
            raise InputError(f"phase2: {phase2!r} needs a partner; pass phase as well")
        return [(1.0, labels)]
    first = labels == resolve_phase(ensemble, phase)
    if phase2 is None:
        return [(1.0, first)]
    second = labels == resolve_phase(ensemble, phase2)
    if resolve_phase(ensemble, phase2) == resolve_phase(ensemble, phase):
        raise InputError(f"phase2: {phase2!r} is the same phase; name another, or none")
    # The boundary of the union lacks just the interface between the two.
    return [(0.5, first), (0.5, second), (-0.5, first | second)]


def differing_share(
    field: Field,
    direction: Direction,
    periodic: bool,
    specimen: NDArray[np.bool_] | None = None,
) -> NDArray[np.float64]:
    """Return the share of the voxel pairs in one direction that differ, for each sample.

    Only pairs with both voxels in the specimen count; a sample without such pairs is NaN.
    """
    first, second = _partners(field, direction, periodic)
    differs = first != second
    if specimen is None:
        return np.array([np.count_nonzero(sample) / sample.size for sample in differs])
    first, second = _partners(specimen, direction, periodic)
    both = first & second
    pairs = [np.count_nonzero(sample) for sample in both]
    counts = [np.count_nonzero(sample) for sample in differs & both]
    return np.array([f / p if p else np.nan for f, p in zip(counts, pairs, strict=True)])


def _partners(field: Field, direction: Direction, periodic: bool) -> tuple[Field, Field]:
    """Return both voxels of every pair in one direction."""
    if periodic:
        return field, np.roll(field, direction, axis=tuple(range(1, field.ndim)))
    first = tuple(slice(max(-d, 0), n - max(d, 0)) for d, n in _with_lengths(direction, field))
    second = tuple(slice(max(d, 0), n - max(-d, 0)) for d, n in _with_lengths(direction, field))
    return field[:, *first], field[:, *second]


def _with_lengths(direction: Direction, field: Field) -> list[tuple[int, int]]:
    return list(zip(direction, field.shape[1:], strict=True))


def check_thickness(ensemble: xr.DataArray, periodic: bool) -> None:
    """Raise InputError for a box without pairs of neighbours along an axis."""
    if not periodic and min(ensemble.shape[1:]) < 2:
        raise InputError(
            f"ms: a box of {ensemble.shape[1:]} voxels has an axis without pairs of neighbours; "
            "pass the slice as a 2D array"
        )


def _measure(request: Request) -> Variables:
    def area(phase: int, phase2: int | None = None) -> xr.DataArray:
        return specific_surface_area(
            request.ensemble,
            phase=phase,
            phase2=phase2,
            periodic=request.periodic,
            mask=request.mask,
        )

    variables = {
        "specific_surface_area": request.by_phase(area),
        "interface_density": interface_density(
            request.ensemble, periodic=request.periodic, mask=request.mask
        ),
    }
    if request.pairs:
        variables["pair_surface_area"] = request.by_pair(area)
    return variables


_OHSER = "doi:10.1002/9783527628308"
_CROFTON = "Crofton's formula over 13 (3D) or 4 (2D) directions of neighbouring voxels"

SURFACE = Group(
    "surface",
    _measure,
    (
        Descriptor(
            name="specific_surface_area",
            label="specific surface area",
            definition=f"boundary of the phase per bulk volume, by {_CROFTON}",
            references=_OHSER,
            unit="1/length",
            symbol="S_V (3D), L_A (2D)",
            explanation="Interface of the phase per volume of the sample (in a plane: length per "
            "area), Crofton's formula over all directions to neighbouring voxels. The sides of the "
            "box are no interface.",
            compared=True,
            margin=Margin(0.05, "mean"),
            words=Words("{phase} surfaces are", "too rough", "too smooth", "surfaces are"),
            same_for_both_phases=True,
            rank=9,
        ),
        Descriptor(
            name="interface_density",
            label="interface density",
            definition="voxel faces between different phases per voxel, of all phases; follows the "
            "staircase of voxels",
            references=_OHSER,
            explanation="Pairs of face neighbours in different phases, per voxel: sensitive to "
            "isolated voxels.",
            compared=True,
            margin=Margin(0.05, "mean"),
            words=Words("the interface density is", "too high", "too low"),
            tolerance=0.03,
            rank=12,
        ),
        Descriptor(
            name="pair_surface_area",
            label="interface between two phases",
            definition=f"interface of two phases per bulk volume, by {_CROFTON}",
            references=_OHSER,
            unit="1/length",
            symbol="S_V (3D), L_A (2D)",
            explanation="The same for the interface that parts these two phases.",
            compared=True,
            margin=Margin(0.05, "mean"),
            words=Words("contacts of {phase} are", "too large", "too small"),
            repeats_for_two_phases=True,
            rank=10,
        ),
    ),
)
