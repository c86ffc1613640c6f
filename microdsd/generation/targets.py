"""Properties that samples are asked for, besides their composition: checked, and in their range."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from microdsd.encoding import Composition
from microdsd.errors import ExtrapolationWarning, InputError
from microdsd.models.card import ModelCard
from microdsd.models.methods import METHODS
from microdsd.models.properties import Attainable
from microdsd.properties import Property, require_measurable

_FEWEST_ENDS = 2
"""Pilot walks that must end with all properties, to tell walks apart by them."""

_AS_NEAR = "samples will come as near to it as they can"

_REACH = 1.0
"""How far beyond free samples particles are let try, in their standard deviations."""

_APART, _TIMES = 4.0, 2.0
"""From which joint distance on, in standard deviations, several targets do not go together, if it
is also as many times what they are off one by one."""

Range = tuple[float, float]

Targets = Mapping[str, float | Sequence[float]]
"""Values by the name of a property (`microdsd.properties.Property`): one, or one per sample."""


def targets_per_sample(
    card: ModelCard, targets: Targets | None, n: int, particles: int
) -> dict[str, tuple[float, ...]]:
    """Return the values of every sample by the full name of each property.

    Raises
    ------
    InputError
        For properties that samples cannot have, or that the model was not trained with and
        particles are not there to find, and for what is no number.
    """
    if targets is None:
        return {}
    if not isinstance(targets, Mapping):
        raise InputError(f"targets={targets!r}: give values by property, as {{'NAME': 0.15}}")
    if not targets:
        return {}
    METHODS[card.method].require_potential("targets")
    phases = card.contents.require_phases("targets", "targets").phases
    known = card.properties.names if card.properties else ()
    resolved: dict[str, tuple[float, ...]] = {}
    for text, value in targets.items():
        one = _property(card, text, phases)
        name = str(one)
        if name in resolved:
            raise InputError(f"targets: {name} is given twice")
        if name not in known and particles == 1:
            raise InputError(f"targets: {_why_particles(card, name)} (particles=16)")
        resolved[name] = _values(name, value, n)
    return resolved


def _property(card: ModelCard, text: str, phases: Mapping[int, str]) -> Property:
    """Read the name of a property that samples can have."""
    size = None if card.unit == "voxel" else tuple(card.voxel_size)
    try:
        one = Property.parse(text, phases, len(card.window))
        if card.properties is None or str(one) not in card.properties.names:
            require_measurable([one], phases, len(card.window), size)
    except InputError as error:
        raise InputError(f"targets: {error}") from error
    if one.of_composition:
        raise InputError(f"targets: {one} is what phase_fraction says, exactly; leave it out")
    return one


def _why_particles(card: ModelCard, name: str) -> str:
    """Say why a network alone does not find a property, and what does."""
    if card.volumes is not None and len(card.window) == 3:
        return (
            f"the networks of a volume made of slices know nothing of its {name}; let particles "
            "find it"
        )
    known = card.properties
    conditions = f"with {', '.join(known.names)}" if known else "without conditions"
    return (
        f"the model was trained {conditions}, not with {name}; train one with --condition {name}, "
        "or let particles find it"
    )


def _values(name: str, value: Any, n: int) -> tuple[float, ...]:
    try:
        values = np.atleast_1d(np.asarray(value, dtype=float))
    except (TypeError, ValueError) as error:
        raise InputError(
            f"targets[{name!r}]={value!r}: give a number, or one per sample"
        ) from error
    if values.ndim != 1 or len(values) not in (1, n) or not np.isfinite(values).all():
        each = f", or one for each of {n} samples" if n > 1 else ""
        raise InputError(f"targets[{name!r}]={value!r}: give one finite number{each}")
    return tuple(np.broadcast_to(values, n).tolist())


def is_conditioned(card: ModelCard, targets: Mapping[str, Any]) -> bool:
    """Tell whether the network was trained with any of the properties."""
    return card.properties is not None and any(name in targets for name in card.properties.names)


def scores_of_targets(
    card: ModelCard, targets: Mapping[str, tuple[float, ...]], n: int
) -> np.ndarray | None:
    """Return the normal scores (n, properties) of what the network is told; NaN is nothing."""
    known = card.properties
    if known is None or not is_conditioned(card, targets):
        return None
    free = (math.nan,) * n
    return known.scores(np.array([targets.get(name, free) for name in known.names]).T)


class Reach(NamedTuple):
    """Say what samples can have of the properties that they are asked for.

    Attributes
    ----------
    remarks : tuple of str
        The ranges, as plain sentences.
    cautions : tuple of ExtrapolationWarning
        What lies beyond them.
    usual : dict of str to tuple of (float, float)
        Per property, and per sample of it, between which values nine in ten lie; of properties
        whose range is known.
    """

    remarks: tuple[str, ...] = ()
    cautions: tuple[ExtrapolationWarning, ...] = ()
    usual: Mapping[str, tuple[Range, ...]] = {}


def check_ranges(
    card: ModelCard,
    targets: Mapping[str, tuple[float, ...]],
    composition: Composition,
    shape: Sequence[int],
    particles: int,
    *,
    extrapolate: bool,
) -> Reach:
    """Say what is attainable at the compositions asked for, and refuse what is not.

    Parameters
    ----------
    card : ModelCard
    targets : mapping
        See `targets_per_sample`.
    composition : Composition
    shape : sequence of int
        Of the box.
    particles : int
        Where there are several, pilot walks say what boxes of another shape than the training
        window have; see `reach_of_pilots`.
    extrapolate : bool
        Warn of what is beyond the range, and let it pass.

    Returns
    -------
    Reach

    Raises
    ------
    InputError
        With the range, for a target beyond it.
    """
    remarks: list[str] = []
    cautions: list[ExtrapolationWarning] = []
    usual: dict[str, tuple[Range, ...]] = {}
    whole = composition.whole
    shares = [tuple(row) for row in (whole / whole.sum(1, keepdims=True)).tolist()]
    for name, values in targets.items():
        if not _is_conditioned_on(card, name) or (particles > 1 and of_pilots(card, name, shape)):
            continue
        pairs = dict.fromkeys(zip(shares, values, strict=True))
        outside = remark = None
        spans: dict[tuple[float, ...], Range] = {}
        for fractions, value in pairs:
            ranges = attainable(card, name, fractions)
            if not ranges:
                continue
            spans[fractions] = next(iter(ranges.values())).usual
            trained = _was_trained(card, fractions, math.prod(shape))
            words = _ranges(
                ranges, () if tuple(shape) == tuple(card.window) else card.window, trained
            )
            remark = remark or f"{name} at {_words(card, fractions)}: {words}"
            if not any(one.holds(value) for one in ranges.values()):
                outside = outside or (
                    f"{name} = {value:.4g} is beyond what is attainable at "
                    f"{_words(card, fractions)}: {words}"
                )
        if all(fractions in spans for fractions in shares):
            usual[name] = tuple(spans[fractions] for fractions in shares)
        if outside and not extrapolate:
            raise InputError(
                f"targets: {outside}; ask for a value within, or try it all the same with "
                "extrapolate=True (--force)"
            )
        if outside:
            cautions.append(ExtrapolationWarning(f"{outside}: {_AS_NEAR}"))
        elif remark:
            remarks.append(remark)
    return Reach(tuple(remarks), tuple(cautions), usual)


def attainable(card: ModelCard, name: str, fractions: Sequence[float]) -> dict[str, Attainable]:
    """Return what training windows, and free samples, of a composition have of a property."""
    assert card.properties is not None
    column = card.properties.names.index(name)
    ranges = {
        "real windows": card.properties.windows.attainable(column, fractions),
        "free samples": card.properties.free.attainable(column, fractions),
    }
    return {source: one for source, one in ranges.items() if one is not None}


def require_ends(names: Sequence[str], ends: np.ndarray) -> None:
    """Refuse properties that pilot walks (walks, properties) do not end with.

    Raises
    ------
    InputError
        Names the property that fewest have.
    """
    whole = np.isfinite(ends)
    if whole.all(1).sum() < _FEWEST_ENDS:
        rarest = names[int(whole.sum(0).argmin())]
        raise InputError(
            f"targets: of {len(ends)} free samples of this composition "
            f"{int(whole.all(1).sum())} have all of {', '.join(names)}, so that no walk can be "
            f"told to lead there; leave {rarest} out, or ask for another composition or a larger "
            "box"
        )


def of_pilots(card: ModelCard, name: str, shape: Sequence[int]) -> bool:
    """Tell whether pilot walks, where there are any, know better what a box has of a property.

    Training windows know what windows of their size have, of properties that training measured.
    """
    return not _is_conditioned_on(card, name) or tuple(shape) != tuple(card.window)


def reach_of_pilots(
    card: ModelCard,
    targets: Mapping[str, tuple[float, ...]],
    fractions: Sequence[float],
    shape: Sequence[int],
    ends: np.ndarray,
    *,
    extrapolate: bool,
) -> Reach:
    """Say what pilot walks ended with, and refuse targets of one sample far from it.

    Parameters
    ----------
    card : ModelCard
    targets : mapping
        Of one sample; see `targets_per_sample`.
    fractions : sequence of float
    shape : sequence of int
        Of the box.
    ends : ndarray, shape (walks, properties)
    extrapolate : bool
        Warn of what is out of reach, and let it pass.

    Raises
    ------
    InputError
        With the range.
    """
    remarks, cautions = [], []
    usual: dict[str, tuple[Range, ...]] = {}
    steered = is_conditioned(card, targets) and card.properties and card.properties.windows.values
    where = f"{'' if steered else 'free '}samples of this box and composition"
    if steered:
        where += ", steered as real windows are,"
    for (name, (value, *_)), column in zip(targets.items(), ends.T, strict=True):
        if not of_pilots(card, name, shape):
            continue
        finite = column[np.isfinite(column)]
        low, high, spread = finite.min(), finite.max(), finite.std()
        least, most = map(float, np.quantile(finite, [0.05, 0.95]))
        usual[name] = ((least, most),)
        have = f"{len(finite)} {where} have {low:.4g} to {high:.4g}"
        remarks.append(
            f"{name} at {_words(card, fractions)}: {have}, nine in ten {least:.4g} to {most:.4g}"
        )
        if low - _REACH * spread <= value <= high + _REACH * spread:
            continue
        outside = f"{name} = {value:.4g} is out of reach: {have}"
        if not extrapolate:
            raise InputError(
                f"targets: {outside}; ask for a value near these, or try it all the same with "
                "extrapolate=True (--force)"
            )
        cautions.append(ExtrapolationWarning(f"{outside}; {_AS_NEAR}"))
    if _are_apart(np.array([values[0] for values in targets.values()]), ends):
        asked = ", ".join(f"{name} = {values[0]:.4g}" for name, values in targets.items())
        cautions.append(
            ExtrapolationWarning(
                f"{asked} hardly occur together in {where}, though each alone does: samples will "
                "come as near to all of them as they can"
            )
        )
    return Reach(tuple(remarks), tuple(cautions), usual)


def _are_apart(target: np.ndarray, ends: np.ndarray) -> bool:
    """Tell whether targets lie far off the joint law of ends (walks, properties), for each alone.

    That is so if correlated properties are asked to depart from one another.

    Examples
    --------
    >>> x, y = np.random.default_rng(0).normal(size=(2, 32))
    >>> ends = np.stack([x, x + 0.1 * y], 1)
    >>> _are_apart(np.array([1.0, 1.0]), ends), _are_apart(np.array([1.0, -1.0]), ends)
    (False, True)
    """
    whole = ends[np.isfinite(ends).all(1)]
    varying = whole.std(0) > 0
    if varying.sum() < 2 or len(whole) < 2 * varying.sum() + 2:
        return False
    mean, spread = whole.mean(0)[varying], whole.std(0)[varying]
    alone = (target[varying] - mean) / spread
    together = np.corrcoef(whole[:, varying].T) + 1e-3 * np.eye(len(alone))
    joint = math.sqrt(alone @ np.linalg.solve(together, alone))
    return joint > max(_APART, _TIMES * float(np.linalg.norm(alone)))


def _is_conditioned_on(card: ModelCard, name: str) -> bool:
    return card.properties is not None and name in card.properties.names


def _was_trained(card: ModelCard, fractions: Sequence[float], voxels: int) -> bool:
    """Tell whether training windows had fractions like these, to the voxel."""
    spans = [card.fraction_range[name] for name in card.phases.values()]
    return all(
        low - 1 / voxels <= fraction <= high + 1 / voxels
        for fraction, (low, high) in zip(fractions, spans, strict=True)
    )


def _ranges(ranges: Mapping[str, Attainable], window: Sequence[int], trained: bool) -> str:
    """Say ranges in words: of windows of which size, and whether windows are like that at all."""
    size = f" of {' x '.join(map(str, window))}" if window else ""
    have = "have" if trained else "would have"
    words = "; ".join(
        f"{source if trained else source.removeprefix('real ')}{size} {have} {one.low:.4g} to "
        f"{one.high:.4g}, nine in ten {one.usual[0]:.4g} to {one.usual[1]:.4g}"
        for source, one in ranges.items()
    )
    return (
        words if trained else f"carried on from the nearest compositions of the training, {words}"
    )


def _words(card: ModelCard, fractions: Sequence[float]) -> str:
    names = list(card.phases.values())
    pairs = zip(names[:-1], fractions, strict=False)
    return " ".join(f"{phase} {fraction:.4g}" for phase, fraction in pairs)
