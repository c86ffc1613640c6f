"""What a model is: its card, its file, how its walkers are led back, and the models that ship."""

from microdsd.models.shipped import list_models, model_path, model_summary, shipped_models

__all__ = ["list_models", "model_path", "model_summary", "shipped_models"]
