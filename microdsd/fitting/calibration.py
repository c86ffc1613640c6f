"""How a model's samples walk back, chosen on held-back material.

A few settings decide how rough generated material is and how much of it gathers (`WalkBack`): the
level that the walk starts from, the sharpness of the potential, the level that it ends at, and the
temperature at which phases are drawn there.
They are fitted by least squares: what is measured of the samples is to be what is measured of
real windows of the same compositions. Where time is short, fewer windows, parts of large windows,
and fewer numbers of evaluations are made do with.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from scipy.optimize import lsq_linear

from microdsd.generation.request import GenerationRequest
from microdsd.metrics import (
    connected_components,
    edge_contacts,
    interface_density,
    lineal_path,
    percolates,
    triple_phase_boundary,
    two_point_probability,
)
from microdsd.metrics.registry import find
from microdsd.microstructure import as_microstructure, phases_of
from microdsd.microstructure.composition import Fractions
from microdsd.models.card import ModelCard
from microdsd.models.contents import Contents
from microdsd.models.plan import FEWEST_WITH_REDRAW
from microdsd.models.walk_back import JOINT_TEMPERATURE, WalkBack, uniform_start
from microdsd.networks.last_draw import HIGHEST_LEVEL
from microdsd.progress import Progress, Stage, stage

Array = np.ndarray


class Generate(Protocol):
    """Generate the samples of a request, each with a number that calibration ignores."""

    def __call__(
        self, request: GenerationRequest, *, progress: Progress | None = None
    ) -> Iterable[tuple[np.ndarray, int]]:
        """Generate as `MicrostructureModel.generate` does."""


FEW_EVALUATIONS = (4, 8, 16)
"""Numbers of evaluations that models are calibrated for, besides their own and up to half of it."""

_SHARPNESS = (0.8, 2.0)
_HIGHEST_LAST = HIGHEST_LEVEL
_LOWEST_FIRST = 0.25
"""Bounds: of exponents, of the last level in voxels, of the first as a share of the horizon."""

_LEVEL_STEP, _SHARPNESS_STEP, _TEMPERATURE_STEP = math.log(1.33), math.log(1.06), 0.3
"""Steps of levels and of exponents, in logarithms, and of temperatures: clear of the noise of
samples."""

_LOWER_WITH_SPECTRUM = 16
"""Evaluations for which the search begins at half the horizon if walkers start with the spectrum of
the material, and lose nothing below it (docs/decisions/0033)."""

_TEMPERATURE = 0.4
"""Where the search for the temperature begins, unless phases are drawn in passes."""

_LAST_BEFORE_PASSES = 0.9
"""Where the search for the last level begins if phases are drawn in passes, voxels: what the walk
leaves to them (docs/decisions/0032)."""

_ROUNDS = 4
"""Improvements that are tried."""

_LITTLE = 0.1
"""Share of the time left that another measurement of the pace may take."""

_FEWEST_WINDOWS, _FEWEST_VOXELS = 16, {2: 1 << 16, 3: 1 << 20}
"""Windows, or voxels of them by the number of axes, whichever are fewer windows, below which, where
time is short, fewer numbers of evaluations are calibrated instead."""

_SMALLEST_PART = 48
"""Voxels per axis of the smallest parts of windows: how far a network that knows longer structure
still shows it, and what is connected."""

_HOLD = 0.3
"""How firmly settings that change nothing are held: per step of theirs, in tolerances."""

_AREAS_AND_LINES, _IN_FULL = ("interface_density", "triple_phase_boundary"), 4.0
"""What counts in full up to so many tolerances."""

_NONE = 1e-9
"""Tolerance of what real windows have none of, and keeps bounds apart."""

_FADED = 0.01
"""Correlation below which there is none to speak of."""

_SEED = 0


def _endless() -> float:
    return math.inf


class _OutOfTimeError(Exception):
    """Report that the available time is used up."""


@dataclass(frozen=True)
class Calibration:
    """Hold what calibration found, and what it had time for.

    Attributes
    ----------
    walks : tuple of WalkBack
        In ascending order of their evaluations, the model's own number last.
    fitted : tuple of int
        Numbers of evaluations whose settings were fitted to the end. What time did not allow
        stands as far as it came, or is moved along with the model's own.
    windows : int
        Real windows, or parts of them, that samples were compared with.
    shape : tuple of int
        Voxels per axis of these.
    correlated_over : float or None
        Distance, voxels, at which the correlation of these windows has fallen to 1 %; None where
        it has not within half a window.
    """

    walks: tuple[WalkBack, ...]
    fitted: tuple[int, ...]
    windows: int
    shape: tuple[int, ...]
    correlated_over: float | None


def calibrated_walks(
    card: ModelCard,
    generate: Generate,
    real: np.ndarray,
    class_name: Sequence[str] | None = None,
    left: Callable[[], float] = _endless,
    pace: Pace | None = None,
) -> Calibration:
    """Calibrate few evaluations and the model's own number; see `calibrate`.

    Parameters
    ----------
    card, generate, real, class_name
        As of `calibrate`.
    left : callable, optional
        Says how many seconds are left; without, the outcome depends on no clock.
    pace : Pace, optional
        As measured before; it is measured again where that takes little of the time.
    """
    numbers, per_axis, windows = _numbers(card), 1, len(real)
    if left() < math.inf:
        part = _parts(real[:1], _parts_per_axis(card)[-1])[0].size
        if pace is None or 2 * pace.seconds(FEWEST_WITH_REDRAW, part) < _LITTLE * left():
            pace = Pace.measure(card, generate, real, class_name)
        numbers, per_axis, windows = _affordable(pace, card, windows, left())
    compared = _parts(real, per_axis)[:windows]
    if class_name:
        class_name = ([*class_name] * per_axis ** len(card.window))[:windows]
    space, own = _Settings(card), card.evaluations
    walks: dict[int, WalkBack] = {}
    fitted = []
    with stage("calibration", total=sum(numbers) * space.trials) as calibration:
        for number in sorted(numbers, reverse=True):  # the model's own first
            # What the model's own number needed, others need too, more or less.
            begin = space.moved(walks[own], number) if walks else None
            walks[number], whole = _calibrated(
                card, generate, compared, number, class_name, left, calibration, begin
            )
            if whole:
                fitted.append(number)
    fewest = _numbers(card)[0]
    if fewest not in walks:
        walks[fewest] = space.moved(walks[own], fewest)
    return Calibration(
        tuple(walks[n] for n in sorted(walks)),
        tuple(sorted(fitted)),
        len(compared),
        compared.shape[1:],
        _correlated_over(real, card.contents),
    )


def _parts(windows: Array, per_axis: int) -> Array:
    """Cut windows into disjoint parts: the first ones of all windows, then the second ones."""
    edges = [length // per_axis for length in windows.shape[1:]]
    corners = itertools.product(*([k * edge for k in range(per_axis)] for edge in edges))
    return np.concatenate(
        [
            windows[:, *(slice(k, k + edge) for k, edge in zip(corner, edges, strict=True))]
            for corner in corners
        ]
    )


def _correlated_over(stack: Array, contents: Contents) -> float | None:
    """Return the largest distance, voxels, over which a species is correlated in the windows."""
    windows = as_microstructure(stack, phases=contents.phases, ensemble=True)
    distances = []
    for label in contents.species:
        s2 = two_point_probability(windows, phase=label, periodic=False).mean("sample").values
        phi = s2[0]
        faded = np.flatnonzero(s2 - phi**2 < _FADED * (phi - phi**2))
        distances.append(float(faded[0]) if len(faded) else math.inf)
    longest = max(distances)
    return longest if longest < math.inf else None


def calibration_seconds(card: ModelCard, windows: int, pace: Pace) -> float:
    """Return the time that a complete calibration takes."""
    voxels = windows * math.prod(card.window)
    return sum(pace.seconds(n, voxels) for n in _numbers(card)) * _Settings(card).trials


@dataclass(frozen=True)
class Pace:
    """Measure how long trials take.

    Attributes
    ----------
    evaluation : float
        Seconds per voxel and network evaluation of a walk.
    passes : float
        Seconds per voxel for drawing phases in passes, where a walk does.
    rest : float
        Seconds per voxel for all else.
    """

    evaluation: float
    passes: float
    rest: float

    @classmethod
    def measure(
        cls,
        card: ModelCard,
        generate: Generate,
        real: np.ndarray,
        class_name: Sequence[str] | None = None,
    ) -> Pace:
        """Measure the time that samples of a window, or of a part of one, take."""
        settings = _Settings(card)
        part = _parts(real[:1], _parts_per_axis(card)[-1])[:1]
        few, more = FEW_EVALUATIONS[0], FEWEST_WITH_REDRAW

        def seconds(evaluations: int) -> float:
            begun = time.monotonic()
            walk = settings.walk(evaluations, settings.start(evaluations))
            _trial(card, generate, part, walk, class_name and class_name[:1])
            return (time.monotonic() - begun) / part.size

        seconds(few)  # warms up
        of_few = seconds(few)
        passes = 0.0
        if settings.walk(more, settings.start(more)).passes and card.evaluations >= more:
            passes = max(0.0, seconds(more) - of_few * more / few)
        begun = time.monotonic()
        _measured(part, card.contents)
        return cls(of_few / few, passes, (time.monotonic() - begun) / part.size)

    def seconds(self, evaluations: int, voxels: int) -> float:
        """Return the time of one trial."""
        passes = self.passes if evaluations >= FEWEST_WITH_REDRAW else 0.0
        return voxels * (evaluations * self.evaluation + passes + self.rest)


def _numbers(card: ModelCard) -> list[int]:
    own = card.evaluations
    return [*(n for n in FEW_EVALUATIONS if n <= own // 2), own]


def _affordable(
    pace: Pace, card: ModelCard, windows: int, seconds: float
) -> tuple[list[int], int, int]:
    """Return the numbers of evaluations, the parts of windows per axis, and how many are compared.

    Between the fewest numbers of evaluations and the model's own, settings can be interpolated.
    Samples of a quarter or an eighth of the voxels of a window tell more in many trials than whole
    ones in a few that end early.
    """
    own, ndim = card.evaluations, len(card.window)
    every = _numbers(card)
    for numbers, per_axis in itertools.product(
        (every, [every[0], own], [own]), _parts_per_axis(card)
    ):
        voxels = math.prod(length // per_axis for length in card.window)
        available = windows * per_axis**ndim
        fewest = min(_FEWEST_WINDOWS, max(2, -(-_FEWEST_VOXELS[ndim] // voxels)))
        each = sum(pace.seconds(n, voxels) for n in set(numbers)) * _Settings(card).trials
        fit = min(available, int(seconds / each))
        if fit >= min(available, fewest):
            break
    return sorted(set(numbers)), per_axis, max(fit, min(available, max(1, fewest // 2)))


def _parts_per_axis(card: ModelCard) -> list[int]:
    """Return into how many parts windows can be cut along every axis: whole ones first."""
    if card.boundary == "periodic":  # a part has walls
        return [1]
    most = max(1, min(card.window) // _SMALLEST_PART)
    return [1 << k for k in range(most.bit_length())]


class _Settings:
    """Represent a walk's settings as a point, with bounds.

    The point is the logarithms of levels and exponents, and the temperature.
    """

    def __init__(self, card: ModelCard) -> None:
        self._horizon, species = card.sigma_max, card.network.species
        self._spectral = card.spectrum is not None
        self._passes = max(walk.passes for walk in card.walks)
        # In the smallest of boxes the first level must still lie above the last.
        lowest_first = max(
            _LOWEST_FIRST * self._horizon, min(2 * _HIGHEST_LAST, 0.7 * self._horizon)
        )
        highest_last = min(_HIGHEST_LAST, 0.9 * lowest_first)
        self._lowest = np.array([lowest_first, card.sigma_min, *[_SHARPNESS[0]] * species])
        self._highest = np.array([self._horizon, highest_last, *[_SHARPNESS[1]] * species])
        self.low = np.append(np.log(self._lowest), 0.0)
        self.high = np.append(np.log(self._highest), 1.0)
        exponents = [_SHARPNESS_STEP] * species
        self.steps = np.array([_LEVEL_STEP, _LEVEL_STEP, *exponents, _TEMPERATURE_STEP])
        self.trials = 1 + len(self.steps) + _ROUNDS

    def start(self, evaluations: int) -> Array:
        """Return where the search begins: few evaluations start lower and end higher."""
        n, exponents = evaluations, [1.0] * (len(self.steps) - 3)
        last = _LAST_BEFORE_PASSES if self._passes_of(n) else 0.5 + 2 / n
        start = [self._first(n), last, *exponents]
        temperature = JOINT_TEMPERATURE if self._passes_of(n) else _TEMPERATURE
        return np.append(np.log(np.clip(start, self._lowest, self._highest)), temperature)

    def _first(self, evaluations: int) -> float:
        if self._spectral:
            return self._horizon * evaluations / (evaluations + _LOWER_WITH_SPECTRUM)
        return uniform_start(self._horizon, evaluations)

    def walk(self, evaluations: int, point: Array) -> WalkBack:
        """Return the walk of a point."""
        settings = np.clip(np.exp(point[:-1]).round(4), self._lowest, self._highest)
        first, last, *sharpness = settings.tolist()
        temperature = float(np.clip(point[-1].round(4), 0.0, 1.0))
        passes = self._passes_of(evaluations)
        return WalkBack(evaluations, first, last, tuple(sharpness), temperature, passes)

    def _passes_of(self, evaluations: int) -> int:
        return self._passes if evaluations >= FEWEST_WITH_REDRAW else 0

    def moved(self, walk: WalkBack, evaluations: int) -> WalkBack:
        """Return a walk in another number of evaluations, as far from its start as another walk."""
        apart = self.point(walk) - self.start(walk.evaluations)
        return self.walk(evaluations, self.start(evaluations) + apart)

    def point(self, walk: WalkBack) -> Array:
        """Return the point of a walk."""
        return np.append(np.log([walk.first, walk.last, *walk.sharpness]), walk.temperature)


def calibrate(
    card: ModelCard,
    generate: Generate,
    real: np.ndarray,
    evaluations: int,
    class_name: Sequence[str] | None = None,
) -> WalkBack:
    """Search the settings with which the model's samples measure most like real windows.

    Parameters
    ----------
    card : ModelCard
    generate : callable
        As `MicrostructureModel.generate`; the request says how samples walk back.
    real : ndarray, shape (n, *shape)
        Labels of held-back windows, or of parts of them; samples are generated at their exact
        compositions, from the same seed at every trial.
    evaluations : int
        Network evaluations per sample.
    class_name : sequence of str, optional
        Class of every window, where the model knows classes.

    Returns
    -------
    WalkBack
        Within the levels that the network was trained on.
    """
    with stage("calibration", total=evaluations * _Settings(card).trials) as calibration:
        return _calibrated(card, generate, real, evaluations, class_name, _endless, calibration)[0]


def _calibrated(
    card: ModelCard,
    generate: Generate,
    real: np.ndarray,
    evaluations: int,
    class_name: Sequence[str] | None,
    left: Callable[[], float],
    progress: Stage,
    begin: WalkBack | None = None,
) -> tuple[WalkBack, bool]:
    """Return the walk of `calibrate`, and whether there was time for all of it."""
    settings = _Settings(card)
    target = _measured(real, card.contents)
    tolerance = _tolerances(target)

    def residual(x: Array) -> Array:
        samples = _trial(card, generate, real, settings.walk(evaluations, x), class_name, left)
        progress.advance(evaluations)
        return _residuals(_measured(samples, card.contents), target, tolerance)

    start = settings.point(begin) if begin else settings.start(evaluations)
    x, whole = _fitted(residual, start, settings.low, settings.high, settings.steps)
    return settings.walk(evaluations, x), whole


def _residuals(
    measured: dict[str, Array], target: dict[str, Array], tolerances: dict[str, Array]
) -> Array:
    """Return by how many tolerances the means of what was measured are off its target.

    What is far out counts by its order of magnitude, as a few loose specks may be. Areas and lines
    count in full up to some tolerances: a search has to see that half of what is missing is found.
    """
    rows = []
    for name, tolerance in tolerances.items():
        off = (measured[name].mean(0) - target[name].mean(0)) / tolerance
        full = _IN_FULL if name.partition(" ")[0] in _AREAS_AND_LINES else 1.0
        rows.append(full * np.arcsinh(off / full))
    return np.concatenate(rows)


def _trial(
    card: ModelCard,
    generate: Generate,
    real: np.ndarray,
    walk: WalkBack,
    class_name: Sequence[str] | None,
    left: Callable[[], float] = _endless,
) -> Array:
    """Generate samples of the real windows' compositions by a walk."""
    fractions: Fractions = {
        name: [float((window == label).mean()) for window in real]
        for label, name in card.phases.items()
    }
    request = GenerationRequest.resolve(
        replace(card, walks=(walk,)),
        len(real),
        phase_fraction=fractions,
        shape=real.shape[1:],
        class_name=class_name,
        evaluations=walk.evaluations,
        rng=_SEED,
    )

    def look(done: float, total: float | None, status: str) -> None:
        if left() <= 0:
            raise _OutOfTimeError

    look(0, None, "")
    return np.stack([labels for labels, _ in generate(request, progress=look)])


