"""Tiles of a large box: what a local network says of one depends on its surroundings alone."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from microdsd.process.lattice import Boundary

MapTiles = Callable[[Callable[..., Tensor], Iterable[tuple[Any, ...]]], Iterator[Tensor]]
"""Calls a pure function with the arguments of every tile: in this process, or by workers.

Outputs come in the order of the tiles."""


def in_turn(
    function: Callable[..., Tensor], arguments: Iterable[tuple[Any, ...]]
) -> Iterator[Tensor]:
    """Call a function for one tile after the other, in this process."""
    for arguments_of_tile in arguments:
        yield function(*arguments_of_tile)


@dataclass(frozen=True)
class Tile:
    """Hold a part of a box, and the larger part that a network has to see for it.

    Attributes
    ----------
    inner : tuple of slice
        Sites of the box that the tile is to give.
    outer : tuple of range
        Sites that are looked at; on a periodic axis they may go beyond the box and are to be
        wrapped.
    """

    inner: tuple[slice, ...]
    outer: tuple[range, ...]

    @property
    def inside(self) -> tuple[slice, ...]:
        """Return where the inner part lies in the outer one."""
        return tuple(
            slice(inner.start - sites.start, inner.stop - sites.start)
            for inner, sites in zip(self.inner, self.outer, strict=True)
        )


def sites_of(field: Tensor, at: Sequence[range]) -> Tensor:
    """Return some sites of a field (batch, channels, *space); those beyond it are wrapped.

    Examples
    --------
    >>> sites_of(torch.arange(4.0).view(1, 1, 4), [range(-1, 2)])
    tensor([[[3., 0., 1.]]])
    """
    for axis, sites in enumerate(at):
        length = field.shape[2 + axis]
        if sites.start >= 0 and sites.stop <= length:
            field = field.narrow(2 + axis, sites.start, len(sites))
        else:
            wrapped = torch.arange(sites.start, sites.stop, device=field.device) % length
            field = field.index_select(2 + axis, wrapped)
    return field


def tiles(
    shape: Sequence[int],
    boundary: Sequence[Boundary],
    halo: int,
    multiple: int,
    most: int,
) -> Iterator[Tile]:
    """Cut a box into tiles that are seen with a halo.

    Parameters
    ----------
    shape : sequence of int
        Sites per axis, each a multiple of ``multiple``.
    boundary : sequence of {"no-flux", "periodic"}
    halo : int
        Sites that are looked at on every side; a multiple of ``multiple``.
    multiple : int
        Of which tiles begin at multiples: the sites that the coarsest features stand for.
    most : int
        Sites of a tile with its halo, at most.

    Examples
    --------
    >>> box = tiles((64, 32), ("no-flux", "periodic"), halo=8, multiple=4, most=48 * 32)
    >>> [(tile.inner[0], tile.outer[0]) for tile in box]
    [(slice(0, 32, None), range(0, 40)), (slice(32, 64, None), range(24, 64))]
    """
    parts = _cheapest(tuple(shape), halo, multiple, most)
    along = [
        list(_segments(n, p, halo, multiple, kind == "periodic"))
        for n, p, kind in zip(shape, parts, boundary, strict=True)
    ]
    for chosen in itertools.product(*along):
        yield Tile(tuple(inner for inner, _ in chosen), tuple(outer for _, outer in chosen))


@lru_cache(maxsize=64)
def _cheapest(shape: tuple[int, ...], halo: int, multiple: int, most: int) -> tuple[int, ...]:
    """Return the cuts per axis that leave the least to look at, or else the smallest tiles."""
    possible = [
        sorted({-(-n // _step(n, parts, multiple)) for parts in range(1, n // multiple + 1)})
        for n in shape
    ]
    best: tuple[float, float, tuple[int, ...]] | None = None
    for first in itertools.product(*possible[:-1]):
        for last in possible[-1]:
            parts = (*first, last)
            tile = math.prod(_outer(shape, parts, halo, multiple))
            fits = tile <= most
            total = math.prod(n + 2 * halo * (p - 1) for n, p in zip(shape, parts, strict=True))
            candidate = (0.0 if fits else float(tile), total, parts)
            best = candidate if best is None else min(best, candidate)
            if fits:  # more cuts only add to it
                break
    assert best is not None
    return best[2]


def _step(length: int, parts: int, multiple: int) -> int:
    return -(-length // (parts * multiple)) * multiple


def _outer(shape: Sequence[int], parts: Sequence[int], halo: int, multiple: int) -> list[int]:
    """Return the sites along every axis of the outer part of the largest tile."""
    return [
        n if p == 1 else min(n, _step(n, p, multiple) + 2 * halo)
        for n, p in zip(shape, parts, strict=True)
    ]


def _segments(
    length: int, parts: int, halo: int, multiple: int, periodic: bool
) -> Iterator[tuple[slice, range]]:
    if parts == 1:
        yield slice(0, length), range(length)
        return
    step = _step(length, parts, multiple)
    for start in range(0, length, step):
        stop = min(start + step, length)
        low, high = start - halo, stop + halo
        if not periodic:
            low, high = max(low, 0), min(high, length)
        yield slice(start, stop), range(low, high)
