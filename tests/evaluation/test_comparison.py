import json

import numpy as np
import pytest

from microdsd.errors import InputError
from microdsd.evaluation.comparison import compare, two_point_error
from microdsd.microstructure.schema import as_microstructure
from microdsd.microstructure.synthetic import blobs

NAMES = {0: "pore", 1: "solid"}


def media(n, *, scale=2.0, fraction=0.3, seed=0, shape=(24, 24), voxel_size=None):
    fractions = (fraction, 1 - fraction)
    samples = [
        blobs(shape, fractions=fractions, scale=scale, rng=seed + i).values for i in range(n)
    ]
    return as_microstructure(np.stack(samples), phases=NAMES, voxel_size=voxel_size, ensemble=True)


def row(result, descriptor, phase=None, axis=None):
    (found,) = (
        d
        for d in result.descriptors
        if (d.descriptor, d.phase, d.axis) == (descriptor, phase, axis)
    )
    return found


def test_identical_sets_have_no_distance():
    real = media(8)
    result = compare(real, real, periodic=False, rng=0)
    assert all(d.distance == 0 for d in result.descriptors)
    assert all(d.distance_over_spread == 0 for d in result.descriptors)
    # The real mean is that of a fitted trend at the samples' fractions: equal but for rounding.
    for curve in result.two_point:
        assert curve.error < 1e-12
        np.testing.assert_allclose(curve.generated_mean, curve.real_mean, rtol=0, atol=1e-12)


@pytest.mark.statistics
def test_same_medium_lies_within_the_spread_and_another_does_not():
    """Seeded. Distance over spread of the same medium above 5 has a chance below 1e-5 per row."""
    real = media(40, seed=100)
    same = compare(media(20, seed=0), real, periodic=True, rng=1)
    finer = compare(media(20, seed=0, scale=1.0), real, periodic=True, rng=1)
    assert all(d.distance_over_spread < 5 for d in same.descriptors)
    for descriptor, phase in [("interface_density", None), ("component_count", "pore")]:
        assert row(finer, descriptor, phase).distance_over_spread > 5
    for curve_same, curve_finer in zip(same.two_point, finer.two_point, strict=True):
        assert curve_same.error < 2 * curve_same.real_real_high
        assert curve_finer.error > 2 * curve_finer.real_real_high


@pytest.mark.statistics
def test_spread_is_that_of_the_difference_of_two_means():
    """Seeded. Sets of 10 of 20: the difference varies with 4/20 of the variance of one window.

    Over 200 splits its root mean square is known to 5 %; 25 % is 5 standard errors (1e-6).
    """
    real = media(20)
    result = compare(media(10, seed=50), real, periodic=False, rng=2)
    found = row(result, "interface_density")
    single = found.real_standard_error * np.sqrt(20)
    assert result.set_size == 10
    assert found.spread == pytest.approx(single * np.sqrt(4 / 20), rel=0.25)


def test_means_errors_and_differences_by_hand():
    half = np.repeat([0, 1], 4)
    stripes = np.tile(half, (8, 1))
    planes = {k: np.where(np.arange(8) < k, 0, 1) * np.ones((8, 1), int) for k in (2, 4, 6)}
    real = as_microstructure(
        np.stack([planes[2], planes[6], stripes, stripes]), phases=NAMES, ensemble=True
    )
    made = as_microstructure(np.stack([planes[2]] * 3), phases=NAMES, ensemble=True)
    found = row(compare(made, real, periodic=False, rng=0), "phase_fraction", "pore")
    assert found.real_mean == pytest.approx(0.5)
    assert found.generated_mean == pytest.approx(0.25)
    assert found.relative_difference == pytest.approx(-0.5)
    assert found.distance == pytest.approx(0.25)
    assert found.real_standard_error == pytest.approx(np.std([0.25, 0.75, 0.5, 0.5], ddof=1) / 2)
    assert found.generated_standard_error == 0


def test_two_point_error_by_hand():
    assert two_point_error([0.2, 0.1, 0.1], [0.3, 0.1, 0.05]) == pytest.approx(0.15 / 0.3)
    assert np.isnan(two_point_error([1, 1], [1, 1]))


@pytest.mark.parametrize(("shape", "last"), [((64, 64), 23), ((32, 32, 32), 15), ((4, 4), 1)])
def test_error_covers_the_lags_of_the_benchmarks(shape, last):
    result = compare(media(2, shape=shape), media(2, shape=shape, seed=9), periodic=False)
    curve = result.two_point[0]
    assert curve.last_lag == last
    judged = slice(last + 1)
    assert curve.error == pytest.approx(
        two_point_error(curve.generated_mean[judged], curve.real_mean[judged])
    )


def test_copies_of_one_window_have_one_error_whatever_the_split():
    (real,), (made,) = media(1).values, media(1, seed=5, scale=1.0).values
    result = compare(
        as_microstructure(np.stack([made] * 3), phases=NAMES, ensemble=True),
        as_microstructure(np.stack([real] * 8), phases=NAMES, ensemble=True),
        periodic=False,
        rng=0,
    )
    for curve in result.two_point:
        assert curve.error > 0.1
        assert curve.same_size_median == pytest.approx(curve.error)
        assert curve.real_real_high == pytest.approx(0, abs=1e-12)
        assert curve.real_low == pytest.approx(curve.real_mean)
        assert curve.generated_high == pytest.approx(curve.generated_mean)


