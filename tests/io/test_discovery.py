import h5py
import numpy as np
import pytest

from microdsd.errors import DataFileError, InputError
from microdsd.io import list_microstructures, load_microstructures, open_labels, split_spec

RNG = np.random.default_rng(0)
VOLUME = RNG.integers(1, 3, size=(4, 5, 6)).astype(np.int32)


@pytest.fixture
def file(tmp_path):
    with h5py.File(tmp_path / "f.h5", "w") as f:
        yield f


def reopened(f):
    """Path of the file, closed, so that it can be opened for reading."""
    name = f.filename
    f.close()
    return name


def test_specs():
    assert [str(part) for part in split_spec("a/b.h5:/c/d/")] == ["a/b.h5", "/c/d"]
    assert split_spec("a.h5")[1] is None
    assert split_spec("C:/a.h5")[1] is None
    assert split_spec("C:/a.h5:/c")[1] == "/c"
    assert split_spec("a.h5:/")[1] == "/"


def test_plain_volume_image_and_stack(file):
    file["volume"] = VOLUME
    file["sub/image"] = VOLUME[0]
    file["stack"] = np.stack([VOLUME] * 3)
    file["profile"] = np.arange(9)
    file["grey"] = RNG.random((4, 4))
    name = reopened(file)
    found = {info.path: info for info in list_microstructures(name)}
    assert {path: info.kind for path, info in found.items()} == {
        "/volume": "plain",
        "/sub/image": "plain",
        "/stack": "stack",
    }
    assert found["/stack"].n_samples == 3
    assert found["/volume"].labels == (1, 2)
    assert sum(found["/volume"].fractions) == pytest.approx(1)
    assert found["/volume"].voxel_size is None
    assert load_microstructures(f"{name}:/stack").dims == ("sample", "z", "y", "x")
    np.testing.assert_array_equal(load_microstructures(f"{name}:/volume"), VOLUME)
    np.testing.assert_array_equal(load_microstructures(f"{name}:/sub"), VOLUME[0])


def test_plain_stack_of_images_on_request(file):
    file["images"] = VOLUME
    name = reopened(file)
    ms = load_microstructures(name, ensemble=True, phases={1: "a", 2: "b"}, voxel_size=1e-6)
    assert ms.dims == ("sample", "y", "x")
    assert (ms.x.units, ms.dtype) == ("m", np.uint8)
    with open_labels(name, ensemble=True) as labels:
        assert (labels.n_samples, labels.shape) == (4, (5, 6))
        np.testing.assert_array_equal(labels.read(2, (0, 0), (5, 6)), VOLUME[2])


def test_ensemble_of_one_image_is_refused(file):
    file["image"] = VOLUME[0]
    with pytest.raises(InputError, match="not a plain stack"):
        load_microstructures(reopened(file), ensemble=True)


@pytest.mark.parametrize("pattern", ["{}", "sample_{}", "run1/s{}.seg", "runs/{}/labels"])
def test_one_dataset_per_sample(file, pattern):
    for i in range(12):
        file[pattern.format(i)] = VOLUME[0] % (i + 1)
    name = reopened(file)
    (info,) = list_microstructures(name)
    assert (info.kind, info.n_samples, info.shape) == ("per-sample", 12, (5, 6))
    assert info.path == "/" + pattern.format("*")
    ms = load_microstructures(f"{name}:{info.path}")
    # Sample 10 comes after sample 9, not after sample 1.
    for i in range(12):
        np.testing.assert_array_equal(ms[i], VOLUME[0] % (i + 1))
    with open_labels(name) as labels:
        np.testing.assert_array_equal(labels.read(11, (1, 2), (3, 4)), ms[11, 1:4, 2:6])
    one = load_microstructures(f"{name}:/{pattern.format(3)}")
    np.testing.assert_array_equal(one, VOLUME[0] % 4)


