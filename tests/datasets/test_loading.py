import importlib.util
from pathlib import Path

import numpy as np
import pytest

from microdsd.datasets import dataset_info, list_datasets, load_dataset
from microdsd.microstructure import (
    check_microstructure,
    phase_fractions,
    phases_of,
    provenance_of,
    voxel_size_of,
)

ROOT = Path(__file__).resolve().parents[2]
MAIN_SETS = ["berea_sandstone", "fontainebleau_sandstone", "nmc_cathode_cbd", "sofc_anode_2d"]
OTHER_SETS = [s.name for s in list_datasets() if s.name not in MAIN_SETS and s.url]
PACKAGED_SETS = [s.name for s in list_datasets() if s.url is None]


def assert_as_registered(name):
    info = dataset_info(name)
    ms = load_dataset(name)
    check_microstructure(ms)
    assert phases_of(ms) == dict(enumerate(info.labels.values()))
    np.testing.assert_allclose(
        phase_fractions(ms).mean("sample"), list(info.fractions.values()), atol=5.1e-5
    )
    size = voxel_size_of(ms)
    if info.voxel_size is None:
        assert size.unit == "voxel"
    else:
        assert size.unit == "m"
        np.testing.assert_allclose(size.size, info.voxel_size)
    return ms


@pytest.fixture
def mirror(data_dir, monkeypatch):
    monkeypatch.setenv("MICRODSD_DATA", str(data_dir))
    return data_dir


@pytest.mark.parametrize("name", PACKAGED_SETS)
def test_packaged_sets(name):
    assert assert_as_registered(name).shape == dataset_info(name).shape


@pytest.mark.scan
@pytest.mark.parametrize("name", MAIN_SETS + OTHER_SETS)
def test_real_scans_have_the_fractions_stated(name, mirror):
    info = dataset_info(name)
    if not (mirror / info.folder / info.file).is_file():
        pytest.skip(f"no {info.folder}/{info.file} in {mirror}")
    ms = assert_as_registered(name)
    assert provenance_of(ms)["sha256"] == info.sha256
    assert ("sample" in ms.dims) == info.stack


def test_the_packaged_file_is_what_the_script_makes():
    spec = importlib.util.spec_from_file_location("make", ROOT / "datasets" / "make_synthetic.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    made = dict(script.media())
    assert {f"synthetic_{group}" for group in made} == set(PACKAGED_SETS)
    for group, ms in made.items():
        np.testing.assert_array_equal(load_dataset(f"synthetic_{group}"), ms)
