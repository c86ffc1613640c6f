"""VTI files are read back by VTK itself, which ParaView is built on."""

import numpy as np
import pytest

from microdsd.io import save_vti, vti
from microdsd.microstructure import as_microstructure

pv = pytest.importorskip("pyvista")

LABELS = np.random.default_rng(0).integers(0, 3, size=(5, 6, 7))


@pytest.mark.parametrize("factor", [1, 300, 70000])
@pytest.mark.parametrize("block", [1, 64, 210, 1 << 20])
def test_labels_come_back(tmp_path, monkeypatch, factor, block):
    monkeypatch.setattr(vti, "BLOCK_BYTES", block * 4)
    ms = as_microstructure(LABELS * factor, voxel_size=(3e-6, 2e-6, 1e-6))
    save_vti(tmp_path / "a.vti", ms)
    grid = pv.read(tmp_path / "a.vti")
    # VTK counts x fastest, as C order does for (z, y, x).
    np.testing.assert_array_equal(grid.cell_data["labels"].reshape(5, 6, 7), ms)
    assert grid.cell_data["labels"].dtype == ms.dtype
    np.testing.assert_allclose(grid.spacing, (1e-6, 2e-6, 3e-6))
    np.testing.assert_allclose(grid.origin, 0, atol=1e-18)
    assert grid.dimensions == (8, 7, 6)


def test_a_crop_keeps_its_place(tmp_path):
    ms = as_microstructure(LABELS, voxel_size=1e-6).isel(z=slice(2, None))
    save_vti(tmp_path / "a.vti", ms)
    np.testing.assert_allclose(pv.read(tmp_path / "a.vti").origin, (0, 0, 2e-6), atol=1e-18)


def test_an_image_is_one_layer_of_cells(tmp_path):
    save_vti(tmp_path / "a.vti", LABELS[0])
    grid = pv.read(tmp_path / "a.vti")
    assert grid.dimensions == (8, 7, 2)
    np.testing.assert_array_equal(grid.cell_data["labels"].reshape(6, 7), LABELS[0])
