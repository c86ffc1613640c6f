"""The bridge sampler: tens of network evaluations, exact steps between them, exact counts."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from microdsd.networks.base import PotentialNetwork, ReadOut
from microdsd.process.bridge import expected_occupation, sample_bridge_step
from microdsd.process.kernel import TransitionKernel
from microdsd.process.noise import time_of
from microdsd.process.walk import sample_forward
from microdsd.sampling.assignment import Generated, perturbed, phase_scores
from microdsd.sampling.evidence import evidence
from microdsd.sampling.finite import require_finite_output
from microdsd.sampling.guidance import Guide, guided_potential, guided_scores
from microdsd.sampling.origins import Anywhere, Origins

LEAD = 0.6
"""How far into a step its potential is taken from.

1/2, the formula of Adams and Bashforth, is right for short steps; in steps as long as ours
clusters grow exponentially, and 0.6 was better (docs/decisions/0006).
"""

_AGAIN = (1.0, 8.0)
"""Noise levels, voxels, whose steps are repeated."""

_HEARD = 16.0
"""Noise level, voxels, above which known material has next to nothing to say (`evidence`)."""


@dataclass(frozen=True)
class Visit:
    """The walk at one noise level, and what the network made of it.

    Parameters
    ----------
    sigma : float
        Noise level, voxels.
    occupation : Tensor, shape (batch, species, *space)
        Occupation numbers.
    log_h : Tensor, same shape
        Logarithm of the potential.
    """

    sigma: float
    occupation: Tensor
    log_h: Tensor


def sample_bridges(
    network: PotentialNetwork,
    kernel: TransitionKernel,
    origins: Tensor | Origins,
    levels: Sequence[float],
    generators: Sequence[torch.Generator],
    *,
    fractions: Tensor | None = None,
    read_out: ReadOut | None = None,
    guide: Guide | None = None,
    sharpness: Sequence[float] = (),
    repeats: int = 1,
    redraws: Sequence[float] = (),
    observe: Callable[[Visit], None] | None = None,
) -> Generated:
    """Generate microstructures with exactly the given counts.

    Walkers start uniform at the first level, step from level to level by the exact law of the
    bridge under the predicted potential, and are assigned to voxels at the last level. The
    potential of a step is the one expected in the midst of it (`extrapolate`).

    Walkers move independently within a step, and leave gaps where none happens to be. A redraw
    mends them: phases are drawn voxel by voxel with exact counts, walk forward for a little
    while, by the exact kernel, and are read out again.

    Parameters
    ----------
    network : PotentialNetwork
    kernel : TransitionKernel
        Of the box; its device is where all work happens.
    origins : Tensor of int, shape (batch, species), or Origins
        Counts of the whole box; or known material, or regions with counts of their own.
    levels : sequence of float
        Decreasing noise levels, voxels; one network evaluation each.
    generators : sequence of torch.Generator
        One per sample: sample i depends on its own generator alone.
    fractions : Tensor, shape (batch, species), optional
        What the network is told of the composition.
    read_out : callable, optional
        `PotentialUNet.joint`, asked in place of the network at the last level; without it the
        phases' scores are those of the walkers' expected origins. Next to known material it is
        asked at all levels from 16 voxels down, for its `evidence`.
    guide : callable, optional
        Weighs the potential; see `Guide`.
    sharpness : sequence of float
        Exponent of every species' potential in steps, 1 if not given; see
        `microdsd.models.WalkBack`.
    repeats : int
        How often steps between 1 and 8 voxels are made: the walkers walk forward over the step, by
        the exact kernel, and it is made again, so that they and known material agree better
        (RePaint: Lugmayr et al. 2022, doi:10.1109/CVPR52688.2022.01117).
    redraws : sequence of float
        Noise levels, voxels, of the redraws, one network evaluation each.
    observe : callable, optional
        Shown every level after its network evaluation.

    Raises
    ------
    NonFiniteNetworkError
        If the network returns what is not a finite number; names the noise level.
    InputError
        If the guide does.
    """
    if isinstance(origins, Tensor):
        origins = Anywhere(origins)
    times = [float(time_of(sigma)) for sigma in levels]
    hops = origins.hops(kernel)
    walkers = origins.start(hops, times[0], generators)
    fixed = None if read_out is None else origins.fixed()
    exponent = torch.tensor(sharpness or (1.0,), device=kernel.device)
    exponent = exponent.view(-1, *(1,) * kernel.lattice.ndim)
    lengths = [math.log(high / low) for high, low in itertools.pairwise(levels)]
    earlier: Tensor | None = None
    latest: Tensor | None = None
    balance: Tensor | None = None
    reached = -1

    def batch_of(t: float) -> Tensor:
        return torch.full((walkers.batch,), t, device=kernel.device)

    def seen(on_their_way: Tensor, t: float) -> Tensor:
        around = origins.surroundings(hops, t, generators)
        return on_their_way if around is None else on_their_way + around

    for i in visits(levels, repeats):
        sigma, t = levels[i], times[i]
        if i == reached:  # again: walk forward over the step just made
            walkers = sample_forward(walkers, hops, batch_of(t - times[i + 1]), generators)
        else:
            reached, earlier = i, latest
        on_their_way = walkers.occupation()
        occupation = seen(on_their_way, t)
        slope: Tensor | None = None
        if fixed is None or read_out is None or sigma > _HEARD:
            log_h = network(occupation, batch_of(t), kernel, fractions)
        else:
            log_h, slope = evidence(read_out, occupation, batch_of(t), kernel, fractions, fixed)
            require_finite_output(slope, "evidence of known material", sigma)
        require_finite_output(log_h, "potential", sigma)
        if observe is not None:
            observe(Visit(sigma, occupation, log_h))
        ahead = log_h
        if earlier is not None:
            ahead = extrapolate(log_h, earlier, lengths[i] / lengths[i - 1])
        ahead = exponent * ahead
        if slope is not None:
            ahead = ahead + slope
        if guide is not None:
            ahead = guided_potential(ahead, guide, occupation, hops, sigma)
        require_finite_output(ahead, "potential within the step", sigma)
        ahead, balance = origins.restrict(ahead, on_their_way, hops, t, balance)
        walkers = sample_bridge_step(walkers, ahead, hops, t, times[i + 1], generators)
        latest = log_h

    def read(sigma: float) -> Tensor:
        t = float(time_of(sigma))
        occupation = seen(walkers.occupation(), t)
        if read_out is None:
            log_h = network(occupation, batch_of(t), kernel, fractions)
            scores = phase_scores(expected_occupation(occupation, log_h, hops, t))
        else:
            log_h, scores = read_out(occupation, batch_of(t), kernel, fractions)
        require_finite_output(scores, "phase probabilities", sigma)
        if observe is not None:
            observe(Visit(sigma, occupation, log_h))
        return scores if guide is None else guided_scores(scores, guide, sigma)

    scores = read(levels[-1])
    for sigma in redraws:
        drawn = origins.assign(perturbed(scores, generators), generators)
        walkers = origins.walkers(drawn.phase, kernel)
        noised = batch_of(float(time_of(sigma)))
        walkers = sample_forward(walkers, hops, noised, generators, by_place=True)
        scores = read(sigma)
    return origins.assign(scores, generators)


def visits(levels: Sequence[float], repeats: int) -> list[int]:
    """Levels that are left by a step, in order; those between `_AGAIN` come several times.

    Examples
    --------
    >>> visits([20.0, 5.0, 2.0, 0.5], 2)
    [0, 1, 1, 2, 2]
    """
    low, high = _AGAIN
    return [
        i
        for i, sigma in enumerate(levels[:-1])
        for _ in range(repeats if low <= sigma <= high else 1)
    ]


def extrapolate(log_h: Tensor, earlier: Tensor, ratio: float) -> Tensor:
    """Log h as it stands `LEAD` of the way into the next step, on the line through its last values.

    While walkers move, the network would sharpen h along with them; a step that keeps the h of
    its start misses that, and material comes out too little clustered. Taking h from within the
    step, in log sigma, makes up for it without a further evaluation.

    Parameters
    ----------
    log_h, earlier : Tensor
        Logarithm of the potential now, and at the level before.
    ratio : float
        Length of the next step over that of the last one, in log sigma.

    Examples
    --------
    >>> extrapolate(torch.tensor([3.0]), torch.tensor([1.0]), 1.0)
    tensor([4.2000])
    """
    return log_h + LEAD * ratio * (log_h - earlier)
