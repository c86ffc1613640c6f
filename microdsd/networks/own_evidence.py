"""What the walkers on a voxel say about its phase, whatever stands around it."""

from __future__ import annotations

import torch
from torch import Tensor

from microdsd.process.kernel import TransitionKernel

_NONE = 1e-12
"""Arrivals on a voxel that count as none: keeps logarithms finite."""


def own_evidence(occupation: Tensor, t: Tensor, kernel: TransitionKernel) -> Tensor:
    """Log likelihood ratio of a voxel's own occupation numbers: its phase c, or the background.

    A walker stays on its voxel, or is back there, with probability q = K_t(y, y). With others
    arriving independently at the mean density rho_c, n_c(y) is Poisson with mean
    (1 - q) rho_c, plus q where the voxel's phase is c. The ratio of the two laws is

        n_c log(1 + q / ((1 - q) rho_c)) - q.

    It is nearly all there is to know at low noise, where a network would have to copy its input
    voxel by voxel, and nothing at high noise.

    Parameters
    ----------
    occupation : Tensor, shape (batch, species, *space)
    t : Tensor, shape (batch,)
        Time of each sample.
    kernel : TransitionKernel

    Returns
    -------
    Tensor, same shape as ``occupation``

    Examples
    --------
    >>> from microdsd.process import Lattice
    >>> kernel = TransitionKernel(Lattice.box((4,), "no-flux"))
    >>> here = torch.tensor([[[1.0, 0.0, 1.0, 0.0]]])
    >>> own_evidence(here, torch.tensor([0.02]), kernel)[0, 0] > 0
    tensor([ True, False,  True, False])
    """
    space = kernel.lattice.shape
    stays = occupation.new_ones(len(t), 1, *(1,) * len(space))
    for axis, length in enumerate(space):
        back = kernel.axis_matrix(axis, t).diagonal(dim1=-2, dim2=-1)
        stays = stays * back.view(-1, 1, *(length if k == axis else 1 for k in range(len(space))))
    density = occupation.mean(dim=tuple(range(2, occupation.ndim)), keepdim=True)
    return evidence_of(occupation, stays, density)


def evidence_of(occupation: Tensor, stays: Tensor, density: Tensor) -> Tensor:
    """The ratio, given each voxel's probability q to keep a walker and the mean densities rho."""
    arriving = ((1 - stays) * density).clamp_min(_NONE)
    return occupation * torch.log1p(stays / arriving) - stays
