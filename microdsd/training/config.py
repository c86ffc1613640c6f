"""What a training run is told."""

from __future__ import annotations

import math
from dataclasses import dataclass

from microdsd.errors import InputError


@dataclass(frozen=True)
class TrainingConfig:
    """Hold the settings of a training run.

    Attributes
    ----------
    minutes : float, optional
        Budget of wall-clock time: of everything, from reading the scan to the calibrated model.
    steps : int, optional
        Budget of optimiser steps; the run ends at whichever budget is used up first. A run
        with ``steps`` alone is reproducible to the bit on one machine.
    batch : int
        Windows per step.
    learning_rate : float
        Peak rate of AdamW; warms up over ``warmup`` steps, then falls as a half cosine.
    warmup : int
        Steps.
    average : float
        Share of the run over which weights are averaged (exponentially).
    sigma_min : float
        Lowest noise level that training sees, voxels; at most 1.
    unconditioned : float
        Probability that a window's phase fractions are hidden from the network, and, apart
        from that, its class, and its properties.
    clip : float
        Largest norm of the gradient.
    validations : int
        Times that validation runs, spread evenly over the budget; fewer, and on fewer windows,
        where a budget of minutes would lose more than a twentieth to it.
    seed : int
    """

    minutes: float | None = None
    steps: int | None = None
    batch: int = 8
    learning_rate: float = 2e-3
    warmup: int = 100
    average: float = 0.02
    sigma_min: float = 0.3
    unconditioned: float = 0.1
    clip: float = 1.0
    validations: int = 20
    seed: int = 0

    def __post_init__(self) -> None:
        if self.minutes is None and self.steps is None:
            raise InputError("minutes=None, steps=None: give a budget, minutes or steps")
        positive = ("minutes", "steps", "batch", "learning_rate", "average", "sigma_min", "clip")
        for name in (*positive, "validations"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise InputError(f"{name}={value}: give a positive number")
        for name in ("steps", "batch", "warmup", "validations", "seed"):
            value = getattr(self, name)
            if value is not None and (value < 0 or value != int(value)):
                raise InputError(f"{name}={value}: give a whole number, not below 0")
        if self.seed >= 1 << 62:
            raise InputError(f"seed={self.seed}: give a number below 2^62")
        if not 0 <= self.unconditioned <= 1:
            raise InputError(f"unconditioned={self.unconditioned}: give a probability, 0 to 1")
        if self.sigma_min > 1:
            raise InputError(
                f"sigma_min={self.sigma_min}: walks end at noise levels of at most 1 voxel; "
                "give 1 or less"
            )

    def progress(self, step: int, minutes: float, reserve: float = 0.0) -> float:
        """Return the share of the budget that is used up, in [0, 1].

        Parameters
        ----------
        step : int
            Steps done.
        minutes : float
            Time spent.
        reserve : float
            Minutes of the budget that are kept for what comes after the steps.
        """
        used = [0.0]
        if self.steps is not None:
            used.append(step / self.steps)
        if self.minutes is not None:
            left = self.minutes - reserve
            used.append(minutes / left if left > 0 else 1.0)
        return min(1.0, max(used))
