"""What the network of the last draw learns: phases of hidden voxels of noised windows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from microdsd.networks.base import ReadOut
from microdsd.process.sublattices import turns
from microdsd.training.noised_batch import NoisedBatch
from microdsd.training.objective import OriginObjective

_MASKS = 2
"""Draws of the hidden voxels for every noised window: reading it out costs as much as two steps."""

_KNOWN = 0.25
"""Share of the windows in which a box of voxels is known, as next to known material."""


class LastDrawObjective:
    """Maximise the likelihood of the voxels that are not drawn yet, each given those that are.

    As many sublattices are drawn as chance has it, from none to all but one. The gain is in nats
    per hidden voxel, over what the read-out says.

    Parameters
    ----------
    read_out : ReadOut
        Trained before; it stays as it is.
    sigma_min, sigma_max : float
        Range of the noise levels, voxels.
    """

    def __init__(self, read_out: ReadOut, sigma_min: float, sigma_max: float) -> None:
        self._read_out = read_out
        self._levels = OriginObjective(sigma_min, sigma_max)
        self.settings: Mapping[str, str] = {}

    def draw_times(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Draw times; see `microdsd.training.objective.Objective`."""
        return self._levels.draw_times(n, rng)

    def loss(self, network: Callable[..., Tensor], batch: NoisedBatch) -> Tensor:
        """Return the cross entropy (batch,) of hidden voxels, nats each."""
        log_p, phase = self._read(batch), _phases(batch)
        losses = []
        for _ in range(_MASKS):
            drawn = _drawn(phase.shape[1:], batch.generators)
            given = network(log_p, phase, drawn, *batch.shown_of_composition)
            losses.append(_hidden(given, phase, drawn))
        return torch.stack(losses).mean(0)

    def gain(self, network: Callable[..., Tensor], batch: NoisedBatch) -> Tensor:
        """Return the gain (batch,); see `microdsd.training.objective.Objective`."""
        log_p, phase = self._read(batch), _phases(batch)
        drawn = _drawn(phase.shape[1:], batch.generators)
        given = network(log_p, phase, drawn, *batch.shown_of_composition)
        return _hidden(log_p, phase, drawn) - _hidden(given, phase, drawn)

    def _read(self, batch: NoisedBatch) -> Tensor:
        with torch.no_grad():
            _, log_p = self._read_out(*batch.shown)
        return log_p


def _phases(batch: NoisedBatch) -> Tensor:
    """Return the phases (batch, *space) of the windows, 0 for the background."""
    species = batch.occupation_0.shape[1]
    number = torch.arange(1, 1 + species, device=batch.t.device)
    return torch.einsum("bc...,c->b...", batch.occupation_0.long(), number)


def _drawn(space: Sequence[int], generators: Sequence[torch.Generator]) -> Tensor:
    """Draw which voxels are drawn already, (batch, *space); never all of them."""
    return torch.stack([_drawn_of_one(space, generator) for generator in generators])


def _drawn_of_one(space: Sequence[int], generator: torch.Generator) -> Tensor:
    turn = turns(space, generator)
    device = turn.device
    number = torch.randint(1 << len(space), (), generator=generator, device=device)
    drawn = turn < number
    ends = torch.rand(1 + 2 * len(space), generator=generator, device=device)
    if ends[0] < _KNOWN:
        known = torch.ones_like(drawn)
        for axis, length in enumerate(space):
            low, high = ends[1 + 2 * axis : 3 + 2 * axis].sort().values * length
            place = torch.arange(length, device=device) + 0.5
            inside = (low < place) & (place < high)
            known &= inside.view(-1, *(1,) * (len(space) - 1 - axis))
        known.view(-1)[0] = False
        drawn |= known
    return drawn


def _hidden(log_p: Tensor, phase: Tensor, drawn: Tensor) -> Tensor:
    """Return the cross entropy (batch,) of the voxels that are not drawn."""
    surprise = -log_p.gather(1, phase.unsqueeze(1)).squeeze(1)
    hidden = ~drawn
    return (surprise * hidden).flatten(1).sum(1) / hidden.flatten(1).sum(1)
