"""The facade with untrained models: composition, seeds and files do not need a good network."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_models import tiny_card, tiny_model, tiny_network

from microdsd.device import resolve_device
from microdsd.device.precision import DTYPES, Precision, resolve_dtype
from microdsd.errors import CheckpointError, DataFileError, InputError
from microdsd.generation import batches as batched_sampler
from microdsd.generation import microstructure_model as model_module
from microdsd.generation.microstructure_model import MicrostructureModel
from microdsd.generation.request import GenerationRequest
from microdsd.microstructure import (
    check_microstructure,
    phases_of,
    provenance_of,
    voxel_size_of,
)
from microdsd.models import list_models, model_path
from microdsd.models.files import pack_model
from microdsd.models.walk_back import WalkBack

MODELS = {(ndim, phases): tiny_model(ndim, phases) for ndim in (2, 3) for phases in (2, 3)}


def assert_same_samples(first, second):
    np.testing.assert_array_equal(first, second)
    assert first.coords.identical(second.coords)
    assert json.loads(first.attrs["provenance"]) == json.loads(second.attrs["provenance"])


@st.composite
def requests(draw):
    """A model, and a box and composition of any kind for it."""
    ndim, phases = draw(st.sampled_from(list(MODELS)))
    shape = draw(st.lists(st.integers(4, 11), min_size=ndim, max_size=ndim))
    boundary = draw(st.sampled_from(["no-flux", "periodic"]))
    weights = draw(
        st.lists(st.sampled_from([0.0, 0.001, 0.3, 1.0]), min_size=phases, max_size=phases)
    )
    weights[draw(st.integers(0, phases - 1))] += 0.5
    fractions = {k: w / sum(weights) for k, w in enumerate(weights)}
    return MODELS[ndim, phases], tuple(shape), boundary, fractions


@settings(max_examples=40)
@given(requests(), st.integers(2, 4), st.integers(0, 2**53 - 1))
def test_counts_are_exact_for_any_request(asked, evaluations, seed):
    model, shape, boundary, fractions = asked
    made = model.sample(
        2,
        phase_fraction=fractions,
        shape=shape,
        boundary=boundary,
        evaluations=evaluations,
        rng=seed,
    )
    check_microstructure(made)
    assert made.shape == (2, *shape)
    n_sites = math.prod(shape)
    recorded = json.loads(made.attrs["provenance"])["requested_counts"]
    for label, name in model.card.phases.items():
        counts = (made.values == label).reshape(2, -1).sum(1)
        assert counts.tolist() == recorded[name]
        assert (np.abs(counts - fractions[label] * n_sites) < 1).all()


@pytest.mark.parametrize("phases", [2, 3])
@pytest.mark.parametrize("pure", [0, 1])
def test_a_box_of_one_phase(phases, pure):
    made = MODELS[2, phases].sample(
        phase_fraction={k: float(k == pure) for k in range(phases)}, rng=0
    )
    assert (made.values == pure).all()


def test_labels_are_those_of_the_phases():
    model = tiny_model(phases={40: "pore", 255: "solid"}, background=255)
    made = model.sample(phase_fraction={"pore": 0.25}, rng=0)
    assert sorted(np.unique(made.values)) == [40, 255]
    assert int((made == 40).sum()) == 30
    assert phases_of(made) == {40: "pore", 255: "solid"}


def test_the_voxel_size_is_the_model_s():
    assert voxel_size_of(MODELS[2, 2].sample(rng=0)).unit == "m"
    assert voxel_size_of(MODELS[2, 2].sample(rng=0)).size == (2e-6, 2e-6)
    assert (
        voxel_size_of(tiny_model(unit="voxel", voxel_size=(1.0, 1.0)).sample(rng=0)).unit == "voxel"
    )


@pytest.mark.parametrize("boundary", ["no-flux", "periodic"])
def test_sample_i_depends_on_the_seed_and_i_alone(monkeypatch, boundary):
    """Not on how many there are, how they are batched, or where the run starts."""
    model, options = MODELS[2, 3], {"boundary": boundary, "shape": (9, 12), "rng": 4}
    seven = model.sample(7, **options).values
    np.testing.assert_array_equal(model.sample(3, **options), seven[:3])
    for batch_voxels in (1, 2 * 9 * 12, 5 * 9 * 12):
        monkeypatch.setitem(batched_sampler.BATCH_VOXELS, "cpu", batch_voxels)
        np.testing.assert_array_equal(model.sample(7, **options), seven)
    request = GenerationRequest.resolve(model.card, 7, **options)
    for start in (0, 2, 6, 7):
        rest = [labels for labels, _ in model.generate(request, start=start)]
        assert len(rest) == 7 - start
        for labels, expected in zip(rest, seven[start:], strict=True):
            np.testing.assert_array_equal(labels, expected)


def test_a_composition_of_one_s_own_does_not_disturb_the_others():
    model = MODELS[2, 2]
    together = model.sample(3, phase_fraction={"pore": [0.2, 0.5, 0.3]}, rng=1).values
    others = model.sample(3, phase_fraction={"pore": [0.2, 0.4, 0.3]}, rng=1).values
    np.testing.assert_array_equal(together[[0, 2]], others[[0, 2]])
    assert (together[1] != others[1]).any()


def test_seeds():
    model = MODELS[2, 2]
    zero = model.sample(2, rng=0).values
    np.testing.assert_array_equal(model.sample(2, rng=0), zero)
    assert (zero[0] != zero[1]).any()
    assert (model.sample(2, rng=1).values != zero).any()
    assert (model.sample(2).values != model.sample(2).values).any()
    drawn = model.sample(2, rng=np.random.default_rng(3)).values
    np.testing.assert_array_equal(model.sample(2, rng=np.random.default_rng(3)), drawn)


def test_the_global_generators_are_left_alone():
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002
    expected = torch.rand(1), np.random.rand()  # noqa: NPY002
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002
    MODELS[2, 2].sample(rng=None)
    assert (torch.rand(1), np.random.rand()) == expected  # noqa: NPY002


@pytest.mark.parametrize(
    "options",
    [
        {
            "shape": (9, 14),
            "boundary": ("periodic", "no-flux"),
            "evaluations": 5,
            "sigma_last": 0.7654321,
        },
        {"phase_fraction": {"pore": [0.123456789, 0.5]}},
        {},
    ],
)
def test_samples_can_be_made_again_from_their_provenance(options):
    model = MODELS[2, 2]
    made = model.sample(2, rng=None, **options)
    told = json.loads(made.attrs["provenance"])
    again = model.sample(
        told["samples"],
        phase_fraction=told["requested_fractions"],
        shape=told["shape"],
        boundary=told["boundary"],
        evaluations=told["evaluations"],
        sigma_last=told["levels"][-1],
        rng=told["seed"],
    )
    assert_same_samples(again, made)


def test_provenance_is_complete():
    model = MODELS[2, 2]
    made = model.sample(2, phase_fraction={"pore": 0.9}, shape=(12, 16), evaluations=7, rng=0)
    told = json.loads(made.attrs["provenance"])
    assert told["generator"].startswith("microdsd ")
    assert told["model_digest"] == model.digest()
    assert told["training"] == model.card.provenance
    assert told["precision"] == "float32"
    assert len(told["levels"]) + len(told["redraws"]) == told["evaluations"] == 7
    assert len(told["reassigned"]) == 2
    assert told["requested_counts"] == {"pore": [173, 173], "solid": [19, 19]}
    assert len(told["notes"]) == 2
    assert "extrapolation" in told["notes"][0]


@pytest.mark.parametrize(("ndim", "phases"), MODELS)
def test_walks_keep_the_counts_at_every_level(ndim, phases):
    model = MODELS[ndim, phases]
    request = GenerationRequest.resolve(model.card, 3, evaluations=6, rng=5)
    states, labels = model.trajectory(request, 1)
    assert [sigma for sigma, _ in states] == [*request.plan.levels, *request.plan.redraws]
    for _, occupation in states:
        assert occupation.shape == (phases - 1, *model.card.window)
        species = [k for k in sorted(model.card.phases) if k != model.card.contents.background]
        assert occupation.reshape(phases - 1, -1).sum(1).tolist() == [
            request.composition.whole[1, k] for k in species
        ]
    np.testing.assert_array_equal(labels, list(model.generate(request))[1][0])


def test_evaluations_are_told():
    model, told = MODELS[2, 2], []
    request = GenerationRequest.resolve(model.card, 4, evaluations=6, rng=0)
    list(model.generate(request, progress=lambda *state: told.append(state[:2])))
    assert told[-1] == (24, 24)
    assert told == sorted(told)
    told.clear()
    list(model.generate(request, start=3, progress=lambda *state: told.append(state[:2])))
    assert told == [(19 + i, 24) for i in range(6)]


def test_a_walk_set_by_hand(tmp_path):
    model = tiny_model()
    (calibrated,) = model.card.walks
    by_hand = WalkBack(6, 9.0, 0.4, (1.1,))
    other = model.with_walk(by_hand)
    assert other.card.walk(6) == by_hand
    assert other.card.walk(3) == replace(calibrated, sharpness=(1.0,))
    assert model.card.walks == (calibrated,)
    assert other.with_walk(replace(by_hand, last=0.5)).card.walk(6).last == 0.5
    other.save(tmp_path / "m.model")
    assert MicrostructureModel.load(tmp_path / "m.model", "cpu").card.walk(6) == by_hand

    made = other.sample(1, phase_fraction={"pore": 0.3}, evaluations=6, rng=0)
    assert (made == 0).sum() == 36


@pytest.mark.parametrize(
    ("walk", "named"),
    [
        (WalkBack(0, 9.0, 0.4, (1.0,)), "evaluations=0"),
        (WalkBack(6, 14.0, 0.4, (1.0,)), "from 14 to 0.4"),
        (WalkBack(6, 9.0, 0.2, (1.0,)), "down to 0.3"),
        (WalkBack(6, 0.5, 0.6, (1.0,)), "goes down"),
        (WalkBack(6, 9.0, 0.4), "1 positive exponents"),
        (WalkBack(6, 9.0, 0.4, (0.0,)), "positive"),
        (WalkBack(6, 9.0, 0.4, (1.0,), 1.2), "temperature=1.2"),
    ],
)
def test_walks_that_the_model_cannot_go(walk, named):
    with pytest.raises(InputError, match=named):
        tiny_model().with_walk(walk)


def test_saved_and_loaded(tmp_path):
    model, path = tiny_model(phases=3), tmp_path / "a.model"
    model.save(path)
    loaded = MicrostructureModel.load(path, device="cpu", precision="float32")
    assert loaded.card == model.card
    assert loaded.digest() == model.digest()
    assert_same_samples(loaded.sample(2, rng=0), model.sample(2, rng=0))


def test_saving_does_not_overwrite_unless_told(tmp_path):
    path = tmp_path / "a.model"
    MODELS[2, 2].save(path)
    with pytest.raises(DataFileError, match="overwrite"):
        MODELS[2, 3].save(path)
    assert MicrostructureModel.load(path).digest() == MODELS[2, 2].digest()
    MODELS[2, 3].save(path, overwrite=True)
    assert MicrostructureModel.load(path).digest() == MODELS[2, 3].digest()
    assert [p.name for p in tmp_path.iterdir()] == ["a.model"]


@pytest.mark.parametrize("change", ["missing", "extra", "shape"])
def test_weights_that_are_not_the_card_s(tmp_path, change):
    weights = dict(tiny_network().state_dict())
    if change == "missing":
        del weights["head.conv.weight"]
    elif change == "extra":
        weights["tail"] = torch.zeros(1)
    else:
        weights["head.conv.weight"] = torch.zeros(7)
    path = tmp_path / "a.model"
    path.write_bytes(pack_model(weights, tiny_card()))
    with pytest.raises(CheckpointError, match=r"a\.model: .*weights"):
        MicrostructureModel.load(path)


def test_digests_tell_models_apart():
    assert tiny_model().digest() == tiny_model().digest()
    assert tiny_model(evaluations=4).digest() != tiny_model().digest()


def test_the_digest_is_computed_once(monkeypatch):
    model = tiny_model()
    digest = model.digest()
    monkeypatch.setattr(model_module, "pack_model", None)
    assert model.digest() == digest


def test_threads_are_measured_once(monkeypatch):
    model = tiny_model()
    measured = []

    def measure(work, device, dtype):
        work()
        measured.append(dtype)
        return 1

    monkeypatch.setattr(batched_sampler, "fastest_threads", measure)
    model.sample(rng=0)
    model.sample(rng=1)
    assert measured == ["float32"]


def test_bfloat16_touches_the_network_alone():
    """The composition is exact, and the bridge's products are those of float32."""
    model = tiny_model().with_precision("bfloat16")
    made = model.sample(3, phase_fraction={"pore": 0.3}, rng=0)
    assert (made == 0).sum(("y", "x")).values.tolist() == [36] * 3
    assert not torch.is_autocast_enabled("cpu")


