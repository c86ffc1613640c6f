"""Creeping flow through a box of voxels, by a lattice-Boltzmann method on the sites of the fluid.

Everything here works on plain arrays, in lattice units: voxel edge 1, time step 1, density 1.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import torch

from microdsd.progress import Progress
from microdsd.transport.arguments import Ends, Walls

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]

# The flow between parallel walls comes out exactly, however few voxels lie between them.
MAGIC = 1 / 8
VISCOSITIES = 1 / 50, 1 / 6
KOZENY = 5
WEIGHTS = {2: (4 / 9, 1 / 9, 1 / 36), 3: (1 / 3, 1 / 18, 1 / 36)}
PADDING: dict[str, dict[str, Any]] = {
    "mirrored": {"mode": "symmetric"},
    "periodic": {"mode": "wrap"},
    "no-slip": {"mode": "constant", "constant_values": -1},
}
SOLID = -1


class Flow(NamedTuple):
    """Hold the permeability along one axis, and its reliability.

    Attributes
    ----------
    permeability : float
        In voxel edges squared; 0 where no path leads through.
    residual : float
        Relative change of the permeability over the last characteristic time.
    iterations : int
        Time steps.
    converged : bool
    """

    permeability: float
    residual: float
    iterations: int
    converged: bool


BLOCKED = Flow(0.0, 0.0, 0, True)


def creeping_flow(
    fluid: Mask,
    axis: int,
    *,
    ends: Ends = "mirrored",
    sides: Walls = "mirrored",
    tolerance: float = 1e-4,
    max_iterations: int = 100_000,
    viscosity: float | None = None,
    precision: Literal["float32", "float64"] = "float32",
    device: torch.device | str = "cpu",
    progress: Progress | None = None,
    velocity: Callable[[NDArray[np.float64]], None] | None = None,
) -> Flow:
    r"""Simulate a fluid driven by a force along one axis until its flow is steady.

    Parameters
    ----------
    fluid : ndarray of bool, 2D or 3D
        Where the fluid is; at least one voxel.
    axis : int
        Axis of the flow.
    ends : {"mirrored", "periodic"}
        What follows beyond the two faces normal to the axis.
    sides : {"mirrored", "no-slip", "periodic"}
        What follows beyond the other faces.
    tolerance : float
        Relative change of the permeability within a characteristic time at which to stop.
    max_iterations : int
        Time steps after which to stop in any case.
    viscosity : float, optional
        Kinematic, in lattice units. The steady flow does not depend on it, the number of steps
        does; by default one at which momentum and pressure settle about equally fast.
    precision : {"float32", "float64"}
    device : torch.device or str
    progress : Progress, optional
        Receives after each characteristic time how many time steps are done, and in words how the
        permeability changes. What it raises ends the computation.
    velocity : callable, optional
        Is given the steady velocity, shape (ndim, *fluid.shape), times viscosity over force:
        voxel edges squared, with the permeability for its mean along the axis.

    Returns
    -------
    Flow

    Notes
    -----
    D2Q9 and D3Q19 lattices with two relaxation times. The populations :math:`f_i` of the
    velocities :math:`c_i` split into even and odd parts, which relax towards

    .. math:: e^+_i = w_i \rho, \qquad e^-_i = 3 w_i \, c_i \cdot j,
              \qquad j = \sum_i c_i f_i + F / 2,

    at the rates :math:`1/\tau_\pm` with :math:`\nu = (\tau_+ - 1/2)/3` and
    :math:`(\tau_+ - 1/2)(\tau_- - 1/2) = 1/8`: with this product the flux between parallel walls
    is exact at any width (3/16 has the velocities at the sites exact, and a flux that is too
    large by 1/2 over the square of the width). The equilibrium has no term in :math:`j^2`: this
    is Stokes flow, at any strength of the force. So the collision is one constant matrix, and the
    permeability :math:`k = \nu \langle j \rangle / F`, a mean over the whole box, is a property
    of the voxels alone. Stored are the :math:`f_i - w_i`, which keeps single precision accurate.
    Only sites of the fluid are stored; a table says from which site and direction each population
    comes. From a solid it comes back (half-way bounce-back: the wall is the face of the voxel),
    also across an edge between two solid voxels, where nothing can flow.

    In the mirror image beyond an end the force points the other way. There, populations come back
    as specular reflections with their sign changed, which stands for the whole mirrored box: the
    two ends have uniform pressure and no transverse flow.

    The characteristic time is the longer one of those in which momentum crosses the pores and
    pressure the length L of the box, :math:`k' / \nu` and
    :math:`L^2 \nu / (3 k')` with :math:`k' = k / \phi`, first by Kozeny's estimate, then
    updated with k, and not shorter than the
    time in which sound crosses the box, :math:`\sqrt{3} L`. Two such times in a row must meet the
    tolerance, as k may oscillate.

    References
    ----------
    Ginzburg, Verhaeghe and d'Humières, Commun. Comput. Phys. 3 (2008) 427: two relaxation times.
    Pan, Luo and Miller, Comput. Fluids 35 (2006) 898, doi:10.1016/j.compfluid.2005.03.008.
    Guo, Zheng and Shi, Phys. Rev. E 65 (2002) 046308, doi:10.1103/PhysRevE.65.046308: force.
    Skordos, Phys. Rev. E 48 (1993) 4823, doi:10.1103/PhysRevE.48.4823: storing f - w.

    Examples
    --------
    >>> channel = np.array([[True] * 4 + [False]] * 3)
    >>> flow = creeping_flow(channel, 0, sides="no-slip", tolerance=1e-9, precision="float64")
    >>> round(flow.permeability, 6)  # (4 / 5) 4^2 / 12
    1.066667
    """
    pores = _kozeny(fluid)
    if viscosity is None:
        viscosity = float(np.clip(np.sqrt(3) * pores / fluid.shape[axis], *VISCOSITIES))
    velocities = lattice_velocities(fluid.ndim)
    source, reversed_ = _sources(fluid, axis, velocities, ends, sides)
    count = source.shape[1]
    kind = {"dtype": getattr(torch, precision), "device": device}
    matrix, force = (torch.tensor(part, **kind) for part in _collision(velocities, axis, viscosity))
    along = torch.tensor(velocities[:, axis][None], **kind)
    small = source.size <= np.iinfo(np.int32).max
    indices = torch.tensor(
        source.ravel(), dtype=torch.int32 if small else torch.int64, device=device
    )
    turned = torch.tensor(reversed_, device=device)

    populations = torch.zeros((len(velocities), count), **kind)
    collided = torch.empty_like(populations)
    arriving = populations.view(-1)
    length, porosity = fluid.shape[axis], count / fluid.size

    def permeability() -> float:
        # Half of the force of a step is still to act: the 1/2 makes j second order in time.
        momentum = float((along @ populations).mean(dtype=torch.float64)) + 0.5
        return float(viscosity * porosity * momentum)

    iterations, permeable, residual, passed = 0, permeability(), np.inf, 0
    while iterations < max_iterations and passed < 2:
        characteristic = max(pores / viscosity, length**2 * viscosity / (3 * pores))
        steps = int(np.ceil(max(characteristic, np.sqrt(3) * length)))
        steps = min(steps, max_iterations - iterations)
        with torch.inference_mode():
            for _ in range(steps):
                torch.addmm(force, matrix, populations, out=collided)
                torch.index_select(collided.view(-1), 0, indices, out=arriving)
                arriving[turned] *= -1
        before, permeable = permeable, permeability()
        pores = permeable / porosity
        iterations += steps
        residual = abs(permeable - before) / permeable
        passed = passed + 1 if residual <= tolerance else 0
        if progress is not None:
            changes = f"permeability {permeable:.4g} voxel2, changes by {residual:.1e}"
            progress(iterations, None, changes)
    if velocity is not None:
        directions = torch.tensor(velocities.T, **kind)
        momentum = (directions @ populations).double().cpu().numpy()
        momentum[axis] += 0.5
        field = np.zeros((fluid.ndim, *fluid.shape))
        field[:, fluid] = viscosity * momentum
        velocity(field)
    return Flow(permeable, residual, iterations, passed == 2)


def lattice_velocities(ndim: int) -> NDArray[np.int64]:
    """Return the velocities of D2Q9 or D3Q19, ``(q, ndim)``; that at rest comes first.

    Examples
    --------
    >>> len(lattice_velocities(2)), len(lattice_velocities(3))
    (9, 19)
    """
    steps = [c for c in product((-1, 0, 1), repeat=ndim) if np.abs(c).sum() <= 2]
    return np.array(sorted(steps, key=lambda c: np.abs(c).sum()))


def _kozeny(fluid: Mask) -> float:
    """Estimate permeability over porosity from the hydraulic radius of the pores."""
    walls = sum(np.count_nonzero(np.diff(fluid, axis=along)) for along in range(fluid.ndim))
    return float((np.count_nonzero(fluid) / max(walls, 1)) ** 2 / KOZENY)


def _collision(
    velocities: NDArray[np.int64], axis: int, viscosity: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the matrix ``(q, q)`` and column ``(q, 1)`` of a collision."""
    count, ndim = velocities.shape
    weights = np.array(WEIGHTS[ndim])[np.abs(velocities).sum(1)]
    opposite = (velocities[:, None] == -velocities).all(2).astype(float)
    even, odd = (np.eye(count) + opposite) / 2, (np.eye(count) - opposite) / 2
    even_time = 3 * viscosity
    even_rate, odd_rate = 1 / (even_time + 0.5), 1 / (MAGIC / even_time + 0.5)
    momentum = 3 * weights[:, None] * velocities @ velocities.T
    matrix = (
        np.eye(count)
        - even_rate * (even - np.outer(weights, np.ones(count)))
        - odd_rate * (odd - momentum)
    )
    # Guo's force: half of it through the momentum, the rest directly.
    force = 3 * weights * velocities[:, axis]
    return matrix, (odd_rate * force / 2 + (1 - odd_rate / 2) * force)[:, None]


