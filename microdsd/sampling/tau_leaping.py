"""Tau-leaping: the paper's sampler. Within a leap every walker hops once at most.

In a leap of length tau, of the n walkers on a voxel Binomial(n, tau * total rate) leave, and
Multinomial shares of them go in each direction. Walkers of one voxel being alike, that is each
walker on its own leaving or not, and choosing a direction: one uniform number per walker. None
is made or lost, whatever the rates.

The error of a leap is that rates are frozen while it lasts. The mean total rate of a walker is
about 2 D at every time, so leaps in which at most a share epsilon of the walkers of any voxel
leaves are at least 2 D T / epsilon in number.

References
----------
Santos et al., Discrete Spatial Diffusion, arXiv:2505.01917 (2025), algorithm 2.
Chatterjee, Vlachos and Katsoulakis, J. Chem. Phys. 122, 024112 (2005), doi:10.1063/1.1833357.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor

from microdsd.errors import InputError
from microdsd.networks.rates import RateNetwork
from microdsd.process.kernel import TransitionKernel
from microdsd.process.noise import noise_level, time_of
from microdsd.process.rates import hop, open_faces
from microdsd.process.walk import Walkers, sample_uniform, uniforms
from microdsd.sampling.assignment import Generated, assign_walkers, phase_scores
from microdsd.sampling.finite import require_finite_output

MAX_EVALUATIONS = 100_000
"""Network evaluations after which adaptive leaps give up."""

_SMOOTHING = 0.3
"""Noise level, voxels, of the smoothing that ranks voxels for surplus walkers."""


@dataclass(frozen=True)
class Leap:
    """Record the walk before one leap, and what the network made of it.

    Attributes
    ----------
    samples : Tensor of int64, shape (batch,)
        Samples that are still on their way.
    sigma : Tensor, shape (batch,)
        Their noise levels, voxels.
    occupation : Tensor, shape (batch, species, *space)
        Their occupation numbers.
    rates : Tensor, shape (batch, species, 2 * ndim, *space)
    """

    samples: Tensor
    sigma: Tensor
    occupation: Tensor
    rates: Tensor


class LeapRule(Protocol):
    """Define how long leaps are, and what share of the walkers leaves in one."""

    @property
    def start(self) -> float:
        """Return the time of the first leap."""
        ...

    @property
    def max_evaluations(self) -> int:
        """Return the leaps after which a walk that has not ended is an error."""
        ...

    def next_time(self, t: Tensor, fastest: Tensor) -> Tensor:
        """Return each sample's time after a leap from t, given the largest rate of its walkers."""
        ...

    def share_leaving(self, hops: Tensor) -> Tensor:
        """Return the probability to leave, from the hops expected at the frozen rate."""
        ...


@dataclass(frozen=True)
class AdaptiveLeaps:
    """Choose leaps by the paper's rule: tau = epsilon / largest rate over occupied voxels.

    The rate is the total rate of a voxel's walkers, and the largest is that of one sample.

    Attributes
    ----------
    sigma_max : float
        Noise level of the start, voxels.
    epsilon : float
        Largest probability to leave in one leap, in (0, 1).
    max_evaluations : int
    """

    sigma_max: float
    epsilon: float
    max_evaluations: int = MAX_EVALUATIONS

    def __post_init__(self) -> None:
        if not 0 < self.epsilon < 1:
            raise InputError(f"epsilon={self.epsilon}: give a probability between 0 and 1")

    @property
    def start(self) -> float:
        """Return the time of the first leap."""
        return float(time_of(self.sigma_max))

    def fewest_evaluations(self, kernel: TransitionKernel) -> int:
        """Return the least number of leaps, with rates that are right on average."""
        open_directions = open_faces(kernel.lattice).sum().item() / kernel.lattice.n_sites
        return int(open_directions * self.start / self.epsilon)

    def next_time(self, t: Tensor, fastest: Tensor) -> Tensor:
        """Return the time after a leap."""
        return (t - self.epsilon / fastest.clamp_min(1e-30)).clamp_min(0.0)

    def share_leaving(self, hops: Tensor) -> Tensor:
        """Return the probability to first order in tau, as in the paper; at most epsilon."""
        return hops


@dataclass(frozen=True)
class GridLeaps:
    """Choose leaps between noise levels that are given, and a last one to the data.

    Attributes
    ----------
    levels : sequence of float
        Decreasing noise levels, voxels; one network evaluation each.
    """

    levels: Sequence[float]

    @property
    def start(self) -> float:
        """Return the time of the first leap."""
        return float(time_of(self.levels[0]))

    @property
    def max_evaluations(self) -> int:
        """Return as many leaps as there are levels."""
        return len(self.levels)

    def next_time(self, t: Tensor, fastest: Tensor) -> Tensor:
        """Return the time after a leap."""
        rising = time_of(torch.tensor([0.0, *reversed(self.levels)], dtype=t.dtype)).to(t.device)
        return rising[torch.searchsorted(rising, t) - 1]

    def share_leaving(self, hops: Tensor) -> Tensor:
        """Return the probability that a walker leaves at a steady rate: below 1 for any leap."""
        return -torch.expm1(-hops)


