"""From expected occupations to one phase per voxel, with exactly the counts asked for.

Maximise the sum over voxels y of score[p(y), y] over all assignments p in which phase k has
exactly N_k voxels: a transport problem with P supplies. Its dual has one offset mu_k per phase,
and p(y) = argmax_k score[k, y] + mu_k is optimal for the counts that it produces. Offsets are
found phase by phase; voxels that ties leave over move along cheapest chains of phases, which
keeps every intermediate assignment optimal for its own counts. Memory is linear in voxels.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor

from microdsd.errors import InputError

_SWEEPS = 60
_SCORE_FLOOR = 1e-6
"""Smallest expected occupation that is told apart from none."""


def phase_scores(expected: Tensor) -> Tensor:
    """Log-probability scores (phases, voxels) from expected occupations (species, voxels).

    Row 0 is the background, whose expectation is what the species leave of the voxel.
    """
    rest = 1 - expected.sum(0, keepdim=True)
    return torch.cat([rest, expected]).clamp_min(_SCORE_FLOOR).log()


def assign_phases(scores: Tensor, counts: Tensor, generator: torch.Generator) -> Tensor:
    """Phase of every voxel: the largest total score among assignments with exact counts.

    Parameters
    ----------
    scores : Tensor, shape (phases, voxels)
        Finite.
    counts : Tensor of int, shape (phases,)
        Voxels of every phase; sums to the number of voxels.
    generator : torch.Generator
        Breaks ties without favouring any place in the box.

    Returns
    -------
    Tensor of int64, shape (voxels,)

    Raises
    ------
    InputError
        If the counts do not fill the box.

    Examples
    --------
    >>> scores = torch.tensor([[0.0, 0.0, 0.0, 0.0], [0.3, -0.1, 0.2, -0.4]])
    >>> assign_phases(scores, torch.tensor([1, 3]), torch.Generator()).tolist()
    [1, 1, 1, 0]
    """
    counts = counts.to(scores.device)
    voxels = scores.shape[1]
    if int(counts.sum()) != voxels or bool((counts < 0).any()):
        raise InputError(
            f"counts={counts.tolist()}: give non-negative counts that sum to the {voxels} voxels"
        )
    shuffle = torch.randperm(voxels, generator=generator, device=generator.device)
    scores = scores.double()[:, shuffle]
    offsets = _dual_offsets(scores, counts)
    label = (scores + offsets[:, None]).argmax(0)
    _move_surplus(scores, counts, label)
    return torch.empty_like(label).scatter_(0, shuffle, label)


def _dual_offsets(scores: Tensor, counts: Tensor) -> Tensor:
    """Offsets mu whose argmax gives the counts, up to ties: coordinate ascent on the dual."""
    phases, voxels = scores.shape
    offsets = scores.new_zeros(phases)
    for _ in range(_SWEEPS):
        for k in range(1, phases):
            shifted = scores + offsets[:, None]
            shifted[k] = -torch.inf
            margin = scores[k] - shifted.amax(0)
            wanted = int(counts[k])
            if wanted == 0:
                offsets[k] = -margin.amax() - 1.0
            elif wanted == voxels:
                offsets[k] = -margin.amin() + 1.0
            else:
                # Midway between the last voxel wanted and the first one not wanted.
                ranked = margin.topk(wanted + 1).values if 2 * wanted < voxels else None
                if ranked is None:
                    ranked = margin.sort(descending=True).values
                offsets[k] = -(ranked[wanted - 1] + ranked[wanted]) / 2
        label = (scores + offsets[:, None]).argmax(0)
        if torch.equal(torch.bincount(label, minlength=phases), counts):
            break
    return offsets


def _move_surplus(scores: Tensor, counts: Tensor, label: Tensor) -> None:
    """Move voxels from phases with too many to phases with too few, in place, at least cost."""
    phases = len(scores)
    while True:
        surplus = torch.bincount(label, minlength=phases) - counts
        if not bool(surplus.any()):
            return
        cost = torch.full((phases, phases), torch.inf, dtype=torch.float64)
        for a in range(phases):
            held = label == a
            if bool(held.any()):
                loss = scores[a, held] - scores[:, held]
                cost[a] = loss.amin(1).cpu()
        cost.fill_diagonal_(0.0)
        chain = _cheapest_chain(cost, surplus.tolist())
        links = list(itertools.pairwise(chain))
        # Voxels that cost the same move together, as many as every link of the chain allows.
        movable = [
            ((label == a) & (scores[a] - scores[b] <= float(cost[a, b]))).nonzero().squeeze(1)
            for a, b in links
        ]
        n = min(
            int(surplus[chain[0]]), -int(surplus[chain[-1]]), *(len(voxel) for voxel in movable)
        )
        for (_, b), voxel in zip(links, movable, strict=True):
            label[voxel[:n]] = b


def _cheapest_chain(cost: Tensor, surplus: list[int]) -> list[int]:
    """Cheapest chain of phases from one with a surplus to one with a deficit (Bellman-Ford)."""
    phases = len(surplus)
    distance = [0.0 if extra > 0 else float("inf") for extra in surplus]
    before = [-1] * phases
    for _ in range(phases - 1):
        for a in range(phases):
            for b in range(phases):
                through = distance[a] + float(cost[a, b])
                if through < distance[b] - 1e-12:
                    distance[b], before[b] = through, a
    end = min((k for k in range(phases) if surplus[k] < 0), key=distance.__getitem__)
    chain = [end]
    while before[chain[0]] >= 0:
        chain.insert(0, before[chain[0]])
    return chain
