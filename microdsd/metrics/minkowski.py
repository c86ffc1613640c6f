"""Minkowski functionals of a phase, from the histogram of its 2 x 2 (x 2) configurations."""

from __future__ import annotations

import functools
import itertools
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from microdsd.metrics._ensembles import MaskLike, per_sample, phase_in_specimen
from microdsd.metrics._figures import Figure, lattice_section, section_area
from microdsd.metrics.registry import Descriptor, Group, Variables
from microdsd.metrics.request import Request
from microdsd.metrics.surface import check_thickness, direction_weights
from microdsd.metrics.topology import Connectivity, checked_connectivity
from microdsd.microstructure.schema import LabelsLike, as_ensemble, resolve_phase, voxel_size_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Weights = NDArray[np.float64]


def minkowski_functionals(
    ms: LabelsLike,
    *,
    phase: int | str,
    periodic: bool,
    connectivity: Connectivity = "face",
    mask: MaskLike | None = None,
) -> xr.Dataset:
    r"""Measure the densities of the Minkowski functionals of one phase.

    Parameters
    ----------
    ms : DataArray or ndarray
        Integer labels, dims ``([sample,] [z,] y, x)``. Voxel edges may differ between the axes.
    phase : int or str
        Label or name of the phase.
    periodic : bool
        True counts configurations across the faces of the box too. False counts those inside the
        box, which is free of bias for a stationary medium: the faces are not an interface,
        and components that they cut are not counted. There is no default.
    connectivity : {"face", "full"}
        For the Euler characteristic, as in `euler_characteristic`.
    mask : array_like of bool, dims ``([sample,] [z,] y, x)``, optional
        Where the specimen is, if it does not fill the box: configurations wholly in it
        count, so that its boundary, as the faces of the box, is no interface.
        NaN where none is.

    Returns
    -------
    Dataset
        float64, dim ``sample``: ``volume`` (1), ``surface`` (1/m) and ``euler`` (1/m^3, in 2D
        1/m^2) and, in 3D, ``curvature`` (1/m^2), the integral of the mean curvature; each per
        bulk volume (area).

    Raises
    ------
    InputError
        If the phase or connectivity does not exist, the mask does not fit, or the box is one voxel
        thick and not periodic.

    Notes
    -----
    Every functional is the mean of a weight over all configurations of 2^d voxels, so one
    histogram of 16 (2D) or 256 (3D) bins gives all of them. The surface is that of Crofton's
    formula, as `specific_surface_area`. The integral of the mean curvature (of
    :math:`(\kappa_1 + \kappa_2) / 2`, :math:`4 \pi R` for a sphere) is

    .. math:: M_V = 2 \pi \sum_d c_d\, \chi_A(d)

    with :math:`\chi_A(d)` the Euler characteristic per area of the lattice planes normal to d, the
    mean of both connectivities, so that the curvature of the other phase of two is the opposite.
    The Euler characteristic is the alternating sum of vertices, edges, faces and cells.

    Smooth surfaces and blunt edges come out right. Voxels pinch a re-entrant wedge sharper than
    about 60 degrees off before its edge, at every resolution: per length of the edge the curvature
    is too low by 0.13 (60 degrees), 0.3 (45), 0.7 (30), 1.4 (20), 3.5 (10), where -(pi - angle)/2
    is right; sharp ridges are too high by as much. The Euler characteristic is too low by 0.01
    (30 degrees) to 0.1 (10) per *voxel* of edge, so that finer voxels make it worse.

    References
    ----------
    Ohser and Schladitz, 3D Images of Materials Structures, Wiley (2009),
    doi:10.1002/9783527628308.
    Mecke, in: Statistical Physics and Spatial Statistics, Springer (2000),
    doi:10.1007/3-540-45043-2_6.

    Examples
    --------
    >>> import numpy as np
    >>> z, y, x = np.indices((40, 40, 40)) - 19.5
    >>> ball = (z**2 + y**2 + x**2 < 15**2).astype(np.uint8)
    >>> result = minkowski_functionals(ball, phase=1, periodic=True) * 40**3
    >>> round(result.curvature.item() / (4 * np.pi * 15), 1), round(result.euler.item(), 6)
    (1.0, 1.0)
    """
    checked_connectivity(connectivity)
    ensemble = as_ensemble(ms)
    check_thickness(ensemble, periodic)
    label = resolve_phase(ensemble, phase)
    size, unit = voxel_size_of(ensemble)
    in_specimen, inside = phase_in_specimen(ensemble, label, mask)
    shares = np.stack(
        [
            _shares(of_phase, None if inside is None else inside[i], periodic)
            for i, of_phase in enumerate(in_specimen)
        ]
    )
    ndim = len(size)
    units = {
        "volume": "1", "surface": f"1/{unit}", "curvature": f"1/{unit}^2",
        "euler": f"1/{unit}^{ndim}",
    }  # fmt: skip
    long_names = {
        "volume": "Minkowski functional: volume per volume",
        "surface": "Minkowski functional: surface per volume",
        "curvature": "Minkowski functional: mean curvature per volume",
        "euler": "Minkowski functional: Euler characteristic per volume",
    }  # fmt: skip
    return xr.Dataset(
        {
            name: per_sample(
                ensemble, shares @ weights, name=name, long_name=long_names[name], units=units[name]
            )
            for name, weights in _weights(size, connectivity).items()
        }
    )


def _shares(mask: NDArray[np.bool_], inside: NDArray[np.bool_] | None, periodic: bool) -> Weights:
    """Return the share of each configuration among those of the box, or those wholly inside."""
    number = 2**2**mask.ndim
    code = _configurations(mask, periodic)
    if inside is not None:
        code = code[_configurations(inside, periodic) == number - 1]
    counts = np.bincount(code.ravel(), minlength=number)
    return np.asarray(counts / code.size if code.size else np.full(number, np.nan))


