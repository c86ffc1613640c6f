"""`microdsd evaluate` of volumes against pictures."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from microdsd.cli.app import app
from microdsd.io import save_microstructures
from microdsd.metrics import registry
from microdsd.microstructure import as_microstructure, blobs

LABELS = ("--labels", "0=pore", "255=solid")


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # The slowest descriptor is left out.
    group = replace(registry.groups()["local_thickness"], optional=True)
    monkeypatch.setitem(registry._groups, "local_thickness", group)
    volume = blobs((10, 10, 10), fractions=(0.3, 0.7), scale=1, rng=0)
    save_microstructures(
        "new.h5",
        as_microstructure(
            volume,
            phases={0: "pore", 1: "solid"},
            voxel_size=1e-6,
            provenance={"requested_counts": {"pore": [300]}},
        ),
    )
    for name, shape in (("top", (40, 40)), ("small", (20, 20)), ("thin", (9, 40))):
        plane = blobs(shape, fractions=(0.3, 0.7), scale=1, rng=1).values
        Image.fromarray(plane.astype(np.uint8) * 255).save(f"{name}.png")
    return tmp_path


def run(*words):
    return CliRunner().invoke(app, ["evaluate", "new.h5", *words])


def test_slices_are_said_counted_and_written(files):
    result = run("--reference", "top.png", *LABELS, "--voxel-size", "1um")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert [line[:11] for line in lines[1:4]] == [f"Normal to {axis}" for axis in "zyx"]
    assert lines[4] == "The volume carries exactly the requested counts."
    assert "inferred from the pictures" in result.stderr
    document = json.loads(Path("report.json").read_text(encoding="utf-8"))
    assert document["composition"]["exact"] is True
    assert document["directions"]["x"]["reference_windows"] == 16
    assert "reference file" in document["provenance"]["files"]


def test_directions_have_pictures_of_their_own(files):
    words = ("--reference", "z=top.png", "y=top.png", *LABELS, "--windows", "4", "--json")
    document = json.loads(run(*words, "--require", "exact").stdout)
    assert list(document["directions"]) == ["z", "y"]
    assert document["not_judged"] == ["x"]
    assert document["unmet"] == {}
    assert any("voxel size" in note for note in document["notes"])
    assert run(*words, "--force", "--require", "not-differs").exit_code == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("small.png",), "take a larger picture"),
        (("thin.png",), "smaller than the slices normal to z"),
        (("top.png", "--voxel-size", "2um"), "voxels measure"),
        (("top.png", "--periodic"), "periodic: is for"),
        (("top.png", "--training", "top.png"), "training: is for"),
        (("top.png", "--classifier", "network"), "classifier: is for"),
        (("top.png", "--reference", "top.png"), "one picture for each direction"),
        (("z=top.png", "z=top.png"), "one picture for each direction"),
        (("z=new.h5",), "directions are for volumes and pictures"),
        (("new.h5", "--window", "8"), "window: is for slices"),
    ],
)
def test_refusals(files, words, message):
    before = set(files.iterdir())
    names = () if words[0].endswith("new.h5") else LABELS
    result = run("--reference", *words, *names)
    assert result.exit_code == 2
    assert message in result.stderr
    assert set(files.iterdir()) == before
