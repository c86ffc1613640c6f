"""Assignment of a large box: draws and exact counts, layer by layer, from log odds.

Log odds of the phases are to the background, float32 (species, *space). What random numbers decide
goes with the places of the voxels, so that it does not depend on the layers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from microdsd.process.walk import numbered_uniforms
from microdsd.sampling.best_phases import best_phases
from microdsd.sampling.best_voxels import best_voxels


def perturb(
    log_odds: Tensor, layers: Sequence[slice], key: Tensor, temperature: float = 1.0
) -> None:
    """Add what makes the assignment a draw, in place; see `sampling.assignment.perturbed`."""
    across, phases = log_odds[0, 0].numel(), 1 + len(log_odds)
    for part in layers:
        voxel = torch.arange(part.start * across, part.stop * across, device=key.device)
        of_background = _gumbel(key, voxel, phases, 0)
        for c, odds in enumerate(log_odds[:, part]):
            lot = _gumbel(key, voxel, phases, 1 + c) - of_background
            odds += temperature * lot.view(odds.shape)


def assign(log_odds: Tensor, counts: Tensor, layers: Sequence[slice], ties: Tensor) -> Tensor:
    """Assign phases uint8 (*space) with exactly the counts (species,) of all but the background."""
    shape = log_odds.shape[1:]
    if len(log_odds) == 1:
        return best_voxels(lambda part: log_odds[0, part], int(counts[0]), shape, layers, ties)
    background = counts.new_tensor([math.prod(shape)]) - counts.sum()
    generator = torch.Generator(ties.device).manual_seed(int(ties))
    every = torch.cat([background, counts])
    return best_phases(lambda part: scores(log_odds, part), every, shape, layers, generator)


def scores(log_odds: Tensor, layers: slice) -> Tensor:
    """Return scores (phases, layers, *across), those of the background 0."""
    gain = log_odds[:, layers]
    return torch.cat([torch.zeros_like(gain[:1]), gain])


def reassigned(log_odds: Tensor, phase: Tensor, layers: Sequence[slice]) -> int:
    """Count the voxels that got another phase than their most probable one."""
    return sum(int(improbable(log_odds, phase, part).sum()) for part in layers)


def improbable(log_odds: Tensor, phase: Tensor, layers: slice) -> Tensor:
    """Mark voxels of some layers that got another phase than their most probable one."""
    return phase[layers] != scores(log_odds, layers).argmax(0)


def _gumbel(key: Tensor, voxel: Tensor, phases: int, p: int) -> Tensor:
    """Return Gumbel variates of voxels for one of the phases, float32."""
    u = numbered_uniforms(key, voxel, species=phases, c=p)[0].double() + 2.0**-25
    return -(-u.log()).log().float()
