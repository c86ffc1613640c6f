"""The health check: every kind of model is tried, and a wrong count is found."""

import json

import numpy as np
import pytest
from tiny_models import tiny_model
from typer.testing import CliRunner

from microdsd.cli import doctor
from microdsd.cli.app import app
from microdsd.generation.microstructure_model import MicrostructureModel
from microdsd.models.contents import Channels
from microdsd.networks import UNetConfig


@pytest.fixture
def models(monkeypatch):
    """A model of phases, one of a volume of three phases and one of images, in place of those
    that ship, which take a minute."""
    made = {
        "flat": tiny_model(),
        "solid": tiny_model(3, 3, 2),
        "images": tiny_model(
            contents=Channels(("grey", "red"), 5),
            network=UNetConfig(2, 2, (4, 8), (1, 1), 8, read_out=True, top=4),
            fraction_mean={"grey": 1.5, "red": 2.0},
            fraction_range={"grey": (1.0, 2.0), "red": (1.0, 3.0)},
        ),
    }
    monkeypatch.setattr(doctor, "_models", lambda: list(made))
    monkeypatch.setattr(MicrostructureModel, "load", lambda name, device: made[name])
    return made


def test_all_is_well(models):
    result = CliRunner().invoke(app, ["doctor", "--device", "cpu"])
    assert result.exit_code == 0, result.output
    assert result.stdout.count("counts exact") == 3
    document = json.loads(CliRunner().invoke(app, ["doctor", "--json"]).stdout)
    assert document["sound"]
    assert [model["precision"] for model in document["models"]] == ["float32"] * 3
    assert all(version for name, version in document["packages"].items() if name != "taufactor")


@pytest.mark.parametrize("name", ["flat", "solid", "images"])
def test_a_wrong_count_is_found(models, name, monkeypatch):
    model = models[name]
    right = model.sample

    def wrong(**options):
        made = right(**options)
        values = np.array(made.values)
        values.flat[0] = (values.flat[0] + 1) % 2
        return made.copy(data=values)

    monkeypatch.setattr(model, "sample", wrong)
    result = CliRunner().invoke(app, ["doctor", "--device", "cpu"])
    assert result.exit_code == doctor.EXIT_UNSOUND
    assert result.stdout.count("COUNTS DIFFER") == 1


def test_the_models_that_ship_are_tried():
    assert {"berea-2d", "digits", "nmc-3d"} <= set(doctor._models())
