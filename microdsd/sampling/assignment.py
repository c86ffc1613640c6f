"""From expected occupations to one phase per voxel, with exactly the counts asked for.

Maximise the sum over voxels y of score[p(y), y] over all assignments p in which phase k has
exactly N_k voxels: a transport problem with P supplies. Its dual has one offset mu_k per phase,
and p(y) = argmax_k score[k, y] + mu_k is optimal for the counts that it produces. Offsets are
found by Newton's method on the smoothed dual; voxels that ties leave over move along cheapest
chains of phases, which keeps every intermediate assignment optimal for its own counts. Memory
is linear in voxels.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from microdsd.errors import InputError

_SCORE_FLOOR = 1e-6
"""Smallest expected occupation that is told apart from none."""

COOLING, _COLDEST = 8.0, 1e-10
"""Factor between temperatures, and the last one: below what tells float32 scores apart."""

NEWTON_STEPS, LONGEST_STEP = 10, 3.0
"""Most steps at one temperature, and their length in units of it."""

CLEAR = 40.0
"""Lead, in units of the temperature, at which a voxel's best phase is settled."""


def phase_scores(expected: Tensor) -> Tensor:
    """Return log-probability scores (batch, phases, ...) of expected occupations.

    The occupations have the shape (batch, species, ...).

    Phase 0 is the background, whose expectation is what the species leave of the voxel.
    """
    rest = 1 - expected.sum(1, keepdim=True)
    return torch.cat([rest, expected], 1).clamp_min(_SCORE_FLOOR).log()


def perturbed(
    scores: Tensor, generators: Sequence[torch.Generator], temperature: float = 1.0
) -> Tensor:
    """Add Gumbel variates to scores: a voxel's best phase is then a draw from exp(scores).

    With a temperature, from exp(scores / temperature); at 0 the scores are left as they are, and
    no random number is drawn.

    Parameters
    ----------
    scores : Tensor, shape (batch, phases, *space)
        Log probabilities.
    generators : sequence of torch.Generator
        One per sample.
    temperature : float

    References
    ----------
    Maddison, Tarlow and Minka, NeurIPS 27 (2014) 3086, arXiv:1411.0030.
    """
    if temperature == 0:
        return scores
    u = torch.stack(
        [torch.rand(scores.shape[1:], generator=g, device=scores.device) for g in generators]
    )
    tiny = torch.finfo(u.dtype).tiny
    return scores - temperature * (-u.clamp_min(tiny).log()).clamp_min(tiny).log()


@dataclass(frozen=True)
class Generated:
    """Hold the samples of one batch.

    Attributes
    ----------
    phase : Tensor of int64, shape (batch, *space)
        0 is the background, c + 1 is species c.
    reassigned : Tensor of int64, shape (batch,)
        Voxels whose phase is not the one most probable there: what exact counts cost.
    """

    phase: Tensor
    reassigned: Tensor


def assign_walkers(
    scores: Tensor, counts: Tensor, generators: Sequence[torch.Generator]
) -> Generated:
    """Return labels with exact counts (batch, species) from finite scores.

    The scores have the shape (batch, phases, *space).
    """
    space = scores.shape[2:]
    phase = torch.empty(len(counts), space.numel(), dtype=torch.int64, device=scores.device)
    reassigned = torch.empty(len(counts), dtype=torch.int64, device=scores.device)
    for i, generator in enumerate(generators):
        score = scores[i].flatten(1)
        background = space.numel() - counts[i].sum(0, keepdim=True)
        phase[i] = assign_phases(score, torch.cat([background, counts[i]]), generator)
        reassigned[i] = (phase[i] != score.argmax(0)).sum()
    return Generated(phase.view(-1, *space), reassigned)


