"""Cleaning: no component is left below the threshold, and no count changes."""

import json

import numpy as np
import pytest
import xarray as xr
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage
from typer.testing import CliRunner

from microdsd.cleaning import clean, small_components
from microdsd.cli.app import app
from microdsd.errors import InputError
from microdsd.io import load_microstructures, save_microstructures
from microdsd.metrics import two_point_probability
from microdsd.microstructure import as_microstructure, blobs, label_counts, provenance_of

NAMES = {0: "pore", 1: "solid", 2: "binder"}


def sizes(labels, phase, periodic=False):
    """Voxels of every component, by scipy."""
    bodies, _ = ndimage.label(labels == phase)
    assert not periodic
    return np.bincount(bodies.ravel())[1:]


boxes = hnp.array_shapes(min_dims=2, max_dims=3, min_side=2, max_side=6).flatmap(
    lambda shape: hnp.arrays(np.uint8, shape, elements=st.integers(0, 2))
)


@given(labels=boxes, min_size=st.integers(1, 5), periodic=st.booleans(), floating=st.booleans())
def test_counts_are_kept_and_nothing_small_is_left(labels, min_size, periodic, floating):
    floating = floating and not periodic
    counts = label_counts(labels)
    assume(min(counts.values()) >= min_size)
    ms = as_microstructure(labels, phases=NAMES)
    try:
        cleaned = clean(ms, min_size=min_size, periodic=periodic, floating=floating)
    except InputError:  # no room in so small a box, see the next test
        return
    assert label_counts(cleaned.labels.values) == counts
    rules = {"min_size": min_size, "floating": floating, "periodic": periodic}
    left = small_components(cleaned.labels.values, [0, 1, 2], **rules)
    assert not any(left.values())
    found = small_components(labels, [0, 1, 2], **rules)
    if not any(found.values()):
        np.testing.assert_array_equal(cleaned.labels, labels)
        assert cleaned[1:] == ([0], [0], [0])


@pytest.mark.parametrize("seed", range(60))
def test_boxes_that_have_room_are_never_refused(seed):
    rng = np.random.default_rng(seed)
    shape = rng.integers(6, 10, rng.integers(2, 4))
    fields = ndimage.gaussian_filter(rng.standard_normal((3, *shape)), (0, *[1] * len(shape)))
    labels = fields.argmax(0)
    least = min(int(rng.integers(2, 8)), *label_counts(labels).values())
    rules = {"min_size": least, "periodic": bool(rng.integers(2))}
    cleaned = clean(labels, **rules)
    assert label_counts(cleaned.labels.values) == label_counts(labels)
    assert not any(small_components(cleaned.labels.values, [0, 1, 2], **rules).values())


def noisy(seed=0, shape=(32, 32, 32)):
    rng = np.random.default_rng(seed)
    labels = blobs(shape, fractions=(0.3, 0.6, 0.1), scale=3, rng=seed).values.copy()
    specks = rng.random(shape) < 0.01
    labels[specks] = rng.integers(0, 3, int(specks.sum()))
    return as_microstructure(labels, phases=NAMES, voxel_size=1e-6)


def test_a_noisy_volume_is_clean_by_scipys_count_and_keeps_its_s2():
    """S2 moves by less than that of two volumes of the same material differs."""
    ms = noisy()
    cleaned = clean(ms, min_size=10, periodic=False)
    assert sum(n < 10 for k in NAMES for n in sizes(ms.values, k)) == cleaned.components[0] > 100
    assert min(n for k in NAMES for n in sizes(cleaned.labels.values, k)) >= 10
    assert label_counts(cleaned.labels.values) == label_counts(ms.values)
    other = noisy(seed=1)
    for phase in NAMES:
        before, after, apart = (
            two_point_probability(one, phase=phase, periodic=False).values
            for one in (ms, cleaned.labels, other)
        )
        assert np.abs(after - before).max() < np.abs(apart - before).max()


def test_voxels_are_given_back_where_the_interface_is_rough():
    """A notch in a flat interface is the best place there is."""
    labels = np.zeros((12, 12), int)
    labels[6:] = 1
    labels[6, 5] = 0  # the notch
    labels[2, 2] = 1  # the speck
    cleaned = clean(labels, min_size=2, periodic=False)
    assert cleaned[1:] == ([1], [1], [1])
    expected = np.zeros((12, 12), int)
    expected[6:] = 1
    np.testing.assert_array_equal(cleaned.labels, expected)


def test_voxels_are_given_back_where_log_p_says():
    labels = np.zeros((12, 12), int)
    labels[6:] = 1
    labels[2, 2] = 1
    log_p = xr.DataArray(
        np.full((1, 2, 12, 12), -2.0),
        dims=("sample", "phase", "y", "x"),
        coords={"phase": [0, 1]},
    )
    log_p[0, 1, 5, 9] = -0.1
    cleaned = clean(labels, min_size=2, periodic=False, log_p=log_p)
    assert cleaned.labels.values[5, 9] == 1
    assert (cleaned.labels.values != labels).sum() == 2
    for wrong in (log_p.transpose("phase", "sample", "y", "x"), log_p[:, :1], log_p * np.nan):
        with pytest.raises(InputError, match="log_p"):
            clean(labels, min_size=2, periodic=False, log_p=wrong)


