"""Several walks of one sample, of which one that meets the sample's targets is taken."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from microdsd.encoding import PhaseEncoding
from microdsd.generation.properties import measure_targets
from microdsd.generation.request import GenerationRequest
from microdsd.generation.targets import (
    Reach,
    is_conditioned,
    reach_of_pilots,
    require_ends,
    scores_of_targets,
)
from microdsd.microstructure.layout import fingerprint
from microdsd.models.card import ModelCard
from microdsd.networks.steering import Aims
from microdsd.process.streams import stream
from microdsd.progress import stage
from microdsd.sampling import Leap, Visit
from microdsd.sampling.particles import Aim, Chooser, Measure, Particles, Pilot, moments_of

PILOTS = 32
"""Walks from which it is learned how a walk's end can be forecast."""

FEEDBACK, FEEDBACK_PER_CALL = 6.0, 0.25
"""How much more than the target a walk is told of, in what its forecast end lacks: at most, and for
every evaluation of the network. Few, long steps overshoot."""

_PILOT_STREAM = (1 << 32) - 1
"""Number of their streams: no sample has it."""

Observer = Callable[[Visit | Leap], None]
"""Shown every level after its network evaluation."""

Walk = Callable[
    [GenerationRequest, list[torch.Generator], Chooser, Aims, Observer | None],
    tuple[Tensor, Tensor],
]
"""Makes walks of a request with these random numbers: phases and voxels reassigned, per walk."""


