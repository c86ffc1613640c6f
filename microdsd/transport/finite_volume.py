"""Steady conduction through a box of voxels, by finite volumes in double precision.

Everything here works on plain arrays of local coefficients; labels and units are elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]
    Vector = NDArray[np.float64]
    Numbers = NDArray[np.int64]

MAX_ITERATIONS = 200


class Conduction(NamedTuple):
    """Hold the effective coefficient along one axis, and its reliability.

    Attributes
    ----------
    effective : float
        In the unit of the local coefficients; 0 where no path leads from face to face.
    residual : float
        Norm of what the equations leave, over that of their right-hand side.
    flux_mismatch : float
        Relative difference of the flows through the two faces.
    iterations : int
    converged : bool
    """

    effective: float
    residual: float
    flux_mismatch: float
    iterations: int
    converged: bool


BLOCKED = Conduction(0.0, 0.0, 0.0, 0, True)


def conduct(
    local: NDArray[Any],
    axis: int,
    *,
    spacing: Sequence[float],
    periodic_sides: bool = False,
    tolerance: float = 1e-8,
) -> Conduction:
    r"""Solve for the potential between two faces held at 1 and 0, and measure the flow.

    Parameters
    ----------
    local : ndarray, 2D or 3D
        Coefficient of every voxel (diffusivity, conductivity), >= 0; 0 does not conduct.
    axis : int
        Axis of the flow.
    spacing : sequence of float
        Voxel edges per axis.
    periodic_sides : bool
        Whether the other axes wrap; otherwise nothing flows through the sides.
    tolerance : float
        Relative residual at which to stop.

    Returns
    -------
    Conduction

    Notes
    -----
    One unknown at the centre of every conducting voxel that is on a path from face to face.
    Between neighbours i and j along an axis with edge h and face area A, the conductance is that
    of two half voxels in series,

    .. math:: g_{ij} = \frac{A}{h} \frac{2 k_i k_j}{k_i + k_j},

    and between a voxel and the face of the box :math:`2 k_i A / h`. Conjugate gradients with
    algebraic multigrid as preconditioner solve the symmetric system. Layers normal or parallel
    to the axis come out exactly; elsewhere the voxels, not the solver, set the error.

    References
    ----------
    Patankar, Numerical Heat Transfer and Fluid Flow, Hemisphere (1980),
    doi:10.1201/9781482234213.
    Bell, Olson and Schroder, J. Open Source Softw. 7 (2022) 4142, doi:10.21105/joss.04142.

    Examples
    --------
    >>> import numpy as np
    >>> layers = np.repeat([1.0, 0.25], 2)[:, None] * np.ones((1, 3))
    >>> round(conduct(layers, 0, spacing=(1, 1)).effective, 12)
    0.4
    """
    return conduct_with_potential(
        local, axis, spacing=spacing, periodic_sides=periodic_sides, tolerance=tolerance
    )[0]


def conduct_with_potential(
    local: NDArray[Any],
    axis: int,
    *,
    spacing: Sequence[float],
    periodic_sides: bool = False,
    tolerance: float = 1e-8,
) -> tuple[Conduction, Vector]:
    """Solve as `conduct` does, and give the potential too; NaN where no path leads through.

    Examples
    --------
    >>> layers = np.ones((2, 3))
    >>> conduct_with_potential(layers, 0, spacing=(1, 1))[1][:, 0].round(9).tolist()
    [0.75, 0.25]
    """
    through = on_paths(local > 0, axis, periodic_sides=periodic_sides)
    if not through.any():
        return BLOCKED, np.full(local.shape, np.nan)
    k = local[through].astype(np.float64)
    area = float(np.prod(spacing)) / spacing[axis]
    supply, drain = (
        np.where(_layer(local.shape, axis, end)[through], 2 * k * area / spacing[axis], 0.0)
        for end in (0, -1)
    )
    wraps = _wraps(local.ndim, axis, periodic_sides)
    matrix = _system(k, supply + drain, through, wraps, spacing)
    potential, iterations = _solve(matrix, supply, tolerance)

    residual = np.linalg.norm(supply - matrix @ potential) / np.linalg.norm(supply)
    inflow, outflow = supply @ (1 - potential), drain @ potential
    flow = (inflow + outflow) / 2
    depth = local.shape[axis]
    result = Conduction(
        effective=float(flow * depth * spacing[axis] / (area * local.size / depth)),
        residual=float(residual),
        flux_mismatch=float(abs(inflow - outflow) / flow),
        iterations=iterations,
        # Rounding may leave the true residual a little above the one of the recurrence.
        converged=bool(residual <= 2 * tolerance),
    )
    everywhere = np.full(local.shape, np.nan)
    everywhere[through] = potential
    return result, everywhere


def on_paths(conducting: Mask, axis: int, *, periodic_sides: bool = False) -> Mask:
    """Find the conducting voxels in components that touch both faces of the box.

    Examples
    --------
    >>> import numpy as np
    >>> on_paths(np.array([[True, True, False], [False, True, False]]), 0).astype(int).tolist()
    [[1, 1, 0], [0, 1, 0]]
    """
    components = joined_components(conducting, axis, periodic_sides=periodic_sides)
    both = np.intersect1d(components.take(0, axis), components.take(-1, axis))
    return np.isin(components, both[both > 0])


def joined_components(
    conducting: Mask, axis: int, *, periodic_sides: bool = False
) -> NDArray[np.int64]:
    """Label each voxel with the number of its component, from 1; 0 where nothing conducts.

    The box is cut open along the axis, whether or not its sides wrap.
    """
    wraps = _wraps(conducting.ndim, axis, periodic_sides)
    pairs = [np.concatenate(ends) for ends in zip(*_neighbours(conducting, wraps), strict=True)]
    number = np.count_nonzero(conducting)
    graph = sparse.coo_array((np.ones(len(pairs[0]), np.int8), pairs), shape=(number, number))
    components = np.zeros(conducting.shape, dtype=np.int64)
    components[conducting] = 1 + sparse.csgraph.connected_components(graph, directed=False)[1]
    return components


def _wraps(ndim: int, axis: int, periodic_sides: bool) -> list[bool]:
    return [periodic_sides and along != axis for along in range(ndim)]


def _neighbours(conducting: Mask, wraps: Sequence[bool]) -> Iterator[tuple[Numbers, Numbers]]:
    """Return, for each axis, the pairs of conducting neighbours, numbered in C order."""
    number = np.where(conducting, np.cumsum(conducting).reshape(conducting.shape) - 1, -1)
    for along, wrap in enumerate(wraps):
        part = (slice(None),) * along + (slice(None if wrap else -1),)
        first, second = number[part], np.roll(number, -1, along)[part]
        both = (first >= 0) & (second >= 0)
        yield first[both], second[both]


def _layer(shape: tuple[int, ...], axis: int, end: int) -> Mask:
    """Return the voxels at one end of an axis."""
    mask = np.zeros(shape, dtype=bool)
    mask[(slice(None),) * axis + (end,)] = True
    return mask


def _system(
    k: Vector, to_faces: Vector, conducting: Mask, wraps: Sequence[bool], spacing: Sequence[float]
) -> sparse.csr_array:
    """Return the equations for the balance of the flows of every conducting voxel."""
    volume, n = float(np.prod(spacing)), len(k)
    first, second, conductance = [], [], []
    for edge, (i, j) in zip(spacing, _neighbours(conducting, wraps), strict=True):
        first.append(i)
        second.append(j)
        conductance.append(volume / edge**2 * 2 * k[i] * k[j] / (k[i] + k[j]))
    i, j, g = np.concatenate(first), np.concatenate(second), np.concatenate(conductance)
    diagonal = to_faces + np.bincount(i, g, n) + np.bincount(j, g, n)
    voxels = np.arange(n)
    rows, columns = np.concatenate([i, j, voxels]), np.concatenate([j, i, voxels])
    values = np.concatenate([-g, -g, diagonal])
    return sparse.coo_array((values, (rows, columns)), shape=(n, n)).tocsr()


def _solve(matrix: sparse.csr_array, right: Vector, tolerance: float) -> tuple[Vector, int]:
    import pyamg

    hierarchy = pyamg.ruge_stuben_solver(sparse.csr_matrix(matrix), max_coarse=200)
    residuals: list[float] = []
    solution = hierarchy.solve(
        right, tol=tolerance, accel="cg", maxiter=MAX_ITERATIONS, residuals=residuals
    )
    return solution, len(residuals) - 1
