"""Ensembles that carry what a measurement knows of their fractions."""

import json

import numpy as np
import pytest
from tiny_models import octave_model, tiny_card, tiny_model

from microdsd.errors import InputError
from microdsd.generation.regional import inpainting_request, regional_request
from microdsd.generation.request import GenerationRequest
from microdsd.generation.sweep import sweep_request
from microdsd.models.card_schema import card_from_json
from microdsd.models.contents import Channels
from microdsd.models.files import pack_model
from microdsd.models.volumes import SliceCards

KNOWN = {"": {"pore": (0.4, 0.03), "solid": (0.6, 0.03)}}
KNOWN3 = {"": {"pore": (0.3, 0.03), "solid": (0.5, 0.04), "clay": (0.2, 0.02)}}


def resolve(card=None, n=6, rng=0, **options):
    card = card or tiny_card(scan_fractions=KNOWN)
    return GenerationRequest.resolve(card, n, rng=rng, shape=(100, 100), **options)


def drawn(request, phase="pore"):
    return np.array(request.composition.fractions[phase])


@pytest.mark.statistics
def test_an_ensemble_has_the_uncertainty_of_the_scan():
    """Seeded: 1,500 fractions know their mean to 2.6 % of a deviation, their deviation to 1.8 %;
    four of these are a false alarm in 8,000.
    """
    fractions = drawn(resolve(n=1500, phase_fraction={"pore": "measured"}))
    assert abs(fractions.mean() - 0.4) < 0.104 * 0.03
    assert fractions.std(ddof=1) == pytest.approx(0.03, rel=0.073)


def test_a_draw_depends_on_seed_and_number_alone():
    many, few = (resolve(n=n, phase_fraction={"pore": "measured"}) for n in (6, 2))
    assert drawn(many)[:2].tolist() == drawn(few).tolist()
    assert len({*drawn(many)}) == 6
    later = resolve(n=1, streams=[4], phase_fraction={"pore": "measured"})
    assert drawn(later)[0] == drawn(many)[4]
    assert drawn(resolve(rng=1, phase_fraction={"pore": "measured"}))[0] != drawn(many)[0]
    named = GenerationRequest.resolve(
        tiny_card(scan_fractions=KNOWN), 6, seed=0, phase_fraction={"pore": "measured"}
    )
    assert drawn(named).tolist() == drawn(many).tolist()


def test_counts_are_those_of_what_was_drawn():
    request = resolve(phase_fraction={"pore": "measured"})
    assert request.composition.whole[:, 0].tolist() == np.rint(drawn(request) * 1e4).tolist()
    assert (request.composition.whole.sum(1) == 10_000).all()


def test_the_request_says_what_was_drawn():
    card = tiny_card(scan_fractions=KNOWN)
    request = resolve(card, n=3, phase_fraction={"pore": "measured"})
    record = request.record(card)
    assert record["uncertain_fractions"] == {
        "pore": {"mean": 0.4, "standard_deviation": 0.03, "known_from": "training scan"}
    }
    assert record["requested_fractions"]["pore"] == drawn(request).tolist()
    note = record["notes"][0]
    assert "0.4 +- 0.03" in note
    assert all(f"{fraction:.4f}" in note for fraction in drawn(request))
    assert "uncertain_fractions" not in resolve(card, phase_fraction=0.3).record(card)


def test_samples_say_it_in_their_provenance():
    model = tiny_model(scan_fractions=KNOWN)
    samples = model.sample(3, phase_fraction={"pore": "measured"}, rng=2)
    record = json.loads(samples.attrs["provenance"])
    assert record["uncertain_fractions"]["pore"]["standard_deviation"] == 0.03
    counts = (samples == 0).sum(("y", "x")).values.tolist()
    assert counts == [round(f * 120) for f in record["requested_fractions"]["pore"]]
    assert len({*counts}) > 1


def test_a_measurement_made_elsewhere():
    request = resolve(tiny_card(), phase_fraction={0: "0.3~0.01"})
    assert np.abs(drawn(request) - 0.3).max() < 0.05
    assert request.uncertain["pore"]["known_from"] == "request"
    assert (
        drawn(resolve(tiny_card(), phase_fraction="0.3~0.01")).tolist() == drawn(request).tolist()
    )
    exact = resolve(tiny_card(), phase_fraction={"pore": "0.3~0"})
    assert drawn(exact).tolist() == [0.3] * 6


@pytest.mark.parametrize("asked", ["measured", {"solid": "measured", "pore": "measured"}])
def test_all_phases_add_to_one(asked):
    request = resolve(phase_fraction=asked)
    assert drawn(request) + drawn(request, "solid") == pytest.approx(1, abs=1e-15)
    assert {*request.uncertain} == {"pore", "solid"}


@pytest.mark.parametrize(
    "asked", ["measured", {"pore": "measured", "clay": "measured"}, {"pore": "measured"}]
)
def test_three_phases(asked):
    card = tiny_card(phases=3, scan_fractions=KNOWN3, fraction_range=_wide())
    request = resolve(card, n=200, phase_fraction=asked)
    total = request.composition.whole
    assert (total.sum(1) == 10_000).all()
    assert drawn(request).std() == pytest.approx(0.03, rel=0.2)
    clay, solid = total[:, 2] / 1e4, total[:, 1] / 1e4
    if asked == {"pore": "measured"}:
        assert clay / solid == pytest.approx(0.4, abs=2e-3)
        assert "solid and clay share the rest" in request.notes[0]
    else:
        assert clay.std() == pytest.approx(0.02, rel=0.2)
        assert solid.std() == pytest.approx(0.04, rel=0.2)


