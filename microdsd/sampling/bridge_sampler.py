"""The bridge sampler: tens of network evaluations, exact steps between them, exact counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from microdsd.networks.base import PotentialNetwork
from microdsd.process.bridge import expected_occupation, sample_bridge_step
from microdsd.process.kernel import TransitionKernel
from microdsd.process.noise import time_of
from microdsd.process.walk import sample_uniform
from microdsd.sampling.assignment import assign_phases, phase_scores


@dataclass(frozen=True)
class Generated:
    """Samples of one batch.

    Parameters
    ----------
    phase : Tensor of int64, shape (batch, *space)
        0 is the background, c + 1 is species c.
    reassigned : Tensor of int64, shape (batch,)
        Voxels whose phase is not the one most probable there: what exact counts cost.
    states : list of (sigma, Tensor)
        Occupation numbers (batch, species, *space) at the noise levels of the grid; empty
        unless asked for.
    """

    phase: Tensor
    reassigned: Tensor
    states: list[tuple[float, Tensor]] = field(default_factory=list)


def sample_bridges(
    network: PotentialNetwork,
    kernel: TransitionKernel,
    counts: Tensor,
    levels: Sequence[float],
    generators: Sequence[torch.Generator],
    *,
    fractions: Tensor | None = None,
    keep_states: bool = False,
    on_evaluation: Callable[[], None] | None = None,
) -> Generated:
    """Generate microstructures with exactly the given counts.

    Walkers start uniform at the first level, step from level to level by the exact law of the
    bridge under the predicted potential, and are assigned to voxels at the last level.

    Parameters
    ----------
    network : PotentialNetwork
    kernel : TransitionKernel
        Of the box; its device is where all work happens.
    counts : Tensor of int, shape (batch, species)
    levels : sequence of float
        Decreasing noise levels, voxels; one network evaluation each.
    generators : sequence of torch.Generator
        One per sample: sample i depends on its own generator alone.
    fractions : Tensor, shape (batch, species), optional
        What the network is told of the composition.
    keep_states : bool
        Keep the occupation numbers at every level.
    on_evaluation : callable, optional
        Called after every network evaluation.
    """
    lattice = kernel.lattice
    walkers = sample_uniform(counts, lattice, generators)
    states: list[tuple[float, Tensor]] = []
    times = [float(time_of(sigma)) for sigma in levels]
    for i, (sigma, t) in enumerate(zip(levels, times, strict=True)):
        occupation = walkers.occupation()
        if keep_states:
            states.append((sigma, occupation.cpu()))
        log_h = network(
            occupation, torch.full((len(counts),), t, device=kernel.device), kernel, fractions
        )
        if on_evaluation is not None:
            on_evaluation()
        if i + 1 < len(times):
            walkers = sample_bridge_step(walkers, log_h, kernel, t, times[i + 1], generators)
    expected = expected_occupation(occupation, log_h, kernel, times[-1])

    phase = torch.empty(len(counts), lattice.n_sites, dtype=torch.int64, device=kernel.device)
    reassigned = torch.empty(len(counts), dtype=torch.int64)
    for i, generator in enumerate(generators):
        scores = phase_scores(expected[i].flatten(1))
        background = lattice.n_sites - counts[i].sum(0, keepdim=True)
        phase[i] = assign_phases(scores, torch.cat([background, counts[i]]), generator)
        reassigned[i] = (phase[i] != scores.argmax(0)).sum()
    return Generated(phase.view(-1, *lattice.shape), reassigned, states)
