"""Any number of phases of a large box with exact counts: offsets from sums over its layers.

The dual of `microdsd.sampling.assignment` needs sums over voxels only, so Newton's method goes
through the layers, pass by pass, while the temperature falls. Once there are few voxels whose best
phase is not clear, these alone are assigned in memory, with the counts that the others leave.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from microdsd.sampling.assignment import (
    CLEAR,
    COOLING,
    NEWTON_STEPS,
    assign_phases,
    newton_step,
)

MOST_UNCLEAR = 1 << 23
"""Voxels that are assigned in memory."""

_COLDEST = 1e-6
"""Temperature at which voxels are assigned in memory, however many are not clear."""

Scores = Callable[[slice], Tensor]
"""Of some layers: scores (phases, layers, *across), finite float32."""


def best_phases(
    scores: Scores,
    counts: Tensor,
    shape: Sequence[int],
    layers: Sequence[slice],
    generator: torch.Generator,
    most: int = MOST_UNCLEAR,
) -> Tensor:
    """Assign the phases with the largest total score among those with exact counts.

    Parameters
    ----------
    scores : callable
        Asked many times for the same layers, and has to give the same.
    counts : Tensor of int64, shape (phases,)
        Voxels of every phase; sums to the voxels of the box.
    shape : sequence of int
        Of the box.
    layers : sequence of slice
        That are looked at together; they cover the box.
    generator : torch.Generator
        Breaks ties.
    most : int
        Voxels that are assigned in memory.

    Returns
    -------
    Tensor of uint8, shape (*space)

    Examples
    --------
    >>> score = torch.tensor([[0.0, 0.0, 0.0, 0.0], [0.3, -0.1, 0.2, -0.4]])
    >>> counts, halves = torch.tensor([1, 3]), [slice(0, 2), slice(2, 4)]
    >>> best_phases(lambda part: score[:, part], counts, (4,), halves, torch.Generator(), most=2)
    tensor([1, 1, 1, 0], dtype=torch.uint8)
    """
    counts = counts.to(generator.device)
    present = (counts > 0).nonzero().squeeze(1)
    passes = _Passes(scores, present, layers)
    offsets, margin, left = _settled(passes, counts[present], most)
    label = torch.empty(tuple(shape), dtype=torch.uint8, device=counts.device)
    names = present.to(torch.uint8)
    unclear = []
    for part, score in passes(offsets):
        phase, clear = _best(score, margin)
        label[part] = names[phase].view(label[part].shape)
        unclear.append(score[:, ~clear])
    if not bool(left.any()):
        return label
    rest = names[assign_phases(torch.cat(unclear, 1), left, generator)]
    begun = 0
    for (part, score), those in zip(passes(offsets), unclear, strict=True):
        _, clear = _best(score, margin)
        end = begun + those.shape[1]
        label[part] = label[part].masked_scatter(~clear.view(label[part].shape), rest[begun:end])
        begun = end
    return label


@dataclass(frozen=True)
class _Passes:
    """Visit the layers of a box once more.

    Attributes
    ----------
    scores : callable
    present : Tensor of int64
        Phases that are asked for.
    layers : sequence of slice
    """

    scores: Scores
    present: Tensor
    layers: Sequence[slice]

    def __call__(self, offsets: Tensor) -> Iterator[tuple[slice, Tensor]]:
        """Yield layers and their scores plus offsets, float64 (phases, voxels)."""
        for part in self.layers:
            score = self.scores(part).index_select(0, self.present).flatten(1).double()
            yield part, score + offsets[:, None]


def _settled(passes: _Passes, counts: Tensor, most: int) -> tuple[Tensor, float, Tensor]:
    """Find offsets, the lead from which on a phase is clear, and the counts of the others."""
    offsets = torch.zeros(len(counts), dtype=torch.float64, device=counts.device)
    spreads = [float((score.amax(0) - score.amin(0)).max()) for _, score in passes(offsets)]
    temperature = max(1.0, *spreads)
    left = counts
    while int(left.sum()) > most and temperature > _COLDEST:
        for _ in range(NEWTON_STEPS):
            held, products = torch.zeros_like(offsets), offsets.new_zeros(2 * [len(offsets)])
            for _, score in passes(offsets):
                share = (score / temperature).softmax(0)
                held += share.sum(1)
                products += share @ share.T
            if float((held - counts).abs().max()) < 0.5:
                break
            offsets = offsets + temperature * newton_step(held, products, counts)
        margin = CLEAR * temperature
        left = counts.clone()
        for _, score in passes(offsets):
            phase, clear = _best(score, margin)
            left -= torch.bincount(phase[clear], minlength=len(counts))
        temperature /= COOLING
    if left is counts or bool((left < 0).any()):  # all fit, or the steps were too few
        return offsets, math.inf, counts
    return offsets, margin, left


def _best(score: Tensor, margin: float) -> tuple[Tensor, Tensor]:
    """Return the best phase of every voxel, and whether it leads by the margin."""
    best = score.topk(min(2, len(score)), dim=0)
    clear = best.values[0] - best.values[-1] > margin
    return best.indices[0], clear
