"""Training the network of the last draw, once the networks of the walk are trained."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from microdsd.device.precision import Precision
from microdsd.encoding.scan import number_of_windows
from microdsd.fitting.material import Material
from microdsd.networks.build import Network
from microdsd.networks.last_draw import HIGHEST_LEVEL, LastDrawUNet, last_draw_config
from microdsd.networks.unet import PotentialUNet
from microdsd.process.octaves import Octaves
from microdsd.training import StepRecord, Stopwatch, Trainer, TrainingConfig, Validation
from microdsd.training.distributed import Ranks
from microdsd.training.last_draw import LastDrawObjective
from microdsd.training.octave import OctaveTask

SHARE = 0.2
"""Of a budget of minutes or steps, what the last draw is trained for (docs/decisions/0029)."""

_VALIDATIONS = 4


class LastDrawTraining:
    """Train the network by which phases are drawn in passes; see `microdsd.networks.last_draw`.

    Parameters
    ----------
    network : PotentialUNet or OctaveUNets
        With a read-out; trained before these records begin, and left as it is.
    material : Material
    walk : Octaves
        Of the windows that it learns from.
    levels : (float, float)
        Lowest and highest noise level that the networks know on voxels.
    config : TrainingConfig
        With the budget of this training alone.
    precision, ranks
        As of `Trainer`.
    start : LastDrawUNet, optional
        Whose weights to start from.
    """

    def __init__(
        self,
        network: Network,
        material: Material,
        walk: Octaves,
        levels: tuple[float, float],
        config: TrainingConfig,
        precision: str,
        ranks: Ranks,
        start: LastDrawUNet | None = None,
    ) -> None:
        finest = cast(PotentialUNet, network.octaves[0])
        self.config = last_draw_config(finest.config)
        lowest, highest = levels[0], min(HIGHEST_LEVEL, levels[1])
        objective = LastDrawObjective(finest.joint, lowest, highest)
        validation = None
        if material.held_back is not None:
            rng = np.random.default_rng([config.seed, 4])
            shape = walk.voxels.voxels
            windows, classes = material.held_back.evenly(number_of_windows(shape), rng)
            parts = material.parts(windows, classes, rng, shape)
            validation = Validation(
                parts.occupation,
                walk,
                lowest,
                highest,
                config.seed,
                objective,
                parts.classes,
                fractions=parts.fractions,
                properties=parts.properties,
            )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            unet = LastDrawUNet(self.config)
        if start is not None and start.config == self.config:
            unet.load_state_dict(start.state_dict())
        unet = unet.to(walk.device).to(memory_format=unet.memory_format)  # type: ignore[call-overload]
        self._watch = Stopwatch()
        self._trainer = Trainer(
            unet,
            material.draw,
            [OctaveTask(0, walk, objective, validation)],
            replace(config, validations=_VALIDATIONS),
            precision,
            self._watch,
            ranks,
        )
        self.gain = math.nan

    @property
    def network(self) -> LastDrawUNet:
        """Return the network of averaged weights, as far as it has been trained."""
        return cast(LastDrawUNet, self._trainer.averaged)

    def records(self, precision: Precision | None = None) -> Iterator[StepRecord]:
        """Train, yielding after every step; in a precision, if one is given."""
        self._trainer.precision = self._trainer.precision or precision
        self._watch.begin()
        for record in self._trainer.run():
            if record.gains:
                self.gain = sum(record.gains) / len(record.gains)
            yield record

    def record(self) -> dict[str, Any]:
        """Return what a model card says of this training."""
        return {
            "steps": self._trainer.step,
            "minutes": round(self._watch.minutes, 2),
            "gain": None if math.isnan(self.gain) else round(self.gain, 5),
        }

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return all that is needed to continue; see `Trainer.state`."""
        tensors, numbers = self._trainer.state()
        return tensors, {**numbers, "gain": None if math.isnan(self.gain) else self.gain}

    def restore(self, tensors: dict[str, Tensor], numbers: dict[str, Any]) -> None:
        """Continue from a state."""
        gain = numbers["gain"]
        self.gain = math.nan if gain is None else float(gain)
        self._trainer.restore(tensors, numbers)


def budget(config: TrainingConfig) -> TrainingConfig:
    """Return the settings for the share of a budget that the last draw has.

    Examples
    --------
    >>> budget(TrainingConfig(minutes=30)).minutes
    6.0
    """
    minutes = None if config.minutes is None else SHARE * config.minutes
    steps = None if config.steps is None else math.ceil(SHARE * config.steps)
    return replace(config, minutes=minutes, steps=steps)
