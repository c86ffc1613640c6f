"""Baselines that know only low-order statistics of a material."""

from microdsd.baselines.gaussian_field import GaussianField
from microdsd.baselines.yeong_torquato import YeongTorquato

__all__ = ["GaussianField", "YeongTorquato"]