def _wide():
    return dict.fromkeys(("pore", "solid", "clay"), (0.0, 1.0))


def test_some_drawn_and_some_named():
    card = tiny_card(phases=3, scan_fractions=KNOWN3, fraction_range=_wide())
    request = resolve(card, phase_fraction={"clay": 0.1, "pore": "0.3~0.02"})
    whole = request.composition.whole
    assert (whole[:, 2] == 1000).all()
    assert len({*whole[:, 0].tolist()}) > 1
    assert (whole.sum(1) == 10_000).all()


def test_a_class_has_a_scan_of_its_own():
    known = {name: {"pore": (mean, 0.001)} for name, mean in (("a", 0.2), ("b", 0.4))}
    card = octave_model(classes=("a", "b"), scan_fractions=known).card
    request = resolve(card, n=2, phase_fraction={"pore": "measured"}, class_name=["b", "a"])
    assert drawn(request) == pytest.approx([0.4, 0.2], abs=0.005)
    assert request.uncertain["pore"]["a"]["mean"] == 0.2
    with pytest.raises(InputError, match="name one with class_name"):
        resolve(card, phase_fraction={"pore": "measured"})


@pytest.mark.parametrize(
    ("card", "asked", "message"),
    [
        (tiny_card(), {"pore": "measured"}, r"earlier version.*as pore=0\.196~0\.004"),
        (tiny_card(), "measured", "earlier version"),
        (tiny_card(scan_fractions={"": {"solid": (0.6, 0.01)}}), {"pore": "measured"}, "half its"),
        (tiny_card(), {"pore": "mesured"}, "'mesured': give a number"),
        (tiny_card(), {"pores": "measured"}, "pores"),
        (tiny_card(scan_fractions=KNOWN), {"pore": "measured", 0: 0.3}, "given twice"),
        (tiny_card(), {"pore": "0.3~0.1", "solid": 0.7}, "leave one phase out"),
        (tiny_card(), {"pore": "0.3~0.1", "solid": "0.7~0.1"}, "leave one phase out"),
        (tiny_card(3, 3), {"pore": "0.3~0.1", "solid": 1.2}, "less than nothing"),
        (tiny_card(3, 3), {"pore": "0.3~0.001", "solid": 0.9}, "none was from 0 to 1"),
        (tiny_card(3, 3), "0.3~0.01", "say of which phase"),
    ],
)
def test_what_cannot_be_drawn_is_refused(card, asked, message):
    with pytest.raises(InputError, match=message):
        GenerationRequest.resolve(card, 2, phase_fraction=asked, rng=0)


def test_images_have_no_measured_fractions():
    card = tiny_card(contents=Channels(("grey",), 9))
    with pytest.raises(InputError, match="the model makes images"):
        GenerationRequest.resolve(card, 2, phase_fraction="measured")


def test_sweeps_and_regions_name_every_fraction():
    card = tiny_card(scan_fractions=KNOWN)
    with pytest.raises(InputError, match="a sweep names the fraction of every sample"):
        sweep_request(card, {"pore": "measured"}, 2)
    with pytest.raises(InputError, match="every region has a fraction"):
        regional_request(card, 1, {"pore": "0.2~0.1"}, shape=(12, 10))


def test_a_completion_is_as_uncertain_as_the_whole():
    card = tiny_card(scan_fractions=KNOWN)
    known, unknown = np.zeros((12, 10), int), np.ones((12, 10), bool)
    unknown[0] = False
    request = inpainting_request(card, 3, known, unknown, phase_fraction="measured", rng=0)
    whole = request.composition.whole[:, 0]
    assert len({*whole.tolist()}) > 1
    assert whole.tolist() == [round(f * 120) for f in drawn(request)]


def test_the_card_comes_back_and_an_earlier_one_is_as_it_was():
    card = tiny_card(scan_fractions=KNOWN)
    assert card_from_json(card.to_json()) == card
    assert "scan_fractions" not in tiny_card().to_json()
    assert card_from_json(tiny_card().to_json()).scan_fractions == {}
    weights = tiny_model().network.state_dict()
    assert pack_model(weights, card) != pack_model(weights, tiny_card())


@pytest.mark.parametrize(
    "known",
    [
        {"": {"pore": (1.4, 0.1)}},
        {"": {"pore": (0.4, -0.1)}},
        {"": {"glass": (0.4, 0.1)}},
        {"a": {"pore": (0.4, 0.1)}},
    ],
)
def test_a_damaged_card(known):
    from microdsd.errors import CheckpointError

    with pytest.raises(CheckpointError, match="scan_fractions"):
        card_from_json(tiny_card(scan_fractions=known).to_json())


def test_a_volume_knows_what_its_one_picture_knows():
    same = tiny_card(scan_fractions=KNOWN, window=(12, 12), symmetry="isotropic")
    assert SliceCards(dict.fromkeys("zyx", same), {}).card().scan_fractions == KNOWN
    other = tiny_card(window=(12, 12), symmetry="isotropic")
    assert SliceCards({"z": same, "y": other, "x": same}, {}).card().scan_fractions == {}
