"""Requirements: the grammar, and what meets them."""

import dataclasses

import numpy as np
import pytest

from microdsd.errors import InputError
from microdsd.evaluation import evaluate
from microdsd.microstructure import as_microstructure, blobs, cut_windows
from microdsd.report import Requirement, verdict_sentence


@pytest.fixture(scope="module")
def evaluation():
    rock = blobs((200, 200), fractions=(0.3, 0.7), scale=1.5, rng=0)
    rock = as_microstructure(rock, phases={0: "pore", 1: "solid"})
    windows = cut_windows(rock, (20, 20), n=60, rng=1)
    speckled = windows[:20].copy()
    specks = np.random.default_rng(2).random(speckled.shape) < 0.06
    speckled.values = np.where(specks, 1 - speckled.values, speckled.values)
    return evaluate(speckled, windows[20:])


def unmet(evaluation, text):
    return Requirement.parse(text).unmet(evaluation)


@pytest.mark.parametrize(
    "text",
    ["", "perfect", "classifier<=60", "classifier>=60%", "descriptors>=90%", "descriptors<=3",
     "joint<=3%", "surface < 5 %", "component_count<=5%%", "indistinguishable<=3%",
     "component_count=near",     "exact=within", "within=within"],
)  # fmt: skip
def test_what_is_not_in_the_grammar_is_refused(text):
    with pytest.raises(InputError, match="is not one of"):
        Requirement.parse(text)


def test_speckle_meets_what_it_should(evaluation):
    assert unmet(evaluation, "indistinguishable") == unmet(evaluation, "within")
    assert unmet(evaluation, "not-differs") == verdict_sentence(evaluation.verdict)
    assert unmet(evaluation, "interface_density").startswith("differs (+")
    assert unmet(evaluation, "interface_density=not-differs").startswith("differs (+")
    assert unmet(evaluation, "interface_density=within").startswith("differs (+")
    assert "off by +" in unmet(evaluation, "specific_surface_area <= 5 %")
    assert unmet(evaluation, "specific_surface_area<=99%") is None
    assert unmet(evaluation, "voxel_diversity") is None
    assert unmet(evaluation, "descriptors>=0") is None
    assert "within the margin: " in unmet(evaluation, "descriptors>=11")
    assert "right in up to" in unmet(evaluation, "classifier<=50%")
    assert "not known" in unmet(evaluation, "exact")


def test_a_test_that_was_not_made_is_an_error(evaluation):
    with pytest.raises(InputError, match="not made"):
        unmet(evaluation, "triple_phase_boundary")


def test_too_few_pairs_meet_no_test(evaluation):
    few = dataclasses.replace(
        evaluation, verdict=dataclasses.replace(evaluation.verdict, status="too few", tests=())
    )
    assert unmet(few, "voxel_diversity").startswith("Too few to tell")
