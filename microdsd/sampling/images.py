"""Images: walkers back in time along bridges, to the very end."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from microdsd.networks.base import PotentialNetwork
from microdsd.process.bridge import sample_bridge_step
from microdsd.process.kernel import TransitionKernel
from microdsd.process.noise import time_of
from microdsd.process.walk import sample_uniform
from microdsd.sampling.bridge_sampler import Visit, extrapolate
from microdsd.sampling.finite import require_finite_output


def sample_images(
    network: PotentialNetwork,
    kernel: TransitionKernel,
    counts: Tensor,
    levels: Sequence[float],
    generators: Sequence[torch.Generator],
    *,
    fractions: Tensor | None = None,
    observe: Callable[[Visit], None] | None = None,
) -> Tensor:
    """Generate images whose channels have exactly the given total intensities.

    A voxel of an image may hold any number of walkers, so nothing has to be assigned: from the
    last level every walker's origin is drawn from the exact law of the bridge. Draws are
    independent, which speckles as much as walkers move in the last step; that is why images
    are walked down to lower levels than microstructures.

    Parameters
    ----------
    network : PotentialNetwork
    kernel : TransitionKernel
        Of the box; its device is where all work happens.
    counts : Tensor of int, shape (batch, channels)
        Total intensities.
    levels : sequence of float
        Decreasing noise levels, voxels; one network evaluation each.
    generators : sequence of torch.Generator
        One per sample: sample i depends on its own generator alone.
    fractions : Tensor, shape (batch, channels), optional
        Mean intensities that the network is told.
    observe : callable, optional
        Shown every level after its network evaluation.

    Returns
    -------
    Tensor, shape (batch, channels, *space)
        Intensities.
    """
    walkers = sample_uniform(counts, kernel.lattice, generators)
    times = [float(time_of(sigma)) for sigma in levels]
    lengths = [math.log(high / low) for high, low in itertools.pairwise(levels)]
    earlier: Tensor | None = None
    for i, (t, s) in enumerate(itertools.pairwise([*times, 0.0])):
        occupation = walkers.occupation()
        at = torch.full((len(counts),), t, device=kernel.device)
        log_h = network(occupation, at, kernel, fractions)
        require_finite_output(log_h, "potential", levels[i])
        if observe is not None:
            observe(Visit(levels[i], occupation, log_h))
        ahead = log_h
        if earlier is not None and s > 0:
            ahead = extrapolate(log_h, earlier, lengths[i] / lengths[i - 1])
            require_finite_output(ahead, "potential within the step", levels[i])
        walkers = sample_bridge_step(walkers, ahead, kernel, t, s, generators)
        earlier = log_h
    return walkers.occupation()
