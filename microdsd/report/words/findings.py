"""The results of the comparison, in sentences and table rows."""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from typing import Any

from microdsd.evaluation.comparison import DescriptorComparison, TwoPointComparison
from microdsd.evaluation.evaluation import Evaluation
from microdsd.evaluation.reference import sizes
from microdsd.evaluation.verdict import CANNOT_TELL, DIFFERS, WITHIN, Difference
from microdsd.metrics.registry import descriptors
from microdsd.microstructure import phases_of, voxel_size_of
from microdsd.report.pictures.style import LengthScale
from microdsd.report.words.names import explanation_of, label_of
from microdsd.report.words.references import reference_of
from microdsd.report.words.tables import fills_of
from microdsd.report.words.wording import NONE, amount, interval_words, number, phase_words


def explained(names: Collection[str]) -> list[dict[str, Any]]:
    """Explain descriptors and terms of the verdict, each with its source.

    Parameters
    ----------
    names : collection of str
        As the page writes them; names without an explanation are left out.

    Returns
    -------
    list of dict
        ``term``, ``anchor`` (its identifier in the page), ``text`` and ``source``: author and year
        of a reference with, where there is a DOI, its link; or None.
    """
    texts = {record.label: (explanation_of(record), record.references) for record in descriptors()}
    texts |= {term: (text, "") for term, text in _TERMS.items()}
    return [
        {"term": term, "anchor": anchor_of(term), "text": text, "source": _source(references)}
        for term, (text, references) in texts.items()
        if term in names
    ]


def anchor_of(term: str) -> str:
    """Return the identifier of a definition in the page.

    Examples
    --------
    >>> anchor_of("Euler characteristic per volume")
    'definition-euler-characteristic-per-volume'
    """
    return f"definition-{'-'.join(re.findall('[a-z0-9]+', term.lower()))}"


def _source(references: str) -> dict[str, str | None] | None:
    if not references:
        return None
    known = reference_of(references)
    text = references if known is None else known.short
    return {"text": text, "link": None if known is None else known.link}


_TERMS = {
    "S₂ error": "Sum of |S₂(generated) − S₂(real)| of the mean curves, over the sum of "
    "|S₂(real) − S₂(real at the last lag)|, from lag 0 to the last lag of 3/8 of the sample's side "
    "less one voxel. For two real sets the same figure between two disjoint sets of windows.",
    WITHIN: "Samples and real windows were shown to be equal up to the margin: the interval that "
    "holds the difference lies inside it. So it may be although a difference is significant.",
    DIFFERS: "A difference was shown, and not that it is smaller than the margin.",
    CANNOT_TELL: "Neither was shown; the samples and windows that would decide are estimated from "
    "the spread, the difference taken to be as measured.",
}


def headline(evaluation: Evaluation) -> str:
    """Say whether counts are exact and how far S2 is off, in one line that stands alone."""
    samples = evaluation.generated.sizes["sample"]
    subject = "The sample carries" if samples == 1 else f"All {samples} samples carry"
    if evaluation.exact is None:
        first = "The file records no requested composition."
    elif evaluation.exact:
        first = f"{subject} exactly the requested counts."
    else:
        wrong = sum(
            any(p.exact is not None and not p.exact[i] for p in evaluation.composition)
            for i in range(samples)
        )
        first = f"{wrong} of {samples} samples do not carry the requested counts."
    if evaluation.verdict.status == "not comparable":
        return first
    curve = _first_curve(evaluation)
    scale = _s2(curve.real_real_median)
    real = "" if scale == NONE else f" (two real sets: {scale})"
    return f"{first} S₂ error of {phase_words(curve.phase)} {_s2(curve.error)}{real}."


def facts(evaluation: Evaluation) -> list[dict[str, str]]:
    """List the figures for the head of the page."""
    comparison, curve = evaluation.comparison, _first_curve(evaluation)
    voxel = voxel_size_of(evaluation.windows)
    known = voxel.unit == "m"
    edges = ", ".join(dict.fromkeys(LengthScale.fitting(s, "m").text(s) for s in voxel.size))
    shape = sizes(comparison.shape)
    samples = comparison.n_generated
    exact = sum(
        all(p.exact is None or bool(p.exact[i]) for p in evaluation.composition)
        for i in range(samples)
    )
    figures = [
        ("generated samples", str(samples), f"{shape} voxels"),
        (
            "reference windows",
            str(comparison.n_reference),
            f"voxel {edges}" if known else "voxel size not known",
        ),
        (
            "exact composition",
            NONE if evaluation.exact is None else f"{exact} of {samples}",
            "no request recorded" if evaluation.exact is None else "every phase, to the voxel",
        ),
    ]
    if evaluation.verdict.status != "not comparable":
        scale = f"two real sets {_s2(curve.real_real_median)}"
        figures.append((f"S₂ error, {curve.phase}", _s2(curve.error), scale))
    return [{"name": name, "value": value, "note": note} for name, value, note in figures]


def two_point_rows(evaluation: Evaluation) -> list[dict[str, Any]]:
    """List the S2 error of every phase beside that of two real sets."""
    fills = _fills_by_name(evaluation)
    rows = []
    for curve in two_point_curves(evaluation):
        fair = curve.error if curve.same_size_median is None else curve.same_size_median
        ratio = _ratio(fair, curve.real_real_median)
        low, high = _s2(curve.real_real_low), _s2(curve.real_real_high)
        rows.append(
            {
                "name": curve.phase,
                "fill": fills.get(curve.phase),
                "generated": _s2(curve.error),
                "same_size": _s2(curve.same_size_median),
                "real": _s2(curve.real_real_median),
                "range": NONE if curve.real_real_low is None else f"{low} – {high}",
                "ratio": number(ratio, digits=2),
            }
        )
    return rows


