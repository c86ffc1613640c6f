"""The training loop: windows, noise, objective, step; validated and resumable."""

from __future__ import annotations

import copy
import itertools
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from microdsd.device.precision import AUTO, Precision, fastest_threads, resolve_dtype
from microdsd.networks.build import Network
from microdsd.process.octaves import Moment
from microdsd.process.streams import drawn_streams
from microdsd.process.walk import Walkers
from microdsd.training.averaging import average_weights
from microdsd.training.config import TrainingConfig
from microdsd.training.distributed import LostRankError, Ranks
from microdsd.training.noised_batch import NoisedBatch
from microdsd.training.octave import Draw, OctaveTask, StepShares
from microdsd.training.stopwatch import Stopwatch

_ONE_OF_SEVERAL = 0.25
"""Probability that one property of several is hidden: any can then be asked for alone."""

VALIDATION_SHARE = 0.05
"""Of a budget of minutes, the most that validation may take."""

_FEWEST_VALIDATIONS, _FEWEST_WINDOWS = 5, 2
"""So many validations are to fit into that share; each is made of fewer windows if need be."""


@dataclass(frozen=True)
class StepRecord:
    """Record one optimiser step.

    Attributes
    ----------
    step : int
        Steps done.
    minutes : float
        Wall-clock time spent, over all sessions.
    progress : float
        Share of the budget used up.
    loss : float
        Nats per walker, relative to an uninformed one; an average over the last 50 steps.
    gains : tuple of float, or None
        Information gained per validation level, when validation ran after this step.
    rate : float
        Steps per second in this session.
    last_draw : bool
        Whether it is a step of the network of the last draw.
    """

    step: int
    minutes: float
    progress: float
    loss: float
    gains: tuple[float, ...] | None = None
    rate: float = 0.0
    last_draw: bool = False


