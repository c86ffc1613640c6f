"""Networks that predict the potential h, or the paper's hop rates."""

from microdsd.networks.base import PotentialNetwork
from microdsd.networks.build import Method, build_network
from microdsd.networks.rates import PotentialRates, RateNetwork, RateUNet
from microdsd.networks.slices import SliceNetworks, SliceReading
from microdsd.networks.steering import Aims, Steered
from microdsd.networks.unet import PotentialUNet, UNet, UNetConfig

__all__ = [
    "Aims",
    "Method",
    "PotentialNetwork",
    "PotentialRates",
    "PotentialUNet",
    "RateNetwork",
    "RateUNet",
    "SliceNetworks",
    "SliceReading",
    "Steered",
    "UNet",
    "UNetConfig",
    "build_network",
]
