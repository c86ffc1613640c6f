"""Coarsening: a block of voxels becomes one voxel of the phase that fills most of it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from microdsd.errors import InputError
from microdsd.microstructure.axes import LabelsLike, spatial_dims
from microdsd.microstructure.schema import as_microstructure, derived_provenance, phases_of
from microdsd.microstructure.voxels import VoxelSize, voxel_coordinates, voxel_size_of


def coarsen(ms: LabelsLike, factor: int | Sequence[int]) -> xr.DataArray:
    """Replace blocks of voxels by single voxels of their most frequent phase.

    Voxels beyond the last whole block are dropped. Where phases tie for a block, the tied blocks
    are shared out so that the phase fractions of the sample stay as close as they can; the shares
    are interleaved in C order, so the result is deterministic and has no drift along an axis.

    Parameters
    ----------
    ms : ndarray or DataArray
    factor : int or sequence of int
        Edge of a block in voxels, one for all or one per spatial axis.

    Raises
    ------
    InputError
        A factor below one or above the length of its axis.

    Examples
    --------
    >>> coarsen(np.array([[0, 1, 1, 1], [0, 1, 1, 0]]), 2).values
    array([[0, 1]], dtype=uint8)
    """
    ms = as_microstructure(ms)
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
    volumes = ms.values if "sample" in ms.dims else ms.values[np.newaxis]
    coarse = np.stack([labels[_vote(volume, labels, factors)] for volume in volumes])
    size, unit = voxel_size_of(ms)
    edges = (s * f for s, f in zip(size, factors, strict=True))
    coarse_size = VoxelSize(tuple(edges) if unit == "m" else size, unit)
    return as_microstructure(
        xr.DataArray(
            coarse if "sample" in ms.dims else coarse[0],
            dims=ms.dims,
            coords=voxel_coordinates(dict(zip(dims, coarse.shape[1:], strict=True)), coarse_size),
        ),
        phases=phases_of(ms),
        provenance=derived_provenance(ms, "coarsen", factor=list(factors)),
    )


def _vote(
    volume: npt.NDArray[Any], labels: npt.NDArray[Any], factors: tuple[int, ...]
) -> npt.NDArray[Any]:
    """Index of the winning label of every block."""
    votes = np.stack([_block_sums(volume == label, factors) for label in labels])
    winners: npt.NDArray[Any] = votes.argmax(axis=0)
    leading = votes == votes.max(axis=0)
    tied = np.flatnonzero(leading.sum(axis=0) > 1)
    if tied.size:
        wanted = votes.reshape(len(labels), -1).sum(axis=1) / np.prod(factors)
        settled = np.delete(winners.reshape(-1), tied)
        deficit = wanted - np.bincount(settled, minlength=len(labels))
        contenders = leading.reshape(len(labels), -1)[:, tied].T
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
    """Winner of every tied block, given who contends for it (blocks, phases)."""
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
