"""Particles: several walks of one sample, of which those go on that are nearest to a target.

A walk's end is forecast on the way from the material that its walkers are expected to make. The
forecast is a normal law, fitted to pilot walks, and the weight of a walk at a noise level is how
probable the target is under it. Walks are drawn anew in proportion to the change of their weights,
whole, so that every one that goes on is a walk of the model and its composition is exact. Their
law is that of the model's walks times the likelihood of the target, the better the more particles
there are, whatever the forecasts; good forecasts waste fewer walks.

References
----------
Wu, Trippe, Naesseth, Blei and Cunningham, NeurIPS 36 (2023), arXiv:2306.17775: twisted sequential
Monte Carlo for diffusion models. Del Moral, Doucet and Jasra, J. R. Stat. Soc. B 68 (2006) 411,
doi:10.1111/j.1467-9868.2006.00553.x.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from microdsd.process.blocks import site_volumes
from microdsd.process.blocks import spread as spread_blocks
from microdsd.sampling.assignment import assign_walkers, phase_scores
from microdsd.sampling.lattices import Lattices
from microdsd.sampling.potentials import State

Array = NDArray[np.float64]

Measure = Callable[[Tensor], Array]
"""From phases (walks, *space), 0 the background, to their properties (walks, properties)."""

_LEAST = 1e-6
"""Variance of a forecast relative to that of the ends: no forecast is more certain."""

_TOLERANCE = 0.05
"""Standard deviation within which a target is met, in those of free walks."""

_MOMENTS = 10
"""Noise levels at which walks are weighed."""

_IN_DOUBT, _CERTAIN = 2.0, 1e3
"""By how much the logarithm of the weight of a walk is below the least one if its material has no
such property: on the way, where it may still come, and at the end."""

_EVEN = 0.9
"""Effective share of the walks below which their weights are uneven.

