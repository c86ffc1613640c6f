"""How a model's samples walk back, chosen on held-back material.

A few settings decide how rough generated material is and how much of it gathers (`WalkBack`): the
level that the walk starts from, the sharpness of the potential, and the level that it ends at.
They are fitted by least squares: what is measured of the samples is to be what is measured of
real windows of the same compositions.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np
from scipy.optimize import lsq_linear

from microdsd.encoding import PhaseEncoding
from microdsd.generation.request import GenerationRequest
from microdsd.metrics import (
    connected_bodies,
    interface_density,
    triple_phase_boundary,
    two_point_probability,
)
from microdsd.microstructure import as_microstructure, phases_of
from microdsd.microstructure.composition import Fractions
from microdsd.models.card import ModelCard
from microdsd.models.walk_back import WalkBack

Array = np.ndarray

Generate = Callable[[GenerationRequest], Iterable[tuple[np.ndarray, int]]]

FEW_EVALUATIONS = (4, 8, 16)
"""Numbers of evaluations that models are calibrated for, besides their own and up to half of it."""

_SHARPNESS = (0.8, 2.0)
_HIGHEST_LAST = 1.3
_LOWEST_FIRST = 0.25
"""Bounds: of exponents, of the last level in voxels, of the first as a share of the horizon."""

_LEVEL_STEP, _SHARPNESS_STEP = math.log(1.33), math.log(1.06)
"""Steps of levels and of exponents, in logarithms: clear of the noise of samples."""

_ROUNDS = 4
"""Improvements that are tried."""

_HOLD = 0.3
"""How firmly settings that change nothing are held: per step of theirs, in tolerances."""

_TOLERANCE = {"interface": 0.03, "bodies": 0.1, "S2": 0.1, "triple-phase boundary": 0.03}
"""Relative differences that weigh the same. Windows differ by more, but most of that is due to
their compositions, which are the samples' own."""

_NONE = 1e-9
"""Tolerance of what real windows have none of, and keeps bounds apart."""

_SEED = 0


