"""The verb that searches a composition: its files, and what an interruption leaves."""

import csv
import json
import os
import subprocess
import sys
import time

import pytest
from tiny_models import tiny_model
from typer.testing import CliRunner

from microdsd.cli.app import app
from microdsd.generation.microstructure_model import MicrostructureModel
from microdsd.io import load_microstructures

QUESTION = ["--fraction", "pore=0.25:0.55", "--minimise", "specific_surface_area"]
SEARCH = ["--search", "random", "--candidates", "5"]


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "tiny.model"
    tiny_model().save(path)
    return path


def test_files_and_words(model, tmp_path):
    pytest.importorskip("optuna")
    output = tmp_path / "design.h5"
    result = run(
        "design", model, *QUESTION, "--gradient", "pore:x=-0.2:0.2", "--maximise",
        "mean_chord_length:pore:x", "--require", "phase_fraction:pore>=0.3", "--candidates", 9,
        "-o", output,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "minimise specific_surface_area, maximise mean_chord_length:pore:x with" in result.stdout
    document = json.loads(output.with_suffix(".json").read_text())
    assert len(document["candidates"]) == 9
    with output.with_suffix(".csv").open() as file:
        rows = list(csv.DictReader(file))
    front = [int(row["candidate"]) for row in rows if row["on front"] == "1"]
    assert sorted(front) == sorted(document["front"])
    assert all(float(row["fraction pore"]) >= 0.3 for row in rows if row["feasible"] == "1")
    assert output.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    assert load_microstructures(output).sizes["sample"] == 2 * len(front)
    assert run("verify", output).exit_code == 0
    assert not output.with_name("design.h5.partial").exists()
    again = run("design", model, *QUESTION, *SEARCH, "-o", output)
    assert again.exit_code == 2
    assert "--force" in again.stderr


def test_one_json_document(model, tmp_path):
    result = run("design", model, *QUESTION, *SEARCH, "--json", "-o", tmp_path / "design.h5")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["objectives"] == {"specific_surface_area": "minimise"}
    assert len(document["front"]) == 1


def test_no_candidate_keeps_the_requirement(model, tmp_path):
    words = ["--require", "specific_surface_area<=-1", "-o", tmp_path / "none.h5"]
    result = run("design", model, *QUESTION, *SEARCH, *words)
    assert result.exit_code == 0, result.output
    assert "none: 0 keep the requirements" in result.stdout
    assert not (tmp_path / "none.h5").exists()
    assert (tmp_path / "none.csv").is_file()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--fraction", "pore=0.3:0.4", "--minimise", "colour"], "there is no 'colour'"),
        (
            ["--fraction", "pore=0.3:0.4", "--minimise", "tortuosity_factor:z"],
            "'z' is no phase and no axis",
        ),
        ([], "name a property"),
        (["--minimise", "euler_density", "--fraction", "pore=0.1:2"], "from 0 to 1"),
        (["--minimise", "euler_density", "--fraction", "pore=0.1:0.3"], "--force"),
        (["--minimise", "euler_density", "--fraction", "pore=a:b"], "lowest:highest"),
        (["--minimise", "euler_density", "--fraction", "pore=0.1:0.2:3"], "lowest:highest"),
        (["--minimise", "euler_density", "--gradient", "pore=0:0.1"], "phase and axis"),
        (["--minimise", "euler_density", "--target", "euler_density=0:1"], "conditions"),
        (["--minimise", "euler_density"], "nothing varies"),
    ],
)
def test_bad_input_is_refused_and_leaves_nothing(model, tmp_path, words, message):
    result = run("design", model, *words, "-o", tmp_path / "design.h5")
    assert result.exit_code == 2, result.output
    assert message in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == []


def test_an_output_of_another_kind(model, tmp_path):
    result = run("design", model, *QUESTION, "-o", tmp_path / "design.tif")
    assert result.exit_code == 2
    assert "design.tif" in result.stderr


def test_ctrl_c_leaves_what_is_done(model, tmp_path, monkeypatch):
    plain, made = MicrostructureModel.generate, []

    def generate(self, *arguments, **named):
        made.append(1)
        if len(made) == 3:
            raise KeyboardInterrupt
        return plain(self, *arguments, **named)

    words = ["design", model, *QUESTION, *SEARCH]
    with monkeypatch.context() as patch:
        patch.setattr(MicrostructureModel, "generate", generate)
        result = run(*words, "-o", tmp_path / "design.h5")
    assert result.exit_code == 130
    assert "stopped after 2 candidates; the same command goes on" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["design.h5.partial"]
    assert run(*words, "-o", tmp_path / "design.h5").exit_code == 0
    assert run(*words, "-o", tmp_path / "whole.h5").exit_code == 0
    whole = (tmp_path / "whole.json").read_text()
    assert (tmp_path / "design.json").read_text() == whole


def test_a_killed_design_goes_on(model, tmp_path):
    """In the middle of many candidates: the outcome is that of one run."""
    words = ["design", str(model), *QUESTION, "--search", "random", "--candidates", "300"]
    killed, whole = tmp_path / "killed.h5", tmp_path / "whole.h5"
    program = "from microdsd.cli.app import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", program, *words, "-o", str(killed)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stderr=subprocess.DEVNULL,
    )
    folder = killed.with_name("killed.h5.partial")
    deadline = time.monotonic() + 100
    while len(list(folder.glob("0*.npz"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.kill()
    process.communicate(timeout=60)
    done = len(list(folder.glob("0*.npz")))
    assert 3 <= done < 300
    for output in (killed, whole):
        result = run(*words[:-1], done + 2, "-o", output)
        assert result.exit_code == 0, result.output
    for suffix in (".json", ".csv"):
        assert killed.with_suffix(suffix).read_text() == whole.with_suffix(suffix).read_text()
    assert load_microstructures(killed).equals(load_microstructures(whole))
    assert not folder.exists()
