import json

import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner

from microdsd.cli.app import app
from microdsd.io import load_microstructures, save_microstructures
from microdsd.metrics import describe
from microdsd.microstructure import as_microstructure, blobs

GROUPS = ["fractions", "two_point", "lineal_path", "chords", "percolation"]
QUICK = [word for group in GROUPS for word in ("--descriptor", group)]


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    samples = [blobs((24, 24), fractions=(0.3, 0.7), scale=2, rng=i).values for i in range(3)]
    ms = as_microstructure(
        np.stack(samples), phases={0: "pore", 1: "solid"}, voxel_size=1e-6, ensemble=True
    )
    path = tmp_path_factory.mktemp("describe") / "scan.h5"
    save_microstructures(path, ms)
    return path, ms


def run(*words):
    return CliRunner().invoke(app, ["describe", *map(str, words)])


@pytest.mark.parametrize("suffix", [".nc", ".h5"])
def test_numbers_survive_the_file(stored, tmp_path, suffix):
    path, _ = stored
    target, picture = tmp_path / f"out{suffix}", tmp_path / "out.png"
    result = run(path, *QUICK, "-o", target, "--picture", picture)
    assert result.exit_code == 0, result.output
    with xr.open_dataset(target, engine="h5netcdf") as found:
        expected = describe(load_microstructures(path), periodic=False, descriptors=GROUPS)
        xr.testing.assert_allclose(found.load(), expected)
        assert found.lineal_path.attrs["references"].startswith("doi:")
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "mean chord length, x" in result.stdout
    assert "±" in result.stdout
    again = run(path, *QUICK, "-o", target)
    assert again.exit_code == 2
    assert "exists" in again.stderr


def test_json_holds_every_number(stored):
    path, ms = stored
    result = run(path, *QUICK, "--periodic", "--phase", "solid", "--json")
    document = json.loads(result.stdout)
    expected = describe(ms, periodic=True, descriptors=GROUPS, phase=["solid"])
    for name, variable in expected.data_vars.items():
        held = document["data_vars"][name]
        assert held["attrs"]["definition"]
        if variable.dtype != bool:
            values, known = np.array(held["data"], dtype=float), variable.values
            np.testing.assert_allclose(values[np.isfinite(values)], known[np.isfinite(known)])
    assert document["coords"]["phase_name"]["data"] == ["solid"]


def test_specimen(stored, tmp_path):
    path, ms = stored
    inside = np.zeros((24, 24), dtype=np.uint8)
    inside[:, :12] = 255
    np.save(tmp_path / "mask.npy", inside)
    result = run(path, "--mask", tmp_path / "mask.npy", "--json")
    document = json.loads(result.stdout)
    groups = ["fractions", "components"]
    expected = describe(ms, periodic=False, descriptors=groups, mask=inside != 0)
    for name in ("phase_fraction", "component_count"):
        np.testing.assert_allclose(document["data_vars"][name]["data"], expected[name])


def test_errors_are_one_line(stored, tmp_path):
    path, _ = stored
    for words, message in [
        (["--descriptor", "colour"], "no group 'colour'"),
        (["--picture", tmp_path / "x.jpg"], "neither .png nor .svg"),
        (["--phase", "water"], "no phase 'water'"),
    ]:
        result = run(path, *words)
        assert result.exit_code == 2
        assert message in result.stderr
