"""Potentials of a step, each made of another: what is multiplied into h keeps every count exact.

A step back in time weighs where a walker may have come from by a positive field h. Whatever
makes or changes that field is a `Potential`: the network, the line through its last values, an
exponent, the likelihood of known material, a guide. All are called alike, with the state of the
walk, so that any of them can stand around any other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from microdsd.networks.base import PotentialNetwork, ReadOut
from microdsd.process.blocks import block_sums
from microdsd.process.kernel import TransitionKernel
from microdsd.process.lattice import Lattice
from microdsd.process.noise import time_of
from microdsd.sampling.evidence import evidence
from microdsd.sampling.finite import require_finite_output

LEAD = 0.6
"""How far into a step its potential is taken from.

1/2, the formula of Adams and Bashforth, is right for short steps; in steps as long as ours
clusters grow exponentially, and 0.6 was better (docs/decisions/0006).
"""

_HIGHEST_EVIDENCE = 16.0
"""Noise level, voxels, above which known material has next to nothing to say (`evidence`)."""


@dataclass(frozen=True)
class State:
    """Describe the walk at one noise level, as a network sees it.

    Attributes
    ----------
    sigma : float
        Noise level, voxels.
    occupation : Tensor, shape (batch, species, *space)
        Occupation numbers of all walkers, those of known material included.
    kernel : TransitionKernel
        Law of the box, on the lattice that walkers are on at this level.
    """

    sigma: float
    occupation: Tensor
    kernel: TransitionKernel

    @property
    def time(self) -> float:
        """Return the time since the data."""
        return float(time_of(self.sigma))

    @property
    def times(self) -> Tensor:
        """Return the time of each sample, shape (batch,)."""
        return torch.full((len(self.occupation),), self.time, device=self.kernel.device)


@dataclass(frozen=True)
class Visit:
    """Record the walk at one noise level, and what the network made of it.

    Attributes
    ----------
    sigma : float
        Noise level, voxels.
    occupation : Tensor, shape (batch, species, *space)
        Occupation numbers.
    log_h : Tensor, same shape
        Logarithm of the potential.
    lattice : Lattice
        That both are on.
    """

    sigma: float
    occupation: Tensor
    log_h: Tensor
    lattice: Lattice


Observer = Callable[[Visit], None]


class Potential(Protocol):
    """Define the logarithm of the field h that a step multiplies into its walkers' law."""

    def __call__(self, state: State) -> Tensor:
        """Return log h, shape (batch, species, *origins), of a state of the walk."""
        ...

    def follow(self, walks: Tensor) -> None:
        """Keep what belongs to walks (batch,) that were chosen of those before."""
        ...


class Predicted:
    """Return the potential that a network predicts: one evaluation per call, checked and observed.

    Parameters
    ----------
    network : PotentialNetwork
    fractions : Tensor, shape (batch, species), optional
        The composition that the network is conditioned on.
    observe : callable, optional
        Shown every state and its potential.
    """

    def __init__(
        self,
        network: PotentialNetwork,
        fractions: Tensor | None = None,
        observe: Observer | None = None,
    ) -> None:
        self._network, self._fractions, self._observe = network, fractions, observe

    def __call__(self, state: State) -> Tensor:
        """Return log h of the network."""
        log_h = self._network(state.occupation, state.times, state.kernel, self._fractions)
        return self.shown(state, log_h)

    def follow(self, walks: Tensor) -> None:
        """Keep nothing of any walk."""

    def shown(self, state: State, log_h: Tensor) -> Tensor:
        """Return the same log h, once it is known to be finite and has been observed."""
        require_finite_output(log_h, "potential", state.sigma)
        if self._observe is not None:
            self._observe(Visit(state.sigma, state.occupation, log_h, state.kernel.lattice))
        return log_h


