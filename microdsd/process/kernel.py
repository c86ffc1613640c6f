"""Transition kernels of one walker: a product over axes of small matrices in closed form."""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor

from microdsd.errors import NotMixedError
from microdsd.process.blocks import axis_volumes
from microdsd.process.lattice import Boundary, Lattice
from microdsd.process.noise import noise_level

MIXED = 0.01
"""Mixing residual of the recommended horizon."""

TOLERATED = 0.05
"""Largest mixing residual with which noise may be taken for uniform."""

ROUNDING = 1e-13
"""Probability below which an entry of a kernel may be nothing but rounding."""


@lru_cache(maxsize=32)
def _eigenbasis(length: int, boundary: Boundary, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return eigenvalues (length,) and orthonormal eigenvectors (length, mode) of the generator."""
    site = torch.arange(length, dtype=torch.float64)
    if boundary == "no-flux":
        mode = site
        vectors = torch.cos(math.pi / length * (site[:, None] + 0.5) * mode)  # DCT-II
        frequency = math.pi / length * mode
    else:
        mode = torch.div(site + 1, 2, rounding_mode="floor")  # 0, 1, 1, 2, 2, ...
        angle = 2 * math.pi / length * site[:, None] * mode
        vectors = torch.where(site % 2 == 0, torch.cos(angle), torch.sin(angle))  # real DFT
        if length % 2 == 0:
            vectors[:, -1] = torch.cos(math.pi * site)
        frequency = 2 * math.pi / length * mode
    eigenvalues = -2 * (1 - torch.cos(frequency))
    return eigenvalues.to(device), (vectors / vectors.norm(dim=0)).to(device)


@lru_cache(maxsize=32)
def _eigenbasis_of_blocks(
    volumes: tuple[int, ...], boundary: Boundary, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Return eigenvalues and orthonormal eigenvectors for blocks of unequal volume.

    Neighbours whose centres are a distance apart exchange walkers at the rate 1 / distance per
    voxel of either: 1 / (distance * volume) is the rate of hops out of a block. Occupation in
    proportion to volume then stays as it is, and blocks of equal volume b hop at rate 1 / b^2.
    The generator made symmetric, volume^(1/2) G volume^(-1/2), is diagonalised numerically.
    """
    volume = torch.tensor(volumes, dtype=torch.float64)
    sites = len(volumes)
    symmetric = torch.zeros(sites, sites, dtype=torch.float64)
    bonds = [(i, i + 1) for i in range(sites - 1)]
    if boundary == "periodic" and sites > 1:
        bonds.append((sites - 1, 0))
    for i, j in bonds:
        exchange = 2 / (volume[i] + volume[j])
        symmetric[i, i] -= exchange / volume[i]
        symmetric[j, j] -= exchange / volume[j]
        symmetric[i, j] += exchange / (volume[i] * volume[j]).sqrt()
        symmetric[j, i] += exchange / (volume[i] * volume[j]).sqrt()
    eigenvalues, vectors = torch.linalg.eigh(symmetric)
    return eigenvalues.flip(0).clamp_max(0.0).to(device), vectors.flip(1).to(device)


def _unequal(volumes: tuple[int, ...]) -> bool:
    return len(set(volumes)) > 1


def axis_modes(
    volumes: tuple[int, ...], boundary: Boundary, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Return eigenvalues, the largest first, and eigenvectors of the generator of one axis."""
    if _unequal(volumes):
        return _eigenbasis_of_blocks(volumes, boundary, device)
    eigenvalues, vectors = _eigenbasis(len(volumes), boundary, device)
    return eigenvalues / volumes[0] ** 2, vectors


def axis_law(
    volumes: tuple[int, ...], boundary: Boundary, t: Tensor | float, device: torch.device
) -> Tensor:
    """Return the matrices k_t of one axis whose sites hold these numbers of voxels.

    Parameters
    ----------
    volumes : tuple of int
        Voxels of every site; see `Lattice.volumes`.
    boundary : {"no-flux", "periodic"}
    t : Tensor, shape (...)
        Times, at least 0.
    device : torch.device

    Returns
    -------
    Tensor, shape (..., sites, sites), float32
        Rows are the walker's site before, columns its site after; rows sum to one.
    """
    eigenvalues, vectors = axis_modes(volumes, boundary, device)
    if isinstance(t, Tensor):
        t = t.to(device, torch.float64)
    else:  # filled in on the device, which has then nothing to wait for
        t = torch.full((), t, dtype=torch.float64, device=device)
    decay = torch.exp(t[..., None] * eigenvalues)
    matrix = (vectors * decay[..., None, :]) @ vectors.T
    if _unequal(volumes):
        root = axis_volumes(volumes, device).sqrt()
        matrix = matrix * (root / root[:, None])
    # What rounding leaves far from the diagonal must not carry a walker there.
    matrix = matrix.where(matrix > ROUNDING, 0.0)
    matrix = matrix / matrix.sum(-1, keepdim=True)
    return matrix.float()


class TransitionKernel:
    """Represent the law K_t(x | x0) of one walker on a lattice as one matrix per axis.

    Each walker hops to each nearest neighbour at rate 1. Axes are independent, so

        K_t(x | x0) = prod_d k_t(x_d | x0_d),   k_t = V exp(t diag(lambda)) V^T,

    with V the DCT-II basis and lambda_m = -2 (1 - cos(pi m / L)) for a no-flux axis, the real
    DFT basis and lambda_m = -2 (1 - cos(2 pi m / L)) for a periodic one. k_t is symmetric.

    On sites that are blocks of b voxels hops have length b and rate 1 / b^2, so that the variance
    grows as 2 t in voxels whatever the block. Where the last block of an axis is smaller, the
    walk keeps occupation in proportion to volume, and volume(x) k_t(y | x) is symmetric.

    Parameters
    ----------
    lattice : Lattice
    device : torch.device or str
        Where the matrices live.

    References
    ----------
    Santos et al., Discrete Spatial Diffusion, arXiv:2505.01917 (2025).

    Examples
    --------
    >>> kernel = TransitionKernel(Lattice.box((4, 6), "no-flux"))
    >>> field = torch.zeros(1, 1, 4, 6)
    >>> field[..., 1, 2] = 1.0
    >>> bool(torch.isclose(kernel.apply(field, torch.tensor(0.7)).sum(), torch.tensor(1.0)))
    True
    """

    def __init__(self, lattice: Lattice, device: torch.device | str = "cpu") -> None:
        self.lattice = lattice
        self.device = torch.device(device)

    def axis_matrix(self, axis: int, t: Tensor | float) -> Tensor:
        """Return the matrices k_t of one axis.

        Parameters
        ----------
        axis : int
            0 is the first space axis.
        t : Tensor, shape (...)
            Times, at least 0.

        Returns
        -------
        Tensor, shape (..., L, L), float32
            Rows are the walker's site before, columns its site after; rows sum to one.
        """
        return axis_law(self.lattice.volumes(axis), self.lattice.boundary[axis], t, self.device)

    def volumes(self, axis: int) -> tuple[int, ...]:
        """Return the voxels that walkers can be on, in every site along one axis."""
        return self.lattice.volumes(axis)

    def modes(self, axis: int) -> tuple[Tensor, Tensor]:
        """Return eigenvalues, and orthonormal eigenvectors (sites, modes), of one axis' generator.

        The largest eigenvalue, 0, comes first. On blocks the generator is taken symmetric,
        volume^(1/2) G volume^(-1/2).
        """
        return axis_modes(self.lattice.volumes(axis), self.lattice.boundary[axis], self.device)

    def apply_axis(self, field: Tensor, axis: int, matrix: Tensor) -> Tensor:
        """Average ``field`` (batch, species, *space) along one space axis; see `average_along`."""
        return average_along(field, axis, matrix)

    def apply(self, field: Tensor, t: Tensor | float) -> Tensor:
        """Apply K_t: average a function over where walkers on every site came from.

        The field has the shape (batch, species, *space), t the shape () or (batch,).
        """
        for axis in range(self.lattice.ndim):
            field = self.apply_axis(field, axis, self.axis_matrix(axis, t))
        return field

    def carry(self, occupation: Tensor, t: Tensor | float) -> Tensor:
        """Return expected occupation numbers after time t; of equal blocks the same as `apply`."""
        for axis in range(self.lattice.ndim):
            occupation = self.apply_axis(occupation, axis, self.carrying_matrix(axis, t))
        return occupation

    def carrying_matrix(self, axis: int, t: Tensor | float) -> Tensor:
        """Return the matrices by which `carry` averages along one axis."""
        matrix = self.axis_matrix(axis, t)
        # Equal blocks make the matrix symmetric but for rounding.
        return matrix.mT if _unequal(self.volumes(axis)) else matrix

    def mixing_residual(self, t: float) -> float:
        """Return the amplitude, in [0, 1], that the box's slowest mode keeps after time ``t``."""
        slowest = 0.0
        for axis, length in enumerate(self.lattice.shape):
            if length > 1:
                eigenvalues, _ = self.modes(axis)
                slowest = max(slowest, math.exp(t * float(eigenvalues[1])))
        return slowest

    def mixed_level(self, residual: float = MIXED) -> float:
        """Return the least noise level, voxels, at which the slowest mode is mixed.

        It keeps ``residual`` or less of its amplitude there.
        """
        slowest = self.mixing_residual(1.0)
        return noise_level(math.log(residual) / math.log(slowest)) if slowest else 0.0

    def require_mixed(self, t: float, tolerance: float = TOLERATED) -> None:
        """Refuse a horizon after which the layout of the source image is still there.

        Raises
        ------
        NotMixedError
            If the mixing residual exceeds ``tolerance``.
        """
        residual = self.mixing_residual(t)
        if residual > tolerance:
            sufficient = math.ceil(10 * self.mixed_level(tolerance)) / 10
            raise NotMixedError(
                f"sigma_max={noise_level(t):.3g}: at this horizon a box of {self.lattice.voxels} "
                f"keeps {residual:.0%} of its slowest mode, so the layout of the source image is "
                f"still in the noise, and a uniform start is not its end state; use a horizon of "
                f"at least {sufficient:.1f} voxels (recommended: {self.mixed_level():.1f})"
            )


def average_along(field: Tensor, axis: int, matrix: Tensor) -> Tensor:
    """Average ``field`` (batch, species, *space) along one space axis by ``matrix``.

    ``matrix`` has shape (M, L) for an axis of L sites that becomes one of M, or (batch, M, L)
    for one matrix per batch member.
    """
    shape = field.shape
    # The networks' bfloat16 must not reach the laws that are said to be exact.
    with torch.autocast(field.device.type, enabled=False):
        if matrix.ndim == 2 and 2 + axis < field.ndim - 1:
            # One product per slab: no transposed copy in, none out.
            slabs = field.reshape(math.prod(shape[: 2 + axis]), shape[2 + axis], -1)
            return (matrix @ slabs).view(*shape[: 2 + axis], len(matrix), *shape[3 + axis :])
        moved = field.movedim(2 + axis, -1)
        if matrix.ndim == 3:
            batch, length = moved.shape[0], moved.shape[-1]
            smooth = torch.bmm(moved.reshape(batch, -1, length), matrix.mT)
            smooth = smooth.view(*moved.shape[:-1], matrix.shape[1])
        else:
            smooth = moved @ matrix.mT
    return smooth.movedim(-1, 2 + axis)