def test_numbered_arrays_of_other_shape_are_no_ensemble(file):
    file["a1"] = VOLUME[0]
    file["a2"] = VOLUME[0, :3]
    assert {i.kind for i in list_microstructures(reopened(file))} == {"plain"}


@pytest.mark.parametrize("generation", ["6.5", "NX"])
def test_dream3d(file, generation):
    if generation == "6.5":
        base = "DataContainers/SyntheticVolume"
        geometry = file.create_group(f"{base}/_SIMPL_GEOMETRY")
        geometry["SPACING"] = np.array([0.5, 0.25, 0.125], dtype=np.float32)
        geometry["DIMENSIONS"] = np.array([6, 5, 4])
    else:
        base = "DataStructure/DataContainer"
        file.create_group(base).attrs["_SPACING"] = np.array([0.5, 0.25, 0.125])
    file[f"{base}/CellData/Phases"] = VOLUME[..., np.newaxis]
    file[f"{base}/CellData/IPFColors"] = np.zeros((4, 5, 6, 3), np.uint8)
    file[f"{base}/CellData/EulerAngles"] = np.zeros((4, 5, 6, 3), np.float32)
    name = reopened(file)
    (info,) = list_microstructures(name)
    assert (info.kind, info.shape, info.path) == ("dream3d", (4, 5, 6), f"/{base}/CellData/Phases")
    assert "0.125, 0.25, 0.5" in info.note
    np.testing.assert_array_equal(load_microstructures(name), VOLUME)
    with open_labels(name) as labels:
        np.testing.assert_array_equal(labels.read(0, (1, 1, 1), (2, 3, 4)), VOLUME[1:3, 1:4, 1:5])


def test_dream3d_slice_is_an_image(file):
    file["DataContainers/Image/CellData/Phases"] = VOLUME[:1, ..., np.newaxis]
    name = reopened(file)
    np.testing.assert_array_equal(load_microstructures(name), VOLUME[0])
    with open_labels(name) as labels:
        np.testing.assert_array_equal(labels.read(0, (1, 1), (2, 3)), VOLUME[0, 1:3, 1:4])


def test_bool_arrays(file):
    file["mask"] = VOLUME == 1
    name = reopened(file)
    assert list_microstructures(name)[0].labels == (0, 1)
    with open_labels(name) as labels:
        assert labels.read(0, (0, 0, 0), (4, 5, 6)).dtype == np.uint8


def test_float_array_points_to_thresholding(file):
    file["grey"] = RNG.random((4, 4))
    name = reopened(file)
    for read in (load_microstructures, open_labels):
        with pytest.raises(InputError, match=r"float64.*threshold_otsu"):
            read(f"{name}:/grey")
    with pytest.raises(DataFileError, match="holds no integer array"):
        load_microstructures(name)


def test_greyscale_array_is_listed_and_refused(file):
    file["grey"] = RNG.integers(0, 60000, size=(30, 30))
    name = reopened(file)
    (info,) = list_microstructures(name)
    assert info.labels == ()
    assert "greyscale" in info.note
    for read in (load_microstructures, open_labels):
        with pytest.raises(InputError, match=r"greyscale.*threshold_otsu"):
            read(name)


def test_negative_labels_outside_the_region_do_not_matter(file):
    banner = VOLUME.copy()
    banner[3] = -1
    file["labels"] = banner
    name = reopened(file)
    with pytest.raises(InputError, match="lowest is -1"):
        open_labels(name)
    with open_labels(name, region=(slice(0, 3), slice(None), slice(None))) as labels:
        assert labels.phases == {1: "phase 1", 2: "phase 2"}
        np.testing.assert_array_equal(labels.read(0, (0, 0, 0), (3, 5, 6)), VOLUME[:3])


def test_links_that_lead_nowhere(file):
    file["labels"] = VOLUME
    file["lost"] = h5py.ExternalLink("gone.h5", "/x")
    assert len(list_microstructures(reopened(file))) == 1
