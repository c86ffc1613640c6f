"""The lattices that a walk back visits, and the exact laws of its steps on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from microdsd.process.kernel import TransitionKernel
from microdsd.process.lattice import Lattice
from microdsd.process.octaves import Moment, Octaves
from microdsd.process.walk import Walkers
from microdsd.sampling.potentials import State


@dataclass(frozen=True)
class Lattices:
    """Hold the lattices of a box, each for a range of noise levels; these are in voxels.

    A potential is a field on the lattice of the noise level that it was asked at: it says how
    likely walkers come from each of its blocks.

    Attributes
    ----------
    box : Octaves
        The walk of the whole box, which networks receive.
    walk : Octaves
        By which walkers hop; the same unless there are walls.
    """

    box: Octaves
    walk: Octaves

    @property
    def voxels(self) -> Lattice:
        """Return the lattice of voxels."""
        return self.box.voxels

    def kernel(self, sigma: float) -> TransitionKernel:
        """Return the law of the whole box on the lattice of a noise level."""
        return self.box.kernels[self.box.octave_at(sigma)]

    def expected(self, state: State, log_h: Tensor) -> Tensor:
        """Return expected walkers per origin, (batch, species, *origins), under a potential."""
        return self.walk.expected_origins(state.occupation, log_h, self.walk.moment(state.sigma))

    def back(
        self,
        walkers: Walkers,
        log_h: Tensor,
        high: float,
        low: float,
        generators: Sequence[torch.Generator],
    ) -> Walkers:
        """Draw walkers at a lower noise level from the bridges under a potential."""
        now, earlier = self.walk.moment(high), self.walk.moment(low)
        origins = Moment(now.octave, 0.0)
        return self.walk.sample_back(walkers, log_h, now, earlier, origins, generators)

    def forward(
        self,
        walkers: Walkers,
        low: float,
        high: float,
        generators: Sequence[torch.Generator],
        *,
        by_place: bool = False,
    ) -> Walkers:
        """Return walkers at a higher noise level, after a walk that knows of no potential."""
        return self.walk.sample_forward(
            walkers, self.walk.moment(low), self.walk.moment(high), generators, by_place=by_place
        )
