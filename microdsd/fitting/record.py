"""What a model file says of its training: on what, how, for how long, by which versions."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

import microdsd
from microdsd.fitting.start import record_of_start
from microdsd.process import WalkBack
from microdsd.schedule.examination import EVALUATIONS, Source
from microdsd.models.card import ModelCard

if TYPE_CHECKING:
    from microdsd.fitting.run import TrainingRun

_LEAPS, _LAST_LEAP = 256, 0.1
"""Evaluations of tau-leaping unless asked otherwise, and the noise level of the last of them."""
_IMAGE_EVALUATIONS = 64
"""Of images: their last steps are drawn, and must be short."""


def model_card(run: TrainingRun) -> ModelCard:
    """Card of a run as it stands; the walk back is not calibrated."""
    config, trainer = run.config, run.trainer
    sigma_last = config.sigma_min * (1 if run.is_image else 2)
    usual = _IMAGE_EVALUATIONS if run.is_image else EVALUATIONS[len(run.window)]
    if run.method == "tau-leaping":
        usual, sigma_last = _LEAPS, _LAST_LEAP
    evaluations = run.evaluations or usual
    return ModelCard(
        network=run.network,
        **run.material.card_entries(np.random.default_rng([config.seed, 1])),
        boundary=run.boundary,
        sigma_min=config.sigma_min,
        sigma_max=run.sigma_max,
        walks=(WalkBack(evaluations, run.sigma_max, sigma_last),),
        evaluations=evaluations,
        symmetry=run.symmetry,
        validation_levels=tuple(run.validation.levels) if run.validation else (),
        validation_gains=run.gains,
        provenance={
            "data": run.named,
            "data_sha256": run.data_sha256,
            "data_shape": run.material.shape,
            "held_back": run.held_back,
            **run.objective.settings,
            **record_of_start(run.start),
            "steps": trainer.step,
            "minutes": round(trainer.minutes, 2),
            "parameters": run.n_parameters,
            "precision": asdict(trainer.precision) if trainer.precision else None,
            "config": asdict(config),
            "microdsd": microdsd.__version__,
            "torch": torch.__version__,
            "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        },
        method=run.method,
    )


def name_of(source: Source | Mapping[str, Source]) -> Any:
    """What the record calls the data."""
    if isinstance(source, Mapping):
        return {name: name_of(one) for name, one in source.items()}
    return source if isinstance(source, str) else "array"
