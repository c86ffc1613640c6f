"""Where the walls are, as the walkers feel them at a noise level."""

from __future__ import annotations

import torch
from torch import Tensor

from microdsd.process.blocks import axis_volumes
from microdsd.process.lattice import Lattice


def free_share(lattice: Lattice, t: Tensor, like: Tensor) -> Tensor:
    """Share of a free walker's Gaussian of variance 2t that would stay inside the walls.

    About 1 in the interior, 1/2 on a wall, and a product over axes: whatever the noise level,
    a network is told of a wall as far away as the walkers know of it.

    Parameters
    ----------
    lattice : Lattice
        Periodic axes have no walls.
    t : Tensor, shape (batch,)
        Time of each sample.
    like : Tensor
        Gives device and dtype.

    Returns
    -------
    Tensor, shape (batch, 1, *space)

    Examples
    --------
    >>> box = Lattice.box((5, 3), ("no-flux", "periodic"))
    >>> free_share(box, torch.tensor([0.5]), torch.empty(()))[0, 0, :, 0]
    tensor([0.6915, 0.9330, 0.9876, 0.9330, 0.6915])
    """
    width = 2 * t.to(like.device, like.dtype).sqrt()[:, None]  # sqrt(2) sigma
    share = like.new_ones(len(t), 1, *(1,) * lattice.ndim)
    for axis, (sites, kind) in enumerate(zip(lattice.shape, lattice.boundary, strict=True)):
        shape = [len(t), 1] + [1] * lattice.ndim
        shape[2 + axis] = sites
        if kind == "periodic":
            share = share.expand(*share.shape[: 2 + axis], sites, *share.shape[3 + axis :])
            continue
        length = lattice.voxels[axis]
        volume = axis_volumes(lattice.volumes(axis), like.device).to(like.dtype)
        centre = volume.cumsum(0) - volume / 2
        within = torch.erf(centre / width) + torch.erf((length - centre) / width)
        share = share * (0.5 * within).reshape(shape)
    return share
