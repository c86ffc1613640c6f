"""The paper's training objectives: rates against the conditional rates of the walkers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor

from microdsd.errors import InputError
from microdsd.process.lattice import Lattice
from microdsd.process.noise import time_of
from microdsd.process.rates import open_faces, summed_rates
from microdsd.process.time_schedule import schedule_times
from microdsd.training.noised_batch import NoisedBatch

RateLoss = Literal["likelihood", "l1", "l2"]

_SMALLEST = 1e-12
"""Smallest rate whose logarithm is taken."""


def rate_loss(
    rates: Tensor,
    summed: Tensor,
    occupation_t: Tensor,
    lattice: Lattice,
    loss: RateLoss = "likelihood",
) -> Tensor:
    """Return the loss per walker, summed over voxels and directions.

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
        Rates of one walker, at least 0; ignored where a wall is.
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


class RateObjective:
    """Define the paper's objective: a rate loss at the observation times of a schedule.

    Every observation time is as likely as any other. As in the paper, the likelihood at t_k is
    weighted by t_k - t_(k-1), so that its mean is an integral over time: minus it is the
    information gained on the whole way, in nats per walker. L1 and L2 are not weighted.

    Parameters
    ----------
    sigma_max : float
        Horizon, voxels.
    schedule : str
        See `microdsd.process.time_schedule.schedule_times`.
    loss : {"likelihood", "l1", "l2"}
    """

    def __init__(
        self, sigma_max: float, schedule: str = "t^4", loss: RateLoss = "likelihood"
    ) -> None:
        if loss not in get_args(RateLoss):
            raise InputError(f"loss={loss!r}: choose one of {', '.join(get_args(RateLoss))}")
        self._kind: RateLoss = loss
        self.settings: Mapping[str, str] = {"loss": loss, "schedule": schedule}
        self._times = float(time_of(sigma_max)) * schedule_times(schedule)
        weighted = loss == "likelihood"
        steps = len(self._times) * np.diff(self._times, prepend=0.0)
        self._weights = steps if weighted else np.ones_like(steps)

    def draw_times(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Draw times; see `microdsd.training.objective.Objective`."""
        share = (np.arange(n) + rng.random(n)) / n
        times: np.ndarray = self._times[(share * len(self._times)).astype(int)]
        return times

    def loss(self, network: Callable[..., Tensor], batch: NoisedBatch) -> Tensor:
        """Return the loss; see `microdsd.training.objective.Objective`."""
        observation = np.searchsorted(self._times, batch.t.cpu().numpy())
        weight = torch.from_numpy(self._weights[observation]).to(batch.t.device, torch.float32)
        return weight * _loss_of(self._kind, network, batch)

    def gain(self, network: Callable[..., Tensor], batch: NoisedBatch) -> Tensor:
        """Return the gain by the likelihood, whatever the loss.

        Its unit is nats per walker and e-fold of sigma.
        """
        return -2 * batch.t.float() * _loss_of("likelihood", network, batch)


def _loss_of(kind: RateLoss, network: Callable[..., Tensor], batch: NoisedBatch) -> Tensor:
    rates = network(*batch.shown)
    summed = summed_rates(batch.origins, batch.walkers, batch.kernel, batch.t)
    return rate_loss(rates, summed, batch.occupation_t, batch.kernel.lattice, kind)
