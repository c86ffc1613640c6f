"""Baselines that know low-order statistics of a material, and nothing else of it."""

from microdsd.baselines.gaussian_field import GaussianField
from microdsd.baselines.yeong_torquato import YeongTorquato

__all__ = ["GaussianField", "YeongTorquato"]
