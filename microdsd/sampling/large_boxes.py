"""The bridge sampler of a large box: its state is bytes per voxel, and it can be put aside.

What `sample_bridges` holds as walkers and float32 fields is here occupation numbers, a byte per
voxel, and log h in half precision. Networks go through the box tile by tile, steps slab by slab
(`microdsd.process.slabs`). The law of every step is that of `sample_bridges`, given log h rounded
to half precision; samples differ from its samples, for random numbers go with places.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from microdsd.errors import MicrodsdError
from microdsd.models.plan import WalkPlan
from microdsd.process.octaves import Octaves
from microdsd.process.slabs import slabs, start_density, start_uniform, step_back, walk_forward
from microdsd.process.sublattices import order_of_turns
from microdsd.process.walk import draw_key
from microdsd.sampling.assignment import Generated
from microdsd.sampling.finite import require_finite_output
from microdsd.sampling.large_assignment import assign, perturb, reassigned
from microdsd.sampling.large_passes import Passes
from microdsd.sampling.layered_potential import LayeredPotential
from microdsd.sampling.passes import LEAST, LEAST_BEFORE_REDRAW
from microdsd.sampling.potentials import LEAD
from microdsd.sampling.spectral_start import SpectralStart
from microdsd.sampling.tiled_network import TiledNetwork

_CORNER = 16
"""Sites per axis whose mean log h is taken for 0: h matters only up to a factor."""

_LARGEST = torch.finfo(torch.float16).max

_MOVE = 0.5
"""Time in which a walker makes a step, over that of a network for a site (measured)."""

_DRAW = 0.6
"""Time of a voxel in a pass of the last draw, over that of a network for a site (measured)."""

Advance = Callable[[float], None]
"""Told how much more is done, in units of the time that a network takes for a site."""

Task = Callable[["_State", Advance], None]
"""Changes the state of a walk by one evaluation or pass."""


class Bookmark(Protocol):
    """Keep the state of a walk, so that it can go on where it was."""

    def read(self) -> Mapping[str, NDArray[Any]] | None:
        """Return what was kept last; None where there is nothing."""
        ...

    def keep(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Keep a state in place of the last one."""
        ...


