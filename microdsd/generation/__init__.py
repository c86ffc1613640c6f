"""From a model to labels: the request, its samples in batches, the array they are given in."""

from microdsd.generation.microstructure_model import MicrostructureModel
from microdsd.generation.request import GenerationRequest
from microdsd.generation.sweep import sample_sweep

__all__ = ["GenerationRequest", "MicrostructureModel", "sample_sweep"]