class Evidence:
    """Multiply the likelihood of known material into a potential made of the same evaluation.

    From 16 voxels down a read-out gives both the network's log h and the slope of the likelihood,
    see `microdsd.sampling.evidence`; log h is what ``compose`` makes the potential of a step from,
    and the slope is added to that.

    Parameters
    ----------
    predicted : Predicted
        Asked above 16 voxels.
    read_out : ReadOut
    fractions : Tensor, shape (batch, species), optional
    known : Tensor of bool, shape (phases, *space)
        True for the phase of a known voxel; the background comes first.
    compose : callable
        From the potential of the network to that of a step.
    """

    def __init__(
        self,
        predicted: Predicted,
        read_out: ReadOut,
        fractions: Tensor | None,
        known: Tensor,
        compose: Callable[[Potential], Potential],
    ) -> None:
        self._predicted, self._read_out = predicted, read_out
        self._fractions, self._known = fractions, known
        self._slope: Tensor | None = None
        self._step = compose(_Read(self._read))

    def __call__(self, state: State) -> Tensor:
        """Return log h of the step plus the slope of the log likelihood."""
        log_h = self._step(state)
        return log_h if self._slope is None else log_h + self._slope

    def follow(self, walks: Tensor) -> None:
        """Keep what belongs to chosen walks."""
        self._step.follow(walks)

    def _read(self, state: State) -> Tensor:
        """Return log h of the network; the slope that comes with it is kept for the same call."""
        if state.sigma > _HIGHEST_EVIDENCE:
            self._slope = None
            return self._predicted(state)
        log_h, self._slope = evidence(
            self._read_out,
            state.occupation,
            state.times,
            state.kernel,
            self._fractions,
            block_sums(self._known.float(), state.kernel.lattice),
        )
        require_finite_output(self._slope, "evidence of known material", state.sigma)
        return self._predicted.shown(state, log_h)


@dataclass(frozen=True)
class _Read:
    """Make a potential of a function that keeps nothing of a walk."""

    read: Callable[[State], Tensor]

    def __call__(self, state: State) -> Tensor:
        return self.read(state)

    def follow(self, walks: Tensor) -> None:
        """Keep nothing of any walk."""


class Extrapolated:
    """Take a potential `LEAD` of the way into the next step; see `extrapolate`.

    Parameters
    ----------
    potential : Potential
    levels : sequence of float
        Decreasing noise levels of the steps, voxels. At the first one of a lattice there is no line
        yet, and from the last one no step.
    """

    def __init__(self, potential: Potential, levels: Sequence[float]) -> None:
        self._potential, self._levels = potential, tuple(levels)
        self._sigma: float | None = None
        self._latest: Tensor | None = None
        self._before: Tensor | None = None

    def __call__(self, state: State) -> Tensor:
        """Return log h on the line through its values at this level and at the one before."""
        log_h = self._potential(state)
        if state.sigma != self._sigma:  # and not a step that is repeated
            self._sigma, self._before = state.sigma, self._latest
        self._latest = log_h
        i = self._levels.index(state.sigma)
        before = self._before
        if before is None or before.shape != log_h.shape or i + 1 == len(self._levels):
            return log_h
        last, now, following = self._levels[i - 1 : i + 2]
        ratio = math.log(now / following) / math.log(last / now)
        return extrapolate(log_h, before, ratio)

    def follow(self, walks: Tensor) -> None:
        """Keep log h of chosen walks at this level and at the one before."""
        if self._latest is not None:
            self._latest = self._latest[walks]
        if self._before is not None and len(self._before) == len(walks):
            self._before = self._before[walks]
        self._potential.follow(walks)


class Sharpened:
    """Raise a potential to a power, one per species.

    Parameters
    ----------
    potential : Potential
    sharpness : sequence of float
        Exponent of every species' potential.
    """

    def __init__(self, potential: Potential, sharpness: Sequence[float]) -> None:
        self._potential, self._sharpness = potential, tuple(sharpness)
        self._exponent: Tensor | None = None

    def __call__(self, state: State) -> Tensor:
        """Return log h times the exponents."""
        if self._exponent is None:
            self._exponent = torch.tensor(self._sharpness, device=state.kernel.device)
        return self._exponent.view(-1, *(1,) * state.kernel.lattice.ndim) * self._potential(state)

    def follow(self, walks: Tensor) -> None:
        """Keep what belongs to chosen walks."""
        self._potential.follow(walks)


def extrapolate(log_h: Tensor, earlier: Tensor, ratio: float) -> Tensor:
    """Return log h `LEAD` of the way into the next step, on the line through its last values.

    While walkers move, the network would sharpen h along with them; a step that keeps the h of
    its start misses that, and material comes out too little clustered. Taking h from within the
    step, in log sigma, makes up for it without a further evaluation.

    Parameters
    ----------
    log_h, earlier : Tensor
        Logarithm of the potential now, and at the level before.
    ratio : float
        Length of the next step over that of the last one, in log sigma.

    Examples
    --------
    >>> extrapolate(torch.tensor([3.0]), torch.tensor([1.0]), 1.0)
    tensor([4.2000])
    """
    return log_h + LEAD * ratio * (log_h - earlier)
