"""Training that starts from a trained model's weights."""

import numpy as np
import pytest
import torch
from tiny_models import tiny_card, tiny_model, tiny_network

from microdsd.device.precision import Precision
from microdsd.errors import CheckpointError, DataFileError, InputError
from microdsd.fitting.run import TrainingRun
from microdsd.generation.microstructure_model import MicrostructureModel
from microdsd.microstructure import as_images
from microdsd.microstructure.synthetic import blobs
from microdsd.models.contents import Channels
from microdsd.networks import PotentialUNet, UNetConfig
from microdsd.training import TrainingConfig

POROUS = blobs((60, 24), fractions=(0.3, 0.7), scale=1.5, rng=1).values
NAMES = {0: "pore", 1: "solid"}


def run_of(start_from, source=POROUS, *, window=8, phases=NAMES, seed=0, **options):
    config = TrainingConfig(steps=2, batch=2, validations=1, seed=seed)
    run = TrainingRun(
        source, config, window=window, start_from=start_from, phases=phases, device="cpu", **options
    )
    run.trainer.precision = Precision("float32", 1)
    return run


def states_equal(one, other):
    return all(torch.equal(a, b) for a, b in zip(one.values(), other.values(), strict=True))


def test_training_starts_from_the_weights():
    model = tiny_model()
    run = run_of(model)
    assert run.network == model.card.network
    assert states_equal(run.trainer.network.state_dict(), model.network.state_dict())
    assert states_equal(run.trainer.averaged.state_dict(), model.network.state_dict())


def test_training_goes_on_without_touching_the_model():
    model = tiny_model()
    before = {k: w.clone() for k, w in model.network.state_dict().items()}
    run = run_of(model)
    list(run.records())
    assert not states_equal(run.trainer.network.state_dict(), before)
    assert states_equal(model.network.state_dict(), before)


def test_the_same_data_gain_at_once():
    """A model tuned on what it was trained on starts where it ended, not from nothing."""
    config = TrainingConfig(steps=30, batch=8, validations=1, learning_rate=1e-2, warmup=1)
    size = {"widths": (4, 8), "blocks": (1, 1), "embedding": 8}
    first = TrainingRun(POROUS, config, window=8, phases=NAMES, network_size=size, device="cpu")
    first.trainer.precision = Precision("float32", 1)
    last = [record for record in first.records() if record.gains][-1]
    model = MicrostructureModel(first.trainer.averaged, first.card(), device="cpu")
    again = run_of(model)
    assert sum(last.gains) > 0
    assert again.tasks[0].validation.gains(again.trainer.averaged) == pytest.approx(
        last.gains, abs=1e-6
    )


def test_a_file_or_a_name_will_do_and_the_card_says_so(tmp_path):
    model = tiny_model()
    model.save(tmp_path / "first.model")
    run = run_of(str(tmp_path / "first.model"))
    start = run.card().provenance["start"]
    assert start == {"digest": model.digest(), "data": "nothing", "steps": 0}
    shipped = run_of("berea-2d", np.tile(POROUS, (1, 2)), window=(16, 16))
    assert shipped.card().provenance["start"]["steps"] > 0
    with pytest.raises(DataFileError, match="models that ship"):
        run_of("nowhere")


def test_a_run_from_nothing_says_nothing():
    assert "start" not in run_of(None).card().provenance


THREE = blobs((60, 24), fractions=(0.3, 0.5, 0.2), scale=1.5, rng=1).values
SOLID = blobs((24, 12, 12), fractions=(0.3, 0.7), scale=1.5, rng=1).values


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        (THREE, {"phases": None}, "1 conserved species, the data have 2"),
        (SOLID, {}, "2 space axes, the data have 3"),
        (POROUS, {"method": "tau-leaping"}, "that model is for method='bridges'"),
        ({"a": POROUS, "b": POROUS}, {}, "0 classes, the data have 2"),
        (1 - POROUS, {}, "walkers are of pore, here they would be of solid"),
        (POROUS, {"network_size": {"widths": (4, 8)}}, "leave network_size out"),
    ],
)
def test_a_model_of_another_kind_is_refused(source, options, message):
    with pytest.raises(InputError, match=message):
        run_of(tiny_model(), source, **options)


def test_images_do_not_start_from_phases():
    card = tiny_card(contents=Channels(("grey",), 2), network=tiny_card().network)
    model = MicrostructureModel(tiny_network(), card, device="cpu")
    with pytest.raises(InputError, match="grey levels, the data have phases"):
        run_of(model)


def test_channels_must_be_in_the_order_of_the_start():
    colours = as_images(np.zeros((6, 2, 8, 8), np.uint8), grey_levels=2, channels=["red", "blue"])
    config = UNetConfig(2, 2, (4, 8), (1, 1), 8)
    card = tiny_card(contents=Channels(("blue", "red"), 2), network=config)
    start = MicrostructureModel(PotentialUNet(config), card, device="cpu")
    with pytest.raises(InputError, match="walkers are of blue, red, here"):
        run_of(start, colours, phases=None)


def test_other_names_are_other_materials():
    run_of(tiny_model(), phases={0: "void", 1: "rock"})


def test_a_stopped_run_belongs_to_its_start(tmp_path):
    run = run_of(tiny_model())
    next(iter(run.records()))
    run.save_state(tmp_path / "state")
    run_of(tiny_model()).restore(tmp_path / "state")
    other = MicrostructureModel(tiny_network(seed=1), tiny_card(), device="cpu")
    with pytest.raises(CheckpointError, match="start_from="):
        run_of(other).restore(tmp_path / "state")
    with pytest.raises(CheckpointError, match=r"start_from=|network="):
        run_of(None).restore(tmp_path / "state")
