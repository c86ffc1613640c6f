"""Models that draw phases in passes: everything that holds of samples holds of theirs."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_models import in_passes, octave_model, tiny_model

import microdsd
from microdsd.errors import CheckpointError, InputError
from microdsd.models.card import ModelCard
from microdsd.models.card_schema import card_from_json
from microdsd.models.files import pack_model, read_network
from microdsd.models.walk_back import WalkBack

MODELS = {
    "2D": lambda: in_passes(tiny_model()),
    "3D": lambda: in_passes(tiny_model(3, 3, 2)),
    "octaves": lambda: in_passes(octave_model()),
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("boundary", ["no-flux", "periodic"])
def test_counts_are_exact_and_samples_depend_on_their_number_alone(name, boundary):
    model = MODELS[name]()
    mean = {phase: 1 / len(model.card.phases) for phase in list(model.card.phases.values())[1:]}
    made = model.sample(3, phase_fraction=mean, rng=4, boundary=boundary)
    voxels = made[0].size
    for label, phase in list(model.card.phases.items())[1:]:
        counts = (made.values == label).reshape(3, -1).sum(1)
        assert (abs(counts - voxels * mean[phase]) < 1).all()
    fewer = model.sample(2, phase_fraction=mean, rng=4, boundary=boundary)
    assert np.array_equal(fewer.values, made.values[:2])
    assert '"passes": ' in made.attrs["provenance"]


def test_the_last_draw_matters_and_can_be_switched_off():
    model = MODELS["2D"]()
    walk = replace(model.card.walks[0], passes=0, temperature=0.0, sharpness=(1.0,))
    plain = tiny_model().sample(2, rng=1, evaluations=6)
    assert np.array_equal(model.with_walk(walk).sample(2, rng=1).values, plain.values)
    assert not np.array_equal(model.sample(2, rng=1).values, plain.values)


def test_known_material_is_held_and_regions_have_their_counts():
    model = MODELS["2D"]()
    known = model.sample(1, rng=0, shape=(12, 10)).values[0]
    unknown = np.zeros((12, 10), dtype=bool)
    unknown[3:9, 2:8] = True
    for walls in (False, True):
        made = model.inpaint(known, unknown, 2, rng=1, walls=walls)
        assert (made.values[:, ~unknown] == known[~unknown]).all()
    layers = np.array([0.2, 0.6]).reshape(2, 1)
    made = model.sample_regions({"pore": layers}, 2, shape=(12, 10), rng=0)
    halves = np.split(made.values == 0, 2, axis=1)
    assert [half.sum(axis=(1, 2)).tolist() for half in halves] == [[12, 12], [36, 36]]


def test_a_guide_weighs_every_draw():
    """A guide that wants all material in one half gets it, whatever the last draw says."""
    model = MODELS["2D"]()

    def upper(expected, sigma):
        weight = torch.zeros_like(expected)
        weight[:, 0, : expected.shape[2] // 2] = 40.0
        return weight

    made = model.sample(2, phase_fraction={"pore": 0.5}, guide=upper, rng=0).values
    assert (made[:, :6] == 0).mean() > 0.9


def test_a_file_holds_both_networks(tmp_path):
    model = MODELS["2D"]()
    model.save(tmp_path / "a.model")
    again = microdsd.MicrostructureModel.load(tmp_path / "a.model", "cpu", "float32")
    assert again.digest() == model.digest()
    assert again.card == model.card
    assert np.array_equal(again.sample(2, rng=3).values, model.sample(2, rng=3).values)


def test_a_file_without_the_last_draw_s_weights_is_damaged(tmp_path):
    model = MODELS["2D"]()
    weights = {k: v for k, v in model.network.state_dict().items() if "last_draw.stem" not in k}
    (tmp_path / "a.model").write_bytes(pack_model(weights, model.card))
    with pytest.raises(CheckpointError, match=r"last_draw\.stem"):
        read_network(tmp_path / "a.model")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"last_draw": None}, "passes=4"),
        ({"walks": (WalkBack(6, 13.0, 0.6, passes=5),)}, "passes=5"),
        ({"walks": (WalkBack(6, 13.0, 0.6, passes=-1),)}, "passes=-1"),
        ({"last_draw": {"widths": (4, 0)}}, r"last_draw\.widths"),
        ({"last_draw": {"blocks": (1,)}}, r"last_draw\.blocks"),
        ({"last_draw": {"species": 2}}, "last_draw="),
        ({"last_draw": {"embedding": 0}}, r"last_draw\.embedding"),
    ],
)
def test_a_card_that_contradicts_itself_is_refused(changes, named):
    card = MODELS["2D"]().card
    if isinstance(changes.get("last_draw"), dict):
        changes = {"last_draw": replace(card.last_draw, **changes["last_draw"])}
    with pytest.raises(CheckpointError, match=named):
        card_from_json(replace(card, **changes).to_json())


def test_cards_without_passes_are_as_they_were():
    """Not a byte of what is stored changes, and with it no digest."""
    text = tiny_model().card.to_json()
    assert "passes" not in text
    assert "last_draw" not in text
    assert isinstance(card_from_json(text), ModelCard)


def test_passes_need_a_network_that_has_learned_them():
    with pytest.raises(InputError, match="in up to 0 passes"):
        tiny_model().with_walk(WalkBack(3, 13.0, 0.6, (1.0,), passes=4))
    with pytest.raises(InputError, match="in up to 4 passes"):
        MODELS["2D"]().with_walk(WalkBack(3, 13.0, 0.6, (1.0,), passes=5))


@pytest.mark.parametrize(("sigma_last", "passes"), [(0.6, 4), (1.3, 4), (2.0, 0)])
def test_noise_that_the_last_draw_never_saw_is_read_out_at_once(sigma_last, passes):
    from microdsd.models.plan import WalkPlan

    assert WalkPlan.of(MODELS["2D"]().card, 6, sigma_last).passes == passes


def test_walks_without_a_redraw_are_drawn_at_once():
    from microdsd.models.plan import WalkPlan

    card = MODELS["2D"]().card
    assert [WalkPlan.of(card, number).passes for number in (4, 5, 6, 7)] == [0, 0, 4, 4]


def test_large_boxes_are_drawn_in_passes(monkeypatch):
    from microdsd.generation import batches

    model = MODELS["octaves"]()
    monkeypatch.setattr(batches, "LARGE_BOX", 100)
    made = model.sample(2, rng=0)
    plain = octave_model().sample(2, rng=0, evaluations=6)
    assert [(labels == 0).sum() for labels in made.values] == [
        (labels == 0).sum() for labels in plain.values
    ]
    assert not np.array_equal(made.values, plain.values)
    assert np.array_equal(model.sample(1, rng=0).values[0], made.values[0])
