"""The verdict as a section of the page: tests in a table, differences in pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
from markupsafe import Markup

from microdsd.evaluation.evaluation import Evaluation
from microdsd.evaluation.verdict import DescriptorDifference, Test, Verdict
from microdsd.evaluation.verdict.features import IN_VOXELS
from microdsd.microstructure import voxel_size_of
from microdsd.report.pictures.differences import difference_curve, distances_in_spreads
from microdsd.report.pictures.style import LengthScale, figure_svg
from microdsd.report.words.verdict_sentence import difference_words
from microdsd.report.words.wording import NONE, number, percent

_NAMES = {
    "two_point_probability": "two-point probability",
    "cross_two_point_probability": "two-point probability of two phases",
    "anisotropy": "anisotropy",
    "two_point_cluster": "two-point cluster function",
    "lineal_path": "lineal path",
    "chord_length": "chord lengths",
    "interface_density": "unlike faces per voxel",
    "pair_surface_area": "interface between two phases",
    "triple_phase_boundary": "triple-phase boundary",
    "euler_density": "Euler characteristic",
    "body_count": "connected bodies",
    "largest_body_share": "share of the largest body",
    "percolates": "percolation",
    "joint": "all descriptors together",
    "classifier": "classifier",
    "voxel_diversity": "diversity, voxel by voxel",
    "descriptor_diversity": "diversity of the descriptors",
    "memorisation": "nearest training window",
}

_LENGTHS = {"chord_length": "length", "local_thickness": "diameter"}

_PER_MILLE = 1000.0


def name_of_test(name: str) -> str:
    """Name of a test as people write it.

    Examples
    --------
    >>> name_of_test("euler_density"), name_of_test("specific_surface_area")
    ('Euler characteristic', 'specific surface area')
    """
    return _NAMES.get(name, name.replace("_", " "))


def verdict_section(evaluation: Evaluation) -> dict[str, Any]:
    """Rows, pictures and figures of the section."""
    verdict = evaluation.verdict
    names = {d.descriptor for d in verdict.descriptors}
    return {
        "rows": [_descriptor_row(verdict, found) for found in verdict.descriptors],
        "others": [
            {**_result(test), "text": _other_words(verdict, test.name)}
            for test in verdict.tests
            if test.name not in names
        ],
        "fractions": _fractions(verdict),
        "spreads": _svg(
            distances_in_spreads(
                [name_of_test(d.descriptor) for d in verdict.descriptors],
                [d.distance_over_spread for d in verdict.descriptors],
                [verdict.test(d.descriptor).passed for d in verdict.descriptors],
            ),
            "verdict-spreads",
            "distance of every descriptor in spreads of real sets",
        ),
        "curves": [
            _curve_panel(evaluation, found, i)
            for i, found in enumerate(d for d in verdict.descriptors if d.largest.points)
        ],
        "alpha": f"{100 * verdict.alpha:g} %",
        "pairs": verdict.n_pairs,
        "tests": len(verdict.tests),
    }


def _descriptor_row(verdict: Verdict, found: DescriptorDifference) -> dict[str, Any]:
    part = found.largest
    test = verdict.test(found.descriptor)
    of = ", ".join(text for text in (part.phase, part.axis and f"along {part.axis}") if text)
    # A difference from next to nothing is no percentage; nor is one between directions.
    telling = found.descriptor != "anisotropy" and abs(part.relative or 0.0) <= 2
    return {
        **_result(test),
        "of": of or "all phases",
        "words": "" if test.passed else difference_words(found),
        "difference": percent(part.relative) if telling else NONE,
        "detectable": percent(part.detectable).lstrip("+")
        if part.detectable is not None and part.detectable <= 2
        else NONE,
        "ratio": number(found.distance_over_spread, digits=2),
    }


def _result(test: Test) -> dict[str, str]:
    return {
        "name": name_of_test(test.name),
        "p": _p(test.p_value),
        "adjusted": _p(test.adjusted_p_value),
        "level": "within" if test.passed else "apart",
        "verdict": "no difference" if test.passed else "differs",
    }


def _other_words(verdict: Verdict, name: str) -> str:
    classifier = verdict.classifier
    texts = {
        "joint": f"energy distance {number(verdict.joint_energy_distance, digits=2)}",
        "classifier": f"right in {classifier.right} of {classifier.pairs} pairs "
        f"({100 * classifier.accuracy:.0f} %; chance 50 %)",
        "voxel_diversity": _ratio_words(verdict.voxel_diversity.ratio),
        "descriptor_diversity": _ratio_words(verdict.descriptor_diversity.ratio),
        "memorisation": "see “Nearest training windows”",
    }
    return texts[name]


def _ratio_words(ratio: float) -> str:
    return f"mean distance of two samples {ratio:.2f} of that of two real windows"


def _fractions(verdict: Verdict) -> str:
    means = ", ".join(
        f"{f.phase} {f.generated:.4f} against {f.real:.4f}" for f in verdict.fractions
    )
    return means


def _curve_panel(evaluation: Evaluation, found: DescriptorDifference, i: int) -> dict[str, Any]:
    part = found.largest
    length = LengthScale.fitting(part.points[-1], voxel_size_of(evaluation.windows).unit)
    if found.descriptor in IN_VOXELS:
        length = LengthScale(1.0, "voxels")
    of = ", ".join(text for text in (part.phase, part.axis and f"along {part.axis}") if text)
    title = f"{name_of_test(found.descriptor)}, {of}"
    figure = difference_curve(
        np.array(part.points) * length.factor,
        _PER_MILLE * np.array(part.difference),
        (_PER_MILLE * np.array(part.low), _PER_MILLE * np.array(part.high)),
        passed=evaluation.verdict.test(found.descriptor).passed,
        xlabel=f"{_LENGTHS.get(found.descriptor, 'distance r')} / {length.symbol}",
        ylabel="generated − real / 10⁻³",
    )
    return {"title": title, "svg": _svg(figure, f"verdict-curve-{i}", f"difference of {title}")}


def _p(value: float) -> str:
    return f"{value:.4f}" if value < 0.01 else f"{value:.2f}"


def _svg(figure: Any, name: str, label: str) -> Markup:
    return Markup(figure_svg(figure, name=name, label=label))
