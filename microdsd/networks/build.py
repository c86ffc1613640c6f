"""Networks by the name of a method."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor

from microdsd.networks.last_draw import LastDrawUNet
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


def build_network(
    method: Method, config: UNetConfig, octaves: int = 1, last_draw: UNetConfig | None = None
) -> Network:
    """Build the untrained network of a method, for a walk over some number of lattices.

    Parameters
    ----------
    method : {"bridges", "tau-leaping"}
    config : UNetConfig
    octaves : int
    last_draw : UNetConfig, optional
        Of the network of the last draw, where there is one.
    """
    network = NETWORKS[method](config) if octaves == 1 else OctaveUNets(config, octaves)
    if last_draw is not None:
        network.last_draw = LastDrawUNet(last_draw)
    return network


def joined(network: Network, last_draw: LastDrawUNet) -> Network:
    """Return networks of potentials together with that of their last draw; weights are shared."""
    assert isinstance(network, PotentialUNet | OctaveUNets)
    with torch.device("meta"):
        whole = build_network("bridges", network.config, len(network.octaves), last_draw.config)
    weights = {f"last_draw.{name}": weight for name, weight in last_draw.state_dict().items()}
    whole.load_state_dict({**network.state_dict(), **weights}, assign=True)
    return whole


def without_last_draw(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights of the networks that answer for the walk alone."""
    return {name: weight for name, weight in weights.items() if not name.startswith("last_draw.")}
