import h5py
import numpy as np
import pytest

from microdsd.errors import DataFileError, InputError
from microdsd.io import open_labels, save_microstructures
from microdsd.io.stored import StoredLabels
from microdsd.microstructure import VoxelSize, as_microstructure

LABELS = np.random.default_rng(0).integers(0, 3, size=(70, 66, 80)).astype(np.uint8)
MS = as_microstructure(LABELS, phases={0: "pore", 1: "solid", 2: "binder"}, voxel_size=2e-6)


@pytest.fixture(params=["memory", "native", "foreign", "npy"])
def source(request, tmp_path):
    """The same volume from four kinds of source."""
    if request.param == "memory":
        return MS
    file = tmp_path / "a.h5"
    if request.param == "native":
        save_microstructures(file, MS)
    elif request.param == "foreign":
        with h5py.File(file, "w") as f:
            f["labels"] = LABELS.astype(np.int64)
    else:
        file = tmp_path / "a.npy"
        np.save(file, LABELS)
    return str(file)


def test_windows_agree_with_slicing(source):
    rng = np.random.default_rng(1)
    with open_labels(source, region=(slice(3, 70), slice(0, 60), slice(5, None))) as labels:
        inside = LABELS[3:70, 0:60, 5:]
        assert labels.shape == inside.shape
        assert labels.dtype == np.uint8
        for _ in range(20):
            size = rng.integers(1, 40, 3)
            start = rng.integers(0, np.array(inside.shape) - size + 1)
            window = labels.read(0, start.tolist(), size.tolist())
            part = tuple(slice(a, a + b) for a, b in zip(start, size, strict=True))
            np.testing.assert_array_equal(window, inside[part])
            assert window.dtype == np.uint8
            assert window.flags.c_contiguous


def test_fingerprint_is_of_the_labels_not_of_the_file(source, monkeypatch):
    monkeypatch.setattr("microdsd.io.stored.SLAB_BYTES", 10_000)
    region = (slice(2, 70), slice(0, 66), slice(1, 80))
    with open_labels(source, region=region) as labels:
        fingerprint = labels.sha256()
    assert fingerprint == open_labels(LABELS[2:, :, 1:]).sha256()
    assert fingerprint != open_labels(LABELS).sha256()


def test_statements_come_from_the_file(tmp_path):
    save_microstructures(tmp_path / "a.h5", MS)
    with open_labels(tmp_path / "a.h5") as labels:
        assert labels.phases == {0: "pore", 1: "solid", 2: "binder"}
        assert labels.voxel_size == VoxelSize((2e-6,) * 3, "m")
        assert labels.n_samples == 1
    with open_labels(tmp_path / "a.h5", voxel_size=1e-6) as labels:
        assert labels.voxel_size.size == (1e-6,) * 3
    with pytest.raises(InputError, match="also holds labels 2"):
        open_labels(tmp_path / "a.h5", phases={0: "a", 1: "b"})


def test_only_the_window_is_read(tmp_path, monkeypatch):
    """A native file is opened and a window read without touching the rest of the volume."""
    save_microstructures(tmp_path / "a.h5", MS)
    read = []
    whole = StoredLabels.read
    monkeypatch.setattr(StoredLabels, "read", lambda *a: read.append(whole(*a).size) or whole(*a))
    with open_labels(tmp_path / "a.h5") as labels:
        labels.read(0, (1, 2, 3), (4, 5, 6))
    assert read == [4 * 5 * 6]


def test_ensembles(tmp_path):
    stack = as_microstructure(LABELS, ensemble=True)
    save_microstructures(tmp_path / "a.h5", stack)
    with open_labels(tmp_path / "a.h5") as stored, open_labels(stack) as held:
        assert stored.n_samples == held.n_samples == 70
        assert stored.shape == held.shape == (66, 80)
        assert stored.sha256() == held.sha256()
        for labels in (stored, held):
            np.testing.assert_array_equal(labels.read(7, (1, 2), (3, 4)), LABELS[7, 1:4, 2:6])


@pytest.mark.parametrize(
    ("start", "size"),
    [((0, 0, 0), (71, 1, 1)), ((-1, 0, 0), (2, 2, 2)), ((0, 0, 0), (2, 2)), ((0, 0, 0), (0, 2, 2))],
)
def test_windows_outside_the_volume(source, start, size):
    with open_labels(source) as labels, pytest.raises(InputError, match="do not lie inside"):
        labels.read(0, start, size)


def test_unknown_sample(source):
    with open_labels(source) as labels, pytest.raises(InputError, match="there are 1 samples"):
        labels.read(1, (0, 0, 0), (2, 2, 2))


@pytest.mark.parametrize(
    "region",
    [
        (slice(0, 2),),
        (slice(0, 99), slice(None), slice(None)),
        (slice(5, 5), slice(None), slice(None)),
        (slice(0, 9, 2), slice(None), slice(None)),
    ],
)
def test_bad_regions(source, region):
    with pytest.raises(InputError, match="region"):
        open_labels(source, region=region)


def test_missing_file():
    with pytest.raises(DataFileError, match="no such file"):
        open_labels("nowhere.h5")
