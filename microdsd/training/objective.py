"""The training objective: maximum likelihood of the walkers' true origins."""

from __future__ import annotations

import torch
from torch import Tensor

from microdsd.process.bridge import peak
from microdsd.process.kernel import TransitionKernel


def origin_loss(
    log_h: Tensor, occupation_0: Tensor, occupation_t: Tensor, kernel: TransitionKernel, t: Tensor
) -> Tensor:
    """Negative log likelihood of the origins, relative to an uninformed walker.

    Summing -log P(y | x) over the walkers, with P(y | x) = K_t(x, y) h(y) / (K_t h)(x), leaves

        loss = [ sum_x n_t(x) log (K_t h)(x) - sum_y n_0(y) log h(y) ] / walkers,

    which needs neither ratios nor the walkers' labels. h = 1 gives 0; minus the loss is the
    information gained, in nats per walker.

    Parameters
    ----------
    log_h : Tensor, shape (batch, species, *space)
    occupation_0, occupation_t : Tensor, same shape
        Occupation numbers at time 0 and t.
    kernel : TransitionKernel
    t : Tensor, shape (batch,)

    Returns
    -------
    Tensor, shape (batch,)
        Nats per walker of each sample.
    """
    # K_t h must not leave float32: shift per sample and species, and add the shift back.
    top = peak(log_h.detach())
    smoothed = kernel.apply(torch.exp(log_h - top), t).clamp_min(1e-30).log() + top
    loss = (occupation_t * smoothed - occupation_0 * log_h).flatten(1).sum(1)
    return loss / occupation_0.flatten(1).sum(1).clamp_min(1.0)
