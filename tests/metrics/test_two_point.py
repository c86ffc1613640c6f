import numpy as np
import pytest

from microdsd.errors import InputError
from microdsd.metrics.two_point import two_point_probability
from microdsd.microstructure.schema import as_microstructure


def stack(*samples, **kwargs):
    return as_microstructure(np.stack(samples), ensemble=True, **kwargs)


def test_periodic_stripes_have_the_closed_form():
    stripes = np.tile(np.repeat([0, 1], [5, 3]), (6, 4))
    s2 = two_point_probability(stripes, phase=1, periodic=True, axis="x", max_distance=16)
    lag = np.arange(17) % 8
    overlap = np.maximum(3 - np.minimum(lag, 8 - lag), 0)
    np.testing.assert_allclose(s2.values[0], overlap / 8, rtol=0, atol=1e-15)
    across = two_point_probability(stripes, phase=1, periodic=True, axis="y")
    np.testing.assert_allclose(across.values, 3 / 8, rtol=0, atol=1e-15)


def test_nonperiodic_stripes_are_divided_by_the_places_of_each_lag():
    stripes = np.tile([1, 0], (4, 3))
    s2 = two_point_probability(stripes, phase=1, periodic=False, axis="x", max_distance=5)
    assert s2.values[0].tolist() == [0.5, 0, 0.5, 0, 0.5, 0]


def test_cross_probability_averages_both_senses():
    ramp = np.array([[0, 1, 2], [0, 1, 2]])
    s2 = two_point_probability(ramp, phase=0, phase2=1, periodic=True, axis="x")
    assert s2.values[0].tolist() == [0, 1 / 6]


def test_uncorrelated_phases_decay_to_the_product_of_fractions():
    """Seeded; the tolerance is 6 standard errors of a shell mean (false alarms below 1e-7)."""
    labels = np.random.default_rng(5).integers(0, 3, (48, 48, 48))
    s2 = two_point_probability(labels, phase=0, phase2=2, periodic=True, max_distance=12)
    product = np.mean(labels == 0) * np.mean(labels == 2)
    np.testing.assert_allclose(s2.values[0, 3:], product, rtol=0, atol=6 * 0.35 / 48**1.5)


def test_distance_is_the_mean_length_of_the_lags_of_a_shell():
    s2 = two_point_probability(np.eye(9, dtype=int), phase=1, periodic=False, max_distance=2)
    one = np.array([1] * 4 + [2**0.5] * 4)
    two = np.array([2] * 4 + [5**0.5] * 8 + [8**0.5] * 4)
    np.testing.assert_allclose(s2.distance, [0, one.mean(), two.mean()])


def test_distance_in_metres():
    ms = as_microstructure(np.eye(8, dtype=int), voxel_size=2e-6)
    radial = two_point_probability(ms, phase=1, periodic=False, max_distance=1)
    along = two_point_probability(ms, phase=1, periodic=False, axis="y", max_distance=2)
    assert radial.distance.attrs["units"] == "m"
    np.testing.assert_allclose(radial.distance, [0, 2e-6 * (1 + 2**0.5) / 2])
    np.testing.assert_allclose(along.distance, [0, 2e-6, 4e-6])


def test_voxels_that_are_not_cubes_have_shells_of_equal_length():
    """A fine grid stretched along x must see the lags of the stretched lattice."""
    labels = np.random.default_rng(1).integers(0, 2, (12, 9))
    ms = as_microstructure(labels, voxel_size=("1m", "2m"))
    s2 = two_point_probability(ms, phase=1, periodic=True, max_distance=3)
    lags = [(0, 1), (0, -1), (2, 0), (-2, 0), (1, 1), (1, -1), (-1, 1), (-1, -1)]
    lags += [(2, 1), (2, -1), (-2, 1), (-2, -1)]
    expected = np.mean([np.mean(labels * np.roll(labels, lag, (0, 1))) for lag in lags])
    np.testing.assert_allclose(s2.values[0, 2], expected, rtol=1e-14)
    lengths = [np.hypot(y, 2 * x) for y, x in lags]
    np.testing.assert_allclose(s2.distance[2], np.mean(lengths))


def test_ensemble_gives_each_sample_its_own_curve():
    rng = np.random.default_rng(2)
    samples = rng.integers(0, 2, (5, 10, 12, 7))
    whole = two_point_probability(stack(*samples), phase=1, periodic=False)
    assert whole.dims == ("sample", "distance")
    for sample, row in zip(samples, whole.values, strict=True):
        alone = two_point_probability(sample, phase=1, periodic=False)
        np.testing.assert_array_equal(alone.values[0], row)


