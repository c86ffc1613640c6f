"""A U-Net on a large box stage by stage: every stage tile by tile, its features kept whole.

What a U-Net says of a site depends on a surrounding of some ten sites of its coarsest features. A
tile evaluated by the whole network would have to be seen with all of that; its finest stage alone
has to be seen with the few sites of its own convolutions. So features are coarsened for the whole
box, half the resolution does the same with them, and what it gives back is refined tile by tile.
The finest features are not kept: they are made twice, which costs less than their memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import torch
from torch import Tensor

from microdsd.networks.padding import Edge, Edges
from microdsd.networks.tiles import MapTiles, Tile, in_turn, sites_of, tiles
from microdsd.process.lattice import Boundary

TILE_SITES = {"cpu": 1 << 19, "cuda": 1 << 24}
"""Sites of a tile, surroundings included: a CPU's caches should hold them, a GPU be kept busy.

Constants, not what happens to be free: samples must not depend on the machine's memory."""

Ranges = tuple[range, ...]
"""Sites along every axis; those beyond a periodic box are to be wrapped."""

PartOf = Callable[[Ranges], Tensor]
"""Gives the part (1, channels, *ranges) of a field."""


class StagedNetwork(Protocol):
    """Evaluate the stages of a network on tiles; see `microdsd.networks.unet.UNet`."""

    @property
    def coarsest(self) -> int:
        """Return the number of the coarsest resolution."""
        ...

    @property
    def map_tiles(self) -> MapTiles:
        """Return what calls a stage for every tile."""
        ...

    @property
    def memory_format(self) -> torch.memory_format:
        """Return the layout of features."""
        ...

    @property
    def encode(self) -> Callable[..., Tensor]:
        """Return the way down of a resolution."""
        ...

    @property
    def decode(self) -> Callable[..., Tensor]:
        """Return the way up of a resolution."""
        ...

    def halo(self, level: int, *, down: bool = False) -> int:
        """Return the sites around a tile that a resolution has to see."""
        ...


def tile_sites(device: torch.device) -> int:
    """Return the sites of a tile on a device."""
    return TILE_SITES.get(device.type, TILE_SITES["cpu"])