def assign_phases(scores: Tensor, counts: Tensor, generator: torch.Generator) -> Tensor:
    """Assign a phase to every voxel: the largest total score with exact counts.

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
        If the counts do not fill the box, or scores are not finite: no counts would ever be met.

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
    if not bool(torch.isfinite(scores).all()):
        wrong = int((~torch.isfinite(scores)).sum())
        raise InputError(
            f"scores: {wrong} of {scores.numel()} are NaN or infinite; give finite scores"
        )
    shuffle = torch.randperm(voxels, generator=generator, device=generator.device)
    scores = scores.double()[:, shuffle]
    if len(scores) == 2:
        label = _best_of_two(scores[1] - scores[0], int(counts[1]))
        return torch.empty_like(label).scatter_(0, shuffle, label)
    offsets = _dual_offsets(scores, counts)
    label = (scores + offsets[:, None]).argmax(0)
    _move_surplus(scores, counts, label)
    return torch.empty_like(label).scatter_(0, shuffle, label)


def _best_of_two(gain: Tensor, count: int) -> Tensor:
    """Label 1 where there is most to gain from it, as often as asked for; else 0.

    Of two phases the offset is a quantile; the first ones win a tie.
    """
    label = torch.zeros(len(gain), dtype=torch.int64, device=gain.device)
    if count > 0:
        least = gain.kthvalue(len(gain) - count + 1).values
        label[gain > least] = 1
        ties = (gain == least).nonzero().squeeze(1)
        label[ties[: count - int(label.sum())]] = 1
    return label


def _dual_offsets(scores: Tensor, counts: Tensor) -> Tensor:
    """Return offsets mu whose argmax gives the counts, up to ties; -inf for an absent phase."""
    present = counts > 0
    offsets = scores.new_full((len(scores),), -torch.inf)
    offsets[present] = _cooled_offsets(scores[present], counts[present].to(scores.dtype))
    return offsets


def _cooled_offsets(scores: Tensor, counts: Tensor) -> Tensor:
    """Minimise the dual, smoothed by a temperature that falls to nothing, by Newton's method.

    At temperature T voxels are shared among the phases by softmax((score + mu) / T). Voxels
    whose best phase is clear at T take no part in what follows.
    """
    phases = len(scores)
    offsets = scores.new_zeros(phases)
    if phases == 1:
        return offsets
    temperature = max(1.0, float((scores.amax(0) - scores.amin(0)).amax()))
    while temperature > _COLDEST and scores.shape[1] > 0:
        for _ in range(NEWTON_STEPS):
            share = ((scores + offsets[:, None]) / temperature).softmax(0)
            excess = share.sum(1) - counts
            if float(excess.abs().max()) < 0.5:
                break
            offsets += temperature * newton_step(share.sum(1), share @ share.T, counts)
        best = (scores + offsets[:, None]).topk(2, dim=0)
        clear = best.values[0] - best.values[1] > CLEAR * temperature
        counts = counts - torch.bincount(best.indices[0, clear], minlength=phases)
        scores = scores[:, ~clear]
        temperature /= COOLING
    return offsets


def newton_step(held: Tensor, products: Tensor, counts: Tensor) -> Tensor:
    """Return the step of the offsets, in units of the temperature; that of the first phase is 0.

    Parameters
    ----------
    held : Tensor of float64, shape (phases,)
        Sum over voxels of every phase's share.
    products : Tensor of float64, shape (phases, phases)
        Sum over voxels of the products of two shares.
    counts : Tensor, shape (phases,)
        What the sums should be.
    """
    curvature = torch.diag(held) - products
    curvature.diagonal().add_(1e-9 * held.sum())
    step = torch.zeros_like(held)
    step[1:] = torch.linalg.solve(curvature[1:, 1:], (counts - held)[1:])
    return step.clamp(-LONGEST_STEP, LONGEST_STEP)


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
        if n < 1:
            raise ArithmeticError("no voxel can move along the cheapest chain of phases")
        for (_, b), voxel in zip(links, movable, strict=True):
            label[voxel[:n]] = b


def _cheapest_chain(cost: Tensor, surplus: list[int]) -> list[int]:
    """Return the cheapest chain of phases from a surplus to a deficit (Bellman-Ford)."""
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