@dataclass(frozen=True)
class ParticleWalks:
    """Take one of several walks of a sample; see `microdsd.sampling.particles`.

    Attributes
    ----------
    card : ModelCard
    encoding : PhaseEncoding
    device : torch.device
    walk : callable
    batch_size : callable
        Of a request, how many walks fit the device at a time.
    """

    card: ModelCard
    encoding: PhaseEncoding
    device: torch.device
    walk: Walk
    batch_size: Callable[[GenerationRequest], int]
    _known: dict[str, Aim] = field(default_factory=dict, init=False)

    def sample(
        self, one: GenerationRequest, aims: Aims, observe: Observer | None = None
    ) -> tuple[Tensor, Tensor]:
        """Make the walks of one sample, and take one that meets the targets.

        Parameters
        ----------
        one : GenerationRequest
            Of a single sample.
        aims : Aims
            That the sample is steered to.
        observe : callable, optional
            Shown the walks; not the pilots.

        Returns
        -------
        phase : Tensor, shape (1, *space)
        reassigned : Tensor, shape (1,)
        """
        aim, measure = self._aim(one, aims), self._measure(one)
        aims = _repeated(aims, one.particles)
        generators = self._generators(one, one.streams[0], range(one.particles + 1))
        choices = generators.pop()
        target = np.array([values[0] for values in one.targets.values()])
        tell = self._teller(one, aims, target)
        particles = Particles(target, aim, measure, generators, choices, tell)
        phase, reassigned = self.walk(_walks(one, generators), generators, particles, aims, observe)
        chosen = particles.end(measure(phase))
        return phase[chosen, None], reassigned[chosen, None]

    def reach(self, one: GenerationRequest, aims: Aims) -> Reach:
        """Return what pilot walks of a sample's composition end with.

        Raises
        ------
        InputError
            For targets far from that, unless the request extrapolates.
        """
        return self._reach(one, self._pilots(one, aims))

    def _reach(self, one: GenerationRequest, aim: Aim) -> Reach:
        whole = one.composition.whole[0]
        return reach_of_pilots(
            self.card,
            one.targets,
            (whole / whole.sum()).tolist(),
            one.lattice.shape,
            aim.ends,
            extrapolate=one.extrapolate,
        )

    def _aim(self, one: GenerationRequest, aims: Aims) -> Aim:
        """Return what walks of a sample are weighed by, unless its targets are out of reach."""
        aim = self._pilots(one, aims)
        self._reach(one, aim)
        return aim

    def _pilots(self, one: GenerationRequest, aims: Aims) -> Aim:
        """Return what walks of a sample's composition are weighed by, from pilot walks."""
        pilots = {
            "streams": 0,
            "targets": list(one.targets),  # pilots know nothing of their values
            "particles": PILOTS,
            "notes": [],
            "usual_ranges": {},
            "layout": None if one.layout is None else fingerprint(one.layout.index),
        }
        key = json.dumps(one.record(self.card) | pilots, sort_keys=True)
        if key not in self._known:
            self._known[key] = self._piloted(one, aims)
        return self._known[key]

    def _piloted(self, one: GenerationRequest, aims: Aims) -> Aim:
        """Make pilot walks of a sample's composition, and fit forecasts to them."""
        measure, moments = self._measure(one), moments_of(one.plan.levels)
        size, scores = self.batch_size(one), self._scores_of_windows(one)
        pilots, ended = [], []
        with stage("pilot walks", PILOTS) as walking:
            for first in range(0, PILOTS, size):
                numbers = range(first, min(first + size, PILOTS))
                generators = self._generators(one, _PILOT_STREAM, numbers)
                pilots.append(Pilot(moments, measure, generators))
                properties = None if scores is None else scores[numbers]
                steered = replace(_repeated(aims, len(numbers)), properties=properties)
                walks = _walks(one, generators)
                phase, _ = self.walk(walks, generators, pilots[-1], steered, None)
                ended.append(measure(phase))
                walking.advance(len(numbers))
        expected = {
            sigma: np.concatenate([pilot.expected[sigma] for pilot in pilots])
            for sigma in pilots[0].expected
        }
        ends = np.concatenate(ended)
        require_ends(list(one.targets), ends)
        return Aim.of(expected, ends)

    def _scores_of_windows(self, one: GenerationRequest) -> Tensor | None:
        """Return what pilots are told: properties that windows of nearly their composition have.

        So pilots serve all targets, and their ends scatter as those of windows do.
        """
        known = self.card.properties
        if known is None or not (known.windows.values and is_conditioned(self.card, one.targets)):
            return None
        whole = one.composition.whole[0]
        values = known.windows.nearest((whole / whole.sum()).tolist(), PILOTS)
        asked = np.array([name in one.targets for name in known.names])
        scores = known.scores(np.where(asked, values, np.nan))
        return torch.from_numpy(scores).to(self.device)

    def _teller(
        self, one: GenerationRequest, aims: Aims, target: np.ndarray
    ) -> Callable[[np.ndarray], None] | None:
        """Return what tells the network more, or less, than the target of walks that miss it."""
        properties = aims.properties
        if properties is None:
            return None

        gain = min(FEEDBACK, FEEDBACK_PER_CALL * (one.plan.network_calls or math.inf))

        def tell(ends: np.ndarray) -> None:
            asked = target + gain * np.nan_to_num(target - ends)
            rows = {name: tuple(column) for name, column in zip(one.targets, asked.T, strict=True)}
            scores = scores_of_targets(self.card, rows, len(asked))
            assert scores is not None
            properties.copy_(torch.from_numpy(scores))

        return tell

    def _generators(
        self, one: GenerationRequest, number: int, walks: Sequence[int]
    ) -> list[torch.Generator]:
        return [stream(one.seed, number, self.device, walk) for walk in walks]

    def _measure(self, one: GenerationRequest) -> Measure:
        """Return what measures the properties that a request has targets for."""
        return lambda phase: measure_targets(self.card, one, self.encoding.decode(phase))


def _walks(one: GenerationRequest, generators: Sequence[torch.Generator]) -> GenerationRequest:
    """Return a request of as many walks of one sample as there are generators."""
    return one.part([0] * len(generators))


def _repeated(aims: Aims, times: int) -> Aims:
    """Return the aims of one sample for several walks of it, with memory of their own."""
    classes, properties = (
        None if row is None else row.repeat(times, *[1] * (row.dim() - 1))
        for row in (aims.classes, aims.properties)
    )
    return replace(aims, classes=classes, properties=properties)
