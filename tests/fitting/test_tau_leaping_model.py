"""The paper's method through the facade and the command line."""

import json

import numpy as np
import pytest
from test_run import FLAT, SOLID, run_of
from tiny_models import tau_model, tiny_card
from typer.testing import CliRunner

from microdsd.cli.app import app
from microdsd.errors import CheckpointError, InputError, NotMixedError
from microdsd.generation.microstructure_model import MicrostructureModel
from microdsd.generation.request import GenerationRequest
from microdsd.io import load_microstructures, save_microstructures
from microdsd.microstructure import as_microstructure, phase_counts, provenance_of
from microdsd.networks import RateUNet
from microdsd.training.paper import PAPER_SETTINGS


@pytest.mark.parametrize(("ndim", "phases"), [(2, 2), (2, 3), (3, 2)])
@pytest.mark.parametrize("boundary", ["no-flux", "periodic"])
def test_counts_are_exact(ndim, phases, boundary):
    model = tau_model(ndim, phases)
    fractions = {"pore": 0.3} if phases == 2 else {"pore": 0.3, "clay": 0.25}
    made = model.sample(2, phase_fraction=fractions, boundary=boundary, evaluations=5, rng=0)
    record = provenance_of(made)
    assert phase_counts(made).values.T.tolist() == list(record["requested_counts"].values())
    assert (record["method"], record["evaluations"], record["epsilon"]) == ("tau-leaping", 5, None)
    assert len(record["levels"]) == 5


def test_sample_i_depends_on_the_seed_and_i_alone():
    model = tau_model(sigma_max=3.0)
    for options in ({"evaluations": 6}, {"epsilon": 0.5}):
        three, one = model.sample(3, rng=4, **options), model.sample(1, rng=4, **options)
        assert np.array_equal(three[0], one[0])
        assert not np.array_equal(three[1], one[0])


def test_the_paper_s_rule_sets_the_evaluations():
    model, told = tau_model(sigma_max=3.0), []
    request = GenerationRequest.resolve(model.card, 1, epsilon=0.5, rng=0)
    ((labels, _),) = model.generate(request, progress=lambda *state: told.append(state[:2]))
    assert (labels == 0).sum() == request.composition.whole[0, 0]
    assert len(told) > 3.4 * 4.5 / 0.5  # open directions, time and epsilon: the fewest there are
    assert told == [(i + 1, None) for i in range(len(told))]
    states, _ = model.trajectory(request)
    assert len(states) == len(told)
    sigmas = [sigma for sigma, _ in states]
    assert sigmas[0] == 3.0
    assert (np.diff(sigmas) < 0).all()
    assert all(occupation.sum() == request.composition.whole[0, 0] for _, occupation in states)


def test_requests_that_cannot_be_met():
    bridges, leaps = tiny_card(), tiny_card(method="tau-leaping")
    with pytest.raises(InputError, match=r"epsilon=0\.1: is for tau-leaping"):
        GenerationRequest.resolve(bridges, 1, epsilon=0.1)
    with pytest.raises(InputError, match="one of the two"):
        GenerationRequest.resolve(leaps, 1, epsilon=0.1, evaluations=5)
    with pytest.raises(InputError, match="epsilon=2: give a probability"):
        GenerationRequest.resolve(leaps, 1, epsilon=2)
    with pytest.raises(InputError, match=r"epsilon=0\.001: .* at least"):
        tau_model().sample(1, epsilon=0.001)


def test_what_needs_a_potential_is_refused():
    with pytest.raises(InputError, match="guides need a model of bridges; train one"):
        tau_model().sample(guide=lambda expected, sigma: expected, rng=0)
    with pytest.raises(InputError, match="known material and regions need a model of bridges"):
        tau_model().sample_regions({"pore": [[0.2], [0.4]]}, rng=0)


@pytest.mark.parametrize(("source", "window"), [(FLAT, 8), (SOLID, 5)])
@pytest.mark.parametrize("loss", [None, "likelihood", "l1", "l2"])
def test_a_model_comes_out(tmp_path, source, window, loss):
    run = run_of(source, window=window, method="tau-leaping", loss=loss, time_schedule="t^2")
    list(run.records())
    model = run.finish()
    assert isinstance(model.network, RateUNet)
    assert model.card.method == "tau-leaping"
    assert model.card.provenance["loss"] == (loss or "likelihood")
    assert model.card.provenance["schedule"] == "t^2"
    assert len(model.card.validation_gains) == len(model.card.validation_levels)
    model.save(tmp_path / "a.model")
    again = MicrostructureModel.load(tmp_path / "a.model", device="cpu")
    options = {"evaluations": 4, "rng": 0}
    assert np.array_equal(model.sample(1, **options), again.sample(1, **options))


def test_the_paper_s_settings_are_options_of_fit():
    options = PAPER_SETTINGS["rocks"].options()
    run = run_of(window=24, **options)
    assert run.sigma_max == pytest.approx(500**0.5)
    assert (run.method, run.boundary) == ("tau-leaping", "periodic")
    with pytest.raises(NotMixedError, match="layout of the source image"):
        run_of(np.tile(FLAT, (3, 3)), window=64, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "leaping"}, "method='leaping': choose one of 'bridges', 'tau-leaping'"),
        ({"method": "tau-leaping", "loss": "l3"}, "loss='l3'"),
        ({"method": "tau-leaping", "time_schedule": "t"}, "time_schedule='t'"),
        ({"loss": "l1"}, "settings of method='tau-leaping'"),
        ({"time_schedule": "t^4"}, "settings of method='tau-leaping'"),
    ],
)
def test_settings_that_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        run_of(**options)


@pytest.mark.parametrize(
    ("there", "here"),
    [
        ({}, {"method": "tau-leaping"}),
        ({"method": "tau-leaping"}, {}),
        ({"method": "tau-leaping"}, {"method": "tau-leaping", "loss": "l1"}),
    ],
)
def test_a_run_is_not_gone_on_with_by_another_method(tmp_path, there, here):
    run_of(**there).save_state(tmp_path / "state")
    with pytest.raises(CheckpointError, match="other settings"):
        run_of(**here).restore(tmp_path / "state")


def test_from_the_command_line(tmp_path):
    scan = as_microstructure(FLAT, phases={0: "pore", 1: "solid"})
    save_microstructures(tmp_path / "rock.h5", scan)

    def run(*words):
        result = CliRunner().invoke(app, [str(word) for word in words])
        assert result.exit_code == 0, result.stderr
        return json.loads(result.stdout)

    settings = "--window 8 8 --steps 2 --batch 2 --widths 4 8 --method tau-leaping --loss l1"
    model, new = tmp_path / "rock.model", tmp_path / "new.h5"
    run("train", tmp_path / "rock.h5", "-o", model, *settings.split(), "--json")
    options = "--fraction pore=0.25 -n 2 --evaluations 4 --seed 0"
    summary = run("generate", model, "-o", new, *options.split(), "--json")
    assert (summary["method"], summary["evaluations"]) == ("tau-leaping", 4)
    assert phase_counts(load_microstructures(new)).values.tolist() == [[16, 48]] * 2
