import json

import h5py
import numpy as np
import pytest
from typer.testing import CliRunner

from microdsd.cli.app import app
from microdsd.io import save_microstructures
from microdsd.microstructure import as_microstructure

STACK = np.array([[[0, 1], [1, 1]], [[0, 0], [1, 1]]])


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(requested=None, labels=STACK):
    record = None if requested is None else {"requested_counts": requested}
    ms = as_microstructure(labels, ensemble=True, phases={0: "pore", 1: "solid"}, provenance=record)
    save_microstructures("a.h5", ms, overwrite=True)


def run(*words):
    return CliRunner().invoke(app, ["verify", "a.h5", *words])


def test_counts_as_recorded(place):
    write({"pore": [1, 2], "solid": [3, 2]})
    result = run()
    assert result.exit_code == 0
    assert "exact: every count is as requested" in result.stdout
    document = json.loads(run("--json").stdout)
    assert document["exact"] is True
    assert document["samples"] == 2
    assert document["phases"][0]["counts"] == [1, 2]
    assert document["phases"][0]["requested_counts"] == [1, 2]


@pytest.mark.parametrize("requested", [{"pore": [1, 1]}, {"solid": 3}, {"pore": [2]}])
def test_counts_that_differ(place, requested):
    write(requested)
    result = run()
    assert result.exit_code == 1
    assert "DIFFERENT: 1 count is not as requested" in result.stdout
    document = json.loads(run("--json").stdout)
    assert document["exact"] is False
    (difference,) = document["differences"]
    assert difference["requested"] != difference["found"]


def test_one_changed_voxel_is_found(place):
    write({"pore": [1, 2]})
    with h5py.File("a.h5", "a") as file:
        file["microstructures/labels"][1, 0, 0] = 1
    result = run()
    assert result.exit_code == 1
    assert "sample 1, phase 0: requested 2, found 1" in result.stdout


def test_fractions_on_request(place):
    write(labels=np.repeat(STACK[:1], 3, axis=0))
    assert run("--fraction", "pore=0.25", "solid=0.75").exit_code == 0
    assert run("--fraction", "pore=0.3").exit_code == 0  # 1.2 voxels: 1 is next to it
    assert run("--fraction", "pore=0.5").exit_code == 1


def test_any_file_is_counted(place):
    with h5py.File("a.h5", "w") as file:
        file["x"] = STACK[0]
    result = run()
    assert result.exit_code == 0
    assert "records no request" in result.stdout
    assert "1 = phase 1: 3 voxels, fraction 0.750000" in result.stdout


def test_labels_without_a_name_are_an_error(place):
    write({"pore": [1, 2]})
    with h5py.File("a.h5", "a") as file:
        file["microstructures/labels"][1, 0, 0] = 9
    result = run()
    assert result.exit_code == 2
    assert "also holds labels 9" in result.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--fraction", "quartz=0.5"], "quartz"),
        (["--fraction", "pore=1.5"], "from 0 to 1"),
        (["--fraction", "pore=much"], "from 0 to 1"),
        (["--fraction", "pore"], "name=value"),
    ],
)
def test_bad_requests(place, words, message):
    write()
    result = run(*words)
    assert result.exit_code == 2
    assert message in result.stderr


def test_part_of_an_ensemble_is_not_compared(place):
    write({"pore": [1, 2, 3]})
    result = run()
    assert result.exit_code == 2
    assert "3 counts of pore for 2 samples" in result.stderr


def test_missing_file(place):
    assert run().exit_code == 2