def calibrated_walks(
    card: ModelCard, generate: Generate, real: np.ndarray, class_name: Sequence[str] | None = None
) -> tuple[WalkBack, ...]:
    """Calibrate few evaluations and the model's own number; see `calibrate`."""
    own = card.evaluations
    numbers = [*(n for n in FEW_EVALUATIONS if n <= own // 2), own]
    return tuple(calibrate(card, generate, real, n, class_name) for n in numbers)


def calibrate(
    card: ModelCard,
    generate: Generate,
    real: np.ndarray,
    evaluations: int,
    class_name: Sequence[str] | None = None,
) -> WalkBack:
    """Settings with which the model's samples measure most like real windows.

    Parameters
    ----------
    card : ModelCard
    generate : callable
        Samples of a request, each with a number that is not looked at, as of
        `MicrostructureModel.generate`; the request says how they walk back.
    real : ndarray, shape (n, *window)
        Labels of held-back windows; samples are generated at their exact compositions, from the
        same seed at every trial.
    evaluations : int
        Network evaluations per sample.
    class_name : sequence of str, optional
        Class of every window, where the model knows classes.

    Returns
    -------
    WalkBack
        Within the levels that the network was trained on.
    """
    fractions: Fractions = {
        name: [float((window == label).mean()) for window in real]
        for label, name in card.phases.items()
    }
    encoding = PhaseEncoding(card.phases, card.background)
    target = _measured(real, encoding)
    tolerance = _tolerances(target)

    horizon, n, species = card.sigma_max, evaluations, card.network.species
    # In the smallest of boxes the first level must still lie above the last.
    lowest_first = max(_LOWEST_FIRST * horizon, min(2 * _HIGHEST_LAST, 0.7 * horizon))
    highest_last = min(_HIGHEST_LAST, 0.9 * lowest_first)
    lowest = np.array([lowest_first, card.sigma_min, *[_SHARPNESS[0]] * species])
    highest = np.array([horizon, highest_last, *[_SHARPNESS[1]] * species])
    steps = np.array([_LEVEL_STEP, _LEVEL_STEP, *[_SHARPNESS_STEP] * species])

    def walk_of(x: Array) -> WalkBack:
        first, last, *sharpness = np.clip(np.exp(x).round(4), lowest, highest).tolist()
        return WalkBack(evaluations, first, last, tuple(sharpness))

    def residual(x: Array) -> Array:
        request = GenerationRequest.resolve(
            replace(card, walks=(walk_of(x),)),
            len(real),
            phase_fraction=fractions,
            class_name=class_name,
            evaluations=evaluations,
            rng=_SEED,
        )
        made = np.stack([labels for labels, _ in generate(request)])
        found = _measured(made, encoding)
        off = [(found[name] - target[name]).mean(0) / tolerance[name] for name in target]
        # What is far out, as a few loose specks may be, counts by its order of magnitude.
        residuals: Array = np.arcsinh(np.concatenate(off))
        return residuals

    # Few evaluations start lower and end higher.
    start = np.clip([horizon * n / (n + 8), 0.5 + 2 / n, *[1.0] * species], lowest, highest)
    low, high = np.log(lowest), np.log(highest)
    return walk_of(_fitted(residual, np.log(start), low, high, steps))


def _fitted(
    residual: Callable[[Array], Array], start: Array, low: Array, high: Array, steps: Array
) -> Array:
    """Least squares of few, dear and noisy residuals, within bounds.

    Gauss and Newton's method on differences over long steps, whose slopes are mended after each
    trial by Broyden's formula; a trial that is no better halves the reach of the next one.
    """
    up, down = high - start, start - low
    aside = np.where(up > down, np.minimum(steps, up), -np.minimum(steps, down))
    places = start + np.vstack([np.zeros(len(start)), np.diag(aside)])
    trials = np.stack([residual(x) for x in places])
    slopes = ((trials[1:] - trials[0]) / aside[:, None]).T
    best = np.linalg.norm(trials, axis=1).argmin()
    x: Array = places[best]
    found: Array = trials[best]
    reach = 3 * steps
    for _ in range(_ROUNDS):
        bounds = np.maximum(low - x, -reach) - _NONE, np.minimum(high - x, reach) + _NONE
        # Settings that change little are held where they are, a little.
        system = np.vstack([slopes, np.diag(_HOLD / steps)])
        move = lsq_linear(system, np.append(-found, np.zeros(len(x))), bounds).x
        move = np.clip(x + move, low, high) - x
        if not move.any():
            break
        trial = residual(x + move)
        slopes += np.outer(trial - found - slopes @ move, move) / (move @ move)
        if np.linalg.norm(trial) < np.linalg.norm(found):
            x, found = x + move, trial
        else:
            reach = np.abs(move) / 2
    return x


def _measured(stack: Array, encoding: PhaseEncoding) -> dict[str, Array]:
    """By name, what is compared of every window of a stack of labels, one row each.

    S2 is that of the species. Where one phase fills nearly all, its S2 in a window tells first of
    all how much of it happens to lie near the faces.
    """
    windows = as_microstructure(stack, phases=encoding.phases, ensemble=True)
    labels = list(phases_of(windows))
    found = {
        f"interface {a}-{b}": interface_density(windows, phase=a, phase2=b, periodic=False)
        for a, b in itertools.combinations(labels, 2)
    }
    for label in labels:
        found[f"bodies {label}"] = connected_bodies(windows, phase=label).number
    for label in encoding.species:
        found[f"S2 {label}"] = two_point_probability(windows, phase=label, periodic=False)
    if len(labels) > 2:
        found["triple-phase boundary"] = triple_phase_boundary(windows, periodic=False)
    return {name: values.values.reshape(len(windows), -1) for name, values in found.items()}


def _tolerances(target: dict[str, Array]) -> dict[str, Array]:
    """By name, the difference of means that counts as one."""
    found = {}
    for name, values in target.items():
        mean = values.mean(0)
        relative = next(share for kind, share in _TOLERANCE.items() if name.startswith(kind))
        if name.startswith("bodies"):  # few of them scatter, here and in the samples
            found[name] = np.hypot(relative * mean, np.sqrt(2 * mean / len(values)))
        elif name.startswith("S2"):  # all lags together count as one number
            height = np.abs(mean - mean[-1]).mean()
            found[name] = np.full(len(mean), relative * height * math.sqrt(len(mean)))
        else:
            found[name] = relative * mean
        found[name] += _NONE
    return found
