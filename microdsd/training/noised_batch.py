"""What an objective is given: windows, and the walkers that they have become."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from microdsd.process.blocks import block_sums
from microdsd.process.kernel import TransitionKernel
from microdsd.process.octaves import Moment, Octaves
from microdsd.process.walk import Walkers


@dataclass(frozen=True)
class NoisedBatch:
    """Hold windows, each noised to a time of its own.

    Attributes
    ----------
    origins : Walkers
        At time 0.
    walkers : Walkers
        The same walkers, in the same order, at their times; on the lattice of one octave.
    walk : Octaves
        That they walked by.
    t : Tensor, shape (batch,)
        Time of each window.
    fractions : Tensor, shape (batch, species), optional
        What the network is told of the composition; NaN in a row means nothing.
    classes : Tensor of int64, shape (batch,), optional
        What it is told of the material; -1 means nothing.
    properties : Tensor, shape (batch, properties), optional
        Normal scores of the windows' properties; NaN means nothing.
    generators : sequence of torch.Generator
        One per window, for what an objective draws itself; may be used up once.
    """

    origins: Walkers
    walkers: Walkers
    walk: Octaves
    t: Tensor
    fractions: Tensor | None = None
    classes: Tensor | None = None
    properties: Tensor | None = None
    generators: Sequence[torch.Generator] = ()

    @property
    def octave(self) -> int:
        """Return the octave whose lattice the walkers are on."""
        return self.walkers.lattice.block.bit_length() - 1

    @property
    def kernel(self) -> TransitionKernel:
        """Return the law of the walk on the lattice of the octave."""
        return self.walk.kernels[self.octave]

    @property
    def now(self) -> Moment:
        """Return where the walk is."""
        return Moment(self.octave, self.t)

    @cached_property
    def occupation_0(self) -> Tensor:
        """Return occupation numbers (batch, species, *space) of the windows, on that lattice."""
        return block_sums(self.origins.occupation(), self.walkers.lattice)

    @cached_property
    def occupation_t(self) -> Tensor:
        """Return occupation numbers at the windows' times."""
        return self.walkers.occupation()

    @property
    def shown_of_composition(self) -> tuple[Any, ...]:
        """Return the same arguments, of a network that is told of no properties."""
        return self.shown[:5]

    @property
    def shown(self) -> tuple[Any, ...]:
        """Return the arguments of a network's call; those of aims only where there are some."""
        aims: tuple[Any, ...] = () if self.classes is None else (self.classes,)
        if self.properties is not None:
            aims = (self.classes, self.properties)
        return (self.occupation_t, self.t, self.kernel, self.fractions, *aims)
