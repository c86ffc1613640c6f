"""Tests by shuffles, against plain definitions."""

import numpy as np
import pytest
import scipy.stats

from microdsd.evaluation.bootstrap import simultaneous_band
from microdsd.evaluation.verdict.classifier import (
    RIDGE,
    ClassifierTest,
    classifier_test,
    configurations,
)
from microdsd.evaluation.verdict.diversity import differing_voxels, diversity_test
from microdsd.evaluation.verdict.permutation import (
    Shuffles,
    distances,
    holm,
    mean_square,
    p_value,
)
from microdsd.microstructure import as_microstructure

PAIRS = 7
SIDES = np.random.default_rng(0).normal(size=(2 * PAIRS, 3)) + np.repeat([[0.0], [1.2]], PAIRS, 0)


def test_squares_of_shuffles_are_those_of_studentised_means_one_by_one():
    rng = np.random.default_rng(1)
    weights = rng.dirichlet(np.full(9, 5.0))
    values = rng.normal(size=(14, 2))
    shuffles = Shuffles(5, 9, weights, rng, number=20)
    # A shuffle says which place each value takes.
    expected = []
    for order in shuffles.order:
        placed = np.empty_like(values)
        placed[order] = values
        made, real = placed[:5], placed[5:]
        difference = made.mean(axis=0) - weights @ real
        variance = made.var(axis=0, ddof=1) / 5 + weights**2 @ real**2
        expected.append((difference**2 / variance).mean())
    np.testing.assert_allclose(shuffles.squares(values), expected)


def test_what_does_not_vary_counts_only_where_it_differs():
    assert mean_square(np.zeros(2), np.zeros(2)) == 0
    assert mean_square(np.ones(1), np.zeros(1)) > 1e6


def test_p_value_counts_the_observed():
    assert p_value(3.0, [1.0, 2.0, 4.0]) == 0.5
    assert p_value(5.0, np.zeros(99)) == 0.01


def test_classifier_is_retrained_without_each_pair():
    """Ridge regression fitted anew for every left-out pair and every shuffle, in feature space."""

    def right(sides):
        difference = sides[:PAIRS] - sides[PAIRS:]
        gram = difference @ difference.T
        ridge = RIDGE * np.trace(gram) / PAIRS
        count = 0
        for i in range(PAIRS):
            kept = np.delete(difference, i, axis=0)
            weights = np.linalg.solve(
                kept.T @ kept + ridge * np.eye(sides.shape[1]), kept.T @ np.ones(PAIRS - 1)
            )
            count += difference[i] @ weights > 0
        return count

    pairs = np.concatenate([np.eye(PAIRS), -np.eye(PAIRS)], axis=1)
    order = np.random.default_rng(2).permuted(np.tile(np.arange(2 * PAIRS), (30, 1)), axis=1)
    shuffled = []
    for places in order:
        placed = np.empty_like(SIDES)
        placed[places] = SIDES
        shuffled.append(right(placed))
    found = classifier_test(pairs, SIDES, order)
    assert found.right == right(SIDES)
    assert found.p_value == p_value(found.right, shuffled)


def test_interval_of_an_accuracy_is_wilsons():
    z = scipy.stats.norm.ppf(0.95)
    low, high = ClassifierTest(30, 40, 0.0).interval(0.05)
    centre = (0.75 + z**2 / 80) / (1 + z**2 / 40)
    width = z * np.sqrt(0.75 * 0.25 / 40 + z**2 / 6400) / (1 + z**2 / 40)
    assert (low, high) == pytest.approx((centre - width - 0.5, centre + width - 0.5))


def test_diversity_is_the_mean_distance_and_its_error_that_of_resampled_sides():
    """Seeded. The error of 400 drawn sets is known to 3.5 %; 25 % is 7 of them."""
    rng = np.random.default_rng(0)
    ratios, errors = [], []
    for _ in range(400):
        sides = rng.normal(size=(60, 3)) * np.repeat([[0.8], [1.0]], 30, 0)
        found = diversity_test(distances(sides))
        ratios.append(found.ratio)
        errors.append(found.standard_error)
    one = distances(sides)[:30, :30]
    assert found.generated == pytest.approx(one.sum() / (30 * 29))
    assert np.mean(ratios) == pytest.approx(0.8, abs=0.02)
    assert np.mean(errors) == pytest.approx(np.std(ratios), rel=0.25)


def test_holm_by_hand():
    assert holm([0.04, 0.001, 0.03]) == pytest.approx([0.06, 0.003, 0.06])
    assert holm([0.9, 0.8]) == [1, 1]


def test_band_of_one_point_is_that_of_a_mean():
    """Seeded. Bootstrap error known to 2.2 %, the quantile to about 5 %; 15 % is 3 of their sum."""
    values = np.random.default_rng(0).normal(size=(400, 1))
    mean = values.mean(axis=0)
    low, high = simultaneous_band(mean, (values - mean) / 400, rng=1)
    expected = 2 * 1.96 * values.std() / np.sqrt(400)
    assert (high - low)[0] == pytest.approx(expected, rel=0.15)
    assert (low + high)[0] / 2 == pytest.approx(values.mean())


def test_band_holds_the_whole_curve_as_often_as_it_says():
    """Seeded. 200 bands at 90 %: below 80 % or above 97 % has a chance below 1e-4 each."""
    rng = np.random.default_rng(0)
    inside = 0
    for _ in range(200):
        curves = rng.normal(size=(60, 8)).cumsum(axis=1)
        mean = curves.mean(axis=0)
        shares = (curves - mean) / len(curves)
        low, high = simultaneous_band(mean, shares, level=0.9, resamples=300, rng=rng)
        inside += bool((low <= 0).all() and (high >= 0).all())
    assert 160 <= inside <= 194


def test_unlike_voxels_by_hand():
    labels = np.array([[[0, 0], [1, 1]], [[1, 1], [0, 0]], [[0, 1], [0, 1]]])
    found = differing_voxels(as_microstructure(labels, ensemble=True))
    np.testing.assert_allclose(found, [[0, 2, 1], [2, 0, 1], [1, 1, 0]])


@pytest.mark.parametrize("shape", [(9, 11), (6, 5, 7)])
def test_configurations_are_counted_one_by_one(shape):
    labels = np.random.default_rng(0).integers(0, 3, size=(2, *shape))
    found = configurations(as_microstructure(labels, ensemble=True)) ** 2
    points = {2: 3, 3: 2}[len(shape)]
    size = 2 ** (points ** len(shape))
    for phase in range(3):
        counts = np.zeros(size)
        for start in np.ndindex(*(n - points + 1 for n in shape)):
            window = labels[1][tuple(slice(s, s + points) for s in start)] == phase
            counts[(window.ravel() << np.arange(window.size)).sum()] += 1
        here = found[1, phase * size : (phase + 1) * size]
        np.testing.assert_allclose(here, counts / counts.sum(), atol=1e-12)
