"""Walks that are chosen by targets follow the law of the model times the likelihood of the target.

Statistical tests are seeded; each has a false-alarm rate of 1e-3.
"""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from microdsd.sampling import particles as module
from microdsd.sampling.particles import Aim, Forecast, Particles, Pilot, moments_of, systematic

ALARM = 1e-3
MOMENTS = (4.0, 2.0, 1.0)
STEP = 0.7
"""Standard deviation of a step of the walks below, of which each moment is followed by one."""


class Level:
    """A state that says no more than its noise level."""

    def __init__(self, sigma):
        self.sigma = sigma


def generators(n, seed=0):
    return [torch.Generator().manual_seed(seed + k) for k in range(n)]


def exact_forecasts():
    """Of a Gaussian walk: the end is where it is now, plus the steps that are left."""
    left = range(len(MOMENTS), 0, -1)
    return {
        sigma: Forecast(np.zeros(1), np.eye(1), np.eye(1) * STEP**2 * steps)
        for sigma, steps in zip(MOMENTS, left, strict=True)
    }


def ends_of(monkeypatch, forecasts, walks, target, tolerance, runs):
    """Walk numbers in place of material, choose among them, and return the ends drawn."""
    rng = np.random.default_rng(3)
    drawn = []
    for run in range(runs):
        place = rng.normal(size=(walks, 1))
        aim = Aim(forecasts, np.array([tolerance]), place)
        particles = Particles(
            np.array([target]),
            aim,
            lambda values: values,
            generators(walks),
            torch.Generator().manual_seed(run),
        )
        for sigma in MOMENTS:
            monkeypatch.setattr(module, "phases_expected", lambda *_, now=place: now)
            chosen = particles(Level(sigma), torch.zeros(walks), None)
            if chosen is not None:
                place = place[chosen.numpy()]
            place = place + STEP * rng.normal(size=place.shape)
        drawn.append(place[particles.end(place), 0])
    return np.array(drawn)


@pytest.mark.parametrize("slope", [1.0, 0.4])
def test_ends_follow_the_conditional_law_whatever_the_forecasts(monkeypatch, slope):
    """A Gaussian walk whose end is observed with an error: its conditional law is known."""
    forecasts = {
        sigma: Forecast(one.offset, slope * one.slope, one.covariance)
        for sigma, one in exact_forecasts().items()
    }
    target, tolerance = 2.5, 0.8
    drawn = ends_of(monkeypatch, forecasts, 256, target, tolerance, runs=300)
    prior = 1 + len(MOMENTS) * STEP**2
    mean = target * prior / (prior + tolerance**2)
    spread = np.sqrt(prior * tolerance**2 / (prior + tolerance**2))
    assert stats.kstest(drawn, "norm", args=(mean, spread)).pvalue > ALARM


def test_particles_come_nearer_to_a_rare_target_than_as_many_free_walks(monkeypatch):
    target = 5.0  # three standard deviations out
    rng = np.random.default_rng(0)
    prior = np.sqrt(1 + len(MOMENTS) * STEP**2)
    best = [np.abs(rng.normal(scale=prior, size=16) - target).min() for _ in range(200)]
    drawn = ends_of(monkeypatch, exact_forecasts(), 16, target, 0.1, runs=200)
    assert np.median(np.abs(drawn - target)) < 0.5 * np.median(best)


def test_a_forecast_finds_a_linear_law():
    rng = np.random.default_rng(1)
    expected = rng.normal(size=(400, 2))
    slope, offset = np.array([[1.0, 0.5], [-0.3, 2.0]]), np.array([3.0, -1.0])
    noise = np.array([0.2, 0.05])
    ends = offset + expected @ slope.T + noise * rng.normal(size=(400, 2))
    forecast = Forecast.fit(expected, ends)
    np.testing.assert_allclose(forecast.slope, slope, atol=0.05)
    np.testing.assert_allclose(forecast.offset, offset, atol=0.05)
    np.testing.assert_allclose(np.diag(forecast.covariance), noise**2, rtol=0.25)


