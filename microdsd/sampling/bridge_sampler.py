"""The bridge sampler: tens of network evaluations, exact steps between them, exact counts."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from microdsd.models.plan import WalkPlan
from microdsd.process.octaves import Octaves
from microdsd.sampling.assignment import Generated, perturbed
from microdsd.sampling.conditioned import ConditionedNetwork
from microdsd.sampling.lattices import Lattices
from microdsd.sampling.origins import Anywhere, Origins
from microdsd.sampling.passes import LEAST, LEAST_BEFORE_REDRAW, draw_in_passes
from microdsd.sampling.walk_back import state_of, walk_back


def sample_bridges(
    network: ConditionedNetwork,
    box: Octaves,
    origins: Tensor | Origins,
    plan: WalkPlan,
    generators: Sequence[torch.Generator],
) -> Generated:
    """Generate microstructures with exactly the given counts.

    Walkers start uniform at the first level, step from level to level by the exact law of the
    bridge under the predicted potential, and are assigned to voxels at the last level. The
    potential of a step is the one expected in the midst of it (`extrapolate`).

    Walkers move independently within a step, and leave gaps where none happens to be. A redraw
    mends them: phases are drawn voxel by voxel with exact counts, walk forward for a little
    while, by the exact kernel, and are read out again. In plans with passes both draws are
    joint, see `microdsd.sampling.passes`.

    Parameters
    ----------
    network : ConditionedNetwork
    box : Octaves
        The lattices of the box; their device is where all work happens.
    origins : Tensor of int, shape (batch, species), or Origins
        Counts of the whole box; or known material, or regions with counts of their own.
    plan : WalkPlan
    generators : sequence of torch.Generator
        One per sample: sample i depends on its own generator alone.

    Raises
    ------
    NonFiniteNetworkError
        If the network returns what is not a finite number; names the noise level.
    InputError
        If the guide does.
    """
    if isinstance(origins, Tensor):
        origins = Anywhere(origins)
    lattices = Lattices(box, origins.walk(box))
    potential = network.potential(plan, lattices, origins.fixed())
    walkers = walk_back(potential, lattices, origins, plan.steps(), generators, network.choose)
    state = state_of(walkers.occupation(), plan.levels[-1], lattices, origins, generators)

    log_p = network.log_p(state, lattices)

    def draw(temperature: float, least: float) -> Generated:
        if not plan.passes:
            scores = network.guided(log_p, state.sigma)
            return origins.assign(perturbed(scores, generators, temperature), generators)
        remaining = network.remaining(state, log_p)
        space = state.kernel.lattice.shape
        return draw_in_passes(
            remaining, origins, space, plan.passes, temperature, generators, least
        )

    for sigma in plan.redraws:
        drawn = draw(1.0, LEAST_BEFORE_REDRAW[lattices.voxels.ndim])
        walkers = origins.walkers(drawn.phase, lattices.voxels)
        walkers = lattices.forward(walkers, 0.0, sigma, generators, by_place=True)
        state = state_of(walkers.occupation(), sigma, lattices, origins, generators)
        log_p = network.log_p(state, lattices)
    return draw(plan.temperature, LEAST)
