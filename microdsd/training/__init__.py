"""Training: the objective, the loop, averaged weights, and the state to go on from."""

from microdsd.training.config import TrainingConfig
from microdsd.training.loop import StepRecord, Trainer
from microdsd.training.methods import build_objective
from microdsd.training.noised_batch import NoisedBatch
from microdsd.training.objective import Objective, OriginObjective, origin_loss
from microdsd.training.rate_objective import RateObjective, rate_loss
from microdsd.training.state import pack_state, read_state, require_same_run
from microdsd.training.stopwatch import Stopwatch
from microdsd.training.validation import Validation

__all__ = [
    "NoisedBatch",
    "Objective",
    "OriginObjective",
    "RateObjective",
    "StepRecord",
    "Stopwatch",
    "Trainer",
    "TrainingConfig",
    "Validation",
    "build_objective",
    "origin_loss",
    "pack_state",
    "rate_loss",
    "read_state",
    "require_same_run",
]
