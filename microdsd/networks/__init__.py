"""Networks that predict the potential h, or the paper's hop rates."""

from microdsd.networks.base import PotentialNetwork
from microdsd.networks.rates import RateNetwork, RateUNet
from microdsd.networks.unet import PotentialUNet, UNet, UNetConfig

__all__ = [
    "PotentialNetwork",
    "PotentialUNet",
    "RateNetwork",
    "RateUNet",
    "UNet",
    "UNetConfig",
]