def test_walks_without_the_property_are_not_taken_for_its_mean():
    """A phase that does not percolate has no tortuosity factor: neither NaN nor a good weight."""
    rng = np.random.default_rng(2)
    expected = rng.normal(size=(40, 1))
    ends = expected + 0.1 * rng.normal(size=(40, 1))
    expected[:5] = np.nan
    forecast = Forecast.fit(expected, ends)
    likelihood = forecast.log_likelihood(expected, np.zeros(1), np.full(1, 0.1))
    assert np.isfinite(likelihood).all()
    assert (likelihood[:5] < likelihood[5:].min()).all()
    aim = Aim({}, np.array([0.1]), ends)
    for seed in range(50):
        one = torch.Generator().manual_seed(seed)
        particles = Particles(np.zeros(1), aim, lambda x: x, generators(2), one)
        assert particles.end(np.array([[np.nan], [0.3]])) == 1


def test_at_the_end_a_walk_without_the_property_is_no_better_than_a_far_one():
    """Whatever the distance: 40 scatters off it has the property at least."""
    aim = Aim({}, np.array([0.05]), np.zeros((2, 1)))
    for seed in range(20):
        one = torch.Generator().manual_seed(seed)
        particles = Particles(np.full(1, 40.0), aim, lambda x: x, generators(2), one)
        assert particles.end(np.array([[np.nan], [0.0]])) == 1


def test_a_forecast_where_nothing_is_expected_yet_is_the_scatter_of_all_ends():
    """At high noise no expected material percolates, and the ends do: all walks weigh the same."""
    ends = np.random.default_rng(3).normal(2.0, 0.5, (400, 1))
    forecast = Forecast.fit(np.full((400, 1), np.nan), ends)
    np.testing.assert_allclose(forecast.covariance, ends.var(0, ddof=1)[:, None], rtol=1e-4)
    assert np.ptp(forecast.log_likelihood(np.full((5, 1), np.nan), np.ones(1), np.ones(1))) == 0


def test_what_all_pilots_share_has_a_tolerance():
    aim = Aim.of({}, np.array([[1.0, 0.3], [1.0, 0.5], [1.0, np.nan]]))
    np.testing.assert_allclose(aim.tolerance, [0.05, 0.005])
    assert Aim.of({}, np.zeros((3, 1))).tolerance.tolist() == [0.05]


def test_a_pilot_records_its_moments_alone(monkeypatch):
    monkeypatch.setattr(module, "phases_expected", lambda *_: np.ones((3, 1)))
    pilot = Pilot((2.0, 1.0), lambda x: x, generators(3))
    for sigma in (8.0, 2.0, 1.0, 0.5):
        assert pilot(Level(sigma), torch.zeros(3), None) is None
    assert list(pilot.expected) == [2.0, 1.0]


def test_the_network_learns_how_far_the_ends_of_its_walks_are(monkeypatch):
    """What it is given goes with the walks that go on, not with those that were before."""
    given = []
    place = np.array([[0.0], [9.0], [0.1], [0.2]])
    monkeypatch.setattr(module, "phases_expected", lambda *_: place)
    law = Forecast(np.ones(1), 2 * np.eye(1), np.eye(1))
    aim = Aim({2.0: law}, np.array([0.1]), place)
    one = torch.Generator().manual_seed(0)
    particles = Particles(np.ones(1), aim, lambda x: x, generators(4), one, given.append)
    assert particles(Level(8.0), torch.zeros(4), None) is None
    assert given == []
    chosen = particles(Level(2.0), torch.zeros(4), None)
    assert chosen is None or 1 not in chosen
    kept = np.arange(4) if chosen is None else chosen.numpy()
    np.testing.assert_allclose(given[0], 1 + 2 * place[kept])


def test_moments_are_levels_of_steps():
    levels = np.geomspace(40, 0.4, 20).tolist()
    assert set(moments_of(levels)) < set(levels[1:-1])
    assert moments_of([9.0, 0.5]) == ()


@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=30).filter(lambda w: sum(w) > 1e-3),
    st.floats(0, 1, exclude_max=True),
)
@settings(max_examples=200, deadline=None)
def test_walks_are_chosen_as_often_as_they_weigh(weights, u):
    weight = np.array(weights) / sum(weights)
    times = np.bincount(systematic(weight, u), minlength=len(weight))
    assert times.sum() == len(weight)
    assert (np.abs(times - len(weight) * weight) < 1 + 1e-6).all()
