import math

import numpy as np
import pytest
from tiny_models import tiny_card

from microdsd.errors import InputError
from microdsd.generation.request import GenerationRequest
from microdsd.models.contents import Channels
from microdsd.models.plan import WalkPlan
from microdsd.models.walk_back import WalkBack


def resolve(n=2, card=None, rng=0, **options):
    return GenerationRequest.resolve(card or tiny_card(), n, rng=rng, **options)


def test_by_default_a_training_window_at_its_mean_composition():
    card = tiny_card(fraction_mean={"pore": 0.4, "solid": 0.6})
    request = resolve(3, card)
    assert len(request) == 3
    assert request.lattice.shape == card.window
    assert request.lattice.boundary == ("no-flux", "no-flux")
    assert request.composition.whole.tolist() == [[48, 72]] * 3
    assert request.plan == WalkPlan.of(card, card.evaluations)
    assert request.notes == ()


def test_counts_are_in_the_order_of_the_labels():
    card = tiny_card(phases=3, background=1)
    request = resolve(1, card, phase_fraction={"clay": 0.5, "solid": 0.2}, shape=(10, 10))
    assert request.composition.whole.tolist() == [[30, 20, 50]]


def test_one_fraction_per_sample():
    request = resolve(3, phase_fraction={"pore": [0.2, 0.4, 0.6]}, shape=(10, 10))
    assert request.composition.whole[:, 0].tolist() == [20, 40, 60]
    assert request.composition.whole.sum(1).tolist() == [100] * 3


def test_a_grid_of_one_s_own():
    request = resolve(evaluations=7, sigma_last=1.25)
    plan = request.plan
    assert plan.evaluations == len(plan.levels) + len(plan.redraws) == 7
    assert plan.levels[-1] == 1.25
    assert plan.redraws == (1.25,)


def test_few_evaluations_walk_back_in_their_own_way():
    card = tiny_card(
        walks=(WalkBack(8, 6.0, 0.95, (1.2,)), WalkBack(32, 13.0, 0.6, (1.0,))), evaluations=32
    )
    requests = [resolve(card=card, evaluations=n) for n in (8, 32)]
    few, many = (request.plan for request in requests)
    assert (few.levels[0], few.levels[-1], few.sharpness) == (6.0, 0.95, (1.2,))
    assert (many.levels[0], many.levels[-1], many.sharpness) == (13.0, 0.6, (1.0,))
    assert requests[0].record(card)["sharpness"] == [1.2]
    assert "sharpness" not in resolve().record(card)


@pytest.mark.parametrize(
    ("asked", "inside"), [(0.2, True), (0.6, True), (0.199, False), (0.61, False)]
)
def test_fractions_outside_the_training_windows_are_noted(asked, inside):
    notes = resolve(phase_fraction={"pore": asked}).notes
    assert (notes == ()) is inside
    if not inside:
        assert f"pore = {asked:.4g} lies outside the 0.2 to 0.6" in notes[0]
        assert "extrapolation" in notes[0]


def test_a_range_of_fractions_is_noted_once():
    (note,) = resolve(2, phase_fraction={"pore": [0.1, 0.9]}).notes
    assert "pore = 0.1 to 0.9" in note


@pytest.mark.parametrize(
    ("shape", "larger"), [((12, 10), False), ((8, 10), False), ((6, 11), True)]
)
def test_boxes_larger_than_the_window_are_noted(shape, larger):
    notes = resolve(shape=shape).notes
    assert any("larger than the training window" in note for note in notes) is larger


def test_seeds():
    assert resolve(rng=0).seed == 0
    assert resolve(rng=7).seed == resolve(rng=np.int64(7)).seed == 7
    assert resolve(rng=None).seed != resolve(rng=None).seed
    first, second = np.random.default_rng(3), np.random.default_rng(3)
    assert resolve(rng=first).seed == resolve(rng=second).seed
    assert (
        resolve(rng=first).seed != resolve(rng=np.random.default_rng(3)).seed
    )  # it was drawn from


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n": 0}, "n=0: ask for at least one sample"),
        ({"shape": (12,)}, r"shape=\(12,\): the model is 2D, give 2 numbers"),
        ({"shape": (12, 12, 12)}, "the model is 2D"),
        ({"shape": (12, 3)}, "every axis needs at least 4 voxels"),
        ({"shape": (12, -8)}, "every axis needs at least 4 voxels"),
        ({"boundary": "open"}, "'open': choose one of"),
        ({"boundary": ("no-flux",)}, "one entry for each of the 2 axes"),
        ({"evaluations": 1}, "evaluations=1: at least 2"),
        ({"sigma_last": 0.0}, "sigma_last=0.0: choose a level between"),
        ({"sigma_last": 13.0}, "sigma_last=13.0: choose a level between 0 and the first one's 13"),
        ({"phase_fraction": {"water": 0.2}}, r"no phase 'water'; the phases are 0 = pore"),
        ({"phase_fraction": {"pore": 1.5}}, "give a number from 0 to 1"),
        ({"phase_fraction": {"pore": math.nan}}, "give a number from 0 to 1"),
        ({"phase_fraction": {"pore": 0.5, "solid": 0.4}}, "sum to 0.9; make them sum to 1"),
        ({"phase_fraction": {"pore": 0.5, 0: 0.5}}, "pore is given twice"),
        ({"phase_fraction": {"pore": [0.1, 0.2, 0.3]}}, "3 values for 2 samples; give one, or 2"),
        ({"phase_fraction": {}}, "pore, solid are left open"),
        ({"rng": -1}, "rng=-1: give a seed of at least 0"),
    ],
)
def test_impossible_requests(options, message):
    with pytest.raises(InputError, match=message):
        resolve(**options)


@pytest.mark.parametrize("asked", ["much", {}, [[0.1, 0.2]], [0.1, "x"]])
def test_a_fraction_must_be_a_number(asked):
    with pytest.raises(InputError, match=r"phase_fraction\['pore'\]"):
        resolve(phase_fraction={"pore": asked})


def test_a_guide_of_phases_has_no_meaning_for_images():
    card = tiny_card(contents=Channels(("grey",), 5), fraction_mean={"grey": 2.0})
    with pytest.raises(InputError, match="guide: the model makes images of 5 grey levels"):
        resolve(card=card, guide=lambda expected, sigma: expected)


def test_a_part_of_a_request_is_the_request_of_its_samples():
    request = resolve(4, phase_fraction={"pore": [0.2, 0.3, 0.4, 0.5]}, streams=[7, 8, 9, 9])
    part = request.part(range(1, 3))
    assert len(part) == 2
    assert part.streams == (8, 9)
    assert part.composition.whole.tolist() == request.composition.whole[1:3].tolist()
    assert part.composition.fractions == {"pore": (0.3, 0.4)}
