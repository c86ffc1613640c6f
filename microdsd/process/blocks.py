"""Fields on the sites of a lattice of blocks, and on the voxels of its box."""

from __future__ import annotations

from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from microdsd.process.lattice import Lattice


@lru_cache(maxsize=32)
def axis_volumes(volumes: tuple[int, ...], device: torch.device) -> Tensor:
    """Return the voxels of every site of an axis, float64, kept on the device.

    They are sent there once.
    """
    with torch.inference_mode(False):  # what is kept may be of use in training too
        return torch.tensor(volumes, dtype=torch.float64, device=device)


def site_volumes(lattice: Lattice, device: torch.device | str = "cpu") -> Tensor:
    """Return the voxels of every site, float32, shape (*sites).

    Examples
    --------
    >>> site_volumes(Lattice.box((5, 2), "no-flux").coarsened(2)).tolist()
    [[4.0], [4.0], [2.0]]
    """
    volumes = torch.ones((), device=device)
    for axis in range(lattice.ndim):
        along = axis_volumes(lattice.volumes(axis), torch.device(device))
        volumes = volumes[..., None] * along.float()
    return volumes


def block_sums(field: Tensor, lattice: Lattice) -> Tensor:
    """Sum a field over the voxels of every site.

    Parameters
    ----------
    field : Tensor, shape (..., *voxels)
    lattice : Lattice

    Returns
    -------
    Tensor, shape (..., *sites)

    Examples
    --------
    >>> block_sums(torch.arange(5.0), Lattice.box((5,), "no-flux").coarsened(2)).tolist()
    [1.0, 5.0, 4.0]
    """
    block = lattice.block
    if block == 1:
        return field
    leading = field.shape[: field.ndim - lattice.ndim]
    missing = [-n % block for n in lattice.voxels]
    padded = F.pad(field, [m for n in reversed(missing) for m in (0, n)]) if any(missing) else field
    cut = [m for n in lattice.shape for m in (n, block)]
    return padded.reshape(*leading, *cut).sum(dim=tuple(range(-1, -2 * lattice.ndim, -2)))


def dealt(occupation: Tensor, lattice: Lattice) -> Tensor:
    """Spread the walkers of every site evenly over its voxels, for pictures.

    Examples
    --------
    >>> pairs = Lattice.box((5,), "no-flux").coarsened(2)
    >>> dealt(torch.tensor([3, 1, 2]), pairs).tolist()
    [1, 2, 0, 1, 2]
    """
    if lattice.block == 1:
        return occupation
    rank = torch.zeros((), dtype=torch.int64, device=occupation.device)
    for axis, length in enumerate(lattice.voxels):
        voxel = torch.arange(length, device=occupation.device)
        site = voxel // lattice.block
        along = torch.tensor(lattice.volumes(axis), device=occupation.device)[site]
        rank = rank[..., None] * along + voxel % lattice.block
    number = spread(occupation, lattice).long()
    volume = spread(site_volumes(lattice, occupation.device), lattice).long()
    return number * (rank + 1) // volume - number * rank // volume


def block_means(field: Tensor, lattice: Lattice) -> Tensor:
    """Average a field (..., *voxels) over the voxels of every site, shape (..., *sites)."""
    if lattice.block == 1:
        return field
    return block_sums(field, lattice) / site_volumes(lattice, field.device)


def spread(field: Tensor, lattice: Lattice) -> Tensor:
    """Give every voxel the value of its site: (..., *sites) becomes (..., *voxels).

    Examples
    --------
    >>> spread(torch.tensor([1.0, 2.0]), Lattice.box((3,), "no-flux").coarsened(2)).tolist()
    [1.0, 1.0, 2.0]
    """
    if lattice.block == 1:
        return field
    for axis, length in enumerate(lattice.voxels):
        site = torch.arange(length, device=field.device) // lattice.block
        field = field.index_select(field.ndim - lattice.ndim + axis, site)
    return field
