"""One vocabulary: headline, table, figures, JSON and requirements give the same three answers."""

import json
import re

import numpy as np
import pytest

from microdsd.evaluation import evaluate
from microdsd.evaluation.verdict import CANNOT_TELL, DIFFERS, WITHIN
from microdsd.microstructure import as_microstructure, blobs, cut_windows
from microdsd.report import Requirement, verdict_sentence, write_report

PHASES = {0: "pore", 1: "solid"}
ANSWERS = (WITHIN, DIFFERS, CANNOT_TELL)


def windows(edge, rng, fractions=(0.3, 0.7)):
    rock = blobs((200, 200), fractions=fractions, scale=1.5, rng=rng)
    rock = as_microstructure(rock, phases=PHASES, voxel_size=50e-9)
    return cut_windows(rock, (edge, edge), n=60, rng=1)


@pytest.fixture(scope="module")
def speckled(tmp_path_factory):
    real = windows(20, 0)
    new = real[:20].copy()
    specks = np.random.default_rng(2).random(new.shape) < 0.06
    new.values = np.where(specks, 1 - new.values, new.values)
    return page_of(new, real[20:], tmp_path_factory.mktemp("speckled"))


def page_of(new, real, folder):
    evaluation = evaluate(new, real)
    html, numbers = write_report(folder / "report.html", evaluation)
    return evaluation, html.read_text(encoding="utf-8"), json.loads(numbers.read_text("utf-8"))


def test_the_three_answers_agree_everywhere(speckled):
    evaluation, page, numbers = speckled
    rows = re.findall(r'<tr class="group">.*?<td class="verdict (\w+)">.*?</i>(.*?)</td>', page)
    answers = [answer for _, answer in rows]
    assert answers == [test["answer"] for test in numbers["verdict"]["tests"]]
    levels = {WITHIN: "within", DIFFERS: "differs", CANNOT_TELL: "open"}
    assert [level for level, _ in rows] == [levels[answer] for answer in answers]
    number = len(evaluation.verdict.descriptors)
    counts = {answer: answers[:number].count(answer) for answer in ANSWERS}
    assert numbers["verdict"]["counts"] == counts
    assert set(answers) == set(ANSWERS)
    listed = "; ".join(f"{answer}: {count}" for answer, count in counts.items())
    assert verdict_sentence(evaluation.verdict).startswith(f"Of {number} descriptors, {listed}.")
    assert numbers["verdict"]["sentence"] in page
    for test in evaluation.verdict.tests:
        for word, met in (("within", WITHIN), ("not-differs", None)):
            unmet = Requirement.parse(f"{test.name}={word}").unmet(evaluation)
            wanted = test.answer == met if met else test.answer != DIFFERS
            assert (unmet is None) is wanted
            assert unmet is None or unmet.startswith(test.answer)


def test_words_of_other_scales_are_gone(speckled):
    text = re.sub(
        r"<svg.*?</svg>|<style.*?</style>|<script.*?</script>|<[^>]+>", " ", speckled[1], flags=re.S
    )
    for word in ("ndistinguishable", "no difference", "passed", "spread of real"):
        assert word not in text, word
    assert not re.search(r">\s*(near|apart|within)\s*<", speckled[1])


def test_all_figures_have_one_unit_of_length(speckled):
    """Windows of 1 µm with voxels of 50 nm: curves end at 0.35 µm, bars are 0.2 µm."""
    svgs = "".join(re.findall(r"<svg.*?</svg>", speckled[1], flags=re.S))
    assert "µm" in svgs
    assert not re.search(r"\bnm\b|voxels", svgs)


@pytest.mark.parametrize("status", ["not comparable", "too few"])
def test_a_refusal_stands_alone(status, tmp_path):
    real = windows(20, 0)
    new = windows(20, 5, (0.7, 0.3))[:20] if status == "not comparable" else real[:4]
    evaluation, page, numbers = page_of(new, real[20:], tmp_path)
    assert numbers["verdict"]["status"] == status
    assert numbers["verdict"]["tests"] == []
    text = re.sub(r"<style.*?</style>|<script.*?</script>", "", page, flags=re.S)
    for answer in (*ANSWERS, 'class="verdict', 'class="within', 'class="mark"', "margin"):
        assert answer not in text
    for wanted in ("within", "not-differs", "classifier", "specific_surface_area<=99%"):
        assert Requirement.parse(wanted).unmet(evaluation) == verdict_sentence(evaluation.verdict)


def test_the_band_is_that_of_windows_at_the_fractions_of_the_samples():
    real = windows(20, 0)
    pores = (real.values == 0).mean(axis=(1, 2))
    near = np.argsort(np.abs(pores - np.quantile(pores, 0.8)))[:12]
    others = np.setdiff1d(np.arange(60), near)
    evaluation = evaluate(real[near], real[others])
    radial, axes = evaluation.comparison.two_point[0], evaluation.along_axes[0]
    for curve in (radial, axes):
        # S2(0) is the fraction: that of the samples, and not that of the windows.
        assert curve.real_mean[0] == pytest.approx(pores[near].mean(), abs=1e-9)
        assert curve.real_high[0] - curve.real_low[0] < np.ptp(pores[near]) + 1e-9
    assert abs(pores[others].mean() - pores[near].mean()) > 0.03
