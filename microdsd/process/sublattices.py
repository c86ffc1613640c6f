"""Turns of voxels: sublattices whose voxels are no neighbours, in a random order."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def turns(space: Sequence[int], generator: torch.Generator) -> Tensor:
    """Draw in which turn every voxel of a box is taken.

    Voxels whose places are even, or odd, along the same axes are a sublattice: no two of them are
    neighbours, not even across a corner. There are 4 in 2D and 8 in 3D; each has a turn.

    Parameters
    ----------
    space : sequence of int
        Voxels per axis.
    generator : torch.Generator

    Returns
    -------
    Tensor of int64, shape (*space)
        From 0 to 2^axes - 1.

    Examples
    --------
    >>> turn = turns((3, 4), torch.Generator())
    >>> bool((turn[0] == turn[2]).all()), sorted(turn[:2, :2].flatten().tolist())
    (True, [0, 1, 2, 3])
    """
    return order_of_turns(len(space), generator)[sublattices(space, generator.device)]


def order_of_turns(axes: int, generator: torch.Generator) -> Tensor:
    """Draw the turns of the sublattices, int64 (2^axes,)."""
    return torch.randperm(1 << axes, generator=generator, device=generator.device)


def sublattices(space: Sequence[int], device: torch.device, first: int = 0) -> Tensor:
    """Return the number of the sublattice of every voxel, int64 (*space).

    Parameters
    ----------
    space : sequence of int
        Voxels per axis.
    device : torch.device
    first : int
        Layer of the box that is the first of these voxels.
    """
    sublattice = torch.zeros((), dtype=torch.int64, device=device)
    for axis, length in enumerate(space):
        place = torch.arange(length, device=device) + (first if axis == 0 else 0)
        sublattice = 2 * sublattice[..., None] + place % 2
    return sublattice
