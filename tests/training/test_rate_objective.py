"""The paper's objectives; that their minimisers are right is in oracles/test_tau_leaping_law.py."""

import numpy as np
import pytest
import torch
from test_trainer import SIGMA_MAX, WALK, draw, windows

from microdsd.device.precision import Precision
from microdsd.errors import InputError
from microdsd.networks import RateUNet, UNetConfig
from microdsd.process import Walkers, sample_forward, time_of
from microdsd.process.rates import summed_rates
from microdsd.process.time_schedule import schedule_times
from microdsd.training import (
    NoisedBatch,
    RateObjective,
    Trainer,
    TrainingConfig,
    Validation,
    rate_loss,
)
from microdsd.training.octave import OctaveTask

KERNEL = WALK.kernels[0]


def rate_network(seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.random.default_generator.manual_seed(seed)
        return RateUNet(UNetConfig(2, 1, (4, 8), (1, 1), 8))


def noised(sigma, n=4, seed=0):
    """Walkers of windows of a scan, and where they are at one level."""
    origins = Walkers.of(windows(n, np.random.default_rng(seed)), KERNEL.lattice)
    t = time_of(sigma).repeat(n)
    generators = [torch.Generator().manual_seed(seed + i) for i in range(n)]
    return origins, sample_forward(origins, KERNEL, t, generators), t


def test_losses_by_hand():
    """Two voxels with 2 and 0 walkers between walls: one direction each is open."""
    lattice = KERNEL.lattice.box((2,), "no-flux")
    n_t = torch.tensor([[[2.0, 0.0]]])
    u = torch.tensor([[[[5.0, 0.25], [3.0, 5.0]]]])  # down, then up
    r = torch.tensor([[[[0.0, 0.0], [4.0, 0.0]]]])

    def loss(kind):
        return float(rate_loss(u, r, n_t, lattice, kind))

    assert loss("likelihood") == pytest.approx((2 * (3 - 1) - 4 * np.log(3)) / 2)
    assert loss("l1") == pytest.approx(2 / 2)
    assert loss("l2") == pytest.approx(4 / 2)
    with pytest.raises(InputError, match="loss='l3'"):
        loss("l3")


@pytest.mark.parametrize("sigma", [0.3, 1.0, 12.0])
def test_the_uninformed_lose_and_gain_nothing(sigma):
    """At u = 1 nothing is left of the likelihood but rounding, which R magnifies."""
    origins, walkers, t = noised(sigma)
    n_t = walkers.occupation()
    rates = rate_network()(n_t, t, KERNEL)
    assert torch.allclose(rates, torch.ones_like(rates), atol=1e-6)
    summed = summed_rates(origins, walkers, KERNEL, t)
    loss = rate_loss(rates, summed, n_t, KERNEL.lattice, "likelihood")
    np.testing.assert_allclose(loss.detach(), 0, atol=1e-4 * float(summed.max()))


@pytest.mark.parametrize("kind", ["likelihood", "l1", "l2"])
def test_gradients_are_finite_where_rates_vanish(kind):
    origins, walkers, t = noised(0.5)
    rates = torch.zeros(4, 1, 4, 12, 12, requires_grad=True)
    summed = summed_rates(origins, walkers, KERNEL, t)
    loss = rate_loss(rates, summed, walkers.occupation(), KERNEL.lattice, kind)
    assert torch.isfinite(loss).all()
    loss.sum().backward()
    assert torch.isfinite(rates.grad).all()


@pytest.mark.parametrize("schedule", ["logit", "t^4", "cosine"])
def test_times_are_those_of_the_schedule_each_as_likely(schedule):
    objective = RateObjective(SIGMA_MAX, schedule)
    times = float(time_of(SIGMA_MAX)) * schedule_times(schedule)
    drawn = objective.draw_times(2000, np.random.default_rng(0))
    np.testing.assert_allclose(np.sort(drawn), times)  # stratified: every one once
    few = objective.draw_times(8, np.random.default_rng(0))
    assert set(few) <= set(times)
    assert (np.diff(few) > 0).all()


def test_the_weighted_likelihood_is_an_integral_over_time():
    """Its mean over all observation times is the sum of loss times interval."""
    objective = RateObjective(SIGMA_MAX, "t^4", "likelihood")
    origins, walkers, _ = noised(2.0)

    def pulled(occupation, t, kernel, fractions=None):
        return torch.linspace(0.5, 2.0, 4).view(1, 4, 1, 1).expand(len(t), 1, 4, 12, 12)

    times = float(time_of(SIGMA_MAX)) * schedule_times("t^4")
    fractions = torch.full((4, 1), 0.4)
    total = expected = 0.0
    for k in (1, 500, 1999):
        t = torch.full((4,), times[k], dtype=torch.float64)
        args = (pulled, NoisedBatch(origins, walkers, WALK, t, fractions))
        total += float(objective.loss(*args).mean()) / 2000
        gain = objective.gain(*args).mean()
        expected -= float(gain) / (2 * times[k]) * (times[k] - times[k - 1])
    assert total == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("kind", ["l1", "l2"])
def test_other_losses_are_judged_by_the_likelihood_too(kind):
    origins, walkers, t = noised(1.0)
    batch = NoisedBatch(origins, walkers, WALK, t, torch.full((4, 1), 0.4))
    args = (rate_network(), batch)
    by_kind = RateObjective(SIGMA_MAX, "t^4", kind).gain(*args)
    assert torch.equal(by_kind, RateObjective(SIGMA_MAX).gain(*args))


def test_it_learns():
    """The gain on held-back windows grows at low noise, where there is much to know."""
    objective = RateObjective(SIGMA_MAX)
    validation = Validation(
        windows(16, np.random.default_rng(99)), WALK, 0.3, SIGMA_MAX, 0, objective
    )
    config = TrainingConfig(steps=120, batch=8, warmup=10, learning_rate=1e-2, validations=2)
    trainer = Trainer(rate_network(), draw, [OctaveTask(0, WALK, objective, validation)], config)
    trainer.precision = Precision("float32", 1)
    before = validation.gains(trainer.network)
    np.testing.assert_allclose(before, 0, atol=0.02)
    records = list(trainer.run())
    gains = records[-1].gains
    assert gains[0] > 0.05
    assert gains[0] > gains[-1]


@pytest.mark.parametrize(
    ("options", "message"),
    [({"loss": "kl"}, "loss='kl'"), ({"schedule": "fast"}, "schedule='fast'")],
)
def test_unknown_settings_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        RateObjective(SIGMA_MAX, **options)
