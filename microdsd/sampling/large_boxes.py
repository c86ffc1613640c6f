"""The bridge sampler of a large box: its state is bytes per voxel, and it can be put aside.

What `sample_bridges` holds as walkers and float32 fields is here occupation numbers, a byte per
voxel, and log h in half precision. Networks go through the box tile by tile, steps slab by slab
(`microdsd.process.slabs`). The law of every step is that of `sample_bridges`, given log h rounded
to half precision; samples differ from its samples, for random numbers go with places.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from microdsd.errors import MicrodsdError
from microdsd.models.plan import WalkPlan
from microdsd.networks.build import Network
from microdsd.networks.steering import Aims
from microdsd.networks.unet import PotentialUNet
from microdsd.process.bridge import LOG_FLOOR
from microdsd.process.octaves import Octaves
from microdsd.process.slabs import slabs, start_uniform, step_back, walk_forward
from microdsd.process.walk import draw_key, numbered_uniforms
from microdsd.sampling.assignment import Generated
from microdsd.sampling.best_phases import best_phases
from microdsd.sampling.best_voxels import best_voxels
from microdsd.sampling.finite import require_finite_output
from microdsd.sampling.potentials import LEAD

_CORNER = 16
"""Sites per axis whose mean log h is taken for 0: h matters only up to a factor."""

_LARGEST = torch.finfo(torch.float16).max

_MOVE = 0.5
"""Time in which a walker makes a step, over that of a network for a site (measured)."""

Advance = Callable[[float], None]
"""Told how much more is done, in units of the time that a network takes for a site."""


class Bookmark(Protocol):
    """Keep the state of a walk, so that it can go on where it was."""

    def read(self) -> Mapping[str, NDArray[Any]] | None:
        """Return what was kept last; None where there is nothing."""
        ...

    def keep(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Keep a state in place of the last one."""
        ...