class Trainer:
    """Train a network.

    Everything random in step k depends on (seed, k) alone, so a run that was interrupted goes
    on exactly as it would have, and so that several ranks, each on its share of the windows,
    take the step of one, up to rounding.

    Parameters
    ----------
    network : UNet or OctaveUNets
        On the tasks' device; trained in place.
    draw : callable
        ``draw(n, rng, shape, share)`` gives random windows, see `Windows`.
    tasks : sequence of OctaveTask
        One per octave.
    config : TrainingConfig
    precision : {"auto", "float32", "bfloat16"}
        See `microdsd.device.precision.resolve_dtype`.
    stopwatch : Stopwatch, optional
        Of the whole run; by default one that starts now.
    ranks : Ranks, optional
        Processes that train together; by default this one alone.

    Attributes
    ----------
    reserve : float
        Minutes of the budget that are kept for what comes after the steps.
    """

    def __init__(
        self,
        network: Network,
        draw: Draw,
        tasks: Sequence[OctaveTask],
        config: TrainingConfig,
        precision: str = AUTO,
        stopwatch: Stopwatch | None = None,
        ranks: Ranks | None = None,
    ) -> None:
        self.config = config
        self._ranks = ranks or Ranks()
        self._share = self._ranks.share(config.batch)
        self.network = network
        self.averaged = copy.deepcopy(network).requires_grad_(False)
        self.optimizer = torch.optim.AdamW(
            network.parameters(), lr=config.learning_rate, betas=(0.9, 0.99), weight_decay=0.0
        )
        self.step = 0
        self.loss = 0.0
        self.reserve = 0.0
        self.precision: Precision | None = None
        self._device = tasks[0].device
        self.dtype = resolve_dtype(precision, self._device)
        self._draw = draw
        self._tasks = tasks
        self._shares = StepShares(len(tasks))
        self._validations = [task.validation for task in tasks if task.validation is not None]
        self._validations_done = 0
        self._validation_windows = min((v.windows for v in self._validations), default=0)
        self._validation_minutes = 0.0  # spent on it
        self._validation_cost = self._step_cost = 0.0  # minutes that one takes
        self._stopwatch = stopwatch or Stopwatch()

    @property
    def minutes(self) -> float:
        """Return the wall-clock time spent, over all sessions."""
        return self._stopwatch.minutes

    @property
    def progress(self) -> float:
        """Return the share of the budget used up."""
        # A last step is not begun that would end too late, and the last validation follows it.
        reserve = self.reserve + self._step_cost + self._validation_cost
        return self.config.progress(self.step, self.minutes, reserve)

    def run(self) -> Iterator[StepRecord]:
        """Train until the budget is used up, yielding after every step.

        Stop iterating at any time: the trainer's state is then that after the last step
        yielded.
        """
        device = self._device
        if self.precision is None:
            self.precision = Precision(self.dtype, self._threads())
        with self.precision.applied(device):
            self._fit_validation()
        # However little time there is, a model is made of a step at least.
        finished = self.step > 0 and self._agreed_progress() >= 1
        begun, before = time.monotonic(), self.step
        while not finished:
            with self.precision.applied(device):
                progress = self._agreed_progress()
                before_step = self.minutes
                loss = self._optimise(progress)
                self._step_cost = self.minutes - before_step
                self.loss += (loss - self.loss) / min(50, self.step)
                progress = self._agreed_progress()
                finished = progress >= 1
                gains = self._validate(progress)
            progress = 1.0 if finished else self.progress
            rate = (self.step - before) / max(time.monotonic() - begun, 1e-9)
            yield StepRecord(self.step, self.minutes, progress, self.loss, gains, rate)

    def _agreed_progress(self) -> float:
        """Return progress by the clock of the first rank."""
        if self.config.minutes is None:
            return self.progress
        return self._ranks.decided(self.progress)

    def _threads(self) -> int:
        """Return threads to train with: measured, unless steps alone are to determine the weights.

        Sums over a batch are of another order, and so other in the last bits, with other threads.
        """
        if self.config.minutes is None:
            return torch.get_num_threads()
        return fastest_threads(self._rehearse, self._device, self.dtype)

    def _batch_loss(self, task: OctaveTask, rng: np.random.Generator) -> Tensor:
        """Return the loss on this rank's share of windows, each at a time of its own."""
        n, share, device = self.config.batch, self._share, self._device
        occupation, fractions, classes, properties = self._draw(n, rng, task.window, share)
        t = torch.from_numpy(task.objective.draw_times(n, rng)[share]).to(device)
        generators = drawn_streams(rng, n, device)[share]
        walk = task.walk
        origins = Walkers.of(occupation.to(device), walk.voxels)
        start, end = Moment(0, 0.0), Moment(task.octave, t)
        walkers = walk.sample_forward(origins, start, end, generators)
        hidden = torch.from_numpy(rng.random(n) < self.config.unconditioned)[share].to(device)
        fractions = torch.where(hidden[:, None], math.nan, fractions.to(device))
        if classes is not None:
            secret = torch.from_numpy(rng.random(n) < self.config.unconditioned)[share]
            classes = torch.where(secret, -1, classes).to(device)
        if properties is not None:
            secret = torch.from_numpy(self._hidden(rng, n, properties.shape[1]))[share]
            properties = torch.where(secret, math.nan, properties).to(device)
        batch = NoisedBatch(origins, walkers, walk, t, fractions, classes, properties, generators)
        return task.objective.loss(self.network, batch).mean()

    def _hidden(self, rng: np.random.Generator, n: int, properties: int) -> np.ndarray:
        """Draw which properties of n windows are hidden: all of some, of others each by itself."""
        every = rng.random((n, 1)) < self.config.unconditioned
        one = rng.random((n, properties)) < (_ONE_OF_SEVERAL if properties > 1 else 0.0)
        hidden: np.ndarray = every | one
        return hidden

    def _optimise(self, progress: float) -> float:
        config = self.config
        rng = np.random.default_rng([config.seed, self.step])
        shares = copy.deepcopy(self._shares)
        octave = self._shares.next()
        done = self._shares.steps[octave]
        self.optimizer.zero_grad(set_to_none=True)
        loss = self._batch_loss(self._tasks[octave], rng)
        loss.backward()  # type: ignore[no-untyped-call]
        try:
            loss = self._ranks.average(self.network.parameters(), loss.detach())
        except LostRankError:
            self._shares = shares  # the state is that after the last step
            raise
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), config.clip)
        warm = min(1.0, done / max(1, config.warmup))
        for group in self.optimizer.param_groups:
            group["lr"] = config.learning_rate * warm * (1 + math.cos(math.pi * progress)) / 2
        # The only time that a step waits for its own work.
        size, mean_loss = torch.stack([norm, loss.to(norm.dtype)]).tolist()
        if math.isfinite(size):  # one step that overflows must not end the run
            self.optimizer.step()
        self.step += 1
        run_length = done / max(progress, 1 / self.step)
        average_weights(
            self.averaged.octaves[octave],
            self.network.octaves[octave],
            done,
            config.average * run_length,
        )
        return float(mean_loss)

    def _rehearse(self) -> None:
        """Run one step's work for every octave, which leaves no trace."""
        for task in self._tasks:
            loss = self._batch_loss(task, np.random.default_rng(self.config.seed))
            loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.zero_grad(set_to_none=True)

    def _fit_validation(self) -> None:
        """Measure what validation takes; where time is short, make do with fewer windows."""
        if not (self._validations and self._ranks.first) or self.config.minutes is None:
            return
        one = sum(each.seconds(self.averaged) for each in self._validations) / 60
        allowed = VALIDATION_SHARE * self.config.minutes / _FEWEST_VALIDATIONS
        windows = max(_FEWEST_WINDOWS, int(allowed / max(one, 1e-9)))
        self._validation_windows = min(windows, self._validation_windows)
        self._validation_cost = one * self._validation_windows

    def _validate(self, progress: float) -> tuple[float, ...] | None:
        if not self._validations:
            return None
        due = math.floor(progress * self.config.validations + 1e-9)
        if due <= self._validations_done:
            return None
        by_octave = None
        if self._ranks.first and (progress >= 1 or self._may_validate()):
            by_octave = self._measured_gains()
        by_octave = self._ranks.decided(by_octave)
        if by_octave is None:
            return None
        self._shares.learn([sum(gains) / len(gains) for gains in by_octave])
        self._validations_done = due
        return tuple(itertools.chain.from_iterable(by_octave))

    def _measured_gains(self) -> list[list[float]]:
        """Measure gains by octave and level; what that costs is kept in mind."""
        begun = time.monotonic()
        by_octave = [
            each.gains(self.averaged, self._validation_windows) for each in self._validations
        ]
        if self.config.minutes is not None:
            self._validation_cost = (time.monotonic() - begun) / 60
            self._validation_minutes += self._validation_cost
        return by_octave

    def _may_validate(self) -> bool:
        """Return whether validation's share of the time has room for one more, and for the last."""
        if self.config.minutes is None:
            return True
        spent = self._validation_minutes + 2 * self._validation_cost
        return spent <= VALIDATION_SHARE * self.minutes

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return all that is needed to continue: tensors by name, and a few numbers."""
        tensors = {f"network.{k}": v for k, v in self.network.state_dict().items()}
        tensors |= {f"averaged.{k}": v for k, v in self.averaged.state_dict().items()}
        for index, moments in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{k}": v for k, v in moments.items()}
        numbers = {
            "step": self.step,
            "minutes": self.minutes,
            "loss": self.loss,
            "validations_done": self._validations_done,
            "validation_minutes": self._validation_minutes,
            "shares": self._shares.state(),
            "precision": asdict(self.precision) if self.precision else None,
        }
        return tensors, numbers

    def restore(self, tensors: dict[str, Tensor], numbers: dict[str, Any]) -> None:
        """Continue from a state; the inverse of `state`."""
        moments: dict[int, dict[str, Tensor]] = {}
        parts: dict[str, dict[str, Tensor]] = {"network": {}, "averaged": {}}
        for name, tensor in tensors.items():
            part, _, rest = name.partition(".")
            if part == "optimizer":
                index, _, key = rest.partition(".")
                moments.setdefault(int(index), {})[key] = tensor
            else:
                parts[part][rest] = tensor
        self.network.load_state_dict(parts["network"])
        self.averaged.load_state_dict(parts["averaged"])
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": moments, "param_groups": groups})
        counters = ("step", "minutes", "validations_done", "validation_minutes")
        for name in counters:
            if not 0 <= float(numbers.get(name, 0)) < math.inf:
                raise ValueError(f"{name} is {numbers[name]}")
        self.step = int(numbers["step"])
        self.loss = float(numbers["loss"])
        self._stopwatch.go_on_from(float(numbers["minutes"]))
        self._validations_done = int(numbers["validations_done"])
        self._validation_minutes = float(numbers.get("validation_minutes", 0.0))
        self._shares.restore(numbers["shares"])
        if numbers["precision"] is not None:
            self.precision = Precision(**numbers["precision"])
            self.dtype = self.precision.dtype