def test_same_seed_same_result():
    made, real = media(3), media(8, seed=20)
    assert compare(made, real, periodic=False, rng=4) == compare(made, real, periodic=False, rng=4)


@pytest.mark.parametrize("n_reference", [1, 3])
def test_few_reference_windows_give_no_spread_and_say_so(n_reference):
    result = compare(media(4), media(n_reference, seed=9), periodic=False, rng=0)
    assert result.set_size is None
    assert result.n_splits == 0
    assert "Too few" in result.notes[0]
    assert all(d.spread is None and d.distance_over_spread is None for d in result.descriptors)
    assert all(c.real_real_median is None and c.error is not None for c in result.two_point)


def test_sets_smaller_than_the_generated_are_noted():
    result = compare(media(10), media(8, seed=30), periodic=False, rng=0)
    assert result.set_size == 4
    assert "two sets of 4 real windows" in result.notes[0]
    assert compare(media(4), media(8, seed=30), periodic=False, rng=0).notes == ()


def test_one_sample_is_enough():
    result = compare(media(1), media(4, seed=9), periodic=False, rng=0)
    assert row(result, "interface_density").generated_standard_error is None


def test_absent_phase_becomes_none_not_nan():
    solid = as_microstructure(np.ones((4, 8, 8), dtype=int), phases=NAMES, ensemble=True)
    result = compare(solid, solid, periodic=False, rng=0)
    share = row(result, "largest_component_share", "pore")
    assert share.real_mean is None
    assert share.distance is None
    assert [curve.error for curve in result.two_point] == [None, None]
    json.dumps(result.to_dict(), allow_nan=False)


def test_phase_of_a_single_window_has_no_spread():
    labels = np.ones((4, 8, 8), dtype=int)
    labels[0, 2:4, 2:4] = 0
    ms = as_microstructure(labels, phases=NAMES, ensemble=True)
    share = row(compare(ms, ms, periodic=False, rng=0), "largest_component_share", "pore")
    assert (share.real_mean, share.distance, share.spread) == (1.0, 0.0, None)


def test_result_is_json():
    result = compare(media(3), media(6, seed=9), periodic=True, rng=0)
    plain = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert plain["n_generated"] == 3
    assert plain["descriptors"][0]["descriptor"] == "phase_fraction"
    assert len(plain["two_point"][0]["distance"]) == len(plain["two_point"][0]["real_low"]) == 13


def test_one_row_per_descriptor_phase_and_axis():
    keys = [
        (d.descriptor, d.phase, d.axis)
        for d in compare(media(2), media(2), periodic=False).descriptors
    ]
    assert len(set(keys)) == len(keys)
    assert ("specific_surface_area", None, None) in keys
    assert ("percolates", "solid", "y") in keys
    assert not any(name == "pair_surface_area" for name, _, _ in keys)


def test_three_phases_have_rows_for_each_pair():
    samples = [blobs((12, 12), fractions=(0.3, 0.3, 0.4), scale=1, rng=i).values for i in range(4)]
    names = {0: "pore", 1: "ni", 2: "ysz"}
    ms = as_microstructure(np.stack(samples), phases=names, ensemble=True)
    result = compare(ms, ms, periodic=True, rng=0)
    pairs = ["pore-ni", "pore-ysz", "ni-ysz"]
    assert [d.phase for d in result.descriptors if d.descriptor == "pair_surface_area"] == pairs
    assert [curve.phase for curve in result.two_point] == [*names.values(), *pairs]
    assert row(result, "triple_phase_boundary").units == "1/voxel^2"
    for curve in result.two_point[3:]:
        assert curve.real_mean[0] == 0
        assert curve.real_real_median > 0


def test_percolation_is_not_known_more_finely_than_one_window():
    through = np.tile(np.repeat([0, 1], 4), (8, 1))
    real = as_microstructure(np.stack([through] * 4), phases=NAMES, ensemble=True)
    made = as_microstructure(np.stack([through, through.T]), phases=NAMES, ensemble=True)
    found = row(compare(made, real, periodic=False, rng=0), "percolates", "pore", "y")
    assert found.spread == 0.5
    assert found.distance_over_spread == pytest.approx(1)


def test_known_voxel_size_is_taken_for_both():
    result = compare(media(2, voxel_size=2e-6), media(4, seed=9), periodic=False, rng=0)
    assert (result.unit, result.voxel_size) == ("m", (2e-6, 2e-6))
    assert "Only the generated samples state a voxel size" in result.notes[0]
    assert row(result, "specific_surface_area").units == "1/m"


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (media(2, shape=(20, 20)), "cut_windows"),
        (media(2, voxel_size=1e-6), "voxel size"),
        (
            as_microstructure(np.zeros((2, 24, 24), int), phases={0: "a", 2: "b"}, ensemble=True),
            "relabel",
        ),
    ],
)
def test_sets_that_cannot_be_compared_are_refused(made, message):
    with pytest.raises(InputError, match=message):
        compare(made, media(4, voxel_size=2e-6), periodic=False)
