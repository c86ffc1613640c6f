"""Copies of training windows are caught, fresh material is not."""

import json

import numpy as np
import pytest

from microdsd.errors import InputError
from microdsd.evaluation import memorisation as module
from microdsd.evaluation.memorisation import memorisation, nearest_window, nearest_windows
from microdsd.microstructure import as_microstructure, blobs, cut_windows
from microdsd.microstructure.symmetry import symmetry_elements
from microdsd.report import memorisation_sentence


def rock(shape, seed, fractions=(0.3, 0.7)):
    return blobs(shape, fractions=fractions, scale=1.5, rng=seed)


def nearest_by_hand(sample, volume, symmetry="none"):
    """Fewest unlike voxels over all windows of a volume, looked at one by one."""
    fewest = sample.size
    for order, flip in symmetry_elements(symmetry, sample.ndim):
        turned = np.flip(sample.transpose(order), flip)
        if any(a > b for a, b in zip(turned.shape, volume.shape, strict=True)):
            continue
        windows = np.lib.stride_tricks.sliding_window_view(volume, turned.shape)
        unlike = (windows != turned).sum(tuple(range(-sample.ndim, 0)))
        fewest = min(fewest, int(unlike.min()))
    return fewest / sample.size


@pytest.mark.parametrize("symmetry", ["none", "orthotropic", "transverse", "isotropic"])
@pytest.mark.parametrize(
    ("scan", "window", "fractions"),
    [
        ((21, 18), (7, 7), (0.3, 0.7)),
        ((20, 23), (5, 9), (0.5, 0.3, 0.2)),
        ((9, 11, 10), (4, 5, 6), (0.4, 0.6)),
        ((12, 9, 9), (5, 5, 5), (0.4, 0.3, 0.2, 0.1)),
    ],
)
def test_distance_is_that_of_all_windows_looked_at_one_by_one(scan, window, fractions, symmetry):
    volume = rock(scan, 0, fractions)
    samples = cut_windows(rock([2 * n for n in window], 1, fractions), window, n=3, rng=0)
    found = nearest_windows(samples, volume, symmetry=symmetry)
    expected = [nearest_by_hand(x, volume.values, symmetry) for x in samples.values]
    np.testing.assert_allclose(found["distance"], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("block", [1, 300, 1 << 22])
def test_the_window_named_is_the_one_found_whatever_the_blocks(monkeypatch, block):
    monkeypatch.setattr(module, "VOXELS_PER_BLOCK", block)
    volume = rock((19, 12, 13), 0).values
    samples = cut_windows(rock((12, 12, 12), 3), (6, 5, 4), n=3, rng=0)
    found = nearest_windows(samples, volume)
    for i, sample in enumerate(samples.values):
        start = [int(found[f"start_{dim}"][i]) for dim in "zyx"]
        there = volume[tuple(slice(a, a + n) for a, n in zip(start, sample.shape, strict=True))]
        assert (there != sample).mean() == pytest.approx(float(found["distance"][i]))
        assert float(found["distance"][i]) == pytest.approx(nearest_by_hand(sample, volume))


def test_turned_copies_are_found_only_where_turns_are_allowed():
    volume = rock((30, 30), 0)
    copy = np.rot90(volume.values[4:14, 7:19]).copy()
    assert float(nearest_windows(copy, volume)["distance"][0]) > 0
    found = nearest_windows(copy, volume, symmetry="isotropic")
    assert float(found["distance"][0]) == 0
    assert (int(found["start_y"][0]), int(found["start_x"][0])) == (4, 7)
    assert np.array_equal(nearest_window(found, 0, volume, copy.shape), copy)


@pytest.mark.parametrize("element", symmetry_elements("isotropic", 3)[::5])
def test_the_window_comes_back_turned_as_the_sample_is(element):
    order, flip = element
    volume = rock((9, 10, 11), 0).values
    copy = np.flip(volume[2:6, 1:6, 3:9].transpose(order), flip)
    found = nearest_windows(copy, volume, symmetry="isotropic")
    assert float(found["distance"][0]) == 0
    assert np.array_equal(nearest_window(found, 0, volume, copy.shape), copy)


def test_plane_samples_are_sought_in_the_slices_of_a_volume():
    volume = rock((8, 20, 21), 0)
    copy = volume.values[5, 3:12, 6:15]
    found = nearest_windows(copy, volume)
    assert [int(found[k][0]) for k in ("normal", "layer", "start_y", "start_x")] == [0, 5, 3, 6]
    aside = volume.values[:8, 4, 2:10]  # normal to y
    assert float(nearest_windows(aside, volume)["distance"][0]) > 0
    found = nearest_windows(aside, volume, symmetry="isotropic")
    assert float(found["distance"][0]) == 0
    assert [int(found[k][0]) for k in ("normal", "layer")] == [1, 4]
    assert np.array_equal(nearest_window(found, 0, volume, aside.shape), aside)


def test_members_of_an_ensemble():
    ensemble = as_microstructure(
        np.stack([rock((16, 16), seed).values for seed in range(3)]), ensemble=True
    )
    found = nearest_windows(ensemble.values[2, 1:9, 5:13], ensemble)
    assert [int(found[k][0]) for k in ("normal", "layer", "start_y")] == [-1, 2, 1]


def test_relative_distance_of_unrelated_material_is_one():
    """White noise: the mean over windows differs as chance has it; the nearest somewhat less."""
    rng = np.random.default_rng(0)
    scan = (rng.random((40, 40)) < 0.4).astype(np.uint8)
    sample = (rng.random((38, 38)) < 0.4).astype(np.uint8)
    assert float(nearest_windows(sample, scan)["relative_distance"][0]) == pytest.approx(1, abs=0.1)


def test_copies_are_caught_and_fresh_samples_are_not():
    scan = rock((60, 60), 0)
    held_back = cut_windows(rock((60, 60), 1), (12, 12), n=20, rng=0)
    copies = cut_windows(scan, (12, 12), n=20, rng=1).values
    flipped = copies.copy()
    flipped[:, ::6, ::6] = 1 - flipped[:, ::6, ::6]  # one voxel in 36 altered
    fresh = cut_windows(rock((60, 60), 2), (12, 12), n=20, rng=2)
    for copied in (copies, flipped):
        caught = memorisation(as_microstructure(copied, ensemble=True), scan, held_back)
        assert caught.nearer == 20
        assert caught.p_value < 1e-6
        assert "20 of 20 samples are nearer" in memorisation_sentence(caught)
    clear = memorisation(fresh, scan, held_back)
    assert clear.nearer <= 3
    assert clear.p_value > 0.01
    assert clear.nearer_by_chance == pytest.approx(20 / 21)


def test_one_copy_among_many_is_seen():
    scan = rock((60, 60), 0)
    held_back = cut_windows(rock((60, 60), 1), (12, 12), n=20, rng=0)
    fresh = cut_windows(rock((60, 60), 2), (12, 12), n=20, rng=2).values.copy()
    fresh[7] = scan.values[20:32, 30:42]
    found = memorisation(as_microstructure(fresh, ensemble=True), scan, held_back)
    assert int(found.generated["distance"].values.argmin()) == 7
    assert float(found.generated["distance"][7]) == 0


def test_json():
    scan = rock((30, 30), 0)
    samples = cut_windows(rock((30, 30), 1), (10, 10), n=4, rng=0)
    found = memorisation(samples, scan, samples)
    document = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert document["generated"] == document["held_back"]
    assert len(document["generated"]["distance"]) == 4


@pytest.mark.parametrize(
    ("sample", "scan", "message"),
    [
        (np.zeros((9, 9), int), np.zeros((8, 12), int), "larger than the scan"),
        (np.zeros((4, 4, 4), int), np.zeros((8, 8), int), "have 3 axes, the scan has 2"),
        (np.full((4, 4), 2), np.zeros((8, 8), int), r"hold labels \[2\]"),
    ],
)
def test_what_cannot_be_searched(sample, scan, message):
    with pytest.raises(InputError, match=message):
        nearest_windows(sample, scan)