class LargeBoxSampler:
    """Make one sample of a large box; see `sample`.

    Parameters
    ----------
    network : TiledNetwork
    box : Octaves
    counts : Tensor of int, shape (species,)
    plan : WalkPlan
        Whose steps are not repeated.
    generator : torch.Generator
        Generator of the sample.
    spectral : SpectralStart, optional
        Draws the densities that walkers start with; without it they are uniform.
    """

    def __init__(
        self,
        network: TiledNetwork,
        box: Octaves,
        counts: Tensor,
        plan: WalkPlan,
        generator: torch.Generator,
        spectral: SpectralStart | None = None,
    ) -> None:
        self._network, self._box, self._counts, self._plan = network, box, counts, plan
        self._generator, self._spectral = generator, spectral
        self._steps, self._read_outs = plan.steps(), (plan.levels[-1], *plan.redraws)
        shape = box.voxels.shape
        self._layers = list(slabs(shape[0], math.prod(shape[1:])))
        numbers = 2 + len(self._steps) + 3 * len(plan.redraws)
        numbers += bool(plan.temperature) and not plan.passes
        keys = [draw_key(generator) for _ in range(numbers)]
        self._start_key, *keys = keys
        self._step_keys, keys = keys[: len(self._steps)], keys[len(self._steps) :]
        self._assign_key, *keys = keys
        of_redraws = 3 * len(plan.redraws)
        self._redraw_keys, self._last_keys = keys[:of_redraws], keys[of_redraws:]
        self._draws = list(self._all_passes(generator)) if plan.passes else []

    def _all_passes(self, generator: torch.Generator) -> Iterator[Passes]:
        """Yield the passes of every read-out."""
        plan = self._plan
        noised = [(1.0, LEAST_BEFORE_REDRAW[self._box.voxels.ndim])] * len(plan.redraws)
        for temperature, least in (*noised, (plan.temperature, LEAST)):
            order = order_of_turns(self._box.voxels.ndim, generator)
            keys = [draw_key(generator) for _ in range(2 * plan.passes)]
            yield Passes(self._counts, self._layers, order, plan.passes, temperature, least, keys)

    def _tasks(self) -> list[tuple[float, Task]]:
        """List what there is to do, one evaluation or pass each, and how long it takes."""
        tasks: list[tuple[float, Task]] = [
            (self._sites_at(high) + _MOVE * int(self._counts.sum()), partial(self._step, number))
            for number, (high, _) in enumerate(self._steps)
        ]
        for number, sigma in enumerate(self._read_outs):
            sites = self._sites_at(sigma)
            tasks.append((sites, partial(self._read_out, number)))
            tasks += [
                (_DRAW * sites, partial(self._pass, number, turn))
                for turn in range(self._plan.passes)
            ]
        return tasks

    @property
    def work(self) -> float:
        """Return what there is to do, evaluations, steps and passes, as `Advance` is told."""
        return sum(work for work, _ in self._tasks())

    @torch.no_grad()
    def sample(self, advance: Advance, bookmark: Bookmark | None = None) -> Generated:
        """Make the sample, or go on with it.

        Parameters
        ----------
        advance : callable
            Receives the work done after every tile and slab, and what was done before.
        bookmark : Bookmark, optional
            Given the state after every evaluation.

        Returns
        -------
        Generated
            One sample; phases are uint8.

        Raises
        ------
        NonFiniteNetworkError
            If the network returns what is not a finite number; names the noise level.
        """
        state = self._restored(bookmark.read() if bookmark is not None else None)
        for number, (work, task) in enumerate(self._tasks()):
            if number < state.evaluations:
                advance(work)
                continue
            task(state, advance)
            state.keep(bookmark, number + 1)
        if self._draws:
            assert state.phase is not None
            return Generated(state.phase[None], torch.tensor([state.moved]))
        return self._drawn_at_once(state.log_odds)

    def _step(self, number: int, state: _State, advance: Advance) -> None:
        """Evaluate the network and lead the walkers one step back."""
        assert state.occupation is not None
        high, low = self._steps[number]
        log_h = self._evaluated(state.occupation, high, advance)
        field = LayeredPotential(log_h, *self._ahead(number, state.before), self._exponents(log_h))
        now, earlier = self._box.moment(high), self._box.moment(low)
        state.occupation = step_back(
            state.occupation,
            field,
            self._box,
            now,
            earlier,
            self._step_keys[number],
            advance=lambda walkers: advance(_MOVE * walkers),
        )
        self._require_counts(state.occupation)
        # No line leads from one lattice to another, nor beyond the last level.
        goes_on = now.octave == earlier.octave and number + 2 < len(self._plan.levels)
        state.before = log_h if goes_on else None

    def _read_out(self, number: int, state: _State, advance: Advance) -> None:
        """Evaluate the phases' probabilities, from the second time on of a redraw."""
        if number:
            state.occupation = self._redrawn(number - 1, state)
            state.log_odds = state.phase = None
        assert state.occupation is not None
        sigma = self._read_outs[number]
        state.log_odds = self._evaluated(state.occupation, sigma, advance, read_out=True)
        if not self._draws:
            state.occupation = None

    def _pass(self, number: int, turn: int, state: _State, advance: Advance) -> None:
        """Draw the voxels whose turn it is."""
        log_odds, occupation = state.log_odds, state.occupation
        assert log_odds is not None
        assert occupation is not None
        if state.phase is None:
            state.phase = torch.zeros(log_odds.shape[1:], dtype=torch.uint8, device=log_odds.device)
            state.moved = 0
        sigma = self._read_outs[number]

        def remaining(phase: Tensor, drawn: Tensor) -> Iterator[tuple[tuple[slice, ...], Tensor]]:
            asked = log_odds, phase, drawn, occupation, sigma, self._box
            for sites, given in self._network.remaining_parts(*asked):
                require_finite_output(given, "phase probabilities of the last draw", sigma)
                yield sites, given
                advance(_DRAW * given[0].numel())

        state.moved += self._draws[number].draw(turn, remaining, state.phase)

    def _drawn_at_once(self, log_odds: Tensor | None) -> Generated:
        assert log_odds is not None
        if self._plan.temperature:
            (key,) = self._last_keys
            perturb(log_odds, self._layers, key, self._plan.temperature)
        phase = assign(log_odds, self._counts, self._layers, self._assign_key)
        moved = reassigned(log_odds, phase, self._layers)
        return Generated(phase[None], torch.tensor([moved]))

    def _restored(self, kept: Mapping[str, NDArray[Any]] | None) -> _State:
        """Return the state that was kept, or that of a walk that begins."""
        if kept is None:
            return _State(0, self._started(self._steps[0][0]))
        fields = {
            name: torch.from_numpy(kept[name]).to(self._box.device)
            for name in _FIELDS
            if name in kept
        }
        moved = int(kept["moved"]) if "moved" in kept else 0
        return _State(int(kept["evaluations"]), moved=moved, **fields)

    def _started(self, sigma: float) -> Tensor:
        kernel = self._box.kernels[self._box.octave_at(sigma)]
        if self._spectral is None:
            return start_uniform(self._counts, kernel.lattice, self._start_key)
        counts = self._counts[None]
        (density,) = self._spectral.densities(counts, kernel, sigma, [self._generator])
        return start_density(self._counts, density, kernel.lattice, self._start_key)

    def _sites_at(self, sigma: float) -> int:
        return self._box.kernels[self._box.octave_at(sigma)].lattice.n_sites

    def _evaluated(
        self, occupation: Tensor, sigma: float, advance: Advance, *, read_out: bool = False
    ) -> Tensor:
        """Evaluate log h, in half precision, or in single the phases' log odds to the background.

        Shape (species, *sites). The assignment sees what the network says of voxels that are nearly
        alike; by then log h is not needed any more.
        """
        what = "phase probabilities" if read_out else "potential"
        dtype = torch.float32 if read_out else torch.float16
        evaluated = torch.empty(occupation.shape, dtype=dtype, device=occupation.device)
        level: Tensor | None = None
        for sites, log_h, log_odds in self._network.parts(occupation, sigma, self._box):
            part = log_odds if read_out else log_h
            require_finite_output(part, what, sigma)
            if not read_out:
                if level is None:
                    corner = part[(slice(None), *[slice(_CORNER)] * len(sites))]
                    level = corner.flatten(1).mean(1).view(-1, *[1] * len(sites))
                part = (part - level).clamp(-_LARGEST, _LARGEST)
            evaluated[(slice(None), *sites)] = part
            advance(part[0].numel())
        return evaluated

    def _ahead(self, number: int, before: Tensor | None) -> tuple[Tensor | None, float]:
        """Return log h before, and the weight of its change since; see `extrapolate`."""
        levels = self._plan.levels
        if before is None or number + 1 == len(levels):
            return None, 0.0
        last, now, following = levels[number - 1 : number + 2]
        return before, LEAD * math.log(now / following) / math.log(last / now)

    def _exponents(self, log_h: Tensor) -> Sequence[float]:
        return self._plan.sharpness or (1.0,) * len(log_h)

    def _require_counts(self, occupation: Tensor) -> None:
        """Refuse occupation numbers that a byte did not hold."""
        counted = occupation.flatten(1).sum(1, dtype=torch.int64).cpu()
        if not torch.equal(counted, self._counts.cpu().long()):
            raise MicrodsdError(
                "network: leads more than 255 walkers to one voxel; its weights are damaged or its "
                "training has diverged, take an earlier model"
            )

    def _redrawn(self, redraw: int, state: _State) -> Tensor:
        """Draw all phases, and return occupation numbers after a walk to the redraw's level."""
        noise, ties, walk = self._redraw_keys[3 * redraw : 3 * redraw + 3]
        phase, log_odds = state.phase, state.log_odds
        assert log_odds is not None
        if phase is None:
            perturb(log_odds, self._layers, noise)
            phase = assign(log_odds, self._counts, self._layers, ties)
        species = range(1, 1 + len(log_odds))
        voxels = (
            phase[None] if len(species) == 1 else torch.stack([phase == c for c in species]).byte()
        )
        moment = self._box.moment(self._read_outs[redraw + 1])
        return walk_forward(voxels, self._box, moment, walk)