Half would do to follow the law; but with few walks every choice brings more ends near to the
target, of which one is returned (docs/explanation/steering.md)."""


class Chooser(Protocol):
    """Choose the walks of a batch that go on from a state."""

    def __call__(self, state: State, log_h: Tensor, lattices: Lattices) -> Tensor | None:
        """Return the number of the walk that each goes on from; None: all from themselves."""
        ...


@dataclass(frozen=True)
class Forecast:
    """Predict the properties of a walk's end from what its state is expected to make.

    Attributes
    ----------
    offset : ndarray, shape (properties,)
    slope : ndarray, shape (properties, properties)
        Of the linear law of the end's mean.
    covariance : ndarray, shape (properties, properties)
        Of the ends about it.
    """

    offset: Array
    slope: Array
    covariance: Array

    @classmethod
    def fit(cls, expected: Array, ends: Array) -> Forecast:
        """Fit a forecast to walks (walks, properties) by least squares.

        Examples
        --------
        >>> x = np.arange(8.0)[:, None]
        >>> forecast = Forecast.fit(x, 2 * x + 1)
        >>> round(float(forecast.offset[0]), 3), round(float(forecast.slope[0, 0]), 3)
        (1.0, 2.0)
        """
        whole = np.isfinite(ends).all(1)
        expected, ends = expected[whole], ends[whole]
        known = np.isfinite(expected).all(1)
        number = ends.shape[1]
        if known.sum() < 2 * number + 2:  # too few for a slope: the scatter of all ends
            expected, freedom = np.zeros_like(ends), len(ends) - 1
        else:
            expected, ends = expected[known], ends[known]
            freedom = len(ends) - 1 - number
        varying = expected - expected.mean(0)
        slope: Array = np.linalg.lstsq(varying, ends - ends.mean(0), rcond=1e-6)[0].T
        offset = ends.mean(0) - slope @ expected.mean(0)
        rest = ends - offset - expected @ slope.T
        covariance = rest.T @ rest / max(1, freedom) + np.diag(_LEAST * ends.var(0))
        return cls(offset, slope, covariance)

    def ends(self, expected: Array) -> Array:
        """Return the mean end of every walk (walks, properties); NaN where nothing is expected."""
        result: Array = self.offset + expected @ self.slope.T
        return result

    def log_likelihood(self, expected: Array, target: Array, tolerance: Array) -> Array:
        """Return how probable the target is, given each walk, up to a constant: (walks,)."""
        misses = target - self.ends(expected)
        inverse = np.linalg.inv(self.covariance + np.diag(tolerance**2))
        return _with_lost(-0.5 * np.einsum("wp,pq,wq->w", misses, inverse, misses), _IN_DOUBT)


def phases_expected(
    state: State, log_h: Tensor, lattices: Lattices, generators: Sequence[torch.Generator]
) -> Tensor:
    """Return the most probable phases (walks, *space) under a potential, counts exact."""
    expected = lattices.expected(state, log_h)
    lattice = state.kernel.lattice
    counts = state.occupation.flatten(2).sum(2).round().long()
    if lattice.block > 1:
        expected = spread_blocks(expected / site_volumes(lattice, expected.device), lattice)
    return assign_walkers(phase_scores(expected), counts, generators).phase


@dataclass
class Pilot:
    """Record what walks are expected to make on the way, to fit forecasts to their ends.

    Attributes
    ----------
    moments : sequence of float
        Noise levels, voxels, at which walks are to be weighed.
    measure : callable
    generators : sequence of torch.Generator
        One per walk; they break ties of assignments.
    expected : dict of float to ndarray
        Properties (walks, properties) by noise level.
    """

    moments: Sequence[float]
    measure: Measure
    generators: Sequence[torch.Generator]
    expected: dict[float, Array] = field(default_factory=dict)

    def __call__(self, state: State, log_h: Tensor, lattices: Lattices) -> None:
        """Record a state; every walk goes on."""
        if state.sigma in self.moments:
            phases = phases_expected(state, log_h, lattices, self.generators)
            self.expected[state.sigma] = self.measure(phases)


@dataclass(frozen=True)
class Aim:
    """Hold what walks of one composition are weighed by.

    Attributes
    ----------
    forecasts : dict of float to Forecast
        By noise level, voxels.
    tolerance : ndarray, shape (properties,)
        Standard deviation within which a target is met.
    ends : ndarray, shape (walks, properties)
        What pilot walks ended with.
    """

    forecasts: Mapping[float, Forecast]
    tolerance: Array
    ends: Array

    @classmethod
    def of(cls, expected: Mapping[float, Array], ends: Array) -> Aim:
        """Fit the forecasts of pilot walks, two of which at least end with all properties."""
        whole = ends[np.isfinite(ends).all(1)]
        spread, size = whole.std(0), np.abs(whole).mean(0)
        # What all pilots share, such as to percolate, has no scatter but a size.
        scale = np.where(spread > _LEAST * size, spread, np.where(size > 0, size, 1.0))
        forecasts = {sigma: Forecast.fit(values, ends) for sigma, values in expected.items()}
        return cls(forecasts, _TOLERANCE * scale, ends)


def moments_of(levels: Sequence[float]) -> tuple[float, ...]:
    """Return the noise levels of a walk at which it is weighed: its last ones, but for the end.

    Above them the end is open, and each weighing costs a measurement of every walk.

    Examples
    --------
    >>> moments_of([20.0, 10.0, 5.0, 2.0, 0.5])
    (10.0, 5.0, 2.0)
    """
    return tuple(levels[1:-1][-_MOMENTS:])


class Particles:
    """Weigh the walks of one sample, and choose among them.

    Parameters
    ----------
    target : ndarray, shape (properties,)
    aim : Aim
    measure : callable
    generators : sequence of torch.Generator
        One per walk.
    generator : torch.Generator
        Draws the choices.
    tell : callable, optional
        Receives the forecast ends (walks, properties) of the walks that go on.
    """

    def __init__(
        self,
        target: Array,
        aim: Aim,
        measure: Measure,
        generators: Sequence[torch.Generator],
        generator: torch.Generator,
        tell: Callable[[Array], None] | None = None,
    ) -> None:
        self._tell = tell
        self._target, self._tolerance = target, aim.tolerance
        self._forecasts, self._measure = aim.forecasts, measure
        self._generators, self._generator = generators, generator
        self._likelihood = np.zeros(len(generators))
        self._log_weight = np.zeros(len(generators))

    def __call__(self, state: State, log_h: Tensor, lattices: Lattices) -> Tensor | None:
        """Choose walks to go on with, where weights have become uneven; see `Chooser`."""
        forecast = self._forecasts.get(state.sigma)
        if forecast is None:
            return None
        values = self._measure(phases_expected(state, log_h, lattices, self._generators))
        self._weigh(forecast.log_likelihood(values, self._target, self._tolerance))
        chosen = self._chosen()
        if self._tell is not None:
            ends = forecast.ends(values)
            self._tell(ends if chosen is None else ends[chosen])
        return None if chosen is None else torch.from_numpy(chosen).to(log_h.device)

    def _chosen(self) -> NDArray[np.int64] | None:
        """Draw walks to go on with, where weights have become uneven."""
        weight = _normalised(self._log_weight)
        if 1 / (weight**2).sum() > _EVEN * len(weight):
            return None
        chosen = systematic(weight, self._uniform())
        self._log_weight[:] = 0.0
        self._likelihood = self._likelihood[chosen]
        return chosen

    def end(self, values: Array) -> int:
        """Draw one of the walks by the properties (walks, properties) of what they made."""
        misses = (values - self._target) / self._tolerance
        self._weigh(_with_lost(-0.5 * (misses**2).sum(1), _CERTAIN))
        chosen = int(np.searchsorted(_normalised(self._log_weight).cumsum(), self._uniform()))
        return min(chosen, len(values) - 1)

    def _weigh(self, likelihood: Array) -> None:
        """Multiply weights by what the likelihood of the target has changed by."""
        self._log_weight += likelihood - self._likelihood
        self._likelihood = likelihood

    def _uniform(self) -> float:
        device = self._generator.device
        return float(torch.rand((), generator=self._generator, device=device, dtype=torch.float64))


def _with_lost(log_likelihood: Array, penalty: float) -> Array:
    """Return log likelihoods, below the least one where the material has no such property."""
    present = np.isfinite(log_likelihood)
    least = log_likelihood[present].min() - penalty if present.any() else 0.0
    return np.where(present, log_likelihood, least)


def _normalised(log_weight: Array) -> Array:
    weight = np.exp(log_weight - log_weight.max())
    result: Array = weight / weight.sum()
    return result


def systematic(weight: Array, u: float) -> NDArray[np.int64]:
    """Choose as many walks as there are, each as often as its weight says but for rounding.

    Parameters
    ----------
    weight : ndarray, shape (walks,)
        Sums to one.
    u : float
        Uniform in [0, 1).

    Examples
    --------
    >>> systematic(np.array([0.5, 0.0, 0.25, 0.25]), 0.1).tolist()
    [0, 0, 2, 3]
    """
    place = (u + np.arange(len(weight))) / len(weight)
    return np.minimum(np.searchsorted(weight.cumsum(), place, side="right"), len(weight) - 1)
