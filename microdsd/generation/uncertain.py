"""Requests whose fractions are drawn for every sample, from what a measurement knows of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from microdsd.errors import InputError
from microdsd.microstructure.arguments import by_phase
from microdsd.microstructure.composition import fractions_per_sample
from microdsd.microstructure.labels import find_phase
from microdsd.microstructure.seeds import sample_generator
from microdsd.microstructure.uncertain import (
    MEASURED,
    RequestedFractions,
    UncertainFraction,
    draw_possible,
    joint_covariance,
    spread_words,
)
from microdsd.models.card import ModelCard

_SUM = 1e-6


def by_named_phase(
    fractions: RequestedFractions | float | str | Sequence[float] | None, card: ModelCard
) -> RequestedFractions | float | Sequence[float] | None:
    """Return what a text alone asks for: "measured", of all phases; others, of the pores."""
    if not (isinstance(fractions, str) and card.contents.assigned):
        return fractions  # type: ignore[return-value]
    if UncertainFraction.parse(fractions, "phase_fraction") is None:
        return dict.fromkeys(card.contents.names, MEASURED)
    (phase,) = by_phase([0.0], card.phases)
    return {phase: fractions}


def is_uncertain(fractions: RequestedFractions) -> bool:
    """Tell whether any fraction is to be drawn."""
    return any(isinstance(value, str) for value in fractions.values())


@dataclass(frozen=True)
class DrawnFractions:
    """Hold the fractions of every sample, and how they came about.

    Attributes
    ----------
    fractions : dict of str to tuple of float
        By phase, one per sample.
    record : dict
        By phase, and by class where there are any, mean and standard deviation, for provenance.
    remark : str
        The same in words.
    """

    fractions: dict[str, tuple[float, ...]]
    record: dict[str, Any]
    remark: str


def draw_fractions(
    card: ModelCard,
    wanted: RequestedFractions,
    classes: Sequence[str],
    seed: int,
    streams: Sequence[int],
) -> DrawnFractions:
    """Draw the fractions of every sample; sample k depends on (seed, streams[k]) alone.

    Measured phases are drawn together, as deviations of one scan whose sum vanishes
    (`joint_covariance`), others independently. Phases that are not named share the rest in the
    ratios that they have in the scan.

    Raises
    ------
    InputError
        If the model does not know how well its scan is measured, or no draw is possible.
    """
    n = len(streams)
    laws: dict[str, UncertainFraction | None] = {}
    fixed: dict[int | str, float | Sequence[float]] = {}
    for key, value in wanted.items():
        name = card.phases[find_phase(card.phases, key)]
        if name in laws or name in fixed:
            raise InputError(f"phase_fraction[{key!r}]: {name} is given twice")
        if isinstance(value, str):
            laws[name] = UncertainFraction.parse(value, f"phase_fraction[{key!r}]")
        else:
            fixed[name] = value
    given = fractions_per_sample(fixed, card.phases, n)
    left = [name for name in card.contents.names if name not in laws and name not in given]
    if not left and (given or any(laws.values())):
        raise InputError(
            f"phase_fraction={dict(wanted)}: all phases are given and some are drawn, which do not "
            "add to one; leave one phase out and it takes the rest"
        )
    of_class = {name: _of_scan(card, name, laws) for name in dict.fromkeys(classes or ("",))}
    rows = []
    for k, (name, stream) in enumerate(zip(classes or ("",) * n, streams, strict=True)):
        means, covariance = of_class[name]
        row = {phase: column[k] for phase, column in given.items()}
        most = 1 - sum(row.values())
        if most < -_SUM:
            raise InputError(
                f"phase_fraction={dict(wanted)}: leaves less than nothing for {', '.join(laws)}"
            )
        drawn = draw_possible(means, covariance, most, sample_generator(seed, stream))
        if not left:
            drawn = drawn / drawn.sum()
        row |= dict(zip(laws, drawn.tolist(), strict=True))
        rows.append(row | _shares(card, name, left, max(0.0, 1 - sum(row.values()))))
    fractions = {
        phase: tuple(row[phase] for row in rows)
        for phase in card.contents.names
        if phase in rows[0]
    }
    return DrawnFractions(
        fractions, _record(laws, of_class), _remark(laws, of_class, fractions, left)
    )


Law = tuple[np.ndarray, np.ndarray]


def _of_scan(card: ModelCard, name: str, laws: Mapping[str, UncertainFraction | None]) -> Law:
    """Return means and covariance of the drawn phases, in their order."""
    known = card.scan_fractions.get(name, {})
    measured = [phase for phase, law in laws.items() if law is None]
    needed = measured if len(measured) < 2 else card.contents.names
    for phase in needed:
        if phase not in known:
            raise InputError(_why_unknown(card, name, phase))
    numbers = [law or UncertainFraction(*known[phase]) for phase, law in laws.items()]
    covariance = np.diag([law.standard_deviation**2 for law in numbers])
    if len(measured) > 1:
        joint = joint_covariance([known[phase][1] for phase in card.contents.names])
        places = [card.contents.names.index(phase) for phase in measured]
        rows = [list(laws).index(phase) for phase in measured]
        covariance[np.ix_(rows, rows)] = joint[np.ix_(places, places)]
    return np.array([law.mean for law in numbers]), covariance


def _why_unknown(card: ModelCard, name: str, phase: str) -> str:
    if card.scan_fractions and card.classes and not name:
        return (
            f"phase_fraction[{phase!r}]={MEASURED!r}: the model knows a scan of each of "
            f"{', '.join(card.classes)}; name one with class_name (--class)"
        )
    return (
        f"phase_fraction[{phase!r}]={MEASURED!r}: the model does not say how accurately its scan "
        "knows the fraction: it is of an earlier version, of several pictures, or the scan is "
        "still correlated at half its side; give mean and standard deviation yourself, as "
        f"{phase}=0.196~0.004 (microdsd describe SCAN --descriptor representativity measures "
        "them), or train again on a larger scan"
    )


def _shares(card: ModelCard, name: str, left: Sequence[str], rest: float) -> dict[str, float]:
    """Divide the rest among phases in the ratios of the scan; a single one takes what is left."""
    if len(left) < 2:
        return {}
    known = card.scan_fractions.get(name, {})
    spans = card.classes.get(name)
    means = [
        known[phase][0]
        if {*left} <= {*known}
        else (spans[phase][0] if spans else card.fraction_mean[phase])
        for phase in left
    ]
    return {phase: rest * mean / sum(means) for phase, mean in zip(left, means, strict=True)}


def _numbers(law: Law, place: int) -> tuple[float, float]:
    means, covariance = law
    return float(means[place]), float(np.sqrt(covariance[place, place]))


def _record(
    laws: Mapping[str, UncertainFraction | None], of_class: Mapping[str, Law]
) -> dict[str, Any]:
    def entry(law: Law, place: int, phase: str) -> dict[str, Any]:
        mean, deviation = _numbers(law, place)
        source = "request" if laws[phase] else "training scan"
        return {"mean": mean, "standard_deviation": deviation, "known_from": source}

    return {
        phase: entry(of_class[""], place, phase)
        if {*of_class} == {""}
        else {name: entry(law, place, phase) for name, law in of_class.items()}
        for place, phase in enumerate(laws)
    }


def _remark(
    laws: Mapping[str, UncertainFraction | None],
    of_class: Mapping[str, Law],
    fractions: Mapping[str, Sequence[float]],
    left: Sequence[str],
) -> str:
    """Say how every phase was drawn, and what came of it."""
    parts = []
    for place, (phase, stated) in enumerate(laws.items()):
        spans = [
            (f"{name} " if name else "") + "{:.4g} +- {:.2g}".format(*_numbers(law, place))
            for name, law in of_class.items()
        ]
        source = "as requested" if stated else "the training scan and its standard error"
        drawn = spread_words(fractions[phase])
        parts.append(
            f"{phase} is drawn for every sample from {', '.join(spans)} ({source}): {drawn}"
        )
    if len(left) > 1:
        parts.append(f"{' and '.join(left)} share the rest in the ratios of the scan")
    return "; ".join(parts)
