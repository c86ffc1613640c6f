"""Event by event: the reverse process without any leap, for systems small enough.

Rates change as time falls, so events are found by thinning: candidates are drawn at a rate that
bounds the true one over a short window of time, and kept with the ratio of the two. It takes
about 2 D T events per walker, so it is an oracle for tests, not a way to make microstructures.
"""

from __future__ import annotations

import torch
from torch import Tensor

from microdsd.networks.rates import RateNetwork
from microdsd.process.kernel import TransitionKernel
from microdsd.process.noise import noise_level, time_of
from microdsd.process.rates import hop, open_faces
from microdsd.process.walk import Walkers
from microdsd.sampling.finite import require_finite_output

_WINDOW = 0.1
"""Share of the time left over which one bound holds."""

_MARGIN = 2.0
"""Bound over the total rate at the window's start; rates grow no faster than some 1 / t."""


def sample_gillespie(
    network: RateNetwork,
    kernel: TransitionKernel,
    occupation: Tensor,
    sigma_max: float,
    sigma_last: float,
    generator: torch.Generator,
) -> Tensor:
    """Walk back from one noise level to another, hop by hop.

    Parameters
    ----------
    network : RateNetwork
        Called with samples at different times.
    kernel : TransitionKernel
    occupation : Tensor, shape (batch, species, *space)
        Occupation numbers at ``sigma_max``.
    sigma_max, sigma_last : float
        Noise levels, voxels, above 0. Close to the data rates are 1 / t for walkers that are
        not yet home, and next to none are not: 0.001 is as good as 0.
    generator : torch.Generator

    Returns
    -------
    Tensor, shape of ``occupation``
        Occupation numbers at ``sigma_last``.

    Raises
    ------
    ArithmeticError
        If rates rise faster than their bound, so that the result would not be exact.

    References
    ----------
    Gillespie, J. Phys. Chem. 81, 2340 (1977), doi:10.1021/j100540a008. Lewis and Shedler, Nav.
    Res. Logist. Q. 26, 403 (1979), doi:10.1002/nav.3800260304 (thinning).
    """
    n = occupation.clone()
    end = float(time_of(sigma_last))
    t = time_of(sigma_max).to(n.device).repeat(len(n))
    faces = open_faces(kernel.lattice, n.device)
    target = _targets(kernel)

    def flows(at: Tensor, going: Tensor) -> Tensor:
        """Rate of every event (samples, species * directions * sites), in this order."""
        rates = network(n[going], at, kernel) * faces
        require_finite_output(rates, "rates", noise_level(float(at.max())))
        return (rates * n[going].unsqueeze(2)).flatten(1).double()

    while len(going := (t > end).nonzero().squeeze(1)):
        now = t[going]
        bound = _MARGIN * flows(now, going).sum(1)
        u = torch.rand(2, len(going), generator=generator, dtype=torch.float64, device=n.device)
        candidate = now + torch.log1p(-u[0]) / bound.clamp_min(1e-300)
        border = (now * (1 - _WINDOW)).clamp_min(end)
        inside = candidate > border
        t[going] = torch.where(inside, candidate, border)
        tried = going[inside]
        if len(tried) == 0:
            continue
        events = flows(t[tried], tried)
        total = events.sum(1)
        if bool((total > bound[inside]).any()):
            raise ArithmeticError("rates rise faster than their bound: the walk is not exact")
        happens = u[1, inside] * bound[inside] < total
        _apply(n, tried[happens], events[happens], target, generator)
    return n


def _targets(kernel: TransitionKernel) -> Tensor:
    """Site that is reached from each site in each direction, (2 * ndim, sites)."""
    everywhere = Walkers.of(torch.ones(1, 1, *kernel.lattice.shape), kernel.lattice)
    reached = [
        hop(everywhere, torch.full_like(everywhere.channel, direction)).site()
        for direction in range(2 * kernel.lattice.ndim)
    ]
    return torch.stack(reached).to(kernel.device)


def _apply(
    n: Tensor, samples: Tensor, events: Tensor, target: Tensor, generator: torch.Generator
) -> None:
    """Let one event happen in each of the samples, in place."""
    if len(samples) == 0:
        return
    directions, n_sites = target.shape
    event = torch.multinomial(events, 1, generator=generator).squeeze(1)
    channel, step = event // (directions * n_sites), event % (directions * n_sites)
    direction, site = step // n_sites, step % n_sites
    flat = n.view(len(n), -1, n_sites)
    flat[samples, channel, site] -= 1
    flat[samples, channel, target[direction, site]] += 1
