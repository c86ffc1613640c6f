import numpy as np
import pytest

from microdsd.errors import InputError
from microdsd.microstructure.uncertain import (
    UncertainFraction,
    draw_possible,
    joint_covariance,
    refuse_uncertain,
)


@pytest.mark.parametrize(
    "text", ["mesured", "0.2~", "~0.1", "0.2~x", "1.2~0.1", "0.2~-0.1", "nan~0.1", "0.2~1", "", "~"]
)
def test_text_that_is_no_law(text):
    with pytest.raises(InputError, match=r"fraction='.*': give a"):
        UncertainFraction.parse(text)


def test_text_that_is_one():
    assert UncertainFraction.parse(" measured ") is None
    assert UncertainFraction.parse("0.2~0") == UncertainFraction(0.2, 0.0)
    assert UncertainFraction.parse("2e-1 ~ 1e-2") == UncertainFraction(0.2, 0.01)


@pytest.mark.parametrize(
    "deviations", [(0.02, 0.02), (0.03, 0.02, 0.04), (0.01, 0.02, 0.02, 0.03), (0.02,) * 5]
)
def test_deviations_are_kept_and_add_to_nothing(deviations):
    covariance = joint_covariance(deviations)
    assert np.sqrt(np.diag(covariance)) == pytest.approx(deviations)
    assert covariance.sum(0) == pytest.approx(0, abs=1e-15)
    assert np.linalg.eigvalsh(covariance).min() > -1e-15


def test_three_deviations_determine_all():
    """Var(a + b) = Var(c)."""
    covariance = joint_covariance([0.03, 0.02, 0.04])
    assert covariance[0, 1] == pytest.approx((0.04**2 - 0.03**2 - 0.02**2) / 2)


@pytest.mark.parametrize("deviations", [(0.01, 0.01, 0.05), (0.0, 0.01, 0.02, 0.05)])
def test_deviations_that_no_sum_can_have_are_made_possible(deviations):
    covariance = joint_covariance(deviations)
    assert covariance.sum(0) == pytest.approx(0, abs=1e-15)
    assert np.linalg.eigvalsh(covariance).min() > -1e-15


@pytest.mark.statistics
def test_draws_have_their_law():
    """Seeded: 4,000 draws know means to 1.6 % of a deviation and deviations to 1.1 %; the
    tolerances are four of these, a false alarm in 3,000.
    """
    rng = np.random.default_rng(0)
    means, covariance = np.array([0.3, 0.2, 0.5]), joint_covariance([0.03, 0.02, 0.04])
    drawn = np.array([draw_possible(means, covariance, 1, rng) for _ in range(4000)])
    assert np.abs(drawn.sum(1) - 1).max() < 1e-12
    deviations = np.array([0.03, 0.02, 0.04])
    assert (np.abs(drawn.mean(0) - means) < 0.064 * deviations).all()
    assert drawn.std(0) == pytest.approx(deviations, rel=0.045)


def test_only_what_is_possible_is_drawn():
    rng = np.random.default_rng(0)
    drawn = [draw_possible(np.array([0.02]), np.array([[0.03**2]]), 0.05, rng) for _ in range(200)]
    assert 0 <= np.min(drawn) < 0.01
    assert 0.04 < np.max(drawn) <= 0.05
    with pytest.raises(InputError, match="none was from 0 to 1"):
        draw_possible(np.array([0.5]), np.array([[1e-8]]), 0.1, rng)


@pytest.mark.parametrize("asked", ["measured", {"pore": "measured"}, {0: "0.2~0.1"}, " measured"])
def test_where_every_fraction_must_be_named(asked):
    with pytest.raises(InputError, match="a sweep names them"):
        refuse_uncertain(asked, "a sweep names them")
    refuse_uncertain({"pore": [0.1, 0.2], "clay": 0.2}, "a sweep names them")