def sample_tau_leaping(
    network: RateNetwork,
    kernel: TransitionKernel,
    counts: Tensor,
    rule: LeapRule,
    generators: Sequence[torch.Generator],
    *,
    fractions: Tensor | None = None,
    observe: Callable[[Leap], None] | None = None,
) -> Generated:
    """Generate microstructures with exactly the given counts, by the paper's method.

    Walkers end on the voxels of their last leap, some of them two to a voxel. Every occupied
    voxel takes the phase of its walkers; the surplus goes to empty voxels where the walkers are
    densest. This is an assignment (`assign_phases`) by the occupation numbers, smoothed with K
    at 0.3 voxels: too little for an empty voxel to overtake one that is occupied.

    Parameters
    ----------
    network : RateNetwork
    kernel : TransitionKernel
        Law of the box; its device is where all work happens.
    counts : Tensor of int, shape (batch, species)
    rule : LeapRule
        `AdaptiveLeaps` or `GridLeaps`.
    generators : sequence of torch.Generator
        One per sample: sample i depends on its own generator alone.
    fractions : Tensor, shape (batch, species), optional
        What the network is told of the composition.
    observe : callable, optional
        Shown the samples still on their way at every leap.

    Raises
    ------
    InputError
        If the walk takes more evaluations than the rule allows; before any, if that is clear.
    """
    if isinstance(rule, AdaptiveLeaps):
        _require_affordable(rule, kernel)
    walkers = sample_uniform(counts, kernel.lattice, generators)
    t = torch.full((len(counts),), rule.start, dtype=torch.float64, device=kernel.device)
    closed = ~open_faces(kernel.lattice, kernel.device).flatten(1)
    evaluations = 0
    while len(going := (t > 0).nonzero().squeeze(1)):
        if evaluations == rule.max_evaluations:
            raise InputError(
                f"max_evaluations={rule.max_evaluations}: walks are still at noise levels of up "
                f"to {noise_level(float(t.max())):.3g} voxels; raise it, or epsilon, or give "
                "noise levels"
            )
        evaluations += 1
        chosen, part = _of_samples(walkers, going)
        occupation = part.occupation()
        given_fractions = None if fractions is None else fractions[going]
        rates = network(occupation, t[going], kernel, given_fractions)
        require_finite_output(rates, "rates", noise_level(float(t[going].max())))
        if observe is not None:
            observe(Leap(going, (2 * t[going]).sqrt(), occupation, rates))
        site = part.site()
        each = rates.movedim(2, 0).flatten(1)[:, part.channel * kernel.lattice.n_sites + site]
        each = each.masked_fill(closed[:, site], 0.0)
        total = each.sum(0)
        fastest = total.new_zeros(len(going)).scatter_reduce(0, part.sample, total, "amax")
        after = rule.next_time(t[going], fastest.double())
        leaving = rule.share_leaving(total * (t[going] - after).float()[part.sample])
        own_generators = [generators[i] for i in going.tolist()]
        moved = hop(part, _directions(each, total, leaving, uniforms(part, own_generators)[0]))
        position = walkers.position.clone()
        position[:, chosen] = moved.position
        walkers = walkers.moved_to(position)
        t[going] = after
    density = kernel.apply(walkers.occupation(), float(time_of(_SMOOTHING)))
    return assign_walkers(phase_scores(density), walkers.counts(), generators)


def _require_affordable(rule: AdaptiveLeaps, kernel: TransitionKernel) -> None:
    fewest = rule.fewest_evaluations(kernel)
    if fewest > rule.max_evaluations:
        raise InputError(
            f"epsilon={rule.epsilon:g}: from a horizon of {rule.sigma_max:.3g} voxels a sample "
            f"takes at least {fewest} network evaluations, max_evaluations is "
            f"{rule.max_evaluations}; raise it, or epsilon, or give noise levels"
        )


def _of_samples(walkers: Walkers, samples: Tensor) -> tuple[Tensor, Walkers]:
    """Return which walkers belong to some of the samples, and these walkers as their own batch."""
    place = torch.full((walkers.batch,), -1, device=samples.device)
    place[samples] = torch.arange(len(samples), device=samples.device)
    chosen = (place[walkers.sample] >= 0).nonzero().squeeze(1)
    channel = walkers.channel[chosen]
    channel = place[walkers.sample[chosen]] * walkers.species + channel % walkers.species
    return chosen, replace(
        walkers, batch=len(samples), channel=channel, position=walkers.position[:, chosen]
    )


def _directions(rates: Tensor, total: Tensor, leaving: Tensor, u: Tensor) -> Tensor:
    """Return the direction in which each walker leaves, or -1: one uniform number decides both."""
    bounds = rates.cumsum(0) * (leaving / total.clamp_min(1e-30))
    passed = (u >= bounds).sum(0)
    # Rounding may put u beyond the last bound and yet below the share that leaves: it stays.
    return torch.where(passed < len(rates), passed, -1)
