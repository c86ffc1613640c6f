import json
import re

import h5py
import numpy as np
import pytest
import tifffile
from tiny_models import tiny_model
from typer.testing import CliRunner

from microdsd.cli.app import app
from microdsd.io import save_microstructures
from microdsd.microstructure import as_microstructure
from microdsd.models import model_path, shipped_models

LABELS = np.array([[[0, 1, 1, 1]] * 2] * 3)


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ms = as_microstructure(LABELS, phases={0: "pore", 1: "solid"}, voxel_size=2e-6)
    save_microstructures("a.h5", ms)
    with h5py.File("a.h5", "a") as file:
        file["raw/stack"] = np.stack([LABELS] * 2)
    (tmp_path / "a.model").write_bytes(b"none")
    return tmp_path


def run(*words):
    return CliRunner().invoke(app, ["info", *words])


def test_arrays_of_a_file(place):
    listing = json.loads(run("a.h5", "--json").stdout)
    native, stack = listing
    assert native["path"] == "/microstructures"
    assert native["shape"] == [3, 2, 4]
    assert native["labels"] == [0, 1]
    assert native["fractions"] == [0.25, 0.75]
    assert native["phases"] == {"0": "pore", "1": "solid"}
    assert (native["voxel_size"], native["unit"]) == ([2e-6] * 3, "m")
    assert (stack["kind"], stack["n_samples"], stack["voxel_size"]) == ("stack", 2, None)


def test_arrays_in_words(place):
    text = run("a.h5").stdout
    assert "/microstructures  (native)" in text
    assert "3 x 2 x 4 uint8" in text
    assert "label 0 = pore: fraction 0.2500" in text
    assert "2 samples of 3 x 2 x 4" in text
    assert "voxel size not stated" in text


def test_one_path_only(place):
    (only,) = json.loads(run("a.h5:/raw", "--json").stdout)
    assert only["path"] == "/raw/stack"
    result = run("a.h5:/nope")
    assert result.exit_code == 2
    assert "/raw/stack" in result.stderr


def test_images(place):
    tifffile.imwrite("b.tif", LABELS.astype(np.uint8), photometric="minisblack")
    (image,) = json.loads(run("b.tif", "--json").stdout)
    assert image["fractions"] == [0.25, 0.75]


def test_data_sets():
    listing = json.loads(run("--datasets", "--json").stdout)
    (berea,) = [entry for entry in listing if entry["name"] == "berea_sandstone"]
    assert berea["shape"] == [400, 400, 400]
    assert berea["licence"]
    assert "berea_sandstone" in run("--datasets").stdout


def test_models(tmp_path):
    listing = json.loads(run("--models", "--json").stdout)
    assert [entry["name"] for entry in listing][:3] == [
        "berea-2d",
        "berea-2d-properties",
        "berea-3d",
    ]
    assert listing[0]["ndim"] == 2
    assert listing[0]["phases"] == ["pore", "solid"]
    assert set(listing[0]["fraction_range"]) == {"pore", "solid"}
    assert all(entry["material"] and entry["quality"] for entry in listing)

    mine = tmp_path / "mine.model"
    mine.write_bytes(model_path("berea-2d").read_bytes())
    (summary,) = json.loads(run(str(mine), "--json").stdout)
    assert summary == {**listing[0], "name": "mine", "material": None, "quality": None}
    assert "windows of 64 x 64" in run(str(mine)).stdout


def test_conditions_are_listed():
    (summary,) = json.loads(run("berea-2d-properties", "--json").stdout)
    assert "specific_surface_area" in summary["conditions"]
    assert (
        f"conditioned on {', '.join(summary['conditions'])}\n" in run("berea-2d-properties").stdout
    )
    assert json.loads(run("berea-2d", "--json").stdout)[0]["conditions"] == []
    assert "conditioned" not in run("berea-2d").stdout


def test_a_last_draw_in_passes_is_said():
    assert "phases are drawn in 4 passes" in run("berea-2d").stdout
    assert "start with the power spectrum" in run("berea-2d").stdout
    assert "power spectrum" not in run("digits").stdout
    assert "passes" not in run("sofc-2d").stdout


def test_models_in_words():
    blocks = re.split(r"\n(?=\S)", run("--models").stdout.rstrip())
    assert len(blocks) == len(shipped_models())
    assert max(len(block.splitlines()) for block in blocks) <= 10
    berea = blocks[0]
    (cathode,) = (block for block in blocks if block.startswith("nmc-3d "))
    assert berea.startswith("berea-2d  (2D, 2.4 MB)")
    assert "material     Berea sandstone" in berea
    assert "pore 0.0955 to 0.339, solid 0.661 to 0.905" in berea
    assert "64 x 64 voxels; voxel size not stated" in berea
    assert "S2 error 0.15" in berea
    assert "48 x 48 x 48 voxels; voxel size 3.98e-07 m" in cathode


def test_a_model_that_ships_by_its_name(place):
    (summary,) = json.loads(run("berea-2d", "--json").stdout)
    assert summary == json.loads(run("--models", "--json").stdout)[0]
    assert "from the weights" not in run("berea-2d").stdout
    (place / "berea-2d").write_bytes((place / "a.h5").read_bytes())  # a file goes before a name
    (array,) = (a for a in json.loads(run("berea-2d", "--json").stdout) if a["kind"] == "native")
    assert array["shape"] == [3, 2, 4]


def test_a_tuned_model_names_its_start(tmp_path):
    start = {"digest": "abc", "data": "rock.h5", "steps": 7, "minutes": 2.5}
    tiny_model(provenance={"data": "mine.h5", "steps": 3, "minutes": 1, "start": start}).save(
        tmp_path / "tuned.model"
    )
    text = run(str(tmp_path / "tuned.model")).stdout
    assert "from the weights of abc: rock.h5, 7 steps in 2.5 min" in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "give a file"),
        (["a.h5", "--models"], "one of them only"),
        (["gone.h5"], "no such file"),
        (["gone.tif"], "no such file"),
        (["gone.model"], "no such file; models that ship"),
        (["a.model"], "not a readable model file"),
    ],
)
def test_bad_input(place, words, message):
    result = run(*words)
    assert result.exit_code == 2
    assert message in result.stderr
