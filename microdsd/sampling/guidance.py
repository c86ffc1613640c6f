"""Guidance: a positive field that weighs the potential, and so cannot change a count.

What a walker's origin may be is weighed by h. To multiply h by any positive field leaves a
potential, walkers that are conserved and steps that are exact for it: the composition stays what
was asked for, whatever the guide wants.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from microdsd.process.blocks import block_means, site_volumes, spread
from microdsd.sampling.finite import require_guide_weights
from microdsd.sampling.lattices import Lattices
from microdsd.sampling.potentials import Potential, State

Guide = Callable[[Tensor, float], Tensor]
"""From the expected material (batch, phases, *space) at a noise level sigma, voxels, to the
logarithm of a weight for every phase on every voxel, of the same shape. The background comes
first; the expectations of a voxel's phases sum to one."""

_MOST = 25.0
"""Largest logarithm of a weight: half of what float32 can tell apart in a potential."""


class Guided:
    """Multiply a potential by the guide's weight of a species over the background.

    Parameters
    ----------
    potential : Potential
        Also says what material is expected, which is what the guide is shown: on a lattice of
        blocks, all voxels of a block alike, and its weights are averaged over the block.
    guide : Guide
    lattices : Lattices
    """

    def __init__(self, potential: Potential, guide: Guide, lattices: Lattices) -> None:
        self._potential, self._guide, self._lattices = potential, guide, lattices

    def __call__(self, state: State) -> Tensor:
        """Return log h (batch, species, *space) plus the logarithms of the weights."""
        log_h = self._potential(state)
        lattice = state.kernel.lattice
        expected = self._lattices.expected(state, log_h)
        if lattice.block > 1:
            expected = spread(expected / site_volumes(lattice, expected.device), lattice)
        expected = expected.clamp(0, 1)
        expected = expected / expected.sum(1, keepdim=True).clamp_min(1.0)
        shares = torch.cat([1 - expected.sum(1, keepdim=True), expected], 1)
        weight = block_means(_weights(self._guide, shares, state.sigma), lattice)
        return log_h + (weight[:, 1:] - weight[:, :1]).clamp(-_MOST, _MOST)

    def follow(self, walks: Tensor) -> None:
        """Keep what belongs to chosen walks."""
        self._potential.follow(walks)


def guided_scores(scores: Tensor, guide: Guide, sigma: float) -> Tensor:
    """Add the guide's weights to scores (batch, phases, *space) of the assignment."""
    return scores + _weights(guide, scores.softmax(1), sigma).clamp(-_MOST, _MOST)


def _weights(guide: Guide, expected: Tensor, sigma: float) -> Tensor:
    """Return the guide's weights, with differences that are numbers."""
    weight = guide(expected, sigma)
    require_guide_weights(weight, expected, sigma)
    return weight.clamp(torch.finfo(weight.dtype).min / 4, torch.finfo(weight.dtype).max / 4)


def descend(
    objective: Callable[[Tensor], Tensor], strength: float, *, below: float = float("inf")
) -> Guide:
    """Guide down the gradient of a differentiable objective of the expected material.

    The weight is exp(-strength dJ/dp): to first order, each sample's probability is multiplied by
    exp(-strength J), the maximum-entropy way to lower J.

    Parameters
    ----------
    objective : callable
        From the expected material (batch, phases, *space) to one number per sample (batch,).
    strength : float
        In units of one over the objective; negative raises it.
    below : float
        Noise level, voxels, above which nothing is done: an objective of sharp interfaces has no
        meaning while all is blurred.

    Examples
    --------
    >>> guide = descend(lambda p: (p[:, 1] ** 2).sum(-1), 3.0)
    >>> guide(torch.tensor([[[0.5, 1.0], [0.5, 0.0]]]), 1.0).tolist()
    [[[-0.0, -0.0], [-3.0, -0.0]]]
    """

    def guide(expected: Tensor, sigma: float) -> Tensor:
        if sigma > below:
            return torch.zeros_like(expected)
        # Samplers run in inference mode, whose tensors autograd cannot follow.
        with torch.inference_mode(False), torch.enable_grad():
            p = expected.clone().requires_grad_(True)
            (slope,) = torch.autograd.grad(objective(p).sum(), p)
        return -strength * slope

    return guide
