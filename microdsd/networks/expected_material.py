"""From the material that is expected to the potential that leads walkers to it.

A potential that is learned by maximum likelihood satisfies, at its optimum,

    rho(y) = h(y) K^T [n / (K h)](y),

with rho the expected origins given the walkers n: h is the Schroedinger potential of the bridge
from n to rho. Where rho is known from elsewhere, h follows from it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from microdsd.process.blocks import site_volumes
from microdsd.process.kernel import TransitionKernel

_NEWTON_STEPS, _LONGEST_STEP = 12, 2.0
"""Steps in which the totals are met, and the longest of them."""

_NONE = 1e-12
"""Density that counts as none."""


def offsets_to_totals(log_odds: Tensor, occupation: Tensor, kernel: TransitionKernel) -> Tensor:
    """Return what is added to log odds so that as much material is expected as there are walkers.

    Parameters
    ----------
    log_odds : Tensor, shape (batch, species, *space)
        Of every phase against the background, up to a constant per species.
    occupation : Tensor, same shape
        The walkers.
    kernel : TransitionKernel

    Returns
    -------
    Tensor, shape (batch, species, 1, ...)

    Examples
    --------
    >>> from microdsd.process import Lattice
    >>> kernel = TransitionKernel(Lattice.box((4,), "no-flux"))
    >>> odds, walkers = torch.tensor([[[9.0, 9.0, 0.0, 0.0]]]), torch.tensor([[[1.0, 0, 0, 0]]])
    >>> offsets = offsets_to_totals(odds, walkers, kernel)
    >>> expected_material(odds + offsets, kernel)[0, 0].round(decimals=2).tolist()
    [0.5, 0.5, 0.0, 0.0]
    """
    volumes = site_volumes(kernel.lattice, log_odds.device)
    space = tuple(range(2, log_odds.ndim))
    wanted = occupation.sum(space, keepdim=True)
    density = (wanted / volumes.sum()).clamp(_NONE, 1 - 1e-6)
    # Begun where the mean of the odds is that of the density, whatever their constant.
    offsets = density.logit() - log_odds.mean(space, keepdim=True)
    for _ in range(_NEWTON_STEPS):
        expected = expected_material(log_odds + offsets, kernel)
        slope = (expected * (1 - expected / volumes)).sum(space, keepdim=True).clamp_min(_NONE)
        excess = expected.sum(space, keepdim=True) - wanted
        offsets = offsets - (excess / slope).clamp(-_LONGEST_STEP, _LONGEST_STEP)
    return offsets


def expected_material(log_odds: Tensor, kernel: TransitionKernel) -> Tensor:
    """Return the expected voxels of every phase on every site, (batch, species, *space)."""
    background = torch.zeros_like(log_odds[:, :1])
    share = torch.cat([background, log_odds], dim=1).softmax(1)[:, 1:]
    return share * site_volumes(kernel.lattice, log_odds.device)


def leading_potential(
    expected: Tensor, occupation: Tensor, t: Tensor, kernel: TransitionKernel, rounds: int
) -> Tensor:
    """Return log h under which walkers are expected where material is.

    Parameters
    ----------
    expected : Tensor, shape (batch, species, *space)
        Voxels of material on every site; scaled to as many of every species as there are walkers.
    occupation : Tensor, same shape
    t : Tensor, shape (batch,)
    kernel : TransitionKernel
    rounds : int
        Of h = rho / K^T [n / (K h)], begun from h = rho.

    References
    ----------
    Sinkhorn and Knopp, Pacific J. Math. 21 (1967) 343, doi:10.2140/pjm.1967.21.343.
    """
    space = tuple(range(2, expected.ndim))
    walkers, voxels = (field.sum(space, keepdim=True) for field in (occupation, expected))
    expected = expected * (walkers / voxels.clamp_min(_NONE))
    h = expected.clamp_min(_NONE)
    for _ in range(rounds):
        arriving = kernel.carry(occupation / kernel.apply(h, t).clamp_min(_NONE), t)
        h = (expected / arriving.clamp_min(_NONE)).clamp_min(_NONE)
    return h.log()
