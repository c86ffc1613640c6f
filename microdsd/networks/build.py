"""Networks by the name of a method."""

from __future__ import annotations

from typing import Any, Literal

from microdsd.networks.octaves import OctaveUNets
from microdsd.networks.rates import RateUNet
from microdsd.networks.slices import SliceNetworks
from microdsd.networks.unet import PotentialUNet, UNet, UNetConfig

Method = Literal["bridges", "tau-leaping"]

NETWORKS: dict[Method, type[PotentialUNet] | type[RateUNet]] = {
    "bridges": PotentialUNet,
    "tau-leaping": RateUNet,
}
"""What each method learns: the potential, or the paper's hop rates."""

DEFAULT_SIZE: dict[int, dict[str, Any]] = {
    2: {"widths": (32, 64, 96, 128), "blocks": (1, 1, 1, 1)},
    3: {"widths": (16, 48, 96), "blocks": (1, 1, 1)},
}
"""Widths and blocks of `UNetConfig`, by the number of space axes, unless asked otherwise."""


Network = UNet | OctaveUNets | SliceNetworks
"""A network of one lattice, those of all octaves, or what answers for volumes by their slices."""


def build_network(method: Method, config: UNetConfig, octaves: int = 1) -> Network:
    """Build the untrained network of a method, for a walk over some number of lattices."""
    return NETWORKS[method](config) if octaves == 1 else OctaveUNets(config, octaves)
