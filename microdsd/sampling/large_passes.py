"""The joint last draw of a large box, tile by tile; see `microdsd.sampling.passes`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from microdsd.process.sublattices import sublattices
from microdsd.sampling.large_assignment import assign, improbable, perturb
from microdsd.sampling.passes import HELD, probable

RemainingParts = Callable[[Tensor, Tensor], Iterator[tuple[tuple[slice, ...], Tensor]]]
"""Yields sites and log odds (species, *sites), given the phases drawn and where they are."""


@dataclass(frozen=True)
class Passes:
    """Draw the phases of a large box in passes, with exact counts.

    Attributes
    ----------
    counts : Tensor of int, shape (species,)
    layers : sequence of slice
        That are looked at together; they cover the box.
    order : Tensor of int64, shape (2^axes,)
        In which turn every sublattice is taken.
    number : int
        Of passes; with fewer than sublattices, several of them take their turn together.
    temperature : float
        Of every draw.
    least : float
        Probability below which phases are not drawn.
    keys : sequence of Tensor
        Two of every pass: of its draw and of its ties.
    """

    counts: Tensor
    layers: Sequence[slice]
    order: Tensor
    number: int
    temperature: float
    least: float
    keys: Sequence[Tensor]

    def draw(self, number: int, remaining: RemainingParts, phase: Tensor) -> int:
        """Make one pass, in place; count the voxels that got another phase than the best.

        Parameters
        ----------
        number : int
            From 0 on. The voxels of the passes before are drawn.
        remaining : callable
        phase : Tensor of uint8, shape (*space)
        """
        log_odds = phase.new_empty((len(self.counts), *phase.shape), dtype=torch.float32)
        drawn = torch.empty_like(phase, dtype=torch.bool)
        for part in self.layers:
            drawn[part] = self._turn(phase, part) < number
        for sites, given in remaining(phase, drawn):
            log_p = torch.cat([torch.zeros_like(given[:1]), given]).log_softmax(0)
            log_p = probable(log_p, self.least)
            log_odds[(slice(None), *sites)] = log_p[1:] - log_p[:1]
        draw_key, ties = self.keys[2 * number : 2 * number + 2]
        if self.temperature:
            perturb(log_odds, self.layers, draw_key, self.temperature)
        for part in self.layers:
            self._hold(log_odds[:, part], phase[part], drawn[part])
        assigned = assign(log_odds, self.counts, self.layers, ties)
        moved = 0
        for part in self.layers:
            now = self._turn(phase, part) == number
            moved += int((now & improbable(log_odds, assigned, part)).sum())
            phase[part] = torch.where(now, assigned[part], phase[part])
        return moved

    def _turn(self, phase: Tensor, layers: slice) -> Tensor:
        """Return the turns of the voxels of some layers."""
        shape = phase[layers].shape
        return self.order[sublattices(shape, phase.device, layers.start)] % self.number

    @staticmethod
    def _hold(log_odds: Tensor, phase: Tensor, drawn: Tensor) -> None:
        """Make drawn voxels keep their phases in any assignment, in place."""
        for c, odds in enumerate(log_odds, start=1):
            odds.masked_fill_(drawn & (phase == c), HELD)
            odds.masked_fill_(drawn & (phase != c), -HELD)