def _fitted(
    residual: Callable[[Array], Array], start: Array, low: Array, high: Array, steps: Array
) -> tuple[Array, bool]:
    """Minimise the squares of few, expensive and noisy residuals, within bounds and time.

    The method is that of Gauss and Newton on differences over long steps, whose slopes are mended
    after each trial by Broyden's formula; a trial that is no better halves the reach of the next
    one.
    """
    up, down = high - start, start - low
    aside = np.where(up > down, np.minimum(steps, up), -np.minimum(steps, down))
    places = start + np.vstack([np.zeros(len(start)), np.diag(aside)])
    x: Array = start
    trials: list[Array] = []
    try:
        for place in places:
            trials.append(residual(place))
            x = places[np.linalg.norm(trials, axis=1).argmin()]
        for x in _improved(residual, places, np.stack(trials), low, high, steps):  # noqa: B007
            pass
    except _OutOfTimeError:
        return x, False
    return x, True


def _improved(
    residual: Callable[[Array], Array],
    places: Array,
    trials: Array,
    low: Array,
    high: Array,
    steps: Array,
) -> Iterator[Array]:
    """Yield the best point so far, after every trial."""
    aside = np.diag(places[1:] - places[0])
    slopes = ((trials[1:] - trials[0]) / aside[:, None]).T
    best = np.linalg.norm(trials, axis=1).argmin()
    x: Array = places[best]
    lowest: Array = trials[best]
    reach = 3 * steps
    for _ in range(_ROUNDS):
        bounds = np.maximum(low - x, -reach) - _NONE, np.minimum(high - x, reach) + _NONE
        # Settings that change little are held where they are, a little.
        system = np.vstack([slopes, np.diag(_HOLD / steps)])
        move = lsq_linear(system, np.append(-lowest, np.zeros(len(x))), bounds).x
        move = np.clip(x + move, low, high) - x
        if not move.any():
            break
        trial = residual(x + move)
        slopes += np.outer(trial - lowest - slopes @ move, move) / (move @ move)
        if np.linalg.norm(trial) < np.linalg.norm(lowest):
            x, lowest = x + move, trial
        else:
            reach = np.abs(move) / 2
        yield x