def test_a_bridge_is_not_cut():
    """The best place would cut a body in two: another is taken."""
    labels = np.zeros((9, 15), int)
    labels[1:8, 1:6] = labels[1:8, 9:14] = 1
    labels[4, 6:9] = 1  # a bridge of one voxel
    labels[1, 7] = 1  # between them a speck
    cleaned = clean(1 - labels, min_size=2, periodic=False).labels.values
    assert ndimage.label(cleaned == 0)[1] == 1
    assert (cleaned == 0).sum() == labels.sum()


def test_floating_bodies_go_whatever_their_size():
    labels = np.zeros((20, 20), int)
    labels[5:12, 5:12] = 1
    labels[:, 16:] = 1
    assert clean(labels, min_size=1, periodic=False).components == [0]
    cleaned = clean(labels, min_size=1, periodic=False, floating=True)
    assert cleaned[1:3] == ([1], [49])
    assert ndimage.label(cleaned.labels.values)[1] == 1
    assert (cleaned.labels.values == 1).sum() == labels.sum()
    with pytest.raises(InputError, match="has no faces"):
        clean(labels, min_size=1, periodic=True, floating=True)


def test_a_component_across_the_faces_is_one():
    labels = np.zeros((8, 8), int)
    labels[3, 0] = labels[3, 7] = 1
    labels[6, 2:6] = 1
    assert clean(labels, min_size=2, periodic=False).components == [2]
    assert clean(labels, min_size=2, periodic=True).components == [0]


def test_a_phase_of_specks_grows_from_its_largest():
    labels = np.zeros((10, 10), int)
    labels[1::3, 1::3] = 1
    labels[1, 2] = 1
    cleaned = clean(labels, min_size=5, periodic=False)
    assert sizes(cleaned.labels.values, 1).tolist() == [labels.sum()]


def test_phases_that_do_not_touch_take_a_way_round():
    """A speck of a in b, where a and b meet nowhere else: c in between passes it on."""
    labels = np.repeat([0, 2, 1], 6)[:, None] * np.ones((18, 8), int)
    labels[15, 3] = 0
    cleaned = clean(labels, min_size=3, periodic=False)
    assert label_counts(cleaned.labels.values) == label_counts(labels)
    assert cleaned.exchanged == [2]
    assert all(len(sizes(cleaned.labels.values, k)) == 1 for k in (0, 1, 2))


def test_chosen_phases_alone_are_cleaned():
    ms = noisy(shape=(16, 16, 16))
    cleaned = clean(ms, min_size=8, periodic=False, phases=["solid"])
    assert sizes(cleaned.labels.values, 1).min() >= 8
    assert sizes(cleaned.labels.values, 0).min() < 8


def test_outside_stays_as_it_is():
    labels = noisy(shape=(16, 16, 16)).values.astype(int)
    labels[:, :3] = 3
    ms = as_microstructure(labels, phases={**NAMES, 3: "outside"})
    cleaned = clean(ms, min_size=8, periodic=False).labels.values
    np.testing.assert_array_equal(cleaned == 3, labels == 3)
    assert min(n for k in NAMES for n in sizes(cleaned, k)) >= 8
    with pytest.raises(InputError, match="no material"):
        clean(ms, min_size=8, periodic=False, phases=["outside"])


@pytest.mark.parametrize(
    ("labels", "min_size", "message"),
    [
        (np.zeros((4, 4), int), 0, "must be at least 1"),
        (np.eye(4, dtype=int), 5, "phase 1 has 4 voxels in all"),
    ],
)
def test_what_cannot_be_is_refused(labels, min_size, message):
    with pytest.raises(InputError, match=message):
        clean(labels, min_size=min_size, periodic=False)


def test_provenance_says_what_was_done():
    cleaned = clean(noisy(), min_size=10, periodic=False)
    record = provenance_of(cleaned.labels)
    assert record["operation"] == "clean"
    assert record["min_size"] == 10
    assert record["components"] == cleaned.components
    assert record["exchanged"] == cleaned.exchanged


def test_the_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_microstructures("a.h5", noisy(shape=(16, 16, 16)))
    run = CliRunner().invoke
    result = run(app, ["clean", "a.h5", "-o", "b.h5", "--min-size", "8", "--json"])
    summary = json.loads(result.stdout)
    back = load_microstructures("b.h5")
    assert min(n for k in NAMES for n in sizes(back.values.squeeze(), k)) >= 8
    assert summary["counts"][0]["pore"] == (back == 0).sum()
    assert "exists" in run(app, ["clean", "a.h5", "-o", "b.h5", "--min-size", "8"]).stderr
    assert "nothing to remove" in run(app, ["clean", "a.h5", "-o", "c.h5"]).stderr
    assert (
        "pore"
        in run(app, ["clean", "a.h5", "-o", "c.h5", "--min-size", "8", "--model", "nmc-3d"]).stderr
    )  # the model is of other phases
    words = ["clean", "a.h5", "-o", "c.h5", "--min-size", "8", "--floating", "--phase", "solid"]
    result = run(app, words)
    assert result.exit_code == 0
    assert "every count is as before" in result.stderr
