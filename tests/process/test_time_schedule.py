import math

import numpy as np
import pytest
from scipy.special import expit, logit

from microdsd.errors import InputError, NotMixedError
from microdsd.process import Lattice, TransitionKernel, time_of
from microdsd.process.time_schedule import leap_grid, schedule_times
from microdsd.training.paper import PAPER_SETTINGS


@pytest.mark.parametrize("schedule", ["logit", "cosine", "t^1", "t^2", "t^4", "t^5", "t^2.5"])
def test_schedules_rise_to_the_horizon(schedule):
    times = schedule_times(schedule)
    assert len(times) == 2000
    assert times[0] > 0
    assert (np.diff(times) > 0).all()
    assert times[-1] == pytest.approx(1.0)


def test_the_logit_schedule_is_the_paper_s():
    """Its first time leaves 13 % of the walkers a hop from home at r = 160 (4 directions)."""
    s = np.linspace(0, 1, 2000)
    first, last = logit(1 - math.exp(-7.5)), logit(math.exp(-2.5))
    times = schedule_times("logit")
    np.testing.assert_allclose(times, -np.log(expit(first + s * (last - first))) / 2.5, rtol=1e-9)
    assert 1 - math.exp(-4 * 160 * times[0]) == pytest.approx(0.13, abs=0.005)


def test_powers_and_cosine():
    s = np.arange(1, 2001) / 2000
    np.testing.assert_allclose(schedule_times("t^4"), s**4)
    np.testing.assert_allclose(schedule_times("cosine"), (1 - np.cos(math.pi * s)) / 2, atol=1e-15)


@pytest.mark.parametrize("schedule", ["", "t^0.5", "t^", "linear", "t^-2"])
def test_other_schedules_are_refused(schedule):
    with pytest.raises(InputError, match="time_schedule="):
        schedule_times(schedule)


def test_the_paper_s_settings():
    rocks, electrodes = PAPER_SETTINGS["rocks"], PAPER_SETTINGS["electrodes"]
    assert (rocks.rate, rocks.time_schedule, rocks.epsilon) == (250, "t^4", 0.1)
    assert (electrodes.rate, electrodes.time_schedule, electrodes.epsilon) == (200, "t^5", 0.01)
    for settings in PAPER_SETTINGS.values():
        assert (settings.boundary, settings.loss) == ("periodic", "likelihood")
        assert float(time_of(settings.sigma_max)) == pytest.approx(settings.rate)
    kernel = TransitionKernel(Lattice.box((256, 256), "periodic"))
    assert kernel.mixing_residual(rocks.rate) == pytest.approx(0.86, abs=0.005)
    with pytest.raises(NotMixedError):
        TransitionKernel(Lattice.box((60, 60), "periodic")).require_mixed(rocks.rate)
    TransitionKernel(Lattice.box((57, 57), "periodic")).require_mixed(rocks.rate)


def test_leap_grids():
    levels = np.array(leap_grid(30.0, 0.2, 9))
    np.testing.assert_allclose(np.diff(np.log(levels)), math.log(0.2 / 30) / 8)
    np.testing.assert_allclose(
        np.diff(np.sqrt(leap_grid(30.0, 0.2, 9, "sqrt"))).std(), 0, atol=1e-9
    )
    assert leap_grid(30.0, 0.2, 2) == [30.0, 0.2]
    for bad in [(30.0, 0.2, 1), (30.0, 0.0, 4), (30.0, 31.0, 4)]:
        with pytest.raises(InputError):
            leap_grid(*bad)
    with pytest.raises(InputError, match="spacing="):
        leap_grid(30.0, 0.2, 4, "even")