def _sources(
    fluid: Mask, axis: int, velocities: NDArray[np.int64], ends: Ends, sides: Walls
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the source of each population, ``(q, sites)``, and those that change their sign."""
    faces = [ends if along == axis else sides for along in range(fluid.ndim)]
    count = int(fluid.sum())
    number = np.full(fluid.shape, SOLID, dtype=np.int64)
    number[fluid] = np.arange(count)
    for along, face in enumerate(faces):
        widths = [(int(i == along),) * 2 for i in range(fluid.ndim)]
        number = np.pad(number, widths, **PADDING[face])
    sites = np.argwhere(fluid)
    itself = np.arange(count)

    def neighbour(step: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.asarray(number[tuple((sites + 1 - step).T)])

    def direction(velocity: NDArray[np.int64]) -> int:
        return int(np.flatnonzero((velocities == velocity).all(1))[0])

    source = np.empty((len(velocities), count), dtype=np.int64)
    reversed_ = []
    for i, velocity in enumerate(velocities):
        origin = neighbour(velocity)
        open_ = origin != SOLID
        parts = [part for part in np.diag(velocity) if part.any()]
        if len(parts) == 2:
            open_ &= (neighbour(parts[0]) != SOLID) | (neighbour(parts[1]) != SOLID)
        outside = np.stack(
            [
                (face == "mirrored") & ((s - c < 0) | (s - c >= n))
                for face, s, c, n in zip(faces, sites.T, velocity, fluid.shape, strict=True)
            ]
        )
        # Directions as they were before the mirrors that a population came through.
        before = np.full(count, i)
        for mirrors in product((False, True), repeat=fluid.ndim):
            through = (outside == np.array(mirrors)[:, None]).all(0)
            if through.any():
                before[through] = direction(np.where(mirrors, -velocity, velocity))
        source[i] = np.where(open_, before * count + origin, direction(-velocity) * count + itself)
        reversed_.append(i * count + np.flatnonzero(open_ & outside[axis]))
    return source, np.concatenate(reversed_)