def _configurations(mask: NDArray[np.bool_], periodic: bool) -> NDArray[np.uint8]:
    """Encode each configuration; bit i is the voxel at ``np.unravel_index(i, (2, ..., 2))``."""
    if periodic:
        mask = np.pad(mask, (0, 1), mode="wrap")
    code = mask.astype(np.uint8)
    # Pairs, then squares, then cubes: each step joins two neighbours along one axis.
    for axis in range(mask.ndim - 1, -1, -1):
        low, high = (
            code[(slice(None),) * axis + (part,)] for part in (slice(None, -1), slice(1, None))
        )
        code = low | (high << 2 ** (mask.ndim - 1 - axis))
    return code


@functools.lru_cache(maxsize=16)
def _weights(size: tuple[float, ...], connectivity: Connectivity) -> dict[str, Weights]:
    """Return the weight of every configuration in each functional."""
    ndim = len(size)
    bits = np.arange(2**2**ndim)[:, None] >> np.arange(2**ndim) & 1
    cubes = bits.reshape(-1, *[2] * ndim).astype(bool)
    weights = {"volume": bits.mean(axis=1), "surface": _surface(cubes, size)}
    if ndim == 3:
        weights["curvature"] = _curvature(cubes, size)
    joined = cubes if connectivity == "face" else ~cubes
    sign = 1 if connectivity == "face" or ndim == 3 else -1
    weights["euler"] = sign * _cells(joined) / np.prod(size)
    return weights


def _surface(cubes: NDArray[np.bool_], size: tuple[float, ...]) -> Weights:
    total = np.zeros(len(cubes))
    for direction, weight in direction_weights(size).items():
        pairs = _fitted(cubes, ((0,) * len(size), direction))
        differing = np.mean([a != b for a, b in pairs], axis=0)
        total += weight * differing / np.linalg.norm(np.multiply(direction, size))
    return total * (2 if len(size) == 3 else np.pi / 2)


def _curvature(cubes: NDArray[np.bool_], size: tuple[float, ...]) -> Weights:
    total = np.zeros(len(cubes))
    for normal, share in direction_weights(tuple(1 / edge for edge in size)).items():
        section = lattice_section(normal)
        per_cell = np.zeros(len(cubes))
        for figure in section:
            held = [np.sum(corners, axis=0) for corners in _fitted(cubes, figure)]
            table = _SQUARE_EULER if len(figure) == 4 else _TRIANGLE_EULER
            per_cell += np.mean([table[h] for h in held], axis=0)
        total += share * per_cell / section_area(section, size)
    return 2 * np.pi * total


# Euler characteristic of a figure by the number of its corners in the phase, mean of both
# connectivities (Gray's bit quads); corners and sides are shared with the neighbouring figures.
_SQUARE_EULER = np.array([0, 1, 0, -1, 0]) / 4
_TRIANGLE_EULER = np.array([0, 1, -1, 0]) / 6


def _cells(cubes: NDArray[np.bool_]) -> Weights:
    """Count voxels - pairs + squares - cubes of neighbours, per voxel."""
    ndim = cubes.ndim - 1
    total = np.zeros(len(cubes))
    for joined in itertools.product((False, True), repeat=ndim):
        cell = cubes
        for axis, along in enumerate(joined, start=1):
            # Joining keeps the axis at length one; otherwise its two places are averaged over.
            if along:
                cell = np.asarray(cell.all(axis=axis, keepdims=True))
        total += (-1) ** sum(joined) * cell.reshape(len(cubes), -1).mean(axis=1)
    return total


def _fitted(cubes: NDArray[np.bool_], figure: Figure) -> list[list[NDArray[np.bool_]]]:
    """Return the corners of a figure at every place where it fits into the cube."""
    corners = np.array(figure)
    corners -= corners.min(axis=0)
    room = 2 - corners.max(axis=0)
    return [
        [cubes[:, *corner] for corner in corners + np.array(shift)]
        for shift in itertools.product(*map(range, room.tolist()))
    ]


def _measure(request: Request) -> Variables:
    functionals = request.by_phase(
        lambda phase: minkowski_functionals(
            request.ensemble, phase=phase, periodic=request.periodic, mask=request.mask
        )
    )
    return {f"minkowski_{name}": variable for name, variable in functionals.data_vars.items()}


_OHSER = "doi:10.1002/9783527628308"

MINKOWSKI = Group(
    "minkowski",
    _measure,
    (
        Descriptor(
            name="minkowski_volume",
            label="volume, of configurations",
            definition="phase fraction, mean over configurations of 2^d voxels",
            references=_OHSER,
            symbol="V_V",
        ),
        Descriptor(
            name="minkowski_surface",
            label="surface, of configurations",
            definition="surface per volume, by Crofton's formula over 13 (3D) or 4 (2D) directions "
            "of neighbouring voxels",
            references=_OHSER,
            unit="1/length",
            symbol="S_V",
        ),
        Descriptor(
            name="minkowski_curvature",
            label="integral of the mean curvature",
            definition="integral of (k1 + k2) / 2 over the boundary per volume, from 13 plane "
            "sections",
            references=_OHSER,
            unit="1/length^2",
            symbol="M_V",
        ),
        Descriptor(
            name="minkowski_euler",
            label="Euler characteristic, of configurations",
            definition="Euler characteristic per volume, of configurations inside the box: faces "
            "of the box bound nothing",
            references=_OHSER,
            unit="1/length^d",
            symbol="χ_V",
        ),
    ),
)
