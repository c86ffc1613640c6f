"""The two verbs that do the work, on a synthetic scan small enough to train on in seconds."""

import csv
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from typer.testing import CliRunner

from microdsd.cli.app import app
from microdsd.io import load_microstructures, save_microstructures
from microdsd.microstructure import as_microstructure, blobs, phase_counts, provenance_of

pytestmark = pytest.mark.usefixtures("steady_precision")


WINDOW = ["--window", "12", "12", "--widths", "4", "8", "--batch", "2"]


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Folder with a two-phase scan and a model of it."""
    folder = tmp_path_factory.mktemp("rock")
    scan = blobs((96, 32), fractions=(0.3, 0.7), scale=2, rng=0)
    scan = as_microstructure(scan.values, phases={0: "pore", 1: "solid"}, voxel_size=2e-6)
    save_microstructures(folder / "rock.h5", scan)
    result = run("train", folder / "rock.h5", "-o", folder / "rock.model", "--steps", 6, *WINDOW)
    assert result.exit_code == 0, result.stderr
    return folder


def generate(folder, *words, output="new.h5"):
    return run("generate", folder / "rock.model", "-o", folder / output, *words)


def test_training_leaves_a_model_and_a_log(trained):
    assert (trained / "rock.model").is_file()
    assert not (trained / "rock.model.resume").exists()
    with (trained / "rock.model.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert int(rows[-1]["step"]) == 6
    assert float(rows[-1]["gain_0.3"]) == pytest.approx(0, abs=0.1)


def test_a_model_is_not_overwritten(trained):
    before = (trained / "rock.model").read_bytes()
    result = run("train", trained / "rock.h5", "-o", trained / "rock.model", "--steps", 6, *WINDOW)
    assert result.exit_code == 2
    assert "--force" in result.stderr
    assert (trained / "rock.model").read_bytes() == before


def test_generated_counts_are_exact_and_recorded(trained):
    result = generate(
        trained, "--fraction", "pore=0.22", "-n", 3, "--shape", 20, 13, "--seed", 5, "--json"
    )
    assert result.exit_code == 0, result.stderr
    summary = json.loads(result.stdout)
    assert summary["requested_counts"] == {"pore": [57] * 3, "solid": [203] * 3}
    made = load_microstructures(trained / "new.h5")
    assert made.dims == ("sample", "y", "x")
    assert phase_counts(made).values.tolist() == [[57, 203]] * 3
    assert float(made.y[1] - made.y[0]) == pytest.approx(2e-6)
    assert provenance_of(made)["seed"] == 5
    assert run("verify", trained / "new.h5").exit_code == 0
    assert not (trained / "new.h5.partial").exists()


def test_generate_goes_on_where_it_was_stopped(trained):
    whole = generate(trained, "-n", 4, "--seed", 1, output="whole.h5")
    assert whole.exit_code == 0, whole.stderr
    result = generate(
        trained,
        "-n",
        4,
        "--seed",
        1,
        output="parts.h5",
    )
    assert result.exit_code == 0
    from microdsd.cli.unfinished import UnfinishedSamples
    from microdsd.generation.microstructure_model import MicrostructureModel
    from microdsd.generation.request import GenerationRequest

    model = MicrostructureModel.load(trained / "rock.model")
    request = GenerationRequest.resolve(model.card, 4, rng=1)
    stopped = UnfinishedSamples(trained / "stopped.h5", force=False)
    stopped.open(
        {"model": model.digest(), "precision": model.precision, **request.record(model.card)}
    )
    for i, (labels, moved) in zip(range(2), model.generate(request), strict=False):
        stopped.add(i, labels, moved)

    other = generate(trained, "-n", 4, "--seed", 2, output="stopped.h5")
    assert other.exit_code == 2
    assert "differs in seed" in other.stderr
    result = generate(trained, "-n", 4, "--seed", 1, output="stopped.h5")
    assert result.exit_code == 0, result.stderr
    assert "going on after 2 samples" in result.stderr
    expected = load_microstructures(trained / "whole.h5").values
    np.testing.assert_array_equal(load_microstructures(trained / "stopped.h5").values, expected)
    np.testing.assert_array_equal(load_microstructures(trained / "parts.h5").values, expected)


def test_states_of_the_walk(trained):
    result = generate(
        trained, "--seed", 0, "--states", trained / "walk.npz", "--evaluations", 6, output="walk.h5"
    )
    assert result.exit_code == 0, result.stderr
    with np.load(trained / "walk.npz") as walk:
        assert walk["occupation"].shape == (6, 1, 12, 12)
        assert (np.diff(walk["sigma"])[:-1] < 0).all()
        assert walk["sigma"][-1] == pytest.approx(0.6)  # drawn again, with passes
        totals = walk["occupation"].sum((1, 2, 3))
        assert len(set(totals.tolist())) == 1
        np.testing.assert_array_equal(
            walk["labels"], load_microstructures(trained / "walk.h5").values[0]
        )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--fraction", "pore=1.2"], "from 0 to 1"),
        (["--fraction", "pore=0.5", "solid=0.6"], "sum to 1.1"),
        (["--fraction", "water=0.2"], "no phase 'water'"),
        (["--fraction", "pore"], "expected name=value"),
        (["--shape", "20", "20", "20"], "one cut does not say"),
        (["--shape", "2", "20"], "at least 4"),
        (["-n", "0"], "at least one"),
        (["--boundary", "open"], "no-flux"),
        (["--evaluations", "1"], "at least 2"),
        (["--device", "cuda:99"], "not available"),
    ],
)
def test_impossible_requests(trained, words, message):
    result = generate(trained, *words, output="never.h5")
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.startswith("error: ")
    assert not (trained / "never.h5").exists()
    assert not (trained / "never.h5.partial").exists()


def test_a_file_of_another_kind_is_kept_and_said_so_at_once(trained):
    """With --force, too: a group is replaced in an HDF5 file, nothing else is."""
    other = trained / "notes.h5"
    other.write_text("precious")
    result = generate(trained, "--force", "--evaluations", 5000, output="notes.h5")
    assert result.exit_code == 2
    assert "HDF5" in result.stderr
    assert other.read_text() == "precious"
    assert not (trained / "notes.h5.partial").exists()


def test_missing_and_damaged_models(trained):
    missing = run("generate", trained / "none.model", "-o", trained / "x.h5")
    assert missing.exit_code == 2
    assert "no such file" in missing.stderr
    (trained / "cut.model").write_bytes((trained / "rock.model").read_bytes()[:500])
    damaged = run("generate", trained / "cut.model", "-o", trained / "x.h5")
    assert damaged.exit_code == 2
    assert "not a readable model" in damaged.stderr


@pytest.mark.parametrize(
    ("labels", "words", "message"),
    [
        (np.zeros((40, 40), np.uint8), [], "at least two phases"),
        (np.eye(10, dtype=np.uint8), [], "window"),
        (np.eye(40) * 0.5, [], "threshold"),
        (np.eye(40, dtype=np.uint8), ["--validation", "1"], "validation"),
        (np.eye(40, dtype=np.uint8), ["--labels", "0=pore"], "1"),
    ],
)
def test_scans_that_cannot_be_trained_on(tmp_path, labels, words, message):
    np.save(tmp_path / "scan.npy", labels)
    output = tmp_path / "x.model"
    result = run("train", tmp_path / "scan.npy", "-o", output, "--steps", 2, *WINDOW, *words)
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")
    assert message in result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["scan.npy"]


def test_a_symmetry_that_there_is_not(tmp_path):
    words = ["-o", tmp_path / "x.model", *WINDOW, "--symmetry", "cubic"]
    result = run("train", tmp_path / "scan.npy", *words)
    assert result.exit_code == 2
    assert "isotropic" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_ctrl_c_stops_training_so_that_it_goes_on(trained):
    """A real interrupt of a real process, then --resume: as if nothing had happened."""
    output = trained / "stopped.model"
    words = ["train", trained / "rock.h5", "-o", output, *WINDOW, "--minutes", 5]
    command = [sys.executable, "-c", "from microdsd.cli.app import main; main()"]
    environment = {**os.environ, "PYTHONWARNINGS": "error"}
    process = subprocess.Popen(
        [*command, *map(str, words)],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        # Tests that run in the background ignore interrupts, and would pass that on.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    log = trained / "stopped.model.csv"
    deadline = time.monotonic() + 120
    while not (log.exists() and len(log.read_text().splitlines()) > 1):
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "--resume goes on" in " ".join(errors.split())
    assert not output.exists()
    assert (trained / "stopped.model.resume").is_file()

    refused = run(*words)
    assert refused.exit_code == 2
    assert "--resume goes on, --force starts anew" in refused.stderr
    resumed = run(*words[:-2], "--steps", 1, "--resume")
    assert resumed.exit_code == 0, resumed.stderr
    assert output.is_file()
    assert not (trained / "stopped.model.resume").exists()


def test_an_ensemble_as_uncertain_as_its_scan(trained):
    """Drawn anew for every sample; the same after an interrupted run, and counted exactly."""
    result = generate(trained, "--fraction", "pore=measured", "-n", 4, output="measured.h5")
    assert result.exit_code == 0, result.stderr
    assert "is drawn for every sample from 0." in " ".join(result.stderr.split())
    samples = load_microstructures(trained / "measured.h5")
    record = provenance_of(samples)
    law = record["uncertain_fractions"]["pore"]
    assert law["mean"] == pytest.approx(0.3, abs=1e-3)
    assert 0 < law["standard_deviation"] < 0.1
    counts = phase_counts(samples).values[:, 0].tolist()
    assert counts == [round(f * 144) for f in record["requested_fractions"]["pore"]]
    assert len({*counts}) > 1
    assert run("verify", trained / "measured.h5").exit_code == 0
    assert "+-" in run("info", trained / "rock.model").stdout


def test_a_fraction_measured_elsewhere(trained):
    result = generate(trained, "--fraction", "pore=0.3~0.02", "--json", output="own.h5")
    assert result.exit_code == 0, result.stderr
    law = json.loads(result.stdout)["uncertain_fractions"]["pore"]
    assert law == {"mean": 0.3, "standard_deviation": 0.02, "known_from": "request"}


@pytest.mark.parametrize("fraction", ["pore=mesured", "pore=0.3~", "pore=0.3+-0.1", "0.3~x"])
def test_a_fraction_that_is_none(trained, fraction):
    result = generate(trained, "--fraction", fraction, output="none.h5")
    assert result.exit_code == 2
    assert "give a number, 'measured', or mean and standard deviation" in result.stderr
