"""The verb that discharges electrodes and writes them as functions."""

import csv
import json
import sys

import numpy as np
import pytest
import xarray as xr
from tiny_models import tiny_model
from typer.testing import CliRunner

from microdsd.cli.app import app
from microdsd.io import load_microstructures, save_microstructures
from microdsd.microstructure import as_microstructure


def run(*words):
    return CliRunner().invoke(app, ["discharge", *map(str, words)])


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Two electrodes of sheets, one of them in four layers, and one without a voxel size."""
    folder = tmp_path_factory.mktemp("cells")
    phases = {0: "pore", 1: "active material", 2: "carbon-binder domain"}
    y = np.arange(12)[None, None, :, None]
    for name, widths in (("plain", [6, 6, 6, 6]), ("graded", [4, 5, 7, 8])):
        width = np.repeat(widths, 4)[None, :, None, None]
        labels = np.broadcast_to(y < width, (2, 16, 12, 5)).astype(int)
        labels = np.where(np.broadcast_to(y == width, labels.shape), 2, labels)
        ms = as_microstructure(labels, phases=phases, voxel_size=1e-6, ensemble=True)
        save_microstructures(folder / f"{name}.h5", ms)
    save_microstructures(folder / "unknown.h5", as_microstructure(labels[0], phases=phases))
    return folder


def executed(path):
    functions = {}
    exec(compile(path.read_text(), str(path), "exec"), functions)
    return functions


def test_one_command_for_curves_functions_and_picture(place, tmp_path):
    pytest.importorskip("pybamm")
    files = [tmp_path / name for name in ("curves.csv", "electrode.py", "curves.png")]
    curves, functions, picture = files
    result = run(
        place / "graded.h5", "--c-rate", 1, 4, "--layers", 4,
        "-o", curves, "--functions", functions, "--picture", picture,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "2 electrodes, 4 layers" in result.stdout
    assert "  4 C: " in result.stdout
    with curves.open() as file:
        rows = list(csv.DictReader(file))
    assert {(row["set"], row["sample"], row["c_rate_per_h"]) for row in rows} == {
        ("graded", sample, rate) for sample in "01" for rate in "14"
    }
    end = [row for row in rows if row["sample"] == "1" and row["c_rate_per_h"] == "4"][-1]
    assert float(end["voltage_V"]) == pytest.approx(3.5, abs=0.01)
    counts = executed(functions)
    assert counts["ACTIVE"][1] == [4 * 20, 5 * 20, 7 * 20, 8 * 20]
    assert counts["THICKNESS"] == 1e-4
    assert picture.read_bytes().startswith(b"\x89PNG")
    again = run(place / "graded.h5", "-o", curves)
    assert again.exit_code == 2
    assert "--force" in again.stderr


def test_sets_to_compare_and_numbers(place):
    pytest.importorskip("pybamm")
    files = [place / "plain.h5", place / "graded.h5"]
    result = run(*files, "--c-rate", 2, "--layers", 4, "--thickness", "80um", "--json")
    assert result.exit_code == 0, result.output
    plain, graded = json.loads(result.stdout)
    assert plain["active_fraction"] == [[0.5] * 4] * 2
    assert graded["layers"] == 4
    assert np.mean(graded["active_fraction"]) == pytest.approx(0.5)
    assert graded["equilibrium_capacity_Ah_per_m2"] == pytest.approx(
        plain["equilibrium_capacity_Ah_per_m2"]
    )
    assert graded["capacity_Ah_per_m2"][0][0] > plain["capacity_Ah_per_m2"][0][0] > 0


def test_netcdf_and_a_homogeneous_electrode(place, tmp_path):
    pytest.importorskip("pybamm")
    result = run(place / "plain.h5", "--c-rate", 1, "-o", tmp_path / "curves.nc")
    assert result.exit_code == 0, result.output
    assert "homogeneous" in result.stdout
    curves = xr.load_dataset(tmp_path / "curves.nc", engine="h5netcdf")
    assert curves.capacity.shape == (2, 1)


def test_functions_alone_need_no_pybamm(place, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pybamm", None)
    path = tmp_path / "mine.py"
    result = run(place / "graded.h5", "--layers", 16, "--functions", path, "--layer-transport")
    assert result.exit_code == 0, result.output
    assert "16 layers, counts of every layer exact" in " ".join(result.stderr.split())
    found = executed(path)
    assert found["porosity"](0.0) == 7 / 12
    assert found["tortuosity_factor"](0.5e-4) == pytest.approx(1, abs=0.2)
    refused = run(place / "graded.h5", "--c-rate", 1)
    assert refused.exit_code == 2
    assert "microdsd[battery]" in refused.stderr


def test_layers_of_a_generated_file_are_its_own(tmp_path):
    phases = {0: "pore", 1: "active material", 2: "binder"}
    table = {"pore": np.linspace(0.5, 0.2, 4)[:, None, None], "binder": np.full((4, 1, 1), 0.1)}
    model = tiny_model(3, phases, window=(8, 8, 8))
    save_microstructures(tmp_path / "new.h5", model.sample_regions(table, shape=(8, 6, 5), rng=0))
    assert "region" in load_microstructures(tmp_path / "new.h5").coords
    result = run(tmp_path / "new.h5", "--functions", tmp_path / "new.py")
    assert result.exit_code == 0, result.output
    assert executed(tmp_path / "new.py")["PORE"] == [[30, 24, 18, 12]]


@pytest.mark.parametrize(
    ("file", "words", "message"),
    [
        ("plain.h5", ["--layers", 5], "do not divide"),
        ("plain.h5", ["--c-rate", 0], "above 0"),
        ("plain.h5", ["--c-rate", -1], "above 0"),
        ("plain.h5", ["--active", "nickel"], "nickel"),
        ("plain.h5", ["--active", "pore"], "different phases"),
        ("plain.h5", ["--axis", "u"], "u"),
        ("plain.h5", ["--thickness", "3 apples"], "apples"),
        ("plain.h5", ["-o", "curves.txt"], ".csv or .nc"),
        ("plain.h5", ["--functions", "a-b.py"], "no name of a Python module"),
        ("plain.h5", ["--functions", "a.txt"], "does not end in .py"),
        ("plain.h5", ["--picture", "a.pdf"], "does not end in .png"),
        ("unknown.h5", [], "voxel size in metres"),
        ("none.h5", [], "none.h5"),
    ],
)
def test_bad_input_is_refused_in_one_line(place, file, words, message):
    result = run(place / file, *words)
    assert result.exit_code == 2, result.output
    assert message in result.stderr
    assert result.stderr.count("\n") <= 2


def test_phases_that_do_not_say_what_they_are(tmp_path):
    ms = as_microstructure(np.arange(64).reshape(4, 4, 4) % 2, voxel_size=1e-6)
    save_microstructures(tmp_path / "a.h5", ms)
    result = run(tmp_path / "a.h5", "--functions", tmp_path / "a.py")
    assert result.exit_code == 2
    assert "name it with --pore" in result.stderr
    named = run(tmp_path / "a.h5", "--pore", 0, "--active", 1, "--functions", tmp_path / "a.py")
    assert named.exit_code == 0, named.output


def test_two_sets_have_no_common_file(place, tmp_path):
    files = [place / "plain.h5", place / "graded.h5"]
    assert "give one file" in run(*files, "--functions", tmp_path / "a.py").stderr
    assert "netCDF holds one set" in run(*files, "-o", tmp_path / "a.nc").stderr
