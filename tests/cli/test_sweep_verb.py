"""``microdsd sweep`` from end to end on a model without training."""

import json

import numpy as np
import pytest
from tiny_models import tiny_model
from typer.testing import CliRunner

from microdsd.cli.app import app
from microdsd.cli.parsing import series_of
from microdsd.errors import InputError
from microdsd.io import load_microstructures, save_microstructures
from microdsd.microstructure import as_microstructure, blobs, phase_counts, provenance_of

pytestmark = pytest.mark.usefixtures("steady_precision")


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def folder(tmp_path):
    tiny_model().save(tmp_path / "rock.model")
    scan = as_microstructure(
        blobs((64, 64), fractions=(0.3, 0.7), scale=2, rng=0),
        phases={0: "pore", 1: "solid"},
        voxel_size=2e-6,
    )
    save_microstructures(tmp_path / "scan.h5", scan)
    return tmp_path


def sweep(folder, *words, fraction="pore=0.1:0.3:3"):
    options = ["-o", folder / "sweep.h5", "--fraction", fraction, "-n", 2]
    return run("sweep", folder / "rock.model", *options, *words)


def test_a_paired_sweep_with_its_report(folder):
    result = sweep(
        folder, "--paired", "--seed", 1, "--reference", folder / "scan.h5", "--windows", 8, "--json"
    )
    assert result.exit_code == 0, result.stderr
    summary = json.loads(result.stdout)
    assert summary["fractions"] == [0.1, 0.2, 0.3]
    assert summary["paired"] is True
    assert summary["composition"]["exact"] is True
    assert len(summary["real_windows"]["fraction"]) == 8
    assert "lies outside the 0.2 to 0.6" in " ".join(result.stderr.split())
    made = load_microstructures(folder / "sweep.h5")
    assert phase_counts(made).values[:, 0].tolist() == [12, 12, 24, 24, 36, 36]
    assert json.loads((folder / "sweep.json").read_text())["steps"] == summary["steps"]
    assert "microdsd sweep" in (folder / "sweep.html").read_text()
    assert run("verify", folder / "sweep.h5").exit_code == 0
    assert not (folder / "sweep.h5.partial").exists()


@pytest.mark.parametrize("there", ["sweep.h5", "sweep.html", "sweep.json"])
def test_nothing_is_overwritten_unasked(folder, there):
    (folder / there).write_text("mine")
    result = sweep(folder)
    assert result.exit_code == 2
    assert "--force" in result.stderr
    assert (folder / there).read_text() == "mine"


def test_force_makes_all_of_it_anew(folder):
    assert sweep(folder, "--seed", 1).exit_code == 0
    assert sweep(folder, "--seed", 2, "--force").exit_code == 0
    assert json.loads((folder / "sweep.json").read_text())["provenance"]["generated"]["seed"] == 2


def test_a_stopped_sweep_goes_on(folder):
    from microdsd.cli.unfinished import UnfinishedSamples
    from microdsd.generation.microstructure_model import MicrostructureModel
    from microdsd.generation.sweep import sweep_request

    assert sweep(folder, "--seed", 4).exit_code == 0
    whole = load_microstructures(folder / "sweep.h5").values
    model = MicrostructureModel.load(folder / "rock.model", "cpu")
    request = sweep_request(model.card, {"pore": [0.1, 0.2, 0.3]}, 2, rng=4)
    stopped = UnfinishedSamples(folder / "sweep.h5", force=False)
    stopped.open(
        {"model": model.digest(), "precision": model.precision, **request.record(model.card)}
    )
    for i, (labels, moved) in zip(range(3), model.generate(request), strict=False):
        stopped.add(i, labels, moved)
    for name in ("sweep.h5", "sweep.html", "sweep.json"):
        (folder / name).unlink()
    result = sweep(folder, "--seed", 4)
    assert result.exit_code == 0, result.stderr
    assert "going on after 3 samples" in result.stderr
    np.testing.assert_array_equal(load_microstructures(folder / "sweep.h5").values, whole)


def test_it_goes_on_in_the_precision_that_it_began_with(folder):
    from microdsd.cli.unfinished import UnfinishedSamples
    from microdsd.generation.microstructure_model import MicrostructureModel
    from microdsd.generation.sweep import sweep_request

    model = MicrostructureModel.load(folder / "rock.model", "cpu")
    request = sweep_request(model.card, {"pore": [0.1, 0.2, 0.3]}, 2, rng=4)
    UnfinishedSamples(folder / "sweep.h5", force=False).open(
        {"model": model.digest(), "precision": "bfloat16", **request.record(model.card)}
    )
    assert model.precision == "float32"
    assert sweep(folder, "--seed", 4).exit_code == 0
    made = load_microstructures(folder / "sweep.h5")
    assert provenance_of(made)["precision"] == "bfloat16"


@pytest.mark.parametrize(
    ("fraction", "message"),
    [
        ("pore=0.2", "give one phase a series"),
        ("pore=0.1:0.2", "start:stop:number"),
        ("pore=a:b:3", "start:stop:number"),
        ("pore=0.1:1.2:3", "from 0 to 1"),
        ("water=0.1:0.2:3", "no phase 'water'"),
        ("pore=0.1:0.2:0", "give one phase a series"),
    ],
)
def test_impossible_sweeps(folder, fraction, message):
    result = sweep(folder, fraction=fraction)
    assert result.exit_code == 2
    assert message in result.stderr
    assert sorted(path.name for path in folder.iterdir()) == ["rock.model", "scan.h5"]


def test_series_of_words():
    assert series_of(["pore=0.12:0.30:4", "clay=0.1"]) == {
        "pore": [0.12, 0.18, 0.24, 0.3],
        "clay": 0.1,
    }
    assert series_of(["pore=0.3:0.3:1"]) == {"pore": [0.3]}
    with pytest.raises(InputError, match="start:stop:number"):
        series_of(["pore=0.1:0.2:2.5"])
