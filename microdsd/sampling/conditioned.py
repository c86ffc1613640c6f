"""A network, and all that the samples it is asked for are conditioned on."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from microdsd.models.plan import WalkPlan
from microdsd.networks.base import PotentialNetwork, ReadOut
from microdsd.networks.last_draw import Given, LastDraw
from microdsd.sampling.assignment import phase_scores
from microdsd.sampling.finite import require_finite_output
from microdsd.sampling.guidance import Guide, Guided, guided_scores
from microdsd.sampling.lattices import Lattices
from microdsd.sampling.particles import Chooser
from microdsd.sampling.potentials import (
    Evidence,
    Extrapolated,
    Observer,
    Potential,
    Predicted,
    Sharpened,
    State,
    Visit,
)


@dataclass(frozen=True)
class ConditionedNetwork:
    """Combine a network of potentials with what conditions its samples, classes apart.

    Classes are in the network itself.

    Attributes
    ----------
    network : PotentialNetwork
    read_out : ReadOut, optional
        `PotentialUNet.joint`, asked in place of the network at the last level; without it the
        phases' scores are those of the walkers' expected origins. Next to known material it is
        asked at all levels from 16 voxels down, for its `evidence`.
    fractions : Tensor, shape (batch, species), optional
        The composition that the network is conditioned on.
    guide : Guide, optional
        Weighs the potential.
    observe : callable, optional
        Shown every level after its network evaluation.
    last_draw : LastDraw, optional
        Asked in plans with passes.
    choose : Chooser, optional
        Says on the way which walks of a batch go on; see `Particles`.
    """

    network: PotentialNetwork
    read_out: ReadOut | None = None
    fractions: Tensor | None = None
    guide: Guide | None = None
    observe: Observer | None = None
    last_draw: LastDraw | None = None
    choose: Chooser | None = None

    def potential(
        self, plan: WalkPlan, lattices: Lattices, known: Tensor | None = None
    ) -> Potential:
        """Compose the potential of one batch's steps.

        Parameters
        ----------
        plan : WalkPlan
        lattices : Lattices
        known : Tensor of bool, shape (phases, *space), optional
            True for the phase of a known voxel, see `Origins.fixed`; used with a read-out.
        """

        def of_a_step(predicted: Potential) -> Potential:
            ahead = Extrapolated(predicted, plan.levels)
            return Sharpened(ahead, plan.sharpness) if plan.sharpness else ahead

        predicted = Predicted(self.network, self.fractions, self.observe)
        potential = of_a_step(predicted)
        if known is not None and self.read_out is not None:
            potential = Evidence(predicted, self.read_out, self.fractions, known, of_a_step)
        if self.guide is not None:
            potential = Guided(potential, self.guide, lattices)
        return potential

    def scores(self, state: State, lattices: Lattices) -> Tensor:
        """Return scores (batch, phases, *space) of every voxel's phases, the background first."""
        return self.guided(self.log_p(state, lattices), state.sigma)

    def log_p(self, state: State, lattices: Lattices) -> Tensor:
        """Return what the walkers say of every voxel's phases, by one evaluation; not guided."""
        arguments = state.occupation, state.times, state.kernel, self.fractions
        if self.read_out is None:
            log_h = self.network(*arguments)
            scores = phase_scores(lattices.expected(state, log_h))
        else:
            log_h, scores = self.read_out(*arguments)
        require_finite_output(scores, "phase probabilities", state.sigma)
        if self.observe is not None:
            self.observe(Visit(state.sigma, state.occupation, log_h, state.kernel.lattice))
        return scores

    def remaining(self, state: State, log_p: Tensor) -> Given:
        """Return what gives scores of the phases, given those that are drawn already."""
        assert self.last_draw is not None
        arguments = state.occupation, state.times, state.kernel, self.fractions
        given = self.last_draw(log_p, *arguments)

        def scores(phase: Tensor, drawn: Tensor) -> Tensor:
            log_p_given = given(phase, drawn)
            require_finite_output(log_p_given, "phase probabilities of the last draw", state.sigma)
            return self.guided(log_p_given, state.sigma)

        return scores

    def guided(self, scores: Tensor, sigma: float) -> Tensor:
        """Return scores as the guide weighs them, if there is one."""
        return scores if self.guide is None else guided_scores(scores, self.guide, sigma)
