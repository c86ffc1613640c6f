from dataclasses import replace

import numpy as np
import pytest
from tiny_models import tiny_card

from microdsd.models import Convergence, WalkBack
from microdsd.models.convergence import extrapolated
from microdsd.models.plan import WalkPlan

TIMES = np.linspace(1.0, 30.0, 12)


@pytest.mark.parametrize(("exponent", "missing"), [(0.5, 0.3), (1.0, 0.5), (0.3, 0.1)])
def test_a_power_law_is_carried_on(exponent, missing):
    def law(t):
        return 0.6 - missing * (t / 30.0) ** -exponent

    more = extrapolated(list(zip(TIMES, law(TIMES), strict=True)))
    assert more == pytest.approx({2: law(60.0), 4: law(120.0)}, abs=0.01)


def test_gains_that_no_longer_rise_are_expected_to_stay():
    course = [(t, 0.4 - 0.001 * t) for t in TIMES]
    assert extrapolated(course) == pytest.approx({2: course[-1][1], 4: course[-1][1]})


@pytest.mark.parametrize("gains", [(), (0.1, 0.2, 0.3, 0.3), (0.1, np.nan, 0.3, 0.31, 0.32)])
def test_too_few_gains_tell_nothing(gains):
    assert extrapolated([(float(10 + t), gain) for t, gain in enumerate(gains)]) == {}


def card_of(sharpness, first=10.0, correlated_over=8.0):
    card = tiny_card(sigma_max=20.0, evaluations=16)
    walks = (WalkBack(4, 5.0, 1.0, (2.0,)), WalkBack(16, first, 0.5, (sharpness,)))
    provenance = {**card.provenance, "calibration": {"correlated_over": correlated_over}}
    return replace(card, walks=walks, provenance=provenance)


def test_few_evaluations_may_need_more_sharpness_and_the_own_number_not():
    assert not Convergence.of(card_of(1.15)).trained_too_little
    found = Convergence.of(card_of(1.3))
    assert found.trained_too_little
    assert list(found.too_sharp.values()) == [1.3]


def test_the_walk_that_is_used_is_looked_at():
    """Between 4 and 16 evaluations sharpness goes from 2 to 1, and the start from 5 to 10."""
    card = card_of(1.0)
    assert not Convergence.of(card).trained_too_little
    found = Convergence.of(card, WalkPlan.of(card, 8))
    assert list(found.too_sharp.values()) == [pytest.approx(2**0.5)]
    assert found.starts_within == 8.0
    assert not Convergence.of(card, WalkPlan.of(card, 16)).trained_too_little


def test_a_start_below_the_correlation_of_the_material_is_told():
    assert Convergence.of(card_of(1.0, first=7.9)).starts_within == 8.0
    assert Convergence.of(card_of(1.0, first=8.0)).starts_within is None
    at_it = card_of(1.0, first=8.0)
    assert Convergence.of(at_it, WalkPlan.of(at_it, 16)).starts_within is None
    assert not Convergence.of(card_of(1.0, 2.0, correlated_over=None)).trained_too_little


def test_a_card_from_before_tells_what_it_can():
    found = Convergence.of(replace(tiny_card(), provenance={}))
    assert (found.more, found.starts_within, found.minutes) == ({}, None, 0.0)


def test_gains_of_one_moment_say_nothing_of_the_course():
    """Of a run so short that its minutes are rounded to one number."""
    assert extrapolated([(0.01, 0.1 * k) for k in range(8)]) == {}
