"""Inputs of a network for a large box, made for one tile at a time."""

from __future__ import annotations

import torch
from torch import Tensor

from microdsd.networks.padding import extended_sites, extension
from microdsd.networks.tiles import Tile
from microdsd.networks.walls import axis_share
from microdsd.process.kernel import TransitionKernel, average_along
from microdsd.process.lattice import Boundary


class TileInputs:
    """Make the input of a U-Net tile by tile; only occupation numbers are held whole.

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

    Attributes
    ----------
    shape : tuple of int
        Sites of the extended box per axis.
    boundary : tuple of {"no-flux", "periodic"}
        Boundary of the extended box.
    """

    def __init__(
        self, occupation: Tensor, t: Tensor, kernel: TransitionKernel, top: int, multiple: int
    ) -> None:
        lattice = kernel.lattice
        self._occupation, self._t, self._lattice, self._top = occupation, t, lattice, top
        self._carrying = [kernel.carrying_matrix(axis, t[0]) for axis in range(lattice.ndim)]
        ends = [
            extension(length, multiple, kind)
            for length, kind in zip(lattice.shape, lattice.boundary, strict=True)
        ]
        self._before = [before for before, _ in ends]
        self.shape = tuple(n + sum(more) for n, more in zip(lattice.shape, ends, strict=True))
        self.boundary: tuple[Boundary, ...] = tuple(
            "no-flux" if before else kind
            for before, kind in zip(self._before, lattice.boundary, strict=True)
        )

    def outer(self, tile: Tile) -> Tensor:
        """Return the input (1, channels, *outer part) of one tile."""
        lattice, device = self._lattice, self._occupation.device
        at = [
            extended_sites(
                torch.arange(sites.start, sites.stop, device=device) % extended - before,
                length,
                kind,
            )
            for sites, extended, before, length, kind in zip(
                tile.outer, self.shape, self._before, lattice.shape, lattice.boundary, strict=True
            )
        ]
        own = _sites_of(self._occupation, at).float()
        rows = [matrix[sites] for matrix, sites in zip(self._carrying, at, strict=True)]
        sources = [part.any(0).nonzero().squeeze(1) for part in rows]
        carried = _sites_of(self._occupation, sources).float()
        for axis, (part, source) in enumerate(zip(rows, sources, strict=True)):
            carried = average_along(carried, axis, part.index_select(1, source))
        x = torch.cat([own, carried, own.new_ones(1, 1, *own.shape[2:])], 1)
        walkers, free = x[:, :-1], x[:, -1:]
        if self._top > 1:
            walkers /= self._top
        for axis, sites in enumerate(at):
            across = [len(sites) if k == axis else 1 for k in range(lattice.ndim)]
            if lattice.block > 1:  # walkers per voxel, whatever the block
                volume = torch.tensor(lattice.volumes(axis), device=device).float()
                walkers /= volume[sites].view(across)
            share = axis_share(lattice, axis, self._t, own)
            if share is not None:
                free *= share[0, sites].view(across)
        return x

    def sites(self, tile: Tile) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
        """Return the sites of the box in the inner part of a tile, and their place in that part."""
        sites, within = [], []
        for inner, before, length in zip(
            tile.inner, self._before, self._lattice.shape, strict=True
        ):
            start, stop = inner.start - before, inner.stop - before
            low = min(max(start, 0), length)
            high = min(max(stop, low), length)
            sites.append(slice(low, high))
            within.append(slice(low - start, high - start))
        return tuple(sites), tuple(within)


def _sites_of(field: Tensor, at: list[Tensor]) -> Tensor:
    """Select a product of sites per axis, in any order, of a field (1, channels, *space)."""
    for axis, sites in enumerate(at):
        first, length = int(sites[0]), len(sites)
        if int(sites[-1]) - first == length - 1 and bool((sites.diff() == 1).all()):
            field = field.narrow(2 + axis, first, length)
        else:
            field = field.index_select(2 + axis, sites)
    return field