class Stages:
    """Evaluate a U-Net on one large box.

    Parameters
    ----------
    network : StagedNetwork
    condition : Tensor, shape (embedding,)
        Embedded conditions of the sample.
    """

    def __init__(self, network: StagedNetwork, condition: Tensor) -> None:
        self._network, self._condition = network, condition
        self._most = tile_sites(condition.device)

    def outputs(
        self,
        level: int,
        part_of: PartOf,
        shape: Sequence[int],
        boundary: tuple[Boundary, ...],
        inside: tuple[slice, ...] | None = None,
    ) -> Iterator[tuple[Tile, Tensor]]:
        """Yield what a resolution gives to the next finer one, or the network's output, by tiles.

        Parameters
        ----------
        level : int
            Resolution, 0 for the finest.
        part_of : callable
            Of the field that is the input of this resolution.
        shape : sequence of int
            Sites per axis, whole multiples of a site of the coarsest features.
        boundary : tuple of {"no-flux", "periodic"}
        inside : tuple of slice, optional
            Part of the box that is asked for.
        """
        network = self._network
        cut = self.tiles_of(level, shape, boundary)
        below = None
        if level < network.coarsest:
            below = self._below(level, part_of, shape, boundary)
        if inside is not None:
            cut = [tile for tile in cut if _meets(tile.inner, inside)]
        calls = (self._decoding(level, part_of, below, tile, shape, boundary) for tile in cut)
        evaluate = in_turn if len(cut) == 1 else network.map_tiles
        yield from zip(cut, evaluate(network.decode, calls), strict=True)

    def tiles_of(
        self, level: int, shape: Sequence[int], boundary: tuple[Boundary, ...]
    ) -> list[Tile]:
        """Cut a box into the tiles for which a resolution's output is made."""
        multiple = 2 if level < self._network.coarsest else 1
        halo = self._network.halo(level)
        return list(tiles(shape, boundary, halo, multiple, self._most))

    def _below(
        self, level: int, part_of: PartOf, shape: Sequence[int], boundary: tuple[Boundary, ...]
    ) -> Tensor:
        """Return what the next coarser resolution gives to this one, for the whole box."""
        network = self._network
        half = [length // 2 for length in shape]
        cut = list(tiles(shape, boundary, network.halo(level, down=True), 2, self._most))
        calls = (
            (level, part_of(tile.outer), self._condition, *_place(tile, shape, boundary, used))
            for tile in cut
            for used in [network.halo(level, down=True)]
        )
        evaluate = in_turn if len(cut) == 1 else network.map_tiles
        parts = evaluate(network.encode, calls)
        halved = (tuple(slice(s.start // 2, s.stop // 2) for s in tile.inner) for tile in cut)
        features = self._whole(half, zip(halved, parts, strict=True))
        coarser = self.outputs(level + 1, lambda at: sites_of(features, at), half, boundary)
        return self._whole(half, ((tile.inner, part) for tile, part in coarser))

    def _whole(
        self, shape: Sequence[int], parts: Iterator[tuple[tuple[slice, ...], Tensor]]
    ) -> Tensor:
        """Put the parts of a field together."""
        field: Tensor | None = None
        for sites, part in parts:
            if field is None:
                field = torch.empty(
                    (1, part.shape[1], *shape),
                    dtype=part.dtype,
                    device=part.device,
                    memory_format=self._network.memory_format,
                )
            field[(slice(None), slice(None), *sites)] = part
        assert field is not None
        return field

    def _decoding(
        self,
        level: int,
        part_of: PartOf,
        below: Tensor | None,
        tile: Tile,
        shape: Sequence[int],
        boundary: tuple[Boundary, ...],
    ) -> tuple[object, ...]:
        """Return the arguments of `UNet.decode` for one tile."""
        network = self._network
        edges, inside = _place(tile, shape, boundary, network.halo(level))
        x = part_of(tile.outer)
        if below is None:
            return level, x, None, self._condition, edges, inside, ()
        # The features of this resolution lie where its first convolutions leave them.
        used = network.halo(level, down=True)
        left = [
            range(sites.start + used * (low == "open"), sites.stop - used * (high == "open"))
            for sites, (low, high) in zip(tile.outer, edges.ends, strict=True)
        ]
        halves = tuple(range(sites.start // 2, -(-sites.stop // 2)) for sites in left)
        within = tuple(
            slice(sites.start - 2 * half.start, sites.stop - 2 * half.start)
            for sites, half in zip(left, halves, strict=True)
        )
        return level, x, sites_of(below, halves), self._condition, edges, inside, within


def _place(
    tile: Tile, shape: Sequence[int], boundary: tuple[Boundary, ...], used: int
) -> tuple[Edges, tuple[slice, ...]]:
    """Return a tile's edges, and where its inner part lies once open ends are used up."""
    ends: list[tuple[Edge, Edge]] = []
    inside = []
    for inner, sites, length, kind in zip(tile.inner, tile.outer, shape, boundary, strict=True):
        low: Edge = kind
        high: Edge = kind
        if sites != range(length):
            low = kind if kind == "no-flux" and sites.start == 0 else "open"
            high = kind if kind == "no-flux" and sites.stop == length else "open"
        ends.append((low, high))
        first = sites.start + used * (low == "open")
        inside.append(slice(inner.start - first, inner.stop - first))
    return Edges(tuple(ends)), tuple(inside)


def _meets(sites: tuple[slice, ...], others: tuple[slice, ...]) -> bool:
    return all(a.start < b.stop and b.start < a.stop for a, b in zip(sites, others, strict=True))
