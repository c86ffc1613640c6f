"""napari's manifest and reader, and the macro for ParaView."""

import importlib
import json
import runpy
import subprocess
import sys
import tomllib
from pathlib import Path

import h5py
import numpy as np
import pytest

from microdsd.io import save_microstructures, save_samples, save_vti
from microdsd.microstructure import as_microstructure
from microdsd.viewers.napari_reader import napari_get_reader

ROOT = Path(__file__).resolve().parents[2]
NAMES = {0: "pore", 3: "grain", 7: "void"}


def volume(shape=(4, 5, 6), **options):
    labels = np.random.default_rng(0).choice([0, 3], shape)
    return as_microstructure(labels, phases=NAMES, voxel_size=(3e-6, 2e-6, 1e-6), **options)


def layers(path):
    reader = napari_get_reader(path)
    assert reader is not None
    return reader(path)


@pytest.mark.parametrize("name", ["a.h5", "a.zarr"])
def test_phases_are_layers(tmp_path, name):
    if name.endswith("zarr"):
        pytest.importorskip("zarr")
    ms = volume()
    save_samples(tmp_path / name, ms)
    found = layers(str(tmp_path / name))
    assert [options["name"] for _, options, _ in found] == ["pore", "grain"]  # no void
    assert {kind for *_, kind in found} == {"labels"}
    for (data, options, _), label in zip(found, (0, 3), strict=True):
        np.testing.assert_array_equal(data.squeeze() > 0, ms == label)
        assert options["scale"][-3:] == pytest.approx((3, 2, 1))
        assert len(options["scale"]) == data.ndim
    numbers = [set(np.unique(data)) - {0} for data, *_ in found]
    assert not numbers[0] & numbers[1]  # other colours


def test_samples_are_an_axis_and_several_files_are_more_layers(tmp_path):
    save_microstructures(tmp_path / "a.h5", volume((2, 4, 5, 6), ensemble=True))
    save_microstructures(tmp_path / "b.h5", volume())
    paths = [str(tmp_path / name) for name in ("a.h5", "b.h5")]
    found = layers(paths)
    assert len(found) == 4
    assert found[0][0].shape == (2, 4, 5, 6)
    assert found[0][1]["scale"] == pytest.approx((1, 3, 2, 1))


def test_other_files_are_left_to_other_readers(tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["temperature"] = np.linspace(0, 1, 20)
    (tmp_path / "broken.h5").write_bytes(b"no HDF5")
    save_vti(tmp_path / "a.vti", volume())
    for name in ("other.h5", "broken.h5", "missing.h5", "a.vti"):
        assert napari_get_reader(str(tmp_path / name)) is None
    assert napari_get_reader([]) is None


def test_reading_imports_no_napari():
    code = "import sys, microdsd.viewers.napari_reader; sys.exit('napari' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=120).returncode == 0


def test_the_manifest_names_what_is_there():
    yaml = pytest.importorskip("yaml")
    manifest = yaml.safe_load((ROOT / "microdsd" / "viewers" / "napari.yaml").read_text())
    (command,) = manifest["contributions"]["commands"]
    module, name = command["python_name"].split(":")
    assert getattr(importlib.import_module(module), name) is napari_get_reader
    (reader,) = manifest["contributions"]["readers"]
    assert reader["command"] == command["id"]
    assert command["id"].startswith(f"{manifest['name']}.")
    points = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]
    package, _, file = points["napari.manifest"][manifest["name"]].partition(":")
    assert (ROOT / Path(*package.split(".")) / file).is_file()


def test_the_macro_names_and_colours_every_phase():
    macro = runpy.run_path(str(ROOT / "workflows" / "15_paraview_phases.py"))
    names = json.dumps({str(label): name for label, name in NAMES.items()})
    annotations, colours = macro["categories"](names)
    assert annotations == ["0", "pore", "3", "grain", "7", "void"]
    assert len(colours) == 9
    assert all(0 <= value <= 1 for value in colours)
    assert len({tuple(colours[i : i + 3]) for i in (0, 3, 6)}) == 3
