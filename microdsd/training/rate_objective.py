"""The paper's training objectives: rates against the conditional rates of the walkers."""

from __future__ import annotations

from typing import get_args

import torch
from torch import Tensor

from microdsd.errors import InputError
from microdsd.process.lattice import Lattice
from microdsd.process.rates import open_faces
from microdsd.process.time_schedule import RateLoss

_SMALLEST = 1e-12
"""Smallest rate whose logarithm is taken."""


def rate_loss(
    rates: Tensor,
    summed: Tensor,
    occupation_t: Tensor,
    lattice: Lattice,
    loss: RateLoss = "likelihood",
) -> Tensor:
    """Loss per walker, summed over voxels and directions.

    With n walkers on a voxel, u their rate and R the sum of their conditional rates,

        likelihood   n (u - 1) - R log u
        l1           |n u - R|
        l2           (n u - R)^2

    of which the first and the last are least at u = E[R | n_t] / n, the reverse rate; l1 is
    least at the median of R / n. The likelihood is the paper's sum n u - R log u, less what an
    uninformed walker (u = 1) has: minus it is the information gained, in nats per walker and
    unit of time.

    Parameters
    ----------
    rates : Tensor, shape (batch, species, 2 * ndim, *space)
        Of one walker, at least 0; ignored where a wall is.
    summed : Tensor, same shape
        R, from `microdsd.process.rates.summed_rates`.
    occupation_t : Tensor, shape (batch, species, *space)
    lattice : Lattice
    loss : {"likelihood", "l1", "l2"}

    Returns
    -------
    Tensor, shape (batch,)

    References
    ----------
    Santos et al., Discrete Spatial Diffusion, arXiv:2505.01917 (2025), eqs. 4 and 7.
    """
    n = occupation_t.unsqueeze(2)
    u = rates * open_faces(lattice, rates.device)
    if loss == "likelihood":
        each = n * (u - 1) - summed * u.clamp_min(_SMALLEST).log()
        each = torch.where(open_faces(lattice, rates.device), each, 0.0)
    elif loss == "l1":
        each = (n * u - summed).abs()
    elif loss == "l2":
        each = (n * u - summed).square()
    else:
        raise InputError(f"loss={loss!r}: choose one of {', '.join(get_args(RateLoss))}")
    return each.flatten(1).sum(1) / occupation_t.flatten(1).sum(1).clamp_min(1.0)
