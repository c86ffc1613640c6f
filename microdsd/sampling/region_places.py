"""Regions as the sites of a lattice: voxels that belong to one each, blocks that several share."""

from __future__ import annotations

import torch
from torch import Tensor

from microdsd.process.blocks import block_means
from microdsd.process.bridge import LOG_FLOOR
from microdsd.process.lattice import Lattice

_NOTHING = 2 * LOG_FLOOR
"""Log h, relative to its maximum, where no walker on its way may come from."""


class RegionVoxels:
    """Represent voxels, each of one region or of none.

    Parameters
    ----------
    index : Tensor of int64, shape (*space)
        Region of every voxel, from 0; -1 for none.
    regions : int
    lattice : Lattice
    """

    def __init__(self, index: Tensor, regions: int, lattice: Lattice) -> None:
        self._index, self._regions = index, regions

    def scaled(self, log_h: Tensor, factor: Tensor) -> Tensor:
        """Return log h (batch, species, *space) times exp(factor), (batch, species, regions)."""
        by_voxel = factor[:, :, self._index.clamp_min(0)]
        return (log_h + by_voxel).where(self._index >= 0, log_h.new_tensor(_NOTHING))

    def per_region(self, field: Tensor, factor: Tensor) -> Tensor:
        """Sum a field (batch, species, *space) per region, shape (batch, species, regions)."""
        sums = field.new_zeros(*field.shape[:2], self._regions + 1)
        index = (self._index + 1).flatten().expand(*field.shape[:2], -1)
        return sums.scatter_add_(2, index, field.flatten(2))[..., 1:]


class RegionBlocks:
    """Represent blocks of which regions hold shares: h of a block counts by its possible volume.

    The parameters are those of `RegionVoxels`.
    """

    def __init__(self, index: Tensor, regions: int, lattice: Lattice) -> None:
        self._share = torch.stack(
            [block_means((index == region).float(), lattice) for region in range(regions)]
        )

    def scaled(self, log_h: Tensor, factor: Tensor) -> Tensor:
        """Return the log of sum_r exp(factor_r) share_r h."""
        weight = torch.einsum("bcr,r...->bc...", factor.exp(), self._share)
        nothing = log_h.new_tensor(_NOTHING)
        return (log_h + weight.log()).maximum(nothing).where(weight > 0, nothing)

    def per_region(self, field: Tensor, factor: Tensor) -> Tensor:
        """Divide a field of expected origins among regions, (batch, species, regions)."""
        weight = torch.einsum("bcr,r...->bc...", factor.exp(), self._share)
        each = field / weight.clamp_min(torch.finfo(field.dtype).tiny)
        return factor.exp() * torch.einsum("bc...,r...->bcr", each, self._share)
