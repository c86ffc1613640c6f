"""Reverse hop rates, given where the walkers came from.

A walker that started at x0 and is at x at time t came there by a last hop; seen backwards in
time it hops to the neighbour x + d at the rate

    K_t(x + d | x0) / K_t(x | x0),                                                       (1)

as hops forward have rate 1. K is a product over axes, so all factors but one cancel, and (1) is
a ratio of two entries of one small matrix. No walker hops through a wall: there (1) is zero.

Directions are ordered (axis 0 down, axis 0 up, axis 1 down, ...), down being towards index 0.
"""

from __future__ import annotations

import torch
from torch import Tensor

from microdsd.process.bridge import potential
from microdsd.process.kernel import TransitionKernel
from microdsd.process.lattice import Lattice
from microdsd.process.walk import Walkers

_NEVER = 1e-30
"""Probability below which a place is out of reach: keeps the ratio finite."""


def conditional_rates(
    origins: Walkers, walkers: Walkers, kernel: TransitionKernel, t: Tensor
) -> Tensor:
    """Return the rates (1) of every walker in every direction.

    Parameters
    ----------
    origins, walkers : Walkers
        The same walkers at time 0 and at time t, in the same order.
    kernel : TransitionKernel
    t : Tensor, shape (batch,)
        Time per sample, above 0.

    Returns
    -------
    Tensor, shape (2 * ndim, walkers), float32

    Examples
    --------
    >>> kernel = TransitionKernel(Lattice.box((3,), "no-flux"))
    >>> at = lambda x: Walkers.of(torch.eye(3)[x].view(1, 1, 3), kernel.lattice)
    >>> down, up = conditional_rates(at(0), at(2), kernel, torch.tensor([0.1]))[:, 0].tolist()
    >>> round(down), up  # about 2 / t towards where it came from; behind it stands the wall
    (20, 0.0)
    """
    sample = walkers.sample
    rates = []
    for axis, (length, boundary) in enumerate(
        zip(kernel.lattice.shape, kernel.lattice.boundary, strict=True)
    ):
        matrix = kernel.axis_matrix(axis, t)
        if boundary == "periodic":
            around = torch.cat([matrix[..., -1:], matrix, matrix[..., :1]], dim=-1)
        else:
            around = torch.nn.functional.pad(matrix, (1, 1))
        row = (sample * length + origins.position[axis]) * (length + 2)
        down, stay, up = (
            around.reshape(-1)[row + walkers.position[axis] + offset] for offset in (0, 1, 2)
        )
        stay = stay.clamp_min(_NEVER)
        rates += [down / stay, up / stay]
    return torch.stack(rates)


def summed_rates(origins: Walkers, walkers: Walkers, kernel: TransitionKernel, t: Tensor) -> Tensor:
    """Return R: rates (1) summed over the walkers on each voxel.

    Returns
    -------
    Tensor, shape (batch, species, 2 * ndim, *space), float32
        The other parameters are those of `conditional_rates`.
    """
    rates = conditional_rates(origins, walkers, kernel, t)
    lattice, channels = kernel.lattice, walkers.batch * walkers.species
    summed = rates.new_zeros(len(rates), channels * lattice.n_sites)
    summed.index_add_(1, walkers.channel * lattice.n_sites + walkers.site(), rates)
    by_channel = summed.view(len(rates), walkers.batch, walkers.species, *lattice.shape)
    return by_channel.movedim(0, 2)


def potential_rates(log_h: Tensor, kernel: TransitionKernel, t: Tensor) -> Tensor:
    """Reverse hop rates under a potential h: (K_t h)(x + d) / (K_t h)(x).

    They are the mean of (1) over origins y with probability K_t(x, y) h(y) / (K_t h)(x), and the
    limit of the bridges for steps that become short.

    Parameters
    ----------
    log_h : Tensor, shape (batch, species, *space)
    kernel : TransitionKernel
    t : Tensor, shape (batch,)

    Returns
    -------
    Tensor, shape (batch, species, 2 * ndim, *space)
    """
    own = kernel.apply(potential(log_h), t).clamp_min(_NEVER)
    rates = []
    for dim, boundary in enumerate(kernel.lattice.boundary, start=2):
        for up in (False, True):
            neighbour = own.roll(-1 if up else 1, dim)
            if boundary == "no-flux":
                neighbour = neighbour.clone()
                neighbour.select(dim, -1 if up else 0).zero_()
            rates.append(neighbour / own)
    return torch.stack(rates, dim=2)


def hop(walkers: Walkers, direction: Tensor) -> Walkers:
    """Move walkers to a neighbour each.

    Parameters
    ----------
    walkers : Walkers
    direction : Tensor of int64, shape (walkers,)
        Index of the direction, or -1 to stay. A hop through a wall is a programming error: it
        would come out on the other side.
    """
    position = walkers.position.clone()
    for axis, length in enumerate(walkers.lattice.shape):
        up = (direction == 2 * axis + 1).long() - (direction == 2 * axis).long()
        position[axis] = (position[axis] + up) % length
    return walkers.moved_to(position)


def open_faces(lattice: Lattice, device: torch.device | str = "cpu") -> Tensor:
    """Return whether walkers can hop from each voxel in each direction.

    The result is bool, shape (2 * ndim, *shape).
    """
    faces = torch.ones(2 * lattice.ndim, *lattice.shape, dtype=torch.bool, device=device)
    for axis, boundary in enumerate(lattice.boundary):
        if boundary == "no-flux":
            faces[2 * axis].select(axis, 0).fill_(False)
            faces[2 * axis + 1].select(axis, -1).fill_(False)
    return faces
