"""Coarsening: a block of voxels becomes one voxel of the phase that fills most of it.

By the rule "exact" as many voxels of every phase are left as there were, to the nearest voxel, and
the phases of blocks agree with their voxels as well as they then can.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise, product
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import xarray as xr

from microdsd.errors import InputError
from microdsd.microstructure.axes import LabelsLike, spatial_dims
from microdsd.microstructure.schema import as_microstructure, derived_provenance, phases_of
from microdsd.microstructure.voxels import VoxelSize, voxel_coordinates, voxel_size_of

Rule = Literal["majority", "exact"]

_NEVER = 1 << 48  # more than any loss of votes


def coarsen(
    ms: LabelsLike,
    factor: int | Sequence[int],
    *,
    rule: Rule = "majority",
    rng: int | np.random.Generator | None = 0,
) -> xr.DataArray:
    """Replace blocks of voxels by single voxels.

    Voxels beyond the last whole block are dropped. Where the voxel size is not known, the
    provenance alone says how many voxels became one.

    Parameters
    ----------
    ms : ndarray or DataArray
    factor : int or sequence of int
        Edge of a block in voxels, one for all or one per spatial axis.
    rule : {"majority", "exact"}
        "majority": the most frequent phase of the block. Phases that fill most blocks gain, and
        what is thinner than a block is lost. Where phases tie, the tied blocks are shared out so
        that the phase fractions of the sample stay as close as they can; the shares are
        interleaved in C order, so the result is deterministic and has no drift along an axis.
        "exact": every phase keeps its fraction, to the nearest voxel of the coarse sample; among
        all ways to do so, one that leaves most voxels in a block of their own phase.
    rng : None, int or numpy Generator
        Random numbers of the rule "exact": which of several blocks alike take a phase.

    Raises
    ------
    InputError
        A factor below one or above the length of its axis, or an unknown rule.

    Examples
    --------
    >>> coarsen(np.array([[0, 1, 1, 1], [0, 1, 1, 0]]), 2).values
    array([[0, 1]], dtype=uint8)
    >>> from microdsd.microstructure import phase_fractions
    >>> thin = np.array([[0, 1, 1, 1, 0, 1, 1, 1]] * 2)
    >>> phase_fractions(coarsen(thin, (2, 4))).values, phase_fractions(
    ...     coarsen(np.tile(thin, (4, 1)), (2, 4), rule="exact")
    ... ).values
    (array([[0., 1.]]), array([[0.25, 0.75]]))
    """
    ms = as_microstructure(ms)
    if rule not in get_args(Rule):
        raise InputError(f"rule={rule!r}: choose one of {', '.join(map(repr, get_args(Rule)))}")
    dims = spatial_dims(ms)
    factors = (factor,) * len(dims) if isinstance(factor, int) else tuple(factor)
    lengths = tuple(ms.sizes[dim] for dim in dims)
    if len(factors) != len(dims) or not all(
        1 <= f <= n for f, n in zip(factors, lengths, strict=True)
    ):
        raise InputError(
            f"factor: needs one whole number per axis, from 1 to the shape {lengths}, got {factor}"
        )
    labels = np.array(list(phases_of(ms)), dtype=ms.dtype)
    generator = np.random.default_rng(rng)
    volumes = ms.values if "sample" in ms.dims else ms.values[np.newaxis]
    coarse = []
    for volume in volumes:
        votes = np.stack([_block_sums(volume == label, factors) for label in labels])
        winners = _most(votes, factors) if rule == "majority" else _exact(votes, generator)
        coarse.append(labels[winners])
    stack = np.stack(coarse)
    size, unit = voxel_size_of(ms)
    edges = (s * f for s, f in zip(size, factors, strict=True))
    coarse_size = VoxelSize(tuple(edges) if unit == "m" else size, unit)
    return as_microstructure(
        xr.DataArray(
            stack if "sample" in ms.dims else stack[0],
            dims=ms.dims,
            coords=voxel_coordinates(dict(zip(dims, stack.shape[1:], strict=True)), coarse_size),
        ),
        phases=phases_of(ms),
        provenance=derived_provenance(ms, "coarsen", factor=list(factors), rule=rule),
    )


def _exact(votes: npt.NDArray[Any], rng: np.random.Generator) -> npt.NDArray[np.intp]:
    """Return the index of the label of every block; each phase keeps its number of voxels.

    Blocks with the same votes are alike: how many of each kind take which phase is a transport
    problem, of which there is a best solution in whole numbers. Which of them do is drawn.
    """
    kinds, kind_of, supply = np.unique(
        votes.reshape(len(votes), -1).T, axis=0, return_inverse=True, return_counts=True
    )
    shares = votes.reshape(len(votes), -1).sum(axis=1) / kinds[0].sum()
    demand = np.floor(shares + 1e-9).astype(np.int64)
    spare = int(supply.sum() - demand.sum())
    demand[np.argsort(demand - shares, kind="stable")[:spare]] += 1
    taken = _transport(kinds.astype(np.int64), supply, demand, rng)
    order = rng.permutation(kind_of.size)
    order = order[np.argsort(kind_of.reshape(-1)[order], kind="stable")]
    winners = np.empty(kind_of.size, dtype=np.intp)
    winners[order] = np.repeat(np.tile(np.arange(len(demand)), len(kinds)), taken.reshape(-1))
    return winners.reshape(votes.shape[1:])


def _transport(
    gain: npt.NDArray[np.int64],
    supply: npt.NDArray[np.int64],
    demand: npt.NDArray[np.int64],
    rng: np.random.Generator,
) -> npt.NDArray[np.int64]:
    """Find whole numbers ``(kinds, phases)`` with these sums and the largest total gain.

    Every kind begins in the phase where it gains most. What phases then hold too much goes, along
    the paths that lose least, to those that hold too little: successive shortest paths, which end
    at an optimum.
    """
    taken = np.zeros_like(gain)
    taken[np.arange(len(gain)), gain.argmax(axis=1)] = supply
    loss = gain[:, :, np.newaxis] - gain[:, np.newaxis, :]
    surplus = taken.sum(axis=0) - demand
    while surplus.any():
        cost = np.where(taken[:, :, np.newaxis] > 0, loss, _NEVER).min(axis=0)
        path = _cheapest_path(cost, surplus)
        steps = [(a, b, loss[:, a, b] == cost[a, b]) for a, b in pairwise(path)]
        room = [int(taken[alike, a].sum()) for a, _, alike in steps]
        number = min(surplus[path[0]], -surplus[path[-1]], *room)
        for a, b, alike in steps:
            moved = rng.multivariate_hypergeometric(taken[alike, a], number, method="marginals")
            taken[alike, a] -= moved
            taken[alike, b] += moved
        surplus[path[0]] -= number
        surplus[path[-1]] += number
    return taken


def _cheapest_path(cost: npt.NDArray[np.int64], surplus: npt.NDArray[np.int64]) -> list[int]:
    """Find phases from a surplus to a deficit at the least cost (Bellman and Ford)."""
    distance = np.where(surplus > 0, 0, _NEVER)
    before = np.full(len(cost), -1)
    for _ in cost:
        onward = distance[:, np.newaxis] + cost
        nearer = onward.min(axis=0) < distance
        before[nearer] = onward.argmin(axis=0)[nearer]
        distance[nearer] = onward.min(axis=0)[nearer]
    path = [int(np.where(surplus < 0, distance, 2 * _NEVER).argmin())]
    while before[path[-1]] >= 0:
        path.append(int(before[path[-1]]))
    return path[::-1]


def _most(votes: npt.NDArray[Any], factors: tuple[int, ...]) -> npt.NDArray[Any]:
    """Return the index of the most frequent label of every block."""
    winners: npt.NDArray[Any] = votes.argmax(axis=0)
    leading = votes == votes.max(axis=0)
    tied = np.flatnonzero(leading.sum(axis=0) > 1)
    if tied.size:
        wanted = votes.reshape(len(votes), -1).sum(axis=1) / np.prod(factors)
        settled = np.delete(winners.reshape(-1), tied)
        deficit = wanted - np.bincount(settled, minlength=len(votes))
        contenders = leading.reshape(len(votes), -1)[:, tied].T
        winners.reshape(-1)[tied] = _settle_ties(contenders, deficit)
    return winners


def _block_sums(indicator: npt.NDArray[np.bool_], factors: tuple[int, ...]) -> npt.NDArray[Any]:
    shape = tuple(n // f for n, f in zip(indicator.shape, factors, strict=True))
    sums = np.zeros(shape, dtype=np.min_scalar_type(int(np.prod(factors))))
    for offsets in product(*(range(f) for f in factors)):
        corner = tuple(
            slice(o, o + f * n, f) for o, f, n in zip(offsets, factors, shape, strict=True)
        )
        sums += indicator[corner]
    return sums


def _settle_ties(
    contenders: npt.NDArray[np.bool_], deficit: npt.NDArray[np.float64]
) -> npt.NDArray[np.intp]:
    """Decide every tied block, given its candidates (blocks, phases)."""
    winners = np.empty(len(contenders), dtype=np.intp)
    groups, group_of = np.unique(contenders, axis=0, return_inverse=True)
    for index, group in enumerate(groups):
        members = np.flatnonzero(group)
        blocks = np.flatnonzero(group_of.reshape(-1) == index)
        quota = _share_out(deficit[members], len(blocks))
        deficit[members] -= quota
        turns = np.concatenate([(np.arange(q) + 0.5) / q for q in quota])
        order = np.argsort(turns, kind="stable")
        winners[blocks] = np.repeat(members, quota)[order]
    return winners


def _share_out(deficit: npt.NDArray[np.float64], number: int) -> npt.NDArray[Any]:
    """Split `number` blocks so that the largest remaining deficits are levelled down."""
    descending = np.sort(deficit)[::-1]
    levels = (np.cumsum(descending) - number) / np.arange(1, len(deficit) + 1)
    level = levels[descending >= levels][-1]
    exact = np.maximum(deficit - level, 0.0)
    quota: npt.NDArray[Any] = np.floor(exact).astype(np.intp)
    remainder = number - quota.sum()
    quota[np.argsort(quota - exact, kind="stable")[:remainder]] += 1
    return quota
