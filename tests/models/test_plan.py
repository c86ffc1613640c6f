"""Plans of walks: where the network is asked, and how often."""

from dataclasses import replace

import numpy as np
import pytest
from tiny_models import tau_model, tiny_card, tiny_model

from microdsd.errors import InputError
from microdsd.generation import MicrostructureModel
from microdsd.generation.regional import inpainting_request
from microdsd.generation.request import GenerationRequest
from microdsd.models.card_schema import card_from_json
from microdsd.models.contents import Channels
from microdsd.models.plan import WalkPlan
from microdsd.models.walk_back import WalkBack
from microdsd.networks import PotentialUNet


def test_levels_follow_the_card():
    card = tiny_card()
    plan = WalkPlan.of(card, 4)
    assert plan.levels[0] == card.sigma_max
    assert plan.levels[-1] == 0.6
    assert plan.evaluations == len(plan.levels) + len(plan.redraws) == 4
    assert WalkPlan.of(card, 4, sigma_last=1.0).levels[-1] == 1.0
    assert WalkPlan.of(card_from_json(card.to_json()), 4) == plan


def test_one_redraw_at_the_last_level():
    card = tiny_card(walks=(WalkBack(16, 13.0, 0.7),))
    plans = [WalkPlan.of(card, n) for n in (2, 5, 6, 16)]
    assert [plan.redraws for plan in plans] == [(), (), (0.7,), (0.7,)]
    assert [len(plan.levels) for plan in plans] == [2, 5, 5, 15]
    assert WalkPlan.of(card, 16, sigma_last=0.5).redraws == (0.5,)
    silent = replace(card, network=replace(card.network, read_out=False))
    assert not WalkPlan.of(silent, 16).redraws


def test_leaps_are_even_in_log_sigma():
    levels = WalkPlan.of(tiny_card(method="tau-leaping"), 5).levels
    assert (levels[0], levels[-1]) == (13.0, 0.6)
    np.testing.assert_allclose(np.diff(np.log(levels)), np.log(0.6 / 13.0) / 4)


@pytest.mark.parametrize(("evaluations", "sigma_last"), [(1, None), (4, 13.0), (4, 0.0)])
def test_a_walk_needs_two_levels_that_descend(evaluations, sigma_last):
    with pytest.raises(InputError):
        WalkPlan.of(tiny_card(), evaluations, sigma_last)


def test_steps_from_8_to_1_voxels_are_repeated():
    plan = WalkPlan((20.0, 8.0, 1.0, 0.5), repeats=3)
    assert plan.steps() == [(20.0, 8.0), *[(8.0, 1.0)] * 3, *[(1.0, 0.5)] * 3]
    assert (plan.evaluations, plan.network_calls) == (4, 8)
    assert replace(plan, repeats=1).network_calls == 4


@pytest.mark.parametrize("evaluations", [2, 5, 6, 9])
@pytest.mark.parametrize("kind", ["phases", "known", "images", "leaps"])
def test_the_network_is_asked_as_often_as_the_plan_says(kind, evaluations):
    model = tau_model() if kind == "leaps" else tiny_model()
    if kind == "images":
        network = PotentialUNet(replace(model.card.network, read_out=False))
        card = replace(model.card, contents=Channels(("grey",), 5))
        card = replace(
            card,
            network=network.config,
            fraction_mean={"grey": 2.0},
            fraction_range={"grey": (1.0, 3.0)},
        )
        model = MicrostructureModel(network, card, "cpu", "float32")
    if kind == "known":
        labels, hole = np.zeros((12, 10), int), np.zeros((12, 10), bool)
        hole[3:9] = True
        request = inpainting_request(
            model.card, 2, labels, hole, repeats=3, evaluations=evaluations, phase_fraction=0.8
        )
    else:
        request = GenerationRequest.resolve(model.card, 2, evaluations=evaluations)
    asked = []
    list(model.generate(request, progress=lambda *state: asked.append(state[:2])))
    assert asked[-1] == (2 * request.plan.network_calls,) * 2
    assert request.plan.evaluations == evaluations


def test_leaps_of_their_own_length_have_no_number_of_calls():
    plan = GenerationRequest.resolve(tau_model().card, 1, epsilon=0.5).plan
    assert plan.network_calls is None
    assert plan.record()["evaluations"] is None
    assert plan.record()["epsilon"] == 0.5
