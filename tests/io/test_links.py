"""Cycles of links end, and an object counts once whatever the number of its names."""

import h5py
import numpy as np
import pytest

from microdsd.errors import DataFileError
from microdsd.io import holds_images, list_microstructures, load_microstructures, save_images
from microdsd.io.links import contents
from microdsd.microstructure import as_images

V = np.random.default_rng(0).integers(0, 2, (4, 6, 5)).astype(np.uint8)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.h5"


def paths(path):
    return [info.path for info in list_microstructures(path)]


def test_soft_link_to_the_root(path):
    with h5py.File(path, "w") as file:
        file["entry/labels"] = V
        file["entry/up"] = h5py.SoftLink("/")
    assert paths(path) == ["/entry/labels"]
    np.testing.assert_array_equal(load_microstructures(path), V)
    np.testing.assert_array_equal(load_microstructures(f"{path}:/entry/up/entry/labels"), V)
    assert not holds_images(path)


def test_soft_links_that_lead_to_themselves(path):
    with h5py.File(path, "w") as file:
        file["labels"] = V
        file["a"] = h5py.SoftLink("/b")
        file["b"] = h5py.SoftLink("/a")
        file["c"] = h5py.SoftLink("/c/d")
        file["lost"] = h5py.SoftLink("/nowhere")
    assert paths(path) == ["/labels"]
    for name in "abc":
        with pytest.raises(DataFileError, match="nothing to read"):
            load_microstructures(f"{path}:/{name}")


def test_hard_link_cycles(path):
    with h5py.File(path, "w") as file:
        file["one/two/labels"] = V
        file["one/two/up"] = file["one"]
        file["one/two/root"] = file["/"]
    assert len(paths(path)) == 1
    np.testing.assert_array_equal(load_microstructures(path), V)
    assert not holds_images(path)


def test_groups_with_two_hard_links_each(path):
    """2^24 paths lead to the labels."""
    with h5py.File(path, "w") as file:
        group = file
        for _ in range(24):
            deeper = group.create_group("a")
            group["b"] = deeper
            group = deeper
        group["labels"] = V
    assert paths(path) == ["/" + "a/" * 24 + "labels"]
    np.testing.assert_array_equal(load_microstructures(path), V)
    assert not holds_images(path)


@pytest.mark.parametrize("link", ["hard", "soft", "soft group"])
def test_one_dataset_under_two_names_counts_once(path, link):
    with h5py.File(path, "w") as file:
        file["entry/data"] = V
        if link == "hard":
            file["other"] = file["entry/data"]
        else:
            file["a"] = h5py.SoftLink("/entry/data" if link == "soft" else "/entry")
    assert paths(path) == ["/entry/data"]
    np.testing.assert_array_equal(load_microstructures(path), V)
    alias = {"hard": "/other", "soft": "/a", "soft group": "/a"}[link]
    np.testing.assert_array_equal(load_microstructures(f"{path}:{alias}"), V)


def test_two_names_of_one_sample_are_no_two_samples(path):
    with h5py.File(path, "w") as file:
        file["s0"] = V
        file["s1"] = 1 - V
        file["s2"] = file["s1"]
    assert [info.n_samples for info in list_microstructures(path)] == [2]


def test_soft_link_out_of_the_group_that_was_named(path):
    with h5py.File(path, "w") as file:
        file["detector/data"] = V
        file["other"] = 1 - V
        file["entry/data"] = h5py.SoftLink("/detector/data")
    np.testing.assert_array_equal(load_microstructures(f"{path}:/entry"), V)


def test_deep_groups(path):
    with h5py.File(path, "w") as file:
        file["g/" * 1500 + "labels"] = V
        assert [d.shape for d in contents(file).datasets] == [V.shape]
    np.testing.assert_array_equal(load_microstructures(path), V)


def test_images_under_two_names(path):
    images = as_images(np.eye(4, dtype=np.uint8)[None], classes=["one"])
    save_images(path, images)
    with h5py.File(path, "a") as file:
        file["again"] = file["images"]
        file["up"] = h5py.SoftLink("/")
    assert holds_images(path)
