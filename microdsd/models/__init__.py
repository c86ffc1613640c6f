"""What a model is: its card, its file, how its walkers are led back, and the models that ship."""

from microdsd.models.card import ModelCard
from microdsd.models.contents import Channels, Phases
from microdsd.models.convergence import Convergence
from microdsd.models.plan import WalkPlan
from microdsd.models.shipped import (
    ModelInfo,
    list_models,
    model_info,
    model_path,
    shipped_models,
)
from microdsd.models.spectrum import Spectrum
from microdsd.models.volume_walk import VolumeWalk
from microdsd.models.walk_back import WalkBack

__all__ = [
    "Channels",
    "Convergence",
    "ModelCard",
    "ModelInfo",
    "Phases",
    "Spectrum",
    "VolumeWalk",
    "WalkBack",
    "WalkPlan",
    "list_models",
    "model_info",
    "model_path",
    "shipped_models",
]
