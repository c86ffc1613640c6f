"""What an objective is given: windows, and the walkers that they have become."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from torch import Tensor

from microdsd.process.kernel import TransitionKernel
from microdsd.process.walk import Walkers


@dataclass(frozen=True)
class NoisedBatch:
    """Windows, each noised to a time of its own.

    Parameters
    ----------
    origins : Walkers
        At time 0.
    walkers : Walkers
        The same, in the same order, at their times.
    kernel : TransitionKernel
        That they walked by.
    t : Tensor, shape (batch,)
        Time of each window.
    fractions : Tensor, shape (batch, species), optional
        What the network is told of the composition; NaN in a row means nothing.
    classes : Tensor of int64, shape (batch,), optional
        What it is told of the material; -1 means nothing.
    """

    origins: Walkers
    walkers: Walkers
    kernel: TransitionKernel
    t: Tensor
    fractions: Tensor | None = None
    classes: Tensor | None = None

    @cached_property
    def occupation_0(self) -> Tensor:
        """Occupation numbers (batch, species, *space) of the windows."""
        return self.origins.occupation()

    @cached_property
    def occupation_t(self) -> Tensor:
        """Occupation numbers at the windows' times."""
        return self.walkers.occupation()

    @property
    def shown(self) -> tuple[Any, ...]:
        """Arguments of a network's call; classes only where there are some."""
        told = () if self.classes is None else (self.classes,)
        return (self.occupation_t, self.t, self.kernel, self.fractions, *told)