@pytest.mark.parametrize("dtype", DTYPES)
def test_samples_do_not_depend_on_the_number_of_threads(dtype):
    """Of a real network, large enough that torch shares its work out."""
    model = MicrostructureModel.load("berea-2d", device="cpu")
    made = []
    for threads in (1, 2):
        model._sampler.precision = Precision(dtype, threads)
        made.append(model.sample(shape=(64, 64), evaluations=2, rng=1).values)
    np.testing.assert_array_equal(*made)


def test_a_model_that_is_not_there():
    with pytest.raises(DataFileError, match="'nowhere': no such file; models that ship"):
        model_path("nowhere")
    with pytest.raises(DataFileError, match="no such file"):
        MicrostructureModel.load("folder/nowhere.model")


def test_shipped_models_are_listed_and_load():
    for listed in list_models():
        model = MicrostructureModel.load(listed.name, device="cpu")
        assert listed.ndim == len(model.card.window)
        assert set(listed.fraction_range) == set(listed.phases)
        assert json.loads(json.dumps(listed.to_dict()))["ndim"] == listed.ndim


def test_devices():
    assert resolve_device("cpu").type == "cpu"
    assert resolve_device(None).type in ("cpu", "cuda")
    for device in ("cuda:99", "toaster"):
        with pytest.raises(InputError, match=f"device='{device}': not available here"):
            resolve_device(device)


def test_the_precision_can_be_chosen_and_is_recorded(tmp_path):
    path = tmp_path / "a.model"
    tiny_model().save(path)
    for precision in DTYPES:
        model = MicrostructureModel.load(path, "cpu", precision=precision)
        assert model.precision == precision
        assert provenance_of(model.sample(1, rng=0))["precision"] == precision
        walked = model.with_walk(WalkBack(6, 9.0, 0.4, (1.0,)))
        assert (walked.precision, walked.precision_chosen) == (precision, True)
    with pytest.raises(InputError, match="precision='double': choose"):
        MicrostructureModel.load(path, precision="double")


def test_a_busy_machine_makes_the_same_samples(monkeypatch):
    """Whatever a stopwatch would say, the same model and seed give the same samples."""
    made = []
    for threads in (1, 2):
        monkeypatch.setattr(batched_sampler, "fastest_threads", lambda *a, n=threads: n)
        model = MicrostructureModel.load("berea-2d", "cpu")
        assert model.precision == resolve_dtype("auto", model.device)
        assert not model.precision_chosen
        made.append(model.sample(2, shape=(32, 32), evaluations=4, rng=5).values)
    np.testing.assert_array_equal(*made)
