"""From the name of a method to its network."""

from __future__ import annotations

from typing import Literal

from microdsd.networks.rates import RateUNet
from microdsd.networks.unet import PotentialUNet, UNet, UNetConfig

Method = Literal["bridges", "tau-leaping"]

NETWORKS: dict[Method, type[PotentialUNet] | type[RateUNet]] = {
    "bridges": PotentialUNet,
    "tau-leaping": RateUNet,
}
"""What each method learns: the potential, or the paper's hop rates."""


def build_network(method: Method, config: UNetConfig) -> UNet:
    """Untrained network of a method."""
    return NETWORKS[method](config)