@dataclass(frozen=True)
class TiledNetwork:
    """Ask the networks of the octaves tile by tile for one sample, with its conditions.

    Attributes
    ----------
    network : UNet or OctaveUNets
        With a read-out.
    fractions : Tensor, shape (1, species)
    aims : Aims
    """

    network: Network
    fractions: Tensor
    aims: Aims = field(default_factory=Aims)

    def parts(
        self, occupation: Tensor, sigma: float, box: Octaves
    ) -> Iterator[tuple[tuple[slice, ...], Tensor, Tensor]]:
        """Yield sites, and of these log h and the log odds of the phases, (species, *sites)."""
        moment = box.moment(sigma)
        network = self.network.octaves[moment.octave]
        assert isinstance(network, PotentialUNet)
        t = torch.full((1,), float(moment.t), device=box.device)
        arguments = occupation[None], t, box.kernels[moment.octave], self.fractions
        aimed, aims = network.joint_parts(*arguments, *self.aims.given), self.aims
        if not aims.twice:
            for sites, log_h, log_odds in aimed:
                yield sites, log_h[0], log_odds[0]
            return
        for (sites, log_h, log_odds), (_, free_h, free_odds) in zip(
            aimed, network.joint_parts(*arguments), strict=True
        ):
            yield sites, aims.guided(log_h, free_h)[0], aims.guided(log_odds, free_odds)[0]


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
    """

    def __init__(
        self,
        network: TiledNetwork,
        box: Octaves,
        counts: Tensor,
        plan: WalkPlan,
        generator: torch.Generator,
    ) -> None:
        self._network, self._box, self._counts, self._plan = network, box, counts, plan
        self._steps = plan.steps()
        shape = box.voxels.shape
        self._layers = list(slabs(shape[0], math.prod(shape[1:])))
        numbers = 2 + len(self._steps) + 3 * len(plan.redraws) + bool(plan.temperature)
        keys = [draw_key(generator) for _ in range(numbers)]
        self._start_key, *keys = keys
        self._step_keys, keys = keys[: len(self._steps)], keys[len(self._steps) :]
        self._assign_key, *keys = keys
        self._redraw_keys = keys[: 3 * len(plan.redraws)]
        self._last_noise_key = keys[-1] if plan.temperature else None

    @property
    def work(self) -> float:
        """Return what there is to do, evaluations and steps, as `Advance` is told."""
        levels = (self._plan.levels[-1], *self._plan.redraws)
        return sum(map(self._work_of_step, self._steps)) + sum(map(self._sites_at, levels))

    def _work_of_step(self, step: tuple[float, float]) -> float:
        return self._sites_at(step[0]) + _MOVE * int(self._counts.sum())

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
        state = bookmark.read() if bookmark is not None else None
        done, occupation, before, log_odds = self._restored(state)
        del state
        levels = self._plan.levels
        for number, step in enumerate(self._steps):
            if number < done:
                advance(self._work_of_step(step))
                continue
            high, low = step
            assert occupation is not None
            log_h = self._evaluated(occupation, high, advance)
            field = _Field(log_h, *self._ahead(number, before), self._exponents(log_h))
            now, earlier = self._box.moment(high), self._box.moment(low)
            occupation = step_back(
                occupation,
                field,
                self._box,
                now,
                earlier,
                self._step_keys[number],
                advance=lambda walkers: advance(_MOVE * walkers),
            )
            self._require_counts(occupation)
            # No line leads from one lattice to another, nor beyond the last level.
            goes_on = now.octave == earlier.octave and number + 2 < len(levels)
            before = log_h if goes_on else None
            del log_h, field
            _keep(bookmark, number + 1, occupation=occupation, before=before)
        for number, sigma in enumerate((levels[-1], *self._plan.redraws), start=len(self._steps)):
            if number < done:
                advance(self._sites_at(sigma))
                continue
            if log_odds is not None:
                occupation = self._redrawn(log_odds, number - len(self._steps) - 1, sigma)
                log_odds = None
            assert occupation is not None
            log_odds = self._evaluated(occupation, sigma, advance, read_out=True)
            occupation = None
            _keep(bookmark, number + 1, log_odds=log_odds)
        assert log_odds is not None
        if self._last_noise_key is not None:
            self._perturb(log_odds, self._last_noise_key, self._plan.temperature)
        phase, reassigned = self._assigned(log_odds, self._assign_key)
        return Generated(phase[None], torch.tensor([reassigned]))

    def _restored(
        self, state: Mapping[str, NDArray[Any]] | None
    ) -> tuple[int, Tensor | None, Tensor | None, Tensor | None]:
        """Return evaluations made, occupation numbers, log h before, log odds of the phases."""
        if state is None:
            lattice = self._box.kernels[self._box.octave_at(self._steps[0][0])].lattice
            return 0, start_uniform(self._counts, lattice, self._start_key), None, None
        kept = [
            torch.from_numpy(state[name]).to(self._box.device) if name in state else None
            for name in ("occupation", "before", "log_odds")
        ]
        return int(state["evaluations"]), kept[0], kept[1], kept[2]

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

    def _redrawn(self, log_odds: Tensor, redraw: int, sigma: float) -> Tensor:
        """Draw all phases, and return occupation numbers after a walk to a noise level."""
        noise, ties, walk = self._redraw_keys[3 * redraw : 3 * redraw + 3]
        self._perturb(log_odds, noise)
        phase, _ = self._assigned(log_odds, ties)
        species = range(1, 1 + len(log_odds))
        voxels = (
            phase[None] if len(species) == 1 else torch.stack([phase == c for c in species]).byte()
        )
        return walk_forward(voxels, self._box, self._box.moment(sigma), walk)

    def _perturb(self, log_odds: Tensor, noise: Tensor, temperature: float = 1.0) -> None:
        """Add what makes the assignment a draw, in place; see `sampling.assignment.perturbed`."""
        across, phases = log_odds[0, 0].numel(), 1 + len(log_odds)
        for layers in self._layers:
            voxel = torch.arange(layers.start * across, layers.stop * across, device=noise.device)
            of_background = _gumbel(noise, voxel, phases, 0)
            for c, odds in enumerate(log_odds[:, layers]):
                lot = _gumbel(noise, voxel, phases, 1 + c) - of_background
                odds += temperature * lot.view(odds.shape)

    def _assigned(self, log_odds: Tensor, ties: Tensor) -> tuple[Tensor, int]:
        """Assign phases (*space) with exact counts; count voxels where others are more probable."""
        shape = log_odds.shape[1:]
        if len(log_odds) == 1:
            phase = best_voxels(
                lambda layers: log_odds[0, layers], int(self._counts[0]), shape, self._layers, ties
            )
            moved = sum(
                int((phase[layers] != (log_odds[0, layers] > 0)).sum()) for layers in self._layers
            )
            return phase, moved

        def scores(layers: slice) -> Tensor:
            gain = log_odds[:, layers]
            return torch.cat([torch.zeros_like(gain[:1]), gain])

        counts = torch.cat([self._counts.new_tensor([math.prod(shape)]), self._counts])
        counts[0] -= self._counts.sum()
        generator = torch.Generator(ties.device).manual_seed(int(ties))
        phase = best_phases(scores, counts, shape, self._layers, generator)
        moved = sum(int((phase[part] != scores(part).argmax(0)).sum()) for part in self._layers)
        return phase, moved


class _Field:
    """Compute the potential of a step by layers: positive, with maximum 1 per species.

    Log h is taken ahead of the step on the line through what it was ``before``, by a ``weight``,
    and raised to an exponent per species.
    """

    def __init__(
        self, log_h: Tensor, before: Tensor | None, weight: float, exponents: Sequence[float]
    ) -> None:
        self._log_h, self._before, self._weight = log_h, before, weight
        self._exponents = exponents
        layers = torch.arange(log_h.shape[1], device=log_h.device)
        parts = [layers[part] for part in slabs(log_h.shape[1], math.prod(log_h.shape[2:]))]
        self._peak = [
            max(float(self._log(c, part).max()) for part in parts) for c in range(len(log_h))
        ]

    def _log(self, c: int, layers: Tensor) -> Tensor:
        log_h = self._log_h[c].index_select(0, layers).float()
        if self._before is not None:
            change = log_h - self._before[c].index_select(0, layers)
            log_h = log_h + self._weight * change
        return log_h.mul_(self._exponents[c])

    def __call__(self, c: int, layers: Tensor) -> Tensor:
        return self._log(c, layers).sub_(self._peak[c]).clamp_min_(LOG_FLOOR).exp_()


def _gumbel(key: Tensor, voxel: Tensor, phases: int, p: int) -> Tensor:
    """Return Gumbel variates of voxels for one of the phases, float32."""
    u = numbered_uniforms(key, voxel, species=phases, c=p)[0].double() + 2.0**-25
    return -(-u.log()).log().float()


def _keep(bookmark: Bookmark | None, evaluations: int, **state: Tensor | None) -> None:
    if bookmark is None:
        return
    arrays = {name: field.cpu().numpy() for name, field in state.items() if field is not None}
    bookmark.keep({"evaluations": np.array(evaluations), **arrays})
