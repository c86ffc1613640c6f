"""Evidence of the walkers on a voxel for its phase, without their surroundings."""

from __future__ import annotations

import torch
from torch import Tensor

from microdsd.process.kernel import TransitionKernel

_NONE = 1e-12
"""Arrivals on a voxel that count as none: keeps logarithms finite."""


def own_evidence(occupation: Tensor, t: Tensor, kernel: TransitionKernel) -> Tensor:
    """Return the log likelihood ratio of a voxel's own walkers: phase c, or background.

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
    return _ratio(occupation, stays, density)


class OwnEvidence:
    """Compute `own_evidence` of one sample, for some sites at a time.

    Parameters
    ----------
    occupation : Tensor, shape (1, species, *space)
        Of any type.
    t : Tensor, shape (1,)
    kernel : TransitionKernel
    """

    def __init__(self, occupation: Tensor, t: Tensor, kernel: TransitionKernel) -> None:
        ndim = kernel.lattice.ndim
        self._occupation = occupation
        self._stays = [kernel.axis_matrix(axis, t[0]).diagonal() for axis in range(ndim)]
        walkers = occupation.flatten(2).sum(2)  # whole numbers are summed in 64 bits
        self._density = (walkers / kernel.lattice.n_sites).float().view(1, -1, *[1] * ndim)

    def __call__(self, sites: tuple[slice, ...]) -> Tensor:
        """Return the ratio (1, species, *sites)."""
        stays = torch.ones((), device=self._density.device)
        for along, part in zip(self._stays, sites, strict=True):
            stays = stays[..., None] * along[part]
        return _ratio(
            self._occupation[(slice(None), slice(None), *sites)].float(), stays, self._density
        )


def _ratio(occupation: Tensor, stays: Tensor, density: Tensor) -> Tensor:
    arriving = ((1 - stays) * density).clamp_min(_NONE)
    return occupation * torch.log1p(stays / arriving) - stays
