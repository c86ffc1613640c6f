"""The joint last draw: phases in passes, each given the voxels that were drawn before.

A read-out gives every voxel probabilities of its own. Drawn from these, neighbours know nothing of
one another and surfaces are speckled; the most probable phases make them flat. Here voxels are
drawn in turns, sublattice by sublattice, and the network of the last draw is asked anew before
each: every pass assigns all voxels that are left, with exactly the counts that are left, and keeps
the phases of those whose turn it is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from microdsd.networks.last_draw import Given
from microdsd.process.sublattices import turns
from microdsd.sampling.assignment import Generated, perturbed
from microdsd.sampling.origins import Origins

HELD = 1e4
"""Lead of the phase of a drawn voxel, which no exact count is worth giving up."""

LEAST = 0.01
"""Probability below which phases are not drawn. Networks learn small probabilities last, and are
too generous with them: in the many voxels far from any surface that makes loose voxels
(docs/decisions/0029)."""

LEAST_BEFORE_REDRAW = {2: 0.2, 3: 0.1}
"""The same of a draw that is noised and drawn again, by the number of axes. At the end of a walk
there are loose walkers, which moved independently: drawn as they are they would stay. In 2D fewer
neighbours speak against them (docs/decisions/0032 and 0033)."""

_LEFT_OUT = 30.0


def draw_in_passes(
    remaining: Given,
    origins: Origins,
    space: Sequence[int],
    passes: int,
    temperature: float,
    generators: Sequence[torch.Generator],
    least: float = LEAST,
) -> Generated:
    """Draw the phases of all voxels, with exact counts.

    Parameters
    ----------
    remaining : callable
        Asked once per pass.
    origins : Origins
        Its known voxels are there before the first pass.
    space : sequence of int
        Voxels per axis.
    passes : int
        As many as there are sublattices, see `turns`; with fewer, several take their turn together.
    temperature : float
        Of every draw, see `perturbed`.
    generators : sequence of torch.Generator
        One per sample: sample i depends on its own generator alone.
    least : float
        Probability below which phases are not drawn.
    """
    turn = torch.stack([turns(space, generator) for generator in generators]) % passes
    phase, drawn = origins.settled(space)
    reassigned = torch.zeros(len(turn), dtype=torch.int64, device=turn.device)
    for number in range(passes):
        scores = probable(remaining(phase, drawn).log_softmax(1), least)
        scores = _holding(perturbed(scores, generators, temperature), phase, drawn)
        assigned = origins.assign(scores, generators).phase
        now = (turn == number) & ~drawn
        reassigned += (now & (assigned != scores.argmax(1))).flatten(1).sum(1)
        phase = torch.where(now, assigned, phase)
        drawn = drawn | now
    return Generated(phase, reassigned)


def probable(log_p: Tensor, least: float) -> Tensor:
    """Return log probabilities that leave improbable phases out, where counts allow it."""
    if least == 0:
        return log_p
    return torch.where(log_p < math.log(least), log_p - _LEFT_OUT, log_p)


def _holding(scores: Tensor, phase: Tensor, drawn: Tensor) -> Tensor:
    """Return scores by which drawn voxels keep their phases in any assignment."""
    keeps = torch.zeros_like(scores).scatter_(1, phase.unsqueeze(1), HELD)
    return torch.where(drawn.unsqueeze(1), keeps, scores)
