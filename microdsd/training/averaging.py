"""Averaged weights."""

from __future__ import annotations

import torch
from torch import nn


@torch.no_grad()
def average_weights(averaged: nn.Module, network: nn.Module, step: int, window: float) -> None:
    """Move the averaged weights towards the network's, over about ``window`` steps.

    Early in a run the window is a tenth of the steps done, so that the random start is
    forgotten.
    """
    rate = 1 / max(1.0, min(window, step / 10))
    for mean, weight in zip(averaged.parameters(), network.parameters(), strict=True):
        mean.lerp_(weight, rate)
