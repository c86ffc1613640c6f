"""A specimen that does not fill its box: a core plug."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from microdsd.baselines import GaussianField
from microdsd.encoding import WindowSampler
from microdsd.encoding.windows import split_scan
from microdsd.errors import InputError
from microdsd.evaluation.reference import match_reference
from microdsd.io import open_labels, save_microstructures
from microdsd.metrics import describe
from microdsd.metrics.registry import groups
from microdsd.microstructure import (
    as_microstructure,
    blobs,
    crop,
    cut_windows,
    phase_counts,
    phase_fractions,
    phases_of,
)
from microdsd.microstructure.outside import outside_label, starts_inside
from microdsd.microstructure.windows import disjoint_windows
from microdsd.schedule.examination import examine
from microdsd.transport import diffusivity, effective_conductivity

NAMES = {-1: "outside", 0: "pore", 1: "solid"}


def plug(shape=(20, 24, 24), seed=0):
    """Labels of a cylinder along z, -1 around it."""
    labels = blobs(shape, fractions=(0.3, 0.7), scale=1.5, rng=seed).values.astype(np.int16)
    y, x = (np.indices(shape[1:]).T - (np.array(shape[1:]) - 1) / 2).T
    labels[:, y**2 + x**2 > (min(shape[1:]) / 2) ** 2] = -1
    return labels


LABELS = plug()
PLUG = as_microstructure(LABELS, phases=NAMES)


@given(
    hnp.arrays(bool, hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=8)), st.data()
)
@settings(max_examples=80, deadline=None)
def test_starts_are_where_no_voxel_of_the_window_is_outside(outside, data):
    window = [data.draw(st.integers(1, n)) for n in outside.shape]
    views = np.lib.stride_tricks.sliding_window_view(outside, window)
    expected = ~views.any(axis=tuple(range(-outside.ndim, 0)))
    np.testing.assert_array_equal(starts_inside(outside, window), expected)


def test_fractions_are_shares_of_the_specimen():
    inside = LABELS >= 0
    np.testing.assert_allclose(
        phase_fractions(PLUG), [[(k == LABELS).sum() / inside.sum() for k in (0, 1)]]
    )
    assert phase_counts(PLUG).phase_name.values.tolist() == ["pore", "solid"]
    assert outside_label(phases_of(PLUG)) == 2


def test_every_descriptor_is_that_of_the_mask():
    filled = np.where(LABELS < 0, np.random.default_rng(0).integers(0, 2, LABELS.shape), LABELS)
    named = as_microstructure(filled, phases={0: "pore", 1: "solid"})
    masked = describe(named, periodic=False, mask=LABELS >= 0)
    found = describe(PLUG, periodic=False)
    assert set(found.data_vars) == set(masked.data_vars)
    assert len(found.data_vars) >= len(groups())
    xr.testing.assert_allclose(found, masked)


def test_a_mask_narrows_the_specimen_further():
    half = np.zeros(LABELS.shape, bool)
    half[:10] = True
    found = describe(PLUG, periodic=False, mask=half, descriptors=["fractions"])
    np.testing.assert_allclose(
        found.phase_fraction, phase_fractions(crop(PLUG, z=(0, 10))), rtol=1e-12
    )


@pytest.mark.parametrize("disjoint", [True, False])
@pytest.mark.parametrize("window", [(6, 8, 8), (9, 9)])
def test_windows_are_cut_inside(disjoint, window):
    cut = cut_windows(PLUG, window, n=6, rng=0, disjoint=disjoint)
    assert cut.shape == (6, *window)
    assert phases_of(cut) == {0: "pore", 1: "solid"}
    assert set(np.unique(cut)) <= {0, 1}


def test_disjoint_windows_are_as_many_as_are_said():
    number = disjoint_windows(PLUG, (6, 8, 8))
    assert 0 < number < 27
    places = as_microstructure(
        np.where(LABELS < 0, LABELS.size, np.arange(LABELS.size).reshape(LABELS.shape)),
        phases={**{i: str(i) for i in range(LABELS.size)}, LABELS.size: "outside"},
    )
    taken = cut_windows(places, (6, 8, 8), n=number, rng=0).values
    assert len(np.unique(taken)) == taken.size, "no voxel is in two windows"
    with pytest.raises(InputError, match=f"only {number} disjoint windows"):
        cut_windows(PLUG, (6, 8, 8), n=number + 1, rng=0)
    with pytest.raises(InputError, match=r"none of .* lies in the specimen"):
        cut_windows(PLUG, (20, 24, 24), n=1, rng=0, disjoint=False)


@pytest.mark.parametrize("in_memory", [True, False])
@pytest.mark.parametrize(
    ("window", "symmetry"), [((5, 9, 8), "none"), ((9, 9), "isotropic"), ((8, 8, 8), "isotropic")]
)
def test_training_windows_lie_inside(monkeypatch, in_memory, window, symmetry):
    if not in_memory:
        monkeypatch.setattr("microdsd.encoding.windows._IN_MEMORY", 0)
        monkeypatch.setattr("microdsd.encoding.specimen._SLAB_VOXELS", 24 * 24 * 10)
    with open_labels(LABELS, phases=NAMES) as source:
        assert source.phases == {0: "pore", 1: "solid", 2: "outside"}
        sampler = WindowSampler(source, window, (2, 18), symmetry, outside=2)
        assert set(np.unique(sampler.batch(200, np.random.default_rng(0)))) == {0, 1}
        for part in split_scan(source, (4, 8, 8), "none", 0.3, outside=2):
            assert set(np.unique(part.batch(50, np.random.default_rng(1)))) == {0, 1}


def test_all_windows_inside_are_drawn_and_equally_often():
    """Chi-square over 40 places, p < 1e-4 by chance in 1 of 10,000 seeds; the seed is fixed."""
    outside = np.zeros((7, 9), bool)
    outside[:3, :4] = outside[6, 8] = True
    labels = np.where(outside, -1, np.arange(63).reshape(7, 9) % 2)
    with open_labels(labels, phases=NAMES) as source:
        sampler = WindowSampler(source, (2, 2), (0, 7), "none", outside=2)
    expected = np.argwhere(starts_inside(outside, (2, 2)))
    assert sampler.number == len(expected)
    rng = np.random.default_rng(0)
    drawn = [tuple(sampler._place(rng)[1]) for _ in range(4000)]
    counts = np.array([drawn.count(tuple(place)) for place in expected.tolist()])
    assert counts.sum() == 4000
    share = 4000 / len(expected)
    chi_square = ((counts - share) ** 2 / share).sum()
    assert chi_square < 82  # 99.99 % of chi-square with at most 40 degrees of freedom


def test_a_window_too_large_says_how_large_one_may_be():
    with (
        open_labels(LABELS, phases=NAMES) as source,
        pytest.raises(InputError, match=r"at most \(16, 16, 16\) in this block"),
    ):
        WindowSampler(source, (18, 18, 18), (0, 20), "none", outside=2)
    assert starts_inside(LABELS < 0, (16, 16, 16)).any()
    assert not starts_inside(LABELS < 0, (17, 17, 17)).any()


def test_schedule_and_reference_leave_it_out():
    found = examine(PLUG, window=8)
    assert found.phases == {0: "pore", 1: "solid"}
    new = cut_windows(PLUG, (8, 8, 8), n=4, rng=1)
    matched = match_reference(new, PLUG, windows=8)
    assert set(np.unique(matched.windows)) == {0, 1}
    assert phases_of(matched.windows) == phases_of(matched.generated) == {0: "pore", 1: "solid"}
    boxes = as_microstructure(
        np.stack([LABELS[:8, 8:16, 8:16], LABELS[:8, :8, :8]]), phases=NAMES, ensemble=True
    )
    assert match_reference(new, boxes).windows.sizes["sample"] == 1


@pytest.mark.parametrize(
    "measure",
    [
        lambda: diffusivity(PLUG, phase="pore"),
        lambda: effective_conductivity(PLUG, conductivity={"pore": 1, "solid": 2, "outside": 0}),
        lambda: GaussianField.fit(PLUG, periodic=False),
    ],
)
def test_what_needs_a_full_box_refuses(measure):
    with pytest.raises(InputError, match=r"outside of the specimen.*cut_windows"):
        measure()


@pytest.mark.scan
def test_a_real_scan_as_a_core_plug(berea_coarse):
    labels = berea_coarse.values[:64].astype(np.int16)
    y, x = np.indices(labels.shape[1:]) - (labels.shape[1] - 1) / 2
    around = y**2 + x**2 > (labels.shape[1] / 2) ** 2
    labels[:, around] = -1
    names = {-1: "outside"} | phases_of(berea_coarse)
    core = as_microstructure(labels, phases=names, voxel_size="4.5 um")
    whole = as_microstructure(berea_coarse[:64])
    groups = ["fractions", "surface"]
    found = describe(core, periodic=False, descriptors=groups)
    masked = describe(whole, periodic=False, descriptors=groups, mask=~np.stack([around] * 64))
    np.testing.assert_allclose(found.phase_fraction, masked.phase_fraction)
    np.testing.assert_allclose(found.phase_fraction, phase_fractions(core))
    cut = cut_windows(core, (32, 32, 32), n=24, rng=0)
    assert set(np.unique(cut)) == {0, 1}
    with open_labels(core) as source:
        sampler = WindowSampler(source, (48, 48), (0, 64), "transverse", outside=2)
    assert set(np.unique(sampler.batch(64, np.random.default_rng(0)))) == {0, 1}


def test_files_with_labels_below_zero(tmp_path):
    np.save(tmp_path / "plug.npy", LABELS)
    with open_labels(tmp_path / "plug.npy", phases=NAMES) as stored:
        np.testing.assert_array_equal(stored.load(), PLUG)
        assert stored.counts() == {k: int((k == PLUG).sum()) for k in range(3)}
        assert stored.dtype == np.uint8
        with open_labels(PLUG) as held:
            assert stored.sha256() == held.sha256()
    save_microstructures(tmp_path / "plug.h5", PLUG)
    with open_labels(tmp_path / "plug.h5") as native:
        assert outside_label(native.phases) == 2
