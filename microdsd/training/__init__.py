"""Training: the objective, the loop, averaged weights, checkpoints."""

from microdsd.training.checkpoint import (
    ModelCard,
    pack_model,
    pack_state,
    read_model,
    read_network,
    read_state,
    require_same_run,
)
from microdsd.training.config import TrainingConfig
from microdsd.training.loop import StepRecord, Trainer
from microdsd.training.methods import build_objective
from microdsd.training.noised_batch import NoisedBatch
from microdsd.training.objective import Objective, OriginObjective, origin_loss
from microdsd.training.precision import Precision, fastest_threads, resolve_dtype
from microdsd.training.rate_objective import RateObjective, rate_loss
from microdsd.training.stopwatch import Stopwatch
from microdsd.training.validation import Validation

__all__ = [
    "ModelCard",
    "NoisedBatch",
    "Objective",
    "OriginObjective",
    "Precision",
    "RateObjective",
    "StepRecord",
    "Stopwatch",
    "Trainer",
    "TrainingConfig",
    "Validation",
    "build_objective",
    "fastest_threads",
    "origin_loss",
    "pack_model",
    "pack_state",
    "rate_loss",
    "read_model",
    "read_network",
    "read_state",
    "require_same_run",
    "resolve_dtype",
]