def _measured(stack: Array, contents: Contents) -> dict[str, Array]:
    """Measure what is compared of every window of a stack of labels, one row each.

    Names are those of descriptors, then of the phases.

    S2 is that of the species. Where one phase fills nearly all, its S2 in a window tells first of
    all how much of it happens to lie near the faces.
    """
    windows = as_microstructure(stack, phases=contents.phases, ensemble=True)
    labels = list(phases_of(windows))
    measured = {
        f"interface_density {a}-{b}": interface_density(windows, phase=a, phase2=b, periodic=False)
        for a, b in itertools.combinations(labels, 2)
    }
    for label in labels:
        components = connected_components(windows, phase=label, periodic=False)
        measured[f"component_count {label}"] = components.number
        measured[f"largest_component_share {label}"] = components.largest_share.fillna(0.0)
        measured[f"percolates {label}"] = percolates(windows, phase=label).mean("axis")
    for label in contents.species:
        measured[f"two_point_probability {label}"] = two_point_probability(
            windows, phase=label, periodic=False
        )
        measured[f"lineal_path {label}"] = lineal_path(windows, phase=label, periodic=False)
    if len(labels) > 2:
        measured["triple_phase_boundary"] = triple_phase_boundary(windows, periodic=False)
    # Of two phases both have the same edge contacts.
    for label in labels if len(labels) > 2 else contents.species:
        measured[f"edge_contacts {label}"] = edge_contacts(windows, phase=label, periodic=False)
    return {name: values.values.reshape(len(windows), -1) for name, values in measured.items()}


def _tolerances(target: dict[str, Array]) -> dict[str, Array]:
    """Return by name the difference of means that counts as one.

    Windows differ by more than the tolerance of a descriptor, but most of that is due to their
    compositions, which are the samples' own.
    """
    tolerances = {}
    for name, values in target.items():
        mean = values.mean(0)
        record = find(name.partition(" ")[0])
        if record is None or record.tolerance is None:
            raise LookupError(f"{name}: no tolerance of it is registered")
        relative = record.tolerance
        if record.whole_numbers:  # few of them scatter, here and in the samples
            tolerances[name] = np.hypot(relative * mean, np.sqrt(2 * mean / len(values)))
        elif record.margin is not None and record.margin.kind == "points":
            scatter = 2 * values.var(0) / len(values)
            tolerances[name] = np.sqrt(relative**2 + scatter)
        elif record.kind == "curve":  # all lags together count as one number
            height = np.abs(mean - mean[-1]).mean()
            tolerances[name] = np.full(len(mean), relative * height * math.sqrt(len(mean)))
        else:
            tolerances[name] = relative * mean
        tolerances[name] += _NONE
    return tolerances