def test_result_does_not_depend_on_batches_or_blocks(monkeypatch):
    labels = stack(*np.random.default_rng(3).integers(0, 3, (4, 9, 10, 11)))
    expected = two_point_probability(labels, phase=0, phase2=1, periodic=False)
    monkeypatch.setattr("microdsd.metrics.two_point.VOXELS_PER_BATCH", 1)
    monkeypatch.setattr("microdsd.metrics.correlation.VALUES_PER_BLOCK", 100)
    actual = two_point_probability(labels, phase=0, phase2=1, periodic=False)
    np.testing.assert_array_equal(actual.values, expected.values)


@pytest.mark.parametrize("periodic", [True, False])
def test_absent_phase_and_full_phase(periodic):
    ms = as_microstructure(np.zeros((8, 8), dtype=int), phases={0: "pore", 1: "solid"})
    pore = two_point_probability(ms, phase="pore", periodic=periodic)
    solid = two_point_probability(ms, phase="solid", periodic=periodic)
    assert (pore.values == 1).all()
    assert (solid.values == 0).all()


def test_thin_box_is_used_up_to_its_thickness():
    labels = np.random.default_rng(4).integers(0, 2, (1, 20, 20))
    thin = two_point_probability(labels, phase=1, periodic=False, max_distance=8)
    flat = two_point_probability(labels[0], phase=1, periodic=False, max_distance=8)
    np.testing.assert_array_equal(thin.values, flat.values)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"phase": 7}, "no phase 7"),
        ({"phase": 1, "axis": "z"}, "'z' is not one of"),
        ({"phase": 1, "max_distance": 8}, "from 0 to 7"),
        ({"phase": 1, "max_distance": 5, "periodic": True}, "from 0 to 4"),
        ({"phase": 1, "max_distance": 1.5}, "whole number"),
    ],
)
def test_bad_arguments_say_what_is_allowed(arguments, message):
    labels = np.eye(8, dtype=int)
    with pytest.raises(InputError, match=message):
        two_point_probability(labels, **{"periodic": False, **arguments})


@pytest.mark.parametrize("periodic", [True, False])
@pytest.mark.parametrize("along", ["radial", "y", "x"])
def test_a_specimen_that_fills_the_box_changes_nothing(periodic, along):
    labels = np.random.default_rng(7).integers(0, 3, (2, 9, 12))
    here = {"phase": 0, "phase2": 2, "periodic": periodic, "axis": along}
    plain = two_point_probability(stack(*labels), **here)
    masked = two_point_probability(stack(*labels), mask=np.ones((9, 12), dtype=bool), **here)
    np.testing.assert_allclose(masked.values, plain.values, rtol=1e-14)


@pytest.mark.parametrize("periodic", [True, False])
def test_specimen_counts_the_pairs_inside_it_and_no_others(periodic):
    """By brute force over all pairs of voxels; what lies outside the specimen is of no account."""
    rng = np.random.default_rng(8)
    labels, inside = rng.integers(0, 2, (7, 8)), rng.random((7, 8)) < 0.7
    s2 = two_point_probability(
        labels, phase=1, periodic=periodic, axis="x", max_distance=4, mask=inside
    )
    for lag in range(5):
        starts = range(8) if periodic else range(8 - lag)
        pairs = [(y, x, (x + lag) % 8) for y in range(7) for x in starts]
        pairs = [(y, a, b) for y, a, b in pairs if inside[y, a] and inside[y, b]]
        expected = np.mean([labels[y, a] * labels[y, b] for y, a, b in pairs])
        assert s2.values[0, lag] == pytest.approx(expected)
    spoilt = np.where(inside, labels, 1 - labels)
    again = two_point_probability(spoilt, phase=1, periodic=periodic, mask=inside)
    radial = two_point_probability(labels, phase=1, periodic=periodic, mask=inside)
    np.testing.assert_array_equal(again.values, radial.values)


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (np.ones((6, 6)), "expected bool"),
        (np.ones((5, 6), dtype=bool), "neither that of a sample"),
        (np.zeros((6, 6), dtype=bool), "leaves no voxel"),
    ],
)
def test_masks_that_are_none(mask, message):
    with pytest.raises(InputError, match=message):
        two_point_probability(np.eye(6, dtype=int), phase=1, periodic=False, mask=mask)
