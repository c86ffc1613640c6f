"""The rate network of the paper: reverse hop rates of a walker, per voxel and direction."""

from __future__ import annotations

import math
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from microdsd.networks.unet import UNet, UNetConfig
from microdsd.process.kernel import TransitionKernel
from microdsd.process.rates import potential_rates

_ONE = math.log(math.e - 1)
"""Where softplus is 1, the rate of an uninformed walker."""


class RateNetwork(Protocol):
    """Predict the reverse hop rates of the walkers at one noise level."""

    def __call__(
        self,
        occupation: Tensor,
        t: Tensor,
        kernel: TransitionKernel,
        fractions: Tensor | None = None,
    ) -> Tensor:
        """Return rates per walker; the parameters are those of `PotentialNetwork`.

        Returns
        -------
        Tensor, shape (batch, species, 2 * ndim, *space), float32
            At least 0, in the order of directions of `microdsd.process.rates`. What it says of
            hops through walls is ignored.
        """
        ...


class RateUNet(UNet):
    """Map occupation numbers to hop rates by a U-Net; see `RateNetwork` for the call.

    Trunk and input are those of `PotentialUNet`. Rates are softplus(y / sigma + c): an untrained
    network has the rates of a walker that knows nothing, 1 in every direction, and as what is
    to be known of a rate falls as 1 / sigma, y has the same scale at every noise level.

    Parameters
    ----------
    config : UNetConfig

    Examples
    --------
    >>> import torch
    >>> from microdsd.process import Lattice, TransitionKernel
    >>> network = RateUNet(UNetConfig(ndim=2, species=1, widths=(8, 16), blocks=(1, 1)))
    >>> kernel = TransitionKernel(Lattice.box((13, 10), "no-flux"))
    >>> rates = network(torch.ones(1, 1, 13, 10), torch.tensor([0.5]), kernel)
    >>> rates.shape, round(rates.max().item(), 6)
    (torch.Size([1, 1, 4, 13, 10]), 1.0)
    """

    def __init__(self, config: UNetConfig) -> None:
        super().__init__(config, 2 * config.ndim * config.species)

    def forward(
        self,
        occupation: Tensor,
        t: Tensor,
        kernel: TransitionKernel,
        fractions: Tensor | None = None,
    ) -> Tensor:
        """Return the rates; the parameters are those of `PotentialNetwork`."""
        ndim = self.config.ndim
        raw = self.output(occupation, t, kernel, fractions)
        raw = raw.reshape(*occupation.shape[:2], 2 * ndim, *occupation.shape[2:])
        sigma = (2 * t.to(raw.device, raw.dtype)).sqrt()
        return F.softplus(raw / sigma[(...,) + (None,) * (ndim + 2)] + _ONE)


class PotentialRates(nn.Module):
    """Derive hop rates from a potential network: the network of the bridges, for leaps.

    With it one can tell what a network has learned from how its samples are stepped.

    Parameters
    ----------
    network : UNet
        Predicts log h.
    """

    def __init__(self, network: UNet) -> None:
        super().__init__()
        self.network = network

    @property
    def memory_format(self) -> torch.memory_format:
        """Return the layout in which the network's convolutions are fastest."""
        return self.network.memory_format

    def forward(
        self,
        occupation: Tensor,
        t: Tensor,
        kernel: TransitionKernel,
        fractions: Tensor | None = None,
    ) -> Tensor:
        """Return the rates; the parameters are those of `PotentialNetwork`."""
        return potential_rates(self.network(occupation, t, kernel, fractions), kernel, t)
