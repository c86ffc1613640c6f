"""A network that goes through a large box tile by tile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

import torch
from torch import Tensor

from microdsd.networks.build import Network
from microdsd.networks.last_draw import LastDrawUNet
from microdsd.networks.steering import Aims
from microdsd.networks.unet import PotentialUNet
from microdsd.process.octaves import Octaves


@dataclass(frozen=True)
class TiledNetwork:
    """Ask the networks of the octaves tile by tile for one sample, with its conditions.

    Attributes
    ----------
    network : UNet or OctaveUNets
        With a read-out.
    fractions : Tensor, shape (1, species)
    aims : Aims
    """

    network: Network
    fractions: Tensor
    aims: Aims = field(default_factory=Aims)

    def parts(
        self, occupation: Tensor, sigma: float, box: Octaves
    ) -> Iterator[tuple[tuple[slice, ...], Tensor, Tensor]]:
        """Yield sites, and of these log h and the log odds of the phases, (species, *sites)."""
        moment = box.moment(sigma)
        network = self.network.octaves[moment.octave]
        assert isinstance(network, PotentialUNet)
        t = torch.full((1,), float(moment.t), device=box.device)
        arguments = occupation[None], t, box.kernels[moment.octave], self.fractions
        aimed, aims = network.joint_parts(*arguments, *self.aims.given), self.aims
        if not aims.twice:
            for sites, log_h, log_odds in aimed:
                yield sites, log_h[0], log_odds[0]
            return
        for (sites, log_h, log_odds), (_, free_h, free_odds) in zip(
            aimed, network.joint_parts(*arguments), strict=True
        ):
            yield sites, aims.guided(log_h, free_h)[0], aims.guided(log_odds, free_odds)[0]

    def remaining_parts(
        self,
        log_odds: Tensor,
        phase: Tensor,
        drawn: Tensor,
        occupation: Tensor,
        sigma: float,
        box: Octaves,
    ) -> Iterator[tuple[tuple[slice, ...], Tensor]]:
        """Yield sites, and the log odds (species, *sites) of their phases given those drawn."""
        last_draw = cast(LastDrawUNet, self.network.last_draw)
        t = torch.full((1,), float(box.moment(sigma).t), device=box.device)
        state = log_odds[None], phase[None], drawn[None], occupation[None], t, box.kernels[0]
        for sites, given in last_draw.remaining_parts(*state, self.fractions, self.aims.classes):
            yield sites, given[0]
