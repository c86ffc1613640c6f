"""Models that are told of properties of their windows: what they learn from, and go on from."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from microdsd import InputError, MicrostructureModel, TrainingConfig, fit
from microdsd.encoding.scan import number_of_windows
from microdsd.fitting import material, property_windows
from microdsd.fitting.property_windows import PropertyWindows, cached
from microdsd.fitting.run import TrainingRun
from microdsd.fitting.start import start_octaves
from microdsd.microstructure import as_microstructure
from microdsd.networks.build import without_last_draw
from microdsd.networks.octaves import OctaveUNets
from microdsd.networks.unet import PotentialUNet, UNetConfig
from microdsd.properties import measure

NAMES = ["specific_surface_area", "euler_density:solid"]
SIZE = {"widths": (4, 8), "blocks": (1, 1), "embedding": 8}
OPTIONS = {"window": 16, "evaluations": 4, "device": "cpu"}


@pytest.fixture(autouse=True)
def few_windows(monkeypatch, tmp_path):
    """Of few windows, each measured; what is measured is kept in a folder of the test."""
    monkeypatch.setattr(material, "number_to_measure", lambda properties, ndim: 40)
    monkeypatch.setattr(material, "PROPERTY_WINDOWS", 40)
    monkeypatch.setenv("MICRODSD_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def scan():
    field = np.random.default_rng(0).normal(size=(96, 64))
    for axis in (0, 1):
        field = field + np.roll(field, 1, axis) + np.roll(field, 2, axis)
    labels = (field > 0.6 * field.std()).astype(int)
    return as_microstructure(1 - labels, phases={0: "pore", 1: "solid"})


def run(scan, steps=3, conditions=NAMES, **options):
    config = TrainingConfig(steps=steps, batch=4, validations=1)
    return TrainingRun(
        scan, config, conditions=conditions, network_size=SIZE, **{**OPTIONS, **options}
    )


def test_windows_come_with_their_own_properties(scan):
    """What the network is told of a window is what `measure` finds in it."""
    known = run(scan).material.known
    windows, classes, values = known.draw(12, np.random.default_rng(1))
    stack = as_microstructure(windows, phases={0: "pore", 1: "solid"}, ensemble=True)
    np.testing.assert_allclose(values, measure(stack, NAMES))
    assert set(classes) == {0}
    share, _, of_share = known.draw(12, np.random.default_rng(1), slice(4, 8))
    assert np.array_equal(share, windows[4:8])
    assert np.array_equal(of_share, values[4:8])


def test_a_fitted_model_knows_its_properties(scan):
    model = fit(
        scan,
        TrainingConfig(steps=3, batch=4, validations=1),
        conditions=NAMES,
        network_size=SIZE,
        **OPTIONS,
    )
    known = model.card.properties
    assert known.names == tuple(NAMES)
    assert len(known.windows.values) == 40
    assert len(known.free.values) > 0
    value = float(np.median(np.array(known.windows.values)[:, 0]))
    new = model.sample(2, targets={NAMES[0]: value}, rng=0, extrapolate=True)
    assert len(new) == 2


def test_the_last_draw_is_validated_by_a_read_out_that_knows_the_properties(scan, monkeypatch):
    """In training it knows them, too: the recorded gain is over the same read-out."""
    given = []
    joint = PotentialUNet.joint

    def recorded(network, *arguments):
        given.append(arguments[-1])
        return joint(network, *arguments)

    monkeypatch.setattr(PotentialUNet, "joint", recorded)
    training = run(scan)
    given.clear()
    for record in training.last_draw.records():
        if record.gains:
            break
    held_back, _ = training.material.held_back.evenly(
        number_of_windows((16, 16)), np.random.default_rng([training.config.seed, 4])
    )
    stack = as_microstructure(held_back, phases={0: "pore", 1: "solid"}, ensemble=True)
    scores = training.material.properties.scores(measure(stack, NAMES))
    np.testing.assert_allclose(given[-1], scores[: len(given[-1])])


def test_training_stops_and_goes_on_to_the_same_model(scan, tmp_path):
    whole, first, second = run(scan, 6), run(scan, 6), run(scan, 6)
    for _ in whole.records():
        pass
    records = first.records()
    for _ in range(3):
        next(records)
    first.save_state(tmp_path / "state")
    second.restore(tmp_path / "state")
    for _ in second.records():
        pass
    for name, weight in whole.trainer.averaged.state_dict().items():
        assert torch.equal(weight, second.trainer.averaged.state_dict()[name]), name


def test_a_free_model_goes_on_as_one_that_is_told(scan, tmp_path):
    """Before the first step the network says what it said; only its inputs are more."""
    free = fit(scan, TrainingConfig(steps=3, batch=4, validations=1), network_size=SIZE, **OPTIONS)
    config = TrainingConfig(steps=3, batch=4, validations=1)
    told = TrainingRun(scan, config, conditions=NAMES[:1], start_from=free, **OPTIONS)
    weights = told.trainer.network.state_dict()
    trained = without_last_draw(free.network.state_dict())
    for name, weight in trained.items():
        new = weights[name]
        assert torch.equal(new[:, : weight.shape[1]] if weight.ndim > 1 else new, weight), name
    extra = {n: w for n, w in weights.items() if w.shape != trained[n].shape}
    assert len(extra) == 1
    (added,) = extra.values()
    assert not added[:, -2:].any()
    free.save(tmp_path / "free.model")
    assert MicrostructureModel.load(tmp_path / "free.model").card.properties is None


def test_a_told_model_goes_on_with_the_same_properties_alone(scan):
    told = fit(
        scan,
        TrainingConfig(steps=2, batch=4, validations=1),
        conditions=NAMES[:1],
        network_size=SIZE,
        **OPTIONS,
    )
    config = TrainingConfig(steps=2, batch=4, validations=1)
    TrainingRun(scan, config, conditions=NAMES[:1], start_from=told, **OPTIONS)
    with pytest.raises(InputError, match="that model is told of specific_surface_area"):
        TrainingRun(scan, config, conditions=NAMES, start_from=told, **OPTIONS)


def test_only_the_inputs_of_new_properties_are_new_and_have_weight_0():
    config = UNetConfig(ndim=2, species=1, **SIZE)
    free = PotentialUNet(config)
    told = OctaveUNets(replace(config, properties=2), octaves=2)
    start_octaves(free, told)
    for network in told.octaves:
        for name, weight in network.state_dict().items():
            known = free.state_dict()[name]
            start = tuple(slice(n) for n in known.shape)
            assert torch.equal(weight[start], known)
            weight[start] = 0
            assert not weight.any()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"conditions": ["surface"]}, "there is no 'surface'"),
        ({"conditions": [NAMES[0], f"{NAMES[0]}:pore"]}, "name each once"),
        ({"conditions": ["triple_phase_boundary"]}, "not measured in 2D"),
        ({"conditions": NAMES, "method": "tau-leaping"}, "need a model of bridges"),
        ({"conditions": ["phase_fraction:pore"]}, "decided by the composition"),
        ({"conditions": NAMES[:1], "window": (96, 64), "validation": 0}, "in all"),
        ({"conditions": NAMES, "for_volumes": True, "symmetry": "isotropic"}, "for_volumes"),
    ],
)
def test_what_cannot_be_learned_is_refused(scan, options, words):
    with pytest.raises(InputError, match=words):
        run(scan, **options)


def test_a_property_that_windows_lack_is_refused():
    """Walls of solid: no pore space leads through."""
    labels = np.ones((96, 64), int)
    labels[::4, 3:60:7] = 0
    scan = as_microstructure(labels, phases={0: "pore", 1: "solid"})
    with pytest.raises(InputError, match="0 of 40 training windows have a tortuosity_factor"):
        run(scan, conditions=["tortuosity_factor:pore:y"])


def test_what_was_measured_is_kept_and_a_damaged_file_is_made_anew(tmp_path):
    calls = []

    def make():
        calls.append(1)
        return np.arange(3.0)

    for _ in range(2):
        assert cached({"windows": 3}, make).tolist() == [0, 1, 2]
    assert len(calls) == 1
    (file,) = (tmp_path / "cache" / "properties").iterdir()
    file.write_bytes(b"no array")
    assert cached({"windows": 3}, make).tolist() == [0, 1, 2]
    assert cached({"windows": 4}, make).tolist() == [0, 1, 2]
    assert len(calls) == 3


def test_what_was_measured_with_other_voxels_or_names_is_not_taken(scan):
    """The labels are the same; their lengths, and what is called pore, are not."""
    values = run(scan).material.known.values
    large = as_microstructure(scan.values, phases={0: "pore", 1: "solid"}, voxel_size=2e-6)
    of_large = run(large).material.known.values
    np.testing.assert_allclose(of_large[:, 0], values[:, 0] / 2e-6)
    swapped = as_microstructure(scan.values, phases={0: "solid", 1: "pore"})
    of_swapped = run(swapped).material.known.values
    assert not np.allclose(of_swapped[:, 1], values[:, 1])


def test_where_nothing_can_be_kept_work_goes_on(monkeypatch):
    monkeypatch.setenv("MICRODSD_CACHE", "/dev/null/nowhere")
    assert cached({}, lambda: np.ones(2)).tolist() == [1, 1]


def test_transport_is_measured_in_fewer_windows():
    from microdsd.properties import Property

    numbers = [
        property_windows.number_to_measure([Property(name, "pore")], ndim)
        for ndim in (2, 3)
        for name in ("euler_density", "tortuosity_factor")
    ]
    assert numbers == [4096, 2048, 2048, 1024]


def test_windows_are_read_when_they_are_needed(scan):
    """Places are chosen once; the same numbers give the same windows."""
    known: PropertyWindows = run(scan).material.known
    first, _ = known.read([3, 5])
    again, _ = known.read([5, 3])
    assert np.array_equal(first, again[::-1])
