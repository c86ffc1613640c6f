"""Properties that samples are asked for, besides their composition: checked, and in their range."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from microdsd.encoding import Composition
from microdsd.errors import ExtrapolationWarning, InputError
from microdsd.models.card import ModelCard
from microdsd.models.methods import METHODS
from microdsd.models.properties import Attainable
from microdsd.properties import Property, require_measurable

_FEWEST_ENDS = 2
"""Pilot walks that must end with all properties, to tell walks apart by them."""

_REACH = 1.0
"""How far beyond free samples particles are let try, in their standard deviations."""

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


def check_ranges(
    card: ModelCard,
    targets: Mapping[str, tuple[float, ...]],
    composition: Composition,
    *,
    extrapolate: bool,
) -> tuple[list[str], list[ExtrapolationWarning]]:
    """Say what is attainable at the compositions asked for, and refuse what is not.

    Parameters
    ----------
    card : ModelCard
    targets : mapping
        See `targets_per_sample`.
    composition : Composition
    extrapolate : bool
        Warn of what is beyond the range, and let it pass.

    Returns
    -------
    remarks : list of str
    cautions : list of ExtrapolationWarning

    Raises
    ------
    InputError
        With the range, for a target beyond it.
    """
    remarks: list[str] = []
    cautions: list[ExtrapolationWarning] = []
    whole = composition.whole
    shares = [tuple(row) for row in (whole / whole.sum(1, keepdims=True)).tolist()]
    for name, values in targets.items():
        if card.properties is None or name not in card.properties.names:
            continue
        pairs = dict.fromkeys(zip(shares, values, strict=True))
        outside = remark = None
        for fractions, value in pairs:
            ranges = attainable(card, name, fractions)
            if not ranges:
                continue
            remark = remark or f"{name} at {_words(card, fractions)}: {_ranges(ranges)}"
            if not any(one.holds(value) for one in ranges.values()):
                outside = outside or (
                    f"{name} = {value:.4g} is beyond what is attainable at "
                    f"{_words(card, fractions)}: {_ranges(ranges)}"
                )
        if outside and not extrapolate:
            raise InputError(
                f"targets: {outside}; ask for a value within, or try it all the same with "
                "extrapolate=True (--force)"
            )
        if outside:
            cautions.append(ExtrapolationWarning(f"{outside}: samples will fall short of it"))
        elif remark:
            remarks.append(remark)
    return remarks, cautions


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


def require_within_reach(
    targets: Mapping[str, tuple[float, ...]], card: ModelCard, ends: np.ndarray
) -> None:
    """Refuse targets of one sample far from what pilot walks (walks, properties) ended with.

    That is for properties that the network is not conditioned on: of others `check_ranges` has
    spoken.

    Raises
    ------
    InputError
        With the range.
    """
    known = card.properties.names if card.properties else ()
    for (name, values), column in zip(targets.items(), ends.T, strict=True):
        if name in known:
            continue
        finite = column[np.isfinite(column)]
        low, high, spread = finite.min(), finite.max(), finite.std()
        if not low - _REACH * spread <= values[0] <= high + _REACH * spread:
            raise InputError(
                f"targets: {name} = {values[0]:.4g} is out of reach: {len(finite)} free samples of "
                f"this composition have {low:.4g} to {high:.4g}; ask for a value near these, "
                "or try it all the same with extrapolate=True (--force)"
            )


def _ranges(ranges: Mapping[str, Attainable]) -> str:
    return "; ".join(
        f"{source} have {one.low:.4g} to {one.high:.4g}, nine in ten {one.usual[0]:.4g} to "
        f"{one.usual[1]:.4g}"
        for source, one in ranges.items()
    )


def _words(card: ModelCard, fractions: Sequence[float]) -> str:
    names = list(card.phases.values())
    pairs = zip(names[:-1], fractions, strict=False)
    return " ".join(f"{phase} {fraction:.4g}" for phase, fraction in pairs)
