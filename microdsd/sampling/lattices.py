"""The lattices that a walk visits, and the exact laws of its steps on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from microdsd.process.bridge import expected_occupation, sample_bridge_step
from microdsd.process.kernel import TransitionKernel
from microdsd.process.noise import time_of
from microdsd.process.walk import Walkers, sample_forward
from microdsd.sampling.potentials import State


class Lattices(Protocol):
    """What a walk asks of the lattices that it visits; noise levels are in voxels."""

    def kernel(self, sigma: float) -> TransitionKernel:
        """Law of the whole box on the lattice of a noise level: what a network is shown."""
        ...

    def hops(self, sigma: float) -> TransitionKernel:
        """Law by which the walkers hop at a noise level; walls may bound it."""
        ...

    def expected(self, state: State, log_h: Tensor) -> Tensor:
        """Expected number of walkers per origin, (batch, species, *origins), under a potential."""
        ...

    def back(
        self,
        walkers: Walkers,
        log_h: Tensor,
        high: float,
        low: float,
        generators: Sequence[torch.Generator],
    ) -> Walkers:
        """Walkers at a lower noise level, drawn from the bridges under a potential."""
        ...

    def forward(
        self,
        walkers: Walkers,
        low: float,
        high: float,
        generators: Sequence[torch.Generator],
        *,
        by_place: bool = False,
    ) -> Walkers:
        """Walkers at a higher noise level, after a walk that knows of no potential."""
        ...


@dataclass(frozen=True)
class OneLattice:
    """The lattice of voxels, at every noise level.

    Parameters
    ----------
    box : TransitionKernel
        Of the whole box.
    walk : TransitionKernel
        The law by which walkers hop; the same unless there are walls.
    """

    box: TransitionKernel
    walk: TransitionKernel

    def kernel(self, sigma: float) -> TransitionKernel:
        """The law of the box."""
        return self.box

    def hops(self, sigma: float) -> TransitionKernel:
        """The law by which walkers hop."""
        return self.walk

    def expected(self, state: State, log_h: Tensor) -> Tensor:
        """Expected number of walkers of every species on every voxel at time 0."""
        return expected_occupation(state.occupation, log_h, self.walk, state.time)

    def back(
        self,
        walkers: Walkers,
        log_h: Tensor,
        high: float,
        low: float,
        generators: Sequence[torch.Generator],
    ) -> Walkers:
        """Walkers at the lower level; see `microdsd.process.bridge`."""
        t, s = float(time_of(high)), float(time_of(low))
        return sample_bridge_step(walkers, log_h, self.walk, t, s, generators)

    def forward(
        self,
        walkers: Walkers,
        low: float,
        high: float,
        generators: Sequence[torch.Generator],
        *,
        by_place: bool = False,
    ) -> Walkers:
        """Walkers at the higher level; see `microdsd.process.walk.sample_forward`."""
        t = float(time_of(high)) - float(time_of(low))
        times = torch.full((walkers.batch,), t, device=self.walk.device)
        return sample_forward(walkers, self.walk, times, generators, by_place=by_place)
