"""Numbers that are none end a walk with an error that says whose they are, and where."""

import contextlib

import numpy as np
import pytest
import torch
from gillespie import sample_gillespie
from tiny_models import tiny_model

from microdsd.errors import InputError, MicrodsdError
from microdsd.models.plan import WalkPlan
from microdsd.process import Lattice, TransitionKernel
from microdsd.process.octaves import Octaves
from microdsd.process.time_schedule import leap_grid
from microdsd.sampling import (
    AdaptiveLeaps,
    ConditionedNetwork,
    GridLeaps,
    sample_images,
    sample_tau_leaping,
)
from microdsd.sampling.finite import NonFiniteNetworkError

pytestmark = pytest.mark.timeout(60)

KERNEL = TransitionKernel(Lattice.box((6, 5), "no-flux"))
NETWORK = r"network: .* not finite .* noise level"


def hole():
    unknown = np.zeros((12, 10), bool)
    unknown[3:9, 2:8] = True
    return np.zeros((12, 10), int), unknown


CALLS = {
    "sample": lambda model, **options: model.sample(2, rng=0, **options),
    "inpaint": lambda model, **options: model.inpaint(
        *hole(), 2, phase_fraction={"pore": 0.8}, rng=0, **options
    ),
    "regions": lambda model, **options: model.sample_regions(
        {"pore": [[0.2], [0.5]]}, 2, rng=0, **options
    ),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_one_weight_that_is_no_number(call, bad):
    model = tiny_model()
    with torch.no_grad():
        next(iter(model.network.parameters())).view(-1)[0] = bad
    with pytest.raises(MicrodsdError, match=NETWORK):
        call(model)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("huge", [1e38, -1e30])
def test_huge_weights_end_in_a_sample_or_an_error(call, huge):
    """Finite themselves, they may overflow anywhere within the network."""
    for place in range(0, 40, 7):
        model = tiny_model()
        with torch.no_grad():
            weights = list(model.network.parameters())
            weight = weights[place % len(weights)]
            weight[(0,) * weight.ndim] = huge
        with contextlib.suppress(NonFiniteNetworkError):
            assert call(model).shape == (2, 12, 10)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("below", [100.0, 1.0])
def test_a_guide_that_returns_nan(call, below):
    """From the first level on, or at the last one alone, where phases are assigned."""

    def guide(expected, sigma):
        return expected * (float("nan") if sigma < below else 0.0)

    with pytest.raises(InputError, match=r"guide: .* NaN at noise level"):
        call(tiny_model(), guide=guide)


def test_a_guide_of_another_shape():
    with pytest.raises(InputError, match=r"guide: returned weights of shape .*1, 12, 10"):
        tiny_model().sample(rng=0, guide=lambda expected, sigma: expected[:, :1])


def test_a_guide_may_forbid_and_demand():
    """Infinite weights are clamped: pores in the left half alone, as many as were asked for."""

    def guide(expected, sigma):
        weight = torch.zeros_like(expected)
        weight[:, 0, :, 5:], weight[:, 1, :, 5:] = -torch.inf, torch.inf
        return weight

    new = tiny_model().sample(phase_fraction={"pore": 0.4}, rng=0, guide=guide).values[0]
    assert (new[:, :5] == 0).sum() == 48
    assert (new[:, 5:] == 0).sum() == 0


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("rule", [GridLeaps(leap_grid(6.0, 0.3, 12)), AdaptiveLeaps(3.0, 0.3)])
def test_rates_that_are_no_numbers(bad, rule):
    def rates(occupation, t, kernel, fractions=None):
        return torch.full((*occupation.shape[:2], 4, *occupation.shape[2:]), bad)

    with pytest.raises(MicrodsdError, match=NETWORK):
        sample_tau_leaping(rates, KERNEL, torch.tensor([[7]]), rule, [torch.Generator()])
    with pytest.raises(MicrodsdError, match=NETWORK):
        sample_gillespie(rates, KERNEL, torch.ones(1, 1, 6, 5), 2.0, 0.5, torch.Generator())


def test_images():
    def network(occupation, t, kernel, fractions=None):
        return occupation * float("nan")

    with pytest.raises(MicrodsdError, match=NETWORK):
        sample_images(
            ConditionedNetwork(network),
            Octaves(KERNEL.lattice),
            torch.tensor([[7]]),
            WalkPlan((5.0, 1.0)),
            [torch.Generator()],
        )
