"""The verdict as a section of the page: tests in a table, differences in pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
from markupsafe import Markup

from microdsd.evaluation.evaluation import Evaluation
from microdsd.evaluation.verdict import CANNOT_TELL, DescriptorDifference, Test, Verdict
from microdsd.metrics.registry import find
from microdsd.microstructure import spatial_dims, voxel_size_of
from microdsd.report.pages.inline_figure import inline_figure
from microdsd.report.pictures.differences import difference_curve, intervals_in_margins
from microdsd.report.pictures.style import LengthScale
from microdsd.report.words.names import label_of
from microdsd.report.words.wording import NONE, amount, interval_words, level_of

_PER_MILLE = 1000.0
_WIDTHS = {"wide": 7.4, "narrow": 3.7}
"""Inches of the figure that a wide screen shows, and of the one for a narrow screen."""


def verdict_section(evaluation: Evaluation) -> dict[str, Any]:
    """Return the rows and figures of the section, or the reason why nothing was compared."""
    verdict = evaluation.verdict
    fractions = {"fractions": _fractions(verdict), "outside": verdict.n_outside}
    if verdict.status != "compared":
        return {"compared": False, **fractions}
    names = {d.descriptor for d in verdict.descriptors}
    tests = [verdict.test(d.descriptor) for d in verdict.descriptors]
    return {
        "compared": True,
        **fractions,
        "rows": [_descriptor_row(verdict, difference) for difference in verdict.descriptors],
        "others": [
            {**_result(test), "text": _other_words(verdict, test.name)}
            for test in verdict.tests
            if test.name not in names
        ],
        "intervals": [
            {"size": size, "svg": _intervals(tests, size, width)} for size, width in _WIDTHS.items()
        ],
        "curves": [
            _curve_panel(evaluation, difference, i)
            for i, difference in enumerate(d for d in verdict.descriptors if d.largest.points)
        ],
        "alpha": f"{100 * verdict.alpha:g} %",
        "level": f"{100 * (1 - 2 * verdict.alpha):g} %",
        "samples": verdict.n_generated - verdict.n_outside,
        "windows": verdict.n_real,
        "tests": len(verdict.tests),
    }


def _intervals(tests: list[Test], size: str, width: float) -> Markup:
    figure = intervals_in_margins(
        [label_of(test.name) for test in tests],
        [_in_margins(test, test.difference) for test in tests],
        [
            None
            if test.interval is None or not test.margin
            else (test.interval[0] / test.margin, test.interval[1] / test.margin)
            for test in tests
        ],
        [test.answer for test in tests],
        width=width,
    )
    return inline_figure(
        figure, f"verdict-intervals-{size}", "difference of every descriptor in margins"
    )


def _in_margins(test: Test, value: float | None) -> float | None:
    return None if value is None or not test.margin else value / test.margin


def _descriptor_row(verdict: Verdict, difference: DescriptorDifference) -> dict[str, Any]:
    part = difference.largest
    test = verdict.test(difference.descriptor)
    place = ", ".join(text for text in (part.phase, part.axis and f"along {part.axis}") if text)
    return {**_result(test), "part": place or "all phases"}


def _result(test: Test) -> dict[str, str]:
    return {
        "name": label_of(test.name),
        "difference": amount(test.name, test.difference, sign=True),
        "interval": interval_words(test.name, test.interval),
        "margin": amount(test.name, test.margin),
        "p": _p(test.p_value),
        "adjusted": _p(test.adjusted_p_value),
        "needed": NONE
        if test.needed is None or test.answer != CANNOT_TELL
        else f"{test.needed.samples} + {test.needed.windows}",
        "level": level_of(test.answer),
        "answer": test.answer,
    }


def _other_words(verdict: Verdict, name: str) -> str:
    classifier, network = verdict.classifier, verdict.network
    texts = {"joint": "mean over the descriptors", "memorisation": "see “Nearest training windows”"}
    if classifier is not None:
        texts["classifier"] = f"right in {classifier.right} of {classifier.number} pairs"
    if network is not None:
        texts["network"] = f"right for {network.right} of {network.number}"
    for key, diversity in (
        ("voxel_diversity", verdict.voxel_diversity),
        ("descriptor_diversity", verdict.descriptor_diversity),
    ):
        if diversity is not None:
            texts[key] = f"{diversity.ratio:.2f} of that of real windows"
    return texts[name]


def _fractions(verdict: Verdict) -> str:
    means = ", ".join(
        f"{f.phase} {f.generated:.4f} in the mean, real windows {f.real:.4f} ({f.low:.4f} to "
        f"{f.high:.4f})"
        for f in verdict.fractions
    )
    return means


def _curve_panel(
    evaluation: Evaluation, difference: DescriptorDifference, i: int
) -> dict[str, Any]:
    part = difference.largest
    length = LengthScale.of(evaluation.windows)
    factor = length.factor
    record = find(difference.descriptor)
    if record is not None and record.points_in_voxels:
        factor *= _edge(evaluation, part.axis)
    place = ", ".join(text for text in (part.phase, part.axis and f"along {part.axis}") if text)
    title = f"{label_of(difference.descriptor)}, {place}"
    figure = difference_curve(
        np.array(part.points) * factor,
        _PER_MILLE * np.array(part.difference),
        (_PER_MILLE * np.array(part.low), _PER_MILLE * np.array(part.high)),
        answer=evaluation.verdict.test(difference.descriptor).answer,
        xlabel=f"{'distance r' if record is None else record.abscissa} / {length.symbol}",
        ylabel="generated − real / 10⁻³",
    )
    svg = inline_figure(figure, f"verdict-curve-{i}", f"difference of {title}")
    return {"title": title, "svg": svg}


def _edge(evaluation: Evaluation, axis: str | None) -> float:
    """Return the edge of a voxel along an axis, or the mean over the axes."""
    size = voxel_size_of(evaluation.windows).size
    edges = dict(zip(spatial_dims(evaluation.windows), size, strict=True))
    return float(np.mean(size)) if axis is None else edges[axis]


def _p(value: float) -> str:
    return f"{value:.4f}" if value < 0.01 else f"{value:.2f}"
