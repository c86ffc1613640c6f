"""Properties by size of the window: laws that are known, refusals, the command and its picture."""

import json

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from microdsd.cli.app import app
from microdsd.errors import InputError
from microdsd.io import save_microstructures
from microdsd.metrics import specific_surface_area
from microdsd.microstructure import as_microstructure, blobs
from microdsd.transport.representative import by_size

NOISE = np.random.default_rng(0).integers(0, 2, (256, 256))


@pytest.mark.statistics
def test_scatter_of_the_fraction_falls_with_the_volume():
    """Noise: sqrt(1/4 / V). 64 windows: each estimate within 30 %, false alarms below 1 %."""
    found = by_size(NOISE, phase=1, sizes=[32, 8, 16], properties=["fraction"], windows=64)
    assert found.voxels.values.tolist() == [8, 16, 32]
    spread = found.fraction.std("window", ddof=1).values
    np.testing.assert_allclose(spread, 0.5 / found.voxels, rtol=0.3)
    again = by_size(NOISE, phase=1, sizes=[8, 16, 32], properties=["fraction"], windows=64)
    assert found.equals(again)


def test_the_whole_is_what_the_whole_measures():
    ms = as_microstructure(blobs((12, 12, 12), fractions=(0.5, 0.5), scale=2, rng=0).values)
    ms = as_microstructure(ms, voxel_size=1e-6)
    properties = ["fraction", "surface", "tortuosity", "permeability"]
    found = by_size(ms, phase=0, sizes=[12], properties=properties, windows=2)
    assert found.fraction.values.ravel() == pytest.approx([float((ms == 0).mean())] * 2)
    surface = specific_surface_area(ms, phase=0, periodic=False).item()
    assert found.surface.values.ravel() == pytest.approx([surface] * 2)
    assert found["size"].values == pytest.approx([12e-6])
    assert (found.tortuosity > 1).all()
    assert (found.permeability > 0).all()
    assert found.permeability.units == "m2"


def test_blocked_windows_are_infinitely_tortuous():
    found = by_size(np.eye(8, dtype=int), phase=1, sizes=[4], properties=["tortuosity"])
    assert np.isinf(found.tortuosity).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sizes": [300]}, "from 2 to 256"),
        ({"sizes": []}, "from 2 to 256"),
        ({"sizes": [8], "properties": ["heat"]}, "heat"),
        ({"sizes": [8], "windows": 1}, "at least 2"),
        ({"sizes": [8], "phase": "glass"}, "glass"),
    ],
)
def test_refusals(options, message):
    with pytest.raises(InputError, match=message):
        by_size(NOISE, **{"phase": 1, **options})


def test_the_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_microstructures("a.h5", as_microstructure(NOISE[:64, :64], voxel_size=1e-6))
    run = CliRunner().invoke
    words = ["rev", "a.h5", "--phase", "1", "--size", "8", "16", "32", "-o", "a.png"]
    result = run(app, words)
    assert result.exit_code == 0, result.output
    assert "16 voxels: fraction 0." in result.stdout
    with Image.open("a.png") as picture:
        assert picture.size[0] > 2 * picture.size[1]
    assert "exists" in run(app, words).stderr
    words = ["rev", "a.h5", "--phase", "1", "--size", "8", "--property", "surface", "--json"]
    (row,) = json.loads(run(app, words).stdout)["sizes"]
    assert row["surface"]["units"] == "1/m"
