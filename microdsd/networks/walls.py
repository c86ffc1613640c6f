"""Input channel that describes the walls at a noise level."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from microdsd.process.blocks import axis_volumes
from microdsd.process.lattice import Lattice


def free_share(
    lattice: Lattice, t: Tensor, like: Tensor, at: Sequence[range] | None = None
) -> Tensor:
    """Return the share of a free Gaussian of variance 2t that stays inside the walls.

    About 1 in the interior, 1/2 on a wall, and a product over axes. At every noise level the
    channel reaches as far from a wall as the influence of the wall on the walkers.

    Parameters
    ----------
    lattice : Lattice
        Periodic axes have no walls.
    t : Tensor, shape (batch,)
        Time of each sample.
    like : Tensor
        Gives device and dtype.
    at : sequence of range, optional
        Sites along every axis, in place of all; beyond the end they are wrapped.

    Returns
    -------
    Tensor, shape (batch, 1, *space)

    Examples
    --------
    >>> box = Lattice.box((5, 3), ("no-flux", "periodic"))
    >>> free_share(box, torch.tensor([0.5]), torch.empty(()))[0, 0, :, 0]
    tensor([0.6915, 0.9330, 0.9876, 0.9330, 0.6915])
    """
    share = like.new_ones(len(t), 1, *(1,) * lattice.ndim)
    for axis, length in enumerate(lattice.shape):
        sites = length if at is None else len(at[axis])
        shape = [len(t), 1] + [1] * lattice.ndim
        shape[2 + axis] = sites
        along = axis_share(lattice, axis, t, like)
        if along is not None and at is not None:
            along = along[:, torch.tensor(at[axis], device=along.device) % length]
        if along is None:
            share = share.expand(*share.shape[: 2 + axis], sites, *share.shape[3 + axis :])
        else:
            share = share * along.reshape(shape)
    return share


def axis_share(lattice: Lattice, axis: int, t: Tensor, like: Tensor) -> Tensor | None:
    """Factor (batch, sites) of `free_share` along one axis; None where there are no walls."""
    if lattice.boundary[axis] == "periodic":
        return None
    width = 2 * t.to(like.device, like.dtype).sqrt()[:, None]  # sqrt(2) sigma
    length = lattice.voxels[axis]
    volume = axis_volumes(lattice.volumes(axis), like.device).to(like.dtype)
    centre = volume.cumsum(0) - volume / 2
    return 0.5 * (torch.erf(centre / width) + torch.erf((length - centre) / width))
