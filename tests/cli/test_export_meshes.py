"""Meshes on the command line: what is written, said and refused."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from microdsd.cli.app import app
from microdsd.io import save_microstructures
from microdsd.microstructure import as_microstructure, blobs

pv = pytest.importorskip("pyvista")
NAMES = {0: "pore", 1: "solid"}


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    samples = np.stack([blobs((12, 12, 12), fractions=(0.3, 0.7), scale=2, rng=k) for k in (0, 1)])
    both = as_microstructure(samples, phases=NAMES, voxel_size=1e-6, ensemble=True)
    save_microstructures("new.h5", both)
    return tmp_path


def run(*words):
    return CliRunner().invoke(app, ["export", "new.h5", *words])


def refused(*words):
    result = run(*words)
    assert result.exit_code == 2
    return result.stderr


def test_every_phase_gets_a_file_and_the_error_is_said(place):
    result = run("--sample", "1", "-o", "a.stl", "--unit", "um")
    assert result.exit_code == 0
    assert {file.name for file in place.glob("a*")} == {"a-pore.stl", "a-solid.stl"}
    assert "pore: 518 voxels, 518 um^3; mesh 518 um^3" in result.stderr
    assert "smoothing alone:" in result.stderr
    assert pv.read("a-pore.stl").volume == pytest.approx(518, rel=1e-5)


def test_the_summary_holds_the_volumes():
    result = run("--sample", "0", "-o", "a.vtp", "--json", "--smoothing", "5")
    (mesh,) = json.loads(result.stdout)
    assert mesh["unit"] == "m"
    assert mesh["triangles"] == pv.read("a.vtp").n_cells
    for phase in mesh["volumes"]["phases"].values():
        assert abs(phase["error"]) < 0.01


def test_elements_are_counted(place):
    result = run("--sample", "0", "-o", "a.inp", "--phase", "solid", "--json")
    (mesh,) = json.loads(result.stdout)
    assert mesh["solid"] == 1728 - 518
    assert "elset=SOLID" in (place / "a.inp").read_text()


def test_a_phase_can_be_open_at_the_faces_of_the_box():
    assert run("--sample", "0", "-o", "a.ply", "--phase", "pore", "--no-caps").exit_code == 0
    assert pv.read("a.ply").n_open_edges > 0
    assert run("--sample", "0", "-o", "b.ply", "--phase", "pore", "--phase", "solid").exit_code == 0
    assert pv.read("b.ply").volume == pytest.approx(12e-6**3)


def test_refusals_come_before_work(place):
    assert "name one for a mesh, --sample 0" in refused("-o", "a.stl")
    assert "glass" in refused("--sample", "0", "-o", "a.stl", "--phase", "glass")
    assert "is no mesh" in refused("--sample", "0", "-o", "a.tif", "--phase", "pore")
    assert "is no mesh" in refused("--sample", "0", "-o", "a.tif", "--no-caps")
    assert "are voxels" in refused("--sample", "0", "-o", "a.vtu", "--smoothing", "3")
    (place / "a-solid.stl").write_text("precious")
    assert "a-solid.stl: exists" in refused("--sample", "0", "-o", "a.stl")
    assert {file.name for file in place.iterdir()} == {"new.h5", "a-solid.stl"}
    assert run("--sample", "0", "-o", "a.stl", "--force").exit_code == 0
