"""Training over several lattices: which, on what, how steps are dealt out, and going on exactly."""

import numpy as np
import pytest
import torch

import microdsd
from microdsd.device.precision import Precision
from microdsd.errors import CheckpointError, InputError
from microdsd.fitting import TrainingRun
from microdsd.microstructure.synthetic import blobs
from microdsd.schedule.octaves import octave_levels
from microdsd.training import TrainingConfig
from microdsd.training.octave import StepShares

SCAN = blobs((160, 96), fractions=(0.4, 0.6), scale=3.0, rng=0)
SIZE = {"widths": (4, 8), "blocks": (1, 1), "embedding": 8}


def run_of(steps=6, scan=SCAN, **options):
    settings = {"window": 64, "validation": 0.4, "network_size": SIZE, "device": "cpu", **options}
    config = TrainingConfig(steps=steps, batch=2, validations=2, warmup=2, learning_rate=5e-3)
    run = TrainingRun(scan, config, **settings)
    run.trainer.precision = Precision("float32", 1)
    return run


def weights(run):
    return run.trainer.averaged.state_dict()


def test_octaves_follow_from_window_and_horizon():
    assert octave_levels((48, 48, 48), 46.0) == (4.0,)
    assert octave_levels((64, 200), 62.0) == (4.0, 8.0)
    assert octave_levels((256, 256, 256), 250.0) == (4.0, 8.0, 16.0, 32.0)
    assert octave_levels((256, 256, 256), 20.0) == (4.0, 8.0)
    assert octave_levels((128, 128), 120.0, octaves=2) == (4.0,)
    with pytest.raises(InputError, match=r"octaves=5.*room for 1 to 3"):
        octave_levels((64, 64), 62.0, octaves=5)


def test_each_octave_has_its_window_levels_and_network():
    run = run_of()
    assert run.octaves == (4.0, 8.0)
    assert [task.window for task in run.tasks] == [(64, 64)] * 3
    assert len(run.trainer.network.octaves) == 3
    levels = run.validation_levels
    assert list(levels) == sorted(set(levels))
    assert {0.3, 4.0, 8.0, run.sigma_max} <= set(levels)
    for _ in run.records():
        pass
    assert len(run.gains) == len(levels)
    assert sum(run.trainer.state()[1]["shares"]["steps"]) == 6
    card = run.card()
    assert card.octaves == (4.0, 8.0)
    assert card.validation_levels == levels


def test_crops_tell_the_composition_of_their_window():
    scan = blobs((80, 48, 48), fractions=(0.4, 0.6), scale=3.0, rng=0)
    run = run_of(scan=scan, window=32, validation=0.4)
    assert [task.window for task in run.tasks] == [(32, 32, 32)] * 2
    whole = run.material.draw(3, np.random.default_rng(1), (32, 32, 32))
    parts = run.material.draw(3, np.random.default_rng(1), (8, 16, 32))
    assert parts.occupation.shape == (3, 1, 8, 16, 32)
    torch.testing.assert_close(parts.fractions, whole.fractions)
    assert (parts.occupation.flatten(2).mean(2) != parts.fractions).any()


def test_a_run_goes_on_exactly(tmp_path):
    whole = run_of(steps=8)
    list(whole.records())
    first = run_of(steps=8)
    for record in first.records():
        if record.step == 5:
            break
    first.save_state(tmp_path / "state")
    second = run_of(steps=8)
    second.restore(tmp_path / "state")
    list(second.records())
    assert all(torch.equal(a, weights(second)[k]) for k, a in weights(whole).items())
    other = run_of(steps=8, octaves=2)
    with pytest.raises(CheckpointError, match="octaves"):
        other.restore(tmp_path / "state")


def test_one_lattice_can_be_asked_for_and_too_many_are_refused():
    assert run_of(octaves=1).octaves == ()
    with pytest.raises(InputError, match="octaves=4"):
        run_of(octaves=4)
    with pytest.raises(InputError, match=r"octaves=2.*one lattice"):
        run_of(octaves=2, method="tau-leaping")


def test_fine_tuning_keeps_the_octaves():
    run = run_of(steps=3)
    list(run.records())
    model = microdsd.MicrostructureModel(run.trainer.averaged, run.card(), device="cpu")
    again = run_of(network_size=None, start_from=model)
    assert again.octaves == (4.0, 8.0)
    assert all(torch.equal(a, weights(again)[k]) for k, a in weights(run).items())
    with pytest.raises(InputError, match="octaves=1: start_from keeps the 3"):
        run_of(network_size=None, start_from=model, octaves=1)


def test_a_model_of_one_lattice_goes_on_with_more():
    run = run_of(window=32, octaves=1, steps=3)
    list(run.records())
    model = microdsd.MicrostructureModel(run.trainer.averaged, run.card(), device="cpu")
    more = run_of(network_size=None, start_from=model, octaves=3)
    assert more.octaves == (4.0, 8.0)
    for network in more.trainer.network.octaves:
        started = network.state_dict()
        assert all(torch.equal(weight, started[name]) for name, weight in weights(run).items())
    list(more.records())
    coarse = microdsd.MicrostructureModel(more.trainer.averaged, more.card(), device="cpu")
    last = run_of(network_size=None, start_from=coarse, octaves=3, window=64)
    assert all(torch.equal(a, weights(last)[k]) for k, a in weights(more).items())
    with pytest.raises(InputError, match=r"octaves=5.*room for 1 to 3"):
        run_of(network_size=None, start_from=model, octaves=5)


def test_a_scan_too_short_for_the_window_and_its_validation_is_refused():
    with pytest.raises(InputError, match=r"windows of \(64, 64\) need 64"):
        run_of(scan=SCAN[:100])


def test_steps_go_where_there_is_most_to_gain_and_none_is_left_out():
    shares = StepShares(3)
    for _ in range(30):
        shares.next()
    assert shares.steps == [10, 10, 10]
    shares.learn([0.1, 0.1, 0.1])
    for _ in range(30):
        shares.next()
    shares.learn([0.2, 0.1, 0.1])
    assert shares.shares == pytest.approx([2 / 3, 1 / 6, 1 / 6])
    before = list(shares.steps)
    for _ in range(60):
        shares.next()
    assert [now - then for now, then in zip(shares.steps, before, strict=True)] == [40, 10, 10]
    copy = StepShares(3)
    copy.restore(shares.state())
    assert [copy.next() for _ in range(20)] == [shares.next() for _ in range(20)]
