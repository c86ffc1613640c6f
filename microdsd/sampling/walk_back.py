"""The walk back in time: one loop for phases and images, whatever their potential and lattices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from microdsd.process.walk import Walkers
from microdsd.sampling.finite import require_finite_output
from microdsd.sampling.lattices import Lattices
from microdsd.sampling.origins import Origins
from microdsd.sampling.particles import Chooser
from microdsd.sampling.potentials import Potential, State


def walk_back(
    potential: Potential,
    lattices: Lattices,
    origins: Origins,
    steps: Sequence[tuple[float, float]],
    generators: Sequence[torch.Generator],
    choose: Chooser | None = None,
) -> Walkers:
    """Walk walkers back from the horizon to the last noise level of a plan.

    They start as `Origins.start` says and make every step by the exact law of the bridge under the
    potential. A step that is the one before once more is repeated: walkers first walk forward over
    it.

    Parameters
    ----------
    potential : Potential
        Asked once per step, at its beginning.
    lattices : Lattices
    origins : Origins
        Where walkers may come from, and known material that walks beside them.
    steps : sequence of (float, float)
        Noise levels, voxels, at the beginning and the end of every step; see `WalkPlan.steps`.
    generators : sequence of torch.Generator
        One per sample: sample i depends on its own generator alone.
    choose : Chooser, optional
        Asked after the potential which walks of the batch go on.

    Returns
    -------
    Walkers
        At the end of the last step.

    Raises
    ------
    NonFiniteNetworkError
        If a potential is not finite; names the noise level.
    """
    first = steps[0][0]
    walkers = origins.start(lattices, first, generators)
    balance = before = None
    for step in steps:
        high, low = step
        if step == before:
            walkers = lattices.forward(walkers, low, high, generators)
        before = step
        moving = walkers.occupation()
        state = state_of(moving, high, lattices, origins, generators)
        log_h = potential(state)
        require_finite_output(log_h, "potential within the step", high)
        chosen = None if choose is None else choose(state, log_h, lattices)
        if chosen is not None:
            potential.follow(chosen)
            moving, log_h = moving[chosen], log_h[chosen]
            walkers = Walkers.of(moving, walkers.lattice)
            balance = None if balance is None else balance[chosen]
        walking = replace(state, occupation=moving)
        log_h, balance = origins.restrict(log_h, walking, lattices, balance)
        walkers = lattices.back(walkers, log_h, high, low, generators)
    return walkers


def state_of(
    occupation: Tensor,
    sigma: float,
    lattices: Lattices,
    origins: Origins,
    generators: Sequence[torch.Generator],
) -> State:
    """Return the state of the walk at a noise level: walkers, and known material as noisy."""
    known = origins.surroundings(lattices, sigma, generators)
    if known is not None:
        occupation = occupation + known
    return State(sigma, occupation, lattices.kernel(sigma))
