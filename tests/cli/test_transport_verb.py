"""The verb that solves for transport."""

import json

import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner

from microdsd.cli.app import app
from microdsd.io import save_microstructures
from microdsd.microstructure import as_microstructure


def run(*words):
    return CliRunner().invoke(app, ["transport", *map(str, words)])


@pytest.fixture(scope="module")
def layered(tmp_path_factory):
    """Two samples of layers normal to z: half pore, and a quarter pore."""
    path = tmp_path_factory.mktemp("layers") / "layers.h5"
    profiles = np.array([[0, 1, 0, 1], [0, 1, 1, 1]])
    labels = np.broadcast_to(profiles[:, :, None, None], (2, 4, 4, 4))
    ms = as_microstructure(labels, phases={0: "pore", 1: "solid"}, ensemble=True, voxel_size=1e-6)
    save_microstructures(path, ms)
    return path


def test_lines_for_people(layered):
    result = run(layered, "--phase", "pore", "--axis", "z", "--axis", "x")
    assert result.exit_code == 0, result.output
    assert "pore, z: relative diffusivity 0 (0 to 0), tortuosity factor inf" in result.stdout
    assert "pore, x: relative diffusivity 0.375 (0.25 to 0.5)" in result.stdout
    assert "tortuosity factor 1 (1 to 1)" in result.stdout


def test_one_json_document(layered):
    result = run(layered, "--phase", "pore", "--json")
    document = json.loads(result.stdout, parse_constant=pytest.fail)
    tau = document["data"]["tortuosity_factor"]
    assert tau["dims"] == ["sample", "phase", "axis"]
    assert tau["values"][0][0][0] is None
    assert tau["values"][1][0][1:] == pytest.approx([1, 1])
    assert document["data"]["diffusivity_converged"]["values"][0] == [[True] * 3]
    assert "no-flux" in document["diffusivity_boundary"]
    assert document["coords"]["axis"]["values"] == ["z", "y", "x"]


def test_conductivity_and_stiffness_to_a_file(layered, tmp_path):
    path = tmp_path / "out.nc"
    words = [layered, "--property", "conductivity", "--property", "stiffness"]
    words += ["--conductivity", "pore=1", "solid=3", "--young", "pore=0", "solid=95e9"]
    words += ["--poisson", "solid=0.07", "-o", path]
    result = run(*words)
    assert result.exit_code == 0, result.output
    assert "conductivity, z: 1.75 (1.5 to 2)" in result.stdout
    assert "young modulus: " in result.stdout
    with xr.open_dataset(path, engine="h5netcdf") as found:
        np.testing.assert_allclose(found.conductivity.sel(flux="x", gradient="x"), [2, 2.5])
        assert found.conductivity_converged.dtype == bool
        assert found.attrs["stiffness_boundary"] == "periodic"
    assert run(*words).exit_code == 2
    assert run(*words, "--force").exit_code == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--phase", "brine"], "brine"),
        (["--property", "charm"], "charm"),
        (["--property", "conductivity"], "pore"),
        (["--property", "stiffness", "--young", "pore=0", "solid=1"], "Poisson ratio"),
        (["--property", "conductivity", "--conductivity", "pore=much"], "conductivity: expected"),
        (["--sides", "open"], "sides"),
    ],
)
def test_refusals_in_one_line(layered, words, message):
    result = run(layered, *words)
    assert result.exit_code == 2
    assert message in result.output
    assert "Traceback" not in result.output
