"""Inputs of a network for a large box: of the box only occupation numbers are held whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from microdsd.networks.padding import extended_sites, extension
from microdsd.networks.tiles import Tile, sites_of, tiles
from microdsd.networks.walls import axis_share
from microdsd.process.kernel import TransitionKernel
from microdsd.process.lattice import Boundary
from microdsd.process.slabs import apply_banded

CHUNK_SITES = 5 << 25
"""Sites of a chunk, surroundings included: those of 512^3, and of an eighth of 1024^3.

A constant, not what happens to be free: samples must not depend on the machine's memory."""


class BoxInputs:
    """Make the input of a U-Net chunk by chunk.

    Parameters
    ----------
    occupation : Tensor, shape (1, species, *space)
        Of any type.
    t : Tensor, shape (1,)
        Time of the sample.
    kernel : TransitionKernel
    top : int
        Largest occupation number.
    multiple : int
        Of which the extended box has a multiple of sites along every axis.
    """

    def __init__(
        self, occupation: Tensor, t: Tensor, kernel: TransitionKernel, top: int, multiple: int
    ) -> None:
        lattice = kernel.lattice
        self._occupation, self._top, self._multiple = occupation, top, multiple
        self._lengths, self._kinds = lattice.shape, lattice.boundary
        self._carrying = [kernel.carrying_matrix(axis, t[0]) for axis in range(lattice.ndim)]
        self._volumes = [
            torch.tensor(lattice.volumes(axis), device=occupation.device).float()
            for axis in range(lattice.ndim)
        ]
        like = t.new_empty((), dtype=torch.float32, device=occupation.device)
        shares = [axis_share(lattice, axis, t, like) for axis in range(lattice.ndim)]
        self._shares = [
            volume.new_ones(len(volume)) if share is None else share[0]
            for volume, share in zip(self._volumes, shares, strict=True)
        ]
        ends = [
            extension(length, multiple, kind)
            for length, kind in zip(lattice.shape, lattice.boundary, strict=True)
        ]
        self._before = [before for before, _ in ends]
        self._shape = tuple(n + sum(more) for n, more in zip(lattice.shape, ends, strict=True))
        self._boundary: tuple[Boundary, ...] = tuple(
            "no-flux" if before else kind
            for before, kind in zip(self._before, lattice.boundary, strict=True)
        )

    def chunks(self, reach: int) -> Iterator[Chunk]:
        """Cut the extended box into chunks, of which each is a box with walls of its own.

        Parameters
        ----------
        reach : int
            Sites from which on the input does not affect the output of a network.
        """
        halo = -(-reach // self._multiple) * self._multiple
        for tile in tiles(self._shape, self._boundary, halo, self._multiple, CHUNK_SITES):
            chunk = self._chunk(tile)
            if all(sites.start < sites.stop for sites in chunk.inside):  # not all in the margin
                yield chunk

    def _chunk(self, tile: Tile) -> Chunk:
        device = self._occupation.device
        at = [
            extended_sites(
                torch.arange(sites.start, sites.stop, device=device) % extended - before,
                length,
                kind,
            )
            for sites, extended, before, length, kind in zip(
                tile.outer, self._shape, self._before, self._lengths, self._kinds, strict=True
            )
        ]
        # Only a whole axis is periodic.
        boundary: tuple[Boundary, ...] = tuple(
            kind if len(sites) == extended else "no-flux"
            for kind, sites, extended in zip(self._boundary, tile.outer, self._shape, strict=True)
        )
        factors = [
            torch.stack([volume[sites], share[sites]])
            for volume, share, sites in zip(self._volumes, self._shares, at, strict=True)
        ]
        starts = [
            sites.start - before for sites, before in zip(tile.outer, self._before, strict=True)
        ]
        inside = tuple(
            slice(max(inner.start, -start), min(inner.stop, length - start))
            for inner, start, length in zip(tile.inside, starts, self._lengths, strict=True)
        )
        return Chunk(
            boundary=boundary,
            inside=inside,
            occupation=self._occupation,
            at=at,
            carried=self._carried(at),
            factors=factors,
            top=self._top,
            starts=starts,
        )

    def _carried(self, at: Sequence[Tensor]) -> Tensor:
        """Return the smoothed occupation numbers (1, species, *sites)."""
        rows = [matrix[sites] for matrix, sites in zip(self._carrying, at, strict=True)]
        sources = [part.any(0).nonzero().squeeze(1) for part in rows]
        species = self._occupation.shape[1]
        carried = self._occupation.new_empty(
            1, species, *(len(sites) for sites in at), dtype=torch.float32
        )
        for c in range(species):
            field = _sites_of(self._occupation[:, c : c + 1], sources)[0, 0].float()
            for axis, (part, source) in enumerate(zip(rows, sources, strict=True)):
                field = apply_banded(field, axis, part.index_select(1, source))
            carried[0, c] = field
        return carried


@dataclass(frozen=True)
class Chunk:
    """Give the input of a U-Net on a chunk of a box, as if the chunk were a box.

    Attributes
    ----------
    boundary : tuple of {"no-flux", "periodic"}
    inside : tuple of slice
        Sites whose output is that of sites of the box.
    occupation : Tensor, shape (1, species, *space)
        Of the box, of any type.
    at : sequence of Tensor
        Sites of the box along every axis of the chunk.
    carried : Tensor, shape (1, species, *chunk)
        Occupation numbers, smoothed.
    factors : sequence of Tensor, shape (2, sites)
        Per axis the volumes of the sites, and which share of a free walker stays inside walls.
    top : int
        Largest occupation number.
    starts : sequence of int
        Where the chunk begins in the box, along every axis.
    """

    boundary: tuple[Boundary, ...]
    inside: tuple[slice, ...]
    occupation: Tensor
    at: Sequence[Tensor]
    carried: Tensor
    factors: Sequence[Tensor]
    top: int
    starts: Sequence[int]

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the sites of the chunk per axis."""
        return tuple(self.carried.shape[2:])

    def part(self, ranges: Sequence[range]) -> Tensor:
        """Return the input (1, channels, *ranges); sites beyond a periodic chunk are wrapped."""
        within = [
            torch.arange(along.start, along.stop, device=sites.device) % len(sites)
            for along, sites in zip(ranges, self.at, strict=True)
        ]
        own = _sites_of(
            self.occupation, [sites[k] for sites, k in zip(self.at, within, strict=True)]
        )
        x = own.new_empty(1, 2 * own.shape[1] + 1, *own.shape[2:], dtype=torch.float32)
        walkers, free = x[:, :-1], x[:, -1:]
        walkers[:, : own.shape[1]] = own
        walkers[:, own.shape[1] :] = sites_of(self.carried, ranges)
        volume, share = torch.ones((2, 1), device=own.device)
        for factor, k in zip(self.factors, within, strict=True):
            along = factor[:, k]
            volume, share = volume[..., None] * along[0], share[..., None] * along[1]
        free[:] = share
        walkers /= self.top * volume  # walkers per voxel, whatever the block
        return x

    def sites(self, tile: Tile) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
        """Return the sites of the box that a tile of the chunk gives, and their place in it."""
        sites, within = [], []
        for inner, inside, start in zip(tile.inner, self.inside, self.starts, strict=True):
            low, high = max(inner.start, inside.start), min(inner.stop, inside.stop)
            sites.append(slice(low + start, high + start))
            within.append(slice(low - inner.start, high - inner.start))
        return tuple(sites), tuple(within)


def _sites_of(field: Tensor, at: Sequence[Tensor]) -> Tensor:
    """Select a product of sites per axis, in any order, of a field (1, channels, *space)."""
    for axis, sites in enumerate(at):
        first, length = int(sites[0]), len(sites)
        if int(sites[-1]) - first == length - 1 and bool((sites.diff() == 1).all()):
            field = field.narrow(2 + axis, first, length)
        else:
            field = field.index_select(2 + axis, sites)
    return field
