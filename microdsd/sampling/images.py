"""Images: walkers back in time along bridges, to the very end."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from microdsd.models.plan import WalkPlan
from microdsd.process.octaves import Octaves
from microdsd.sampling.conditioned import ConditionedNetwork
from microdsd.sampling.lattices import Lattices
from microdsd.sampling.origins import Anywhere
from microdsd.sampling.walk_back import walk_back


def sample_images(
    network: ConditionedNetwork,
    box: Octaves,
    counts: Tensor,
    plan: WalkPlan,
    generators: Sequence[torch.Generator],
) -> Tensor:
    """Generate images whose channels have exactly the given total intensities.

    A voxel of an image may hold any number of walkers, so nothing has to be assigned: from the
    last level every walker's origin is drawn from the exact law of the bridge. Draws are
    independent, which speckles as much as walkers move in the last step; that is why images
    are walked down to lower levels than microstructures.

    Parameters
    ----------
    network : ConditionedNetwork
    box : Octaves
        Its device is where all work happens.
    counts : Tensor of int, shape (batch, channels)
        Total intensities.
    plan : WalkPlan
        Images are not drawn again: it has no redraws.
    generators : sequence of torch.Generator
        One per sample: sample i depends on its own generator alone.

    Returns
    -------
    Tensor, shape (batch, channels, *space)
        Intensities.
    """
    lattices = Lattices(box, box)
    potential = network.potential(plan, lattices)
    steps = [*plan.steps(), (plan.levels[-1], 0.0)]
    return walk_back(potential, lattices, Anywhere(counts), steps, generators).occupation()