def descriptor_rows(evaluation: Evaluation) -> list[dict[str, Any]]:
    """List all scalar descriptors, units chosen for reading."""
    fills = _fills_by_name(evaluation)
    rows: list[dict[str, Any]] = []
    compared = _descriptors(evaluation)
    largest = _largest_values(compared)
    for result in compared:
        name = label_of(result.descriptor)
        factor, unit = readable(result.units, largest[result.descriptor])
        place = ", ".join(
            text for text in (result.phase, result.axis and f"along {result.axis}") if text
        )
        part = _part(evaluation, result)
        rows.append(
            {
                "descriptor": name,
                "first": not rows or rows[-1]["descriptor"] != name,
                "part": place or "all phases",
                "fill": fills.get(result.phase or ""),
                "unit": unit,
                "real": _scaled(result.real_mean, factor),
                "expected": _scaled(None if part is None else part.real, factor),
                "generated": _scaled(result.generated_mean, factor),
                "difference": amount(result.descriptor, part.relative, sign=True) if part else NONE,
                "interval": interval_words(result.descriptor, part.interval) if part else NONE,
            }
        )
    return rows


def _part(evaluation: Evaluation, comparison: DescriptorComparison) -> Difference | None:
    """Return the answer for the same phase and axis; None if the verdict does not test it."""
    for descriptor in evaluation.verdict.descriptors:
        if descriptor.descriptor == comparison.descriptor:
            for part in descriptor.parts:
                # One interface parts two phases: it has the name of either, or none.
                if part.axis == comparison.axis and (
                    part.phase == comparison.phase or not comparison.phase
                ):
                    return part
    return None


def definitions(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Explain every term the page uses."""
    used = {row["descriptor"] for row in descriptor_rows(evaluation)}
    curves = two_point_curves(evaluation)
    used.add(label_of("two_point_probability"))
    if len(evaluation.phases) < len(curves):
        used.add(label_of("cross_two_point_probability"))
    used.add("S₂ error")
    if evaluation.verdict.status == "compared":
        used |= {WITHIN, DIFFERS, CANNOT_TELL}
        used |= {label_of(difference.descriptor) for difference in evaluation.verdict.descriptors}
    return explained(used)


def two_point_curves(evaluation: Evaluation) -> list[TwoPointComparison]:
    """Return radial curves of the compared phases, the focused one first, then of pairs."""
    names = phases_of(evaluation.windows)
    by_name = {curve.phase: curve for curve in evaluation.comparison.two_point}
    of_phases = [by_name.pop(names[label]) for label in evaluation.phases]
    return of_phases + [by_name[name] for name in by_name if name not in names.values()]


def _first_curve(evaluation: Evaluation) -> TwoPointComparison:
    return two_point_curves(evaluation)[0]


def _descriptors(evaluation: Evaluation) -> list[DescriptorComparison]:
    """Return the descriptors of the compared phases, in their order, with pairs and totals."""
    names = phases_of(evaluation.windows)
    order = {names[label]: i for i, label in enumerate(evaluation.phases)}
    left_out = set(names.values()) - set(order)
    kept = [d for d in evaluation.comparison.descriptors if d.phase not in left_out]
    group = {name: i for i, name in enumerate(dict.fromkeys(d.descriptor for d in kept))}
    return sorted(kept, key=lambda d: (group[d.descriptor], order.get(d.phase or "", len(order))))


def _fills_by_name(evaluation: Evaluation) -> dict[str, str]:
    names = phases_of(evaluation.windows)
    return {names[label]: fill for label, fill in fills_of(evaluation).items()}


def _ratio(distance: float | None, spread: float | None) -> float | None:
    return distance / spread if distance is not None and spread else None


def _s2(error: float | None) -> str:
    return NONE if error is None else f"{error:.3f}"


def _scaled(value: float | None, factor: float) -> str:
    return number(None if value is None else value * factor)


def _largest_values(descriptors: list[DescriptorComparison]) -> dict[str, float]:
    """Return the size of every descriptor over all phases, so that one unit serves all."""
    largest: dict[str, float] = {}
    for comparison in descriptors:
        means = (
            abs(mean)
            for mean in (comparison.real_mean, comparison.generated_mean)
            if mean is not None
        )
        largest[comparison.descriptor] = max(largest.get(comparison.descriptor, 0.0), *means, 0.0)
    return largest


def readable(units: str, largest: float) -> tuple[float, str]:
    """Choose the length unit for 1/m, 1/m^2 or 1/m^3 that gives numbers of one or two digits.

    Examples
    --------
    >>> readable("1/m", 4e4)[1]
    'mm⁻¹'
    """
    per_length = re.fullmatch(r"1/(m|voxel)(?:\^(\d))?", units)
    if per_length is None:
        return 1.0, "" if units == "1" else units
    power = int(per_length[2] or 1)
    exponent = "⁻" + "⁰¹²³"[power]
    if per_length[1] == "voxel" or largest == 0:
        return 1.0, f"{per_length[1]}{exponent}"
    length, symbol = min(
        ((1.0, "m"), (1e-3, "mm"), (1e-6, "µm"), (1e-9, "nm")),
        key=lambda unit: abs(math.log10(largest * unit[0] ** power) - 1),
    )
    return length**power, f"{symbol}{exponent}"
