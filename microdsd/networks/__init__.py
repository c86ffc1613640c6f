"""Networks that predict the potential h."""

from microdsd.networks.base import PotentialNetwork
from microdsd.networks.unet import PotentialUNet, UNetConfig

__all__ = ["PotentialNetwork", "PotentialUNet", "UNetConfig"]
