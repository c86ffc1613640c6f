"""Volumes made by models of slices: exact in 3D, whatever else is asked of them."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_models import in_passes, octave_model, tiny_card, tiny_model, tiny_network

from microdsd.errors import InputError
from microdsd.generation.batches import BATCH_VOXELS
from microdsd.generation.memory import bytes_of_volume
from microdsd.generation.microstructure_model import MicrostructureModel
from microdsd.generation.request import GenerationRequest
from microdsd.generation.sweep import sample_sweep
from microdsd.generation.volumes import model_for
from microdsd.generation.workers import ModelOfWorkers, make_sample, number_of_tiles
from microdsd.microstructure.canvas import holding_planes
from microdsd.microstructure.voxels import voxel_size_of
from microdsd.models.card_schema import card_from_json
from microdsd.models.volume_walk import VolumeWalk, uncalibrated
from microdsd.models.walk_back import WalkBack
from microdsd.networks.slices import SliceReading
from microdsd.sampling.guidance import descend

SHAPE = (7, 9, 8)
WALK = VolumeWalk(4, 10.0, 0.6, (), SliceReading((0.6, 0.4), 1.1))


def volumes(phases=2, **changes):
    card = tiny_card(2, phases, symmetry="isotropic", volumes=WALK, **changes)
    return MicrostructureModel(
        tiny_network(2, card.network.species), card, device="cpu", precision="float32"
    )


@pytest.mark.parametrize("phases", [2, 3])
@pytest.mark.parametrize("boundary", ["no-flux", ("periodic", "no-flux", "periodic")])
def test_three_numbers_make_a_volume_with_exact_counts(phases, boundary):
    fractions = {"pore": 0.3} if phases == 2 else {"pore": 0.3, "solid": 0.2}
    new = volumes(phases).sample(2, shape=SHAPE, phase_fraction=fractions, boundary=boundary, rng=0)
    assert new.dims == ("sample", "z", "y", "x")
    assert new.shape == (2, *SHAPE)
    assert voxel_size_of(new).size[-3:] == pytest.approx((2e-6,) * 3)
    assert [(one == 0).sum() for one in new.values] == [round(0.3 * 504)] * 2
    record = json.loads(new.attrs["provenance"])
    assert [len(one["model"]) for one in record["training"]["slices"].values()] == [16] * 3
    assert "connected in 3D is inferred" in record["notes"][0]


MODEL = volumes()


def drawn_in_passes(phases=2):
    """A model of slices with a last draw, whose volumes are not calibrated."""
    return in_passes(tiny_model(2, phases, symmetry="isotropic"))


@pytest.mark.parametrize("phases", [2, 3])
def test_a_last_draw_of_slices_is_one_of_volumes(phases):
    model = drawn_in_passes(phases)
    card = model.of_axes(3).card
    assert card.volumes == uncalibrated(last_draw=True)
    assert card.walks[0].passes == 8
    asked = {"pore": 0.3, "solid": 0.25} if phases == 3 else {"pore": 0.3}
    new = model.sample(2, shape=(6, 7, 5), phase_fraction=asked, evaluations=6, rng=0)
    assert [(one == 0).sum() for one in new.values] == [63] * 2
    alone = model.sample(1, shape=(6, 7, 5), phase_fraction=asked, evaluations=6, rng=0)
    assert (alone.values[0] == new.values[0]).all()
    at_once = replace(card.volumes, passes=0)
    without = MicrostructureModel.from_slices(dict.fromkeys("zyx", model), walk=at_once)
    others = without.sample(2, shape=(6, 7, 5), phase_fraction=asked, evaluations=6, rng=0)
    assert (others.values != new.values).any()


def test_known_planes_and_regions_are_exact_when_slices_are_drawn_in_passes():
    model = drawn_in_passes()
    top = np.random.default_rng(0).integers(0, 2, (7, 5))
    box, unknown = holding_planes((6, 7, 5), [("z", 0, top)])
    new = model.inpaint(box, unknown, phase_fraction={"pore": 0.4}, evaluations=6, rng=0).values
    assert (new[0, 0] == top).all()
    assert (new[0] == 0).sum() == 84
    halves = {"pore": np.array([0.2, 0.6]).reshape(2, 1, 1)}
    layers = model.sample_regions(halves, shape=(6, 5, 4), evaluations=6)
    assert [(part == 0).sum() for part in (layers[0, :3], layers[0, 3:])] == [12, 36]


def test_volumes_are_drawn_at_once_where_one_direction_has_no_last_draw():
    mixed = {"z": tiny_model(symmetry="isotropic"), "y": drawn_in_passes(), "x": drawn_in_passes()}
    model = MicrostructureModel.from_slices(mixed)
    assert model.card.volumes == uncalibrated(last_draw=False)
    assert model.card.last_draw is None
    assert model.network.last_draw is None


@settings(max_examples=8, deadline=None)
@given(st.tuples(*[st.integers(4, 8)] * 3), st.floats(0.0, 1.0), st.booleans())
def test_counts_are_exact_in_boxes_of_any_size(shape, fraction, periodic):
    count = round(fraction * np.prod(shape))
    new = MODEL.sample(
        phase_fraction={"pore": count / np.prod(shape)},
        shape=shape,
        boundary="periodic" if periodic else "no-flux",
        evaluations=2,
        rng=1,
    )
    assert int((new == 0).sum()) == count


def test_samples_do_not_depend_on_the_batch(monkeypatch):
    together = MODEL.sample(3, shape=SHAPE, rng=3).values
    monkeypatch.setitem(BATCH_VOXELS, "cpu", 1)
    assert (MODEL.sample(3, shape=SHAPE, rng=3).values == together).all()
    assert (together[0] != together[1]).any()


def test_measured_planes_stay_as_they_are():
    rng = np.random.default_rng(0)
    top, side = rng.integers(0, 2, (9, 8)), rng.integers(0, 2, (7, 8))
    side[0] = top[4]
    box, unknown = holding_planes(SHAPE, [("z", 0, top), ("y", 4, side)])
    new = MODEL.inpaint(box, unknown, 2, phase_fraction={"pore": 0.4}, rng=0).values
    assert (new[:, 0] == top).all()
    assert (new[:, :, 4] == side).all()
    assert [(one == 0).sum() for one in new] == [round(0.4 * 504)] * 2


def test_planes_that_do_not_fit_are_refused():
    plane = np.zeros((9, 8), int)
    for planes, why in (
        ([("y", 0, plane)], r"does not fit a volume of \(7, 9, 8\); planes normal to y have"),
        ([("z", 7, plane)], "at 0 to 6"),
        ([("z", 0, plane), ("y", 0, np.ones((7, 8), int))], "on 8 voxels where they cross"),
    ):
        with pytest.raises(InputError, match=why):
            holding_planes(SHAPE, planes)
    with pytest.raises(InputError, match="is no volume"):
        holding_planes((9, 8), [("z", 0, plane)])


def test_regions_guides_sweeps_and_trajectories():
    layers = MODEL.sample_regions({"pore": np.array([0.2, 0.6]).reshape(2, 1, 1)}, shape=(6, 5, 4))
    assert [(part == 0).sum() for part in (layers[0, :3], layers[0, 3:])] == [12, 36]
    guide = descend(lambda expected: expected[:, 1].square().sum(), 2.0)
    guided = MODEL.sample(shape=SHAPE, phase_fraction=0.3, guide=guide, rng=0).values
    assert (guided == 0).sum() == round(0.3 * 504)
    series = sample_sweep(MODEL, {"pore": [0.2, 0.4]}, shape=(5, 5, 4), paired=True, rng=0)
    assert [(one == 0).sum() for one in series.values] == [20, 40]
    model = MODEL.of_axes(3)
    request = GenerationRequest.resolve(model.card, 1, shape=SHAPE, rng=0)
    states, labels = model.trajectory(request)
    assert {state.shape for _, state in states} == {(1, *SHAPE)}
    assert labels.shape == SHAPE


@pytest.mark.parametrize("phases", [2, 3])
def test_octaves_of_a_model_of_slices_are_those_of_its_volumes(phases):
    model = octave_model(2, phases, symmetry="isotropic")
    seen = set()
    hooks = [
        octave.register_forward_pre_hook(lambda _, args: seen.add(args[2].lattice.block))
        for octave in model.network.octaves
    ]
    fractions = {"pore": 0.3} if phases == 2 else {"pore": 0.3, "solid": 0.2}
    new = model.sample(shape=(9, 8, 7), phase_fraction=fractions, evaluations=6, rng=0)
    for hook in hooks:
        hook.remove()
    assert int((new == 0).sum()) == round(0.3 * 504)
    assert seen <= {1, 2}


def test_classes_go_by_sample_or_by_direction():
    model = octave_model(classes=("top", "side"), octaves=(), symmetry="isotropic")
    one = model.sample(shape=SHAPE, class_name="top", evaluations=4, rng=0)
    assert one.shape == (1, *SHAPE)
    by_direction = MicrostructureModel.from_slices(
        dict.fromkeys("zyx", model), {"z": "top", "y": "side", "x": "side"}
    )
    assert by_direction.card.classes == {}
    other = by_direction.sample(shape=SHAPE, evaluations=4, rng=0)
    assert (one.values != other.values).any()


def test_a_cut_of_a_layered_material_does_not_stand_for_the_others():
    for symmetry in ("none", "transverse"):
        model = tiny_model(2, symmetry=symmetry)
        with pytest.raises(InputError, match=r"symmetry is .*one cut does not say.*--slices"):
            model.sample(shape=SHAPE)
    stated = MicrostructureModel.from_slices(dict.fromkeys("zyx", tiny_model(2)))
    assert stated.sample(shape=SHAPE, evaluations=3, rng=0).shape == (1, *SHAPE)


def of(**changes):
    return tiny_model(2, **changes)


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (lambda: of(phases={0: "pore", 2: "solid"}, background=2), "differ in their phases"),
        (lambda: of(background=0), "differ in their background"),
        (lambda: of(voxel_size=(2e-6, 3e-6)), r"along x the pixels .* 2e-06 and 3e-06 m long"),
        (lambda: of(unit="voxel"), "differ in their unit of the pixels"),
        (lambda: octave_model(), "differ in their octaves"),
        (lambda: tiny_model(3), "the model of y is 3D; give one of slices"),
    ],
)
def test_models_that_contradict_one_another_are_refused_by_name(other, why):
    with pytest.raises(InputError, match=why):
        MicrostructureModel.from_slices({"z": of(), "y": other(), "x": of()})


def test_directions_are_named_once_each():
    with pytest.raises(InputError, match="given for z, y; give one model"):
        MicrostructureModel.from_slices({"z": of(), "y": of()})
    with pytest.raises(InputError, match="classes: given for z"):
        MicrostructureModel.from_slices(dict.fromkeys("zyx", of()), {"z": "top"})
    with pytest.raises(InputError, match="'bottom' is no class of the model; it has none"):
        MicrostructureModel.from_slices(dict.fromkeys("zyx", of()), dict.fromkeys("zyx", "bottom"))


def test_files_are_named_by_direction(tmp_path):
    first, second = tmp_path / "top.model", tmp_path / "side.model"
    of().save(first)
    of(sigma_max=12.0, walks=(WalkBack(3, 12.0, 0.6),)).save(second)
    model = model_for(first, 3, {"y": str(second), "x": str(second)}, "cpu", "float32")
    assert model.card.sigma_max == 12.0
    assert model_for(first, 2, None, "cpu").card.window == (12, 10)
    made_of = model.card.provenance["slices"]
    assert made_of["y"] == made_of["x"] != made_of["z"]
    with pytest.raises(InputError, match="'w' is no axis"):
        model_for(first, 3, {"w": str(second)})
    with pytest.raises(InputError, match="volumes from slices have no file"):
        model.save(tmp_path / "volume.model")


def test_workers_make_the_same_volumes(tmp_path):
    first, second = tmp_path / "top.model", tmp_path / "side.model"
    of().save(first)
    of(sigma_max=12.0, walks=(WalkBack(3, 12.0, 0.6),)).save(second)
    slices = {"y": str(second), "x": str(second)}
    model = model_for(first, 3, slices, "cpu", "float32")
    request = GenerationRequest.resolve(model.card, 2, shape=SHAPE, evaluations=3, rng=0)
    sent = ModelOfWorkers.of(model, first, slices)
    assert sent.load().digest() == model.digest()
    labels, _ = make_sample(sent, request.part(range(1, 2)))
    assert (labels == list(model.generate(request))[1][0]).all()
    assert number_of_tiles(model, request) == 1


def test_cards_keep_how_volumes_are_made():
    card = tiny_card(2, symmetry="isotropic", volumes=WALK)
    assert card_from_json(card.to_json()).volumes == WALK
    assert '"passes"' not in json.dumps(json.loads(card.to_json())["volumes"])  # as before
    assert '"fused"' not in card.to_json()
    assert '"volumes"' not in tiny_card(2).to_json()  # files of earlier models stay as they were
    assert MODEL.of_axes(3).card.walks[0].sharpness == (1.0,)
    assert MODEL.of_axes(3).card.volumes == WALK
    plain = tiny_model(2, symmetry="isotropic").of_axes(3).card
    assert plain.volumes == uncalibrated(last_draw=False)
    assert plain.walks[0].first == plain.sigma_max


def test_memory_is_that_of_the_volume_and_of_few_slices():
    network = tiny_card(2, network=volumes().card.network).network
    each = (bytes_of_volume(n**3, n * n, network) / n**3 for n in (64, 256))
    small, large = each
    assert large < small < 2 * large + 1000