@dataclass
class _State:
    """Hold what a walk goes on from; only what it needs, for boxes are large.

    Attributes
    ----------
    evaluations : int
        Network evaluations that are made, and passes.
    occupation : Tensor, shape (species, *sites), optional
    before : Tensor, shape (species, *sites), optional
        Log h of the evaluation before.
    log_odds : Tensor, shape (species, *space), optional
        What the walkers say of the phases.
    phase : Tensor of uint8, shape (*space), optional
        Drawn in passes.
    moved : int
        Voxels of the passes that got another phase than their most probable one.
    """

    evaluations: int
    occupation: Tensor | None = None
    before: Tensor | None = None
    log_odds: Tensor | None = None
    phase: Tensor | None = None
    moved: int = 0

    def keep(self, bookmark: Bookmark | None, evaluations: int) -> None:
        """Keep the state after so many evaluations, if there is a bookmark."""
        self.evaluations = evaluations
        if bookmark is None:
            return
        fields = {name: getattr(self, name) for name in _FIELDS}
        arrays = {name: field.cpu().numpy() for name, field in fields.items() if field is not None}
        bookmark.keep(
            {"evaluations": np.array(evaluations), "moved": np.array(self.moved), **arrays}
        )


_FIELDS = ("occupation", "before", "log_odds", "phase")
