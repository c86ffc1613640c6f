"""What the networks of the octaves learn from, and how steps are dealt out among them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from microdsd.process.octaves import Octaves
from microdsd.training.objective import Objective
from microdsd.training.validation import Validation


class Windows(NamedTuple):
    """Hold windows as they are drawn for a step.

    Attributes
    ----------
    occupation : Tensor, shape (batch, species, *window)
        Occupation numbers on voxels.
    fractions : Tensor, shape (batch, species)
        What networks are told of the composition: that of the whole windows, which these may be
        parts of.
    classes : Tensor of int64, shape (batch,), optional
    properties : Tensor, shape (batch, properties), optional
        Normal scores of properties of the whole windows.
    """

    occupation: Tensor
    fractions: Tensor
    classes: Tensor | None = None
    properties: Tensor | None = None


Draw = Callable[[int, np.random.Generator, tuple[int, ...], slice], Windows]
"""``draw(n, rng, shape, share)`` gives a share of n random windows of a shape."""


@dataclass(frozen=True)
class OctaveTask:
    """Define the task of one octave's network: windows of a size, noised in a range of levels.

    Attributes
    ----------
    octave : int
    walk : Octaves
        Of its windows; walkers are looked at on the lattice of the octave.
    objective : Objective
    validation : Validation, optional
    """

    octave: int
    walk: Octaves
    objective: Objective
    validation: Validation | None = None

    @property
    def window(self) -> tuple[int, ...]:
        """Return the voxels per axis of its windows."""
        return self.walk.voxels.voxels

    @property
    def device(self) -> torch.device:
        """Return where the work happens."""
        return self.walk.device


_EVEN = 0.5
"""Share of the steps that is dealt out evenly, whatever octaves gain."""


class StepShares:
    """Choose which octave a step is for: the more one gains per step, the more steps it gets.

    Parameters
    ----------
    octaves : int

    Examples
    --------
    >>> shares = StepShares(2)
    >>> [shares.next() for _ in range(4)]
    [0, 1, 0, 1]
    >>> shares.learn([0.1, 0.1])
    >>> shares.steps = [12, 12]
    >>> shares.learn([0.1, 0.3])
    >>> shares.shares
    [0.25, 0.75]
    """

    def __init__(self, octaves: int) -> None:
        self.steps = [0] * octaves
        self.shares = [1 / octaves] * octaves
        self._due = [0.0] * octaves
        self._gains: list[float] | None = None
        self._steps_then = [0] * octaves

    def next(self) -> int:
        """Return the octave of the next step, the one that is most in arrears."""
        self._due = [due + share for due, share in zip(self._due, self.shares, strict=True)]
        octave = max(range(len(self._due)), key=self._due.__getitem__)
        self._due[octave] -= 1
        self.steps[octave] += 1
        return octave

    def learn(self, gains: Sequence[float]) -> None:
        """Divide steps by what was gained since the last time, nats per walker and step."""
        if self._gains is not None:
            rises = [
                max(now - then, 0.0) / max(steps - before, 1)
                for now, then, steps, before in zip(
                    gains, self._gains, self.steps, self._steps_then, strict=True
                )
            ]
            total = sum(rises)
            if total > 0:
                even = _EVEN / len(rises)
                self.shares = [even + (1 - _EVEN) * rise / total for rise in rises]
        self._gains, self._steps_then = list(gains), list(self.steps)

    def state(self) -> dict[str, Any]:
        """Return what is needed to continue, as JSON can hold it."""
        return {
            "steps": self.steps,
            "shares": self.shares,
            "due": self._due,
            "gains": self._gains,
            "steps_then": self._steps_then,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a state."""
        octaves = len(self.steps)
        for name in ("steps", "shares", "due", "steps_then"):
            if len(state[name]) != octaves:
                raise ValueError(f"{name} is {state[name]}, of {octaves} octaves")
        self.steps = [int(n) for n in state["steps"]]
        self.shares = [float(share) for share in state["shares"]]
        self._due = [float(due) for due in state["due"]]
        gains = state["gains"]
        self._gains = None if gains is None else [float(gain) for gain in gains]
        self._steps_then = [int(n) for n in state["steps_then"]]
