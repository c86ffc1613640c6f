"""What known material says about the walkers beside it.

The network takes every walker for one of unknown origin, so that known material reaches the walk
through its noise alone. Its own read-out says more: how likely the known phases are, given where
all walkers stand. By Bayes' theorem the likelihood of what is known multiplies the potential;
to first order in the walkers' places that is the exponential of its slope.
"""

from __future__ import annotations

import torch
from torch import Tensor

from microdsd.networks.base import ReadOut
from microdsd.process.kernel import TransitionKernel

_TRUST = 1.5
"""Factor on the slope, found by trial between 1 and 2 (docs/decisions/0009)."""

_MOST = 5.0
"""Largest logarithm of a weight: slopes are of no use far from where they were taken."""


def evidence(
    read_out: ReadOut,
    occupation: Tensor,
    t: Tensor,
    kernel: TransitionKernel,
    fractions: Tensor | None,
    known: Tensor,
) -> tuple[Tensor, Tensor]:
    """Return log h, and the slope of the log likelihood of known material.

    The read-out's voxels are not independent given the walkers: neighbours are right or wrong
    together, so the sum of their log likelihoods says the same several times. It is divided by
    its `design_effect`: from 1 at the end of the walk to the voxels of a pore at high noise.

    Parameters
    ----------
    read_out : callable
        A network called as a `ReadOut`.
    occupation : Tensor, shape (batch, species, *space)
        Occupation numbers of all walkers, those of known material included.
    t : Tensor, shape (batch,)
    kernel : TransitionKernel
    fractions : Tensor, shape (batch, species), optional
    known : Tensor, shape (phases, *space)
        Known voxels of every phase on each site; the background comes first.

    Returns
    -------
    log_h, slope : Tensor, shape (batch, species, *space)

    References
    ----------
    Wu et al., NeurIPS 36 (2023), arXiv:2306.17775 (twisted diffusion).
    """
    # Samplers run in inference mode, whose tensors autograd cannot follow.
    with torch.inference_mode(False), torch.enable_grad():
        walkers = occupation.clone().requires_grad_(True)
        given_fractions = None if fractions is None else fractions.clone()
        log_h, log_p = read_out(walkers, t.clone(), kernel, given_fractions)
        (slope,) = torch.autograd.grad((log_p * known.clone()).sum(), walkers)
    log_h, log_p = log_h.detach(), log_p.detach()
    error = known.float() - log_p.exp() * known.sum(0)
    share = _TRUST / design_effect(error).view(-1, *[1] * (slope.ndim - 1))
    return log_h, (share * slope).clamp(-_MOST, _MOST)


def design_effect(error: Tensor) -> Tensor:
    """Return how many voxels say the same: variance of their sum over that of independent ones.

    It is the largest sum, over radii up to a quarter of the box, of the correlations of a voxel's
    error with those within that distance (Kish, Survey Sampling, 1965). Errors farther away balance
    those at hand, for the counts are known. Of a single sample it is uncertain and rather too
    large: known material then counts for less than it might.

    Parameters
    ----------
    error : Tensor, shape (batch, phases, *space)
        0 where nothing is known.

    Returns
    -------
    Tensor, shape (batch,)
        At least 1.

    Examples
    --------
    >>> alone, together, opposed = [1, 0, 0, 0, 0, 1], [0, 0, 1, 1, 0, 0], [0, 0, 1, -1, 0, 0]
    >>> design_effect(torch.tensor([[alone], [together], [opposed]]).float()).tolist()
    [1.0, 2.0, 1.0]
    """
    space = error.shape[2:]
    size = [2 * n for n in space]
    axes = tuple(range(2, error.ndim))
    power = torch.fft.rfftn(error, s=size, dim=axes).abs().square().sum(1)
    products = torch.fft.irfftn(power, s=size, dim=[axis - 1 for axis in axes])
    squared = error.new_zeros(())
    for n in size:
        lag = torch.arange(n, device=error.device)
        squared = squared[..., None] + torch.minimum(lag, n - lag).square()
    shell = squared.sqrt().ceil().long().flatten()
    radii = max(1, min(space) // 4)
    within = error.new_zeros(len(error), int(shell.max()) + 1)
    within = within.index_add_(1, shell, products.flatten(1)).cumsum(1)[:, : radii + 1]
    return (within / within[:, :1].clamp_min(1e-12)).amax(1).clamp_min(1.0)
