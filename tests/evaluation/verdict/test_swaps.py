"""Tests by swaps, against all swaps one by one and against plain definitions."""

import itertools

import numpy as np
import pytest
import scipy.spatial
import scipy.stats

from microdsd.evaluation.bootstrap import mean_band
from microdsd.evaluation.verdict.classifier import RIDGE, classifier_test, configurations
from microdsd.evaluation.verdict.diversity import diversity_test, unlike_voxels
from microdsd.evaluation.verdict.permutation import (
    distances,
    energy_test,
    holm,
    p_value,
    random_swaps,
    sign_test,
)
from microdsd.microstructure import as_microstructure

PAIRS = 7
ALL = np.array(list(itertools.product((1.0, -1.0), repeat=PAIRS)))[1:]  # the first swaps none
SIDES = np.random.default_rng(0).normal(size=(2 * PAIRS, 3)) + np.repeat([[0.0], [1.2]], PAIRS, 0)


def swapped(sides, signs):
    """The pairs of both sides, the members of some exchanged."""
    pairs = len(sides) // 2
    ours, theirs = sides[:pairs], sides[pairs:]
    keep = (signs > 0)[:, np.newaxis]
    return np.concatenate([np.where(keep, ours, theirs), np.where(keep, theirs, ours)])


def plain_energy(sides):
    ours, theirs = np.split(sides, 2)
    between, within, others = (
        scipy.spatial.distance.cdist(a, b).mean()
        for a, b in [(ours, theirs), (ours, ours), (theirs, theirs)]
    )
    return 2 * between - within - others


def test_energy_distance_and_p_value_of_all_swaps():
    statistic, p = energy_test(distances(SIDES), ALL)
    assert statistic == pytest.approx(plain_energy(SIDES))
    every = np.array([plain_energy(swapped(SIDES, signs)) for signs in ALL])
    assert p == p_value(statistic, every)
    assert 2 / 2**PAIRS <= p < 0.2


def test_energy_distance_of_numbers_is_that_of_scipy():
    one, other = SIDES[:PAIRS, :1], SIDES[PAIRS:, :1]
    statistic, _ = energy_test(distances(np.concatenate([one, other])), ALL)
    expected = scipy.stats.energy_distance(one[:, 0], other[:, 0]) ** 2
    assert statistic == pytest.approx(expected)


def test_sign_test_is_that_of_all_signs():
    differences = SIDES[PAIRS:, 0] - SIDES[:PAIRS, 0]
    result = scipy.stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", alternative="greater"
    )
    assert sign_test(differences, ALL) == pytest.approx(result.pvalue)


def test_classifier_is_retrained_without_each_pair():
    """Ridge regression fitted anew for every left-out pair and every swap, in feature space."""

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

    found = classifier_test(SIDES, ALL)
    assert found.right == right(SIDES)
    assert found.p_value == p_value(found.right, [right(swapped(SIDES, signs)) for signs in ALL])


def test_diversity_is_the_difference_of_sums_within():
    matrix = distances(SIDES)
    found = diversity_test(matrix, ALL)
    pairs = PAIRS * (PAIRS - 1)
    assert found.generated == pytest.approx(matrix[:PAIRS, :PAIRS].sum() / pairs)
    assert found.real == pytest.approx(matrix[PAIRS:, PAIRS:].sum() / pairs)

    def excess(sides):
        within, others = (distances(side).sum() for side in np.split(sides, 2))
        return others - within

    every = [excess(swapped(SIDES, signs)) for signs in ALL]
    assert found.p_value == p_value(excess(SIDES), np.round(every, 10))


def test_holm_by_hand():
    assert holm([0.04, 0.001, 0.03]) == pytest.approx([0.06, 0.003, 0.06])
    assert holm([0.9, 0.8]) == [1, 1]


def test_swaps_are_fair():
    signs = random_swaps(5, np.random.default_rng(0), swaps=4000)
    assert set(np.unique(signs)) == {-1.0, 1.0}
    assert abs(signs.mean()) < 5 / np.sqrt(signs.size)  # five standard errors: chance 6e-7


def test_band_of_one_point_is_that_of_a_mean():
    """Seeded. Bootstrap error known to 2.2 %, the quantile to about 5 %; 15 % is 3 of their sum."""
    values = np.random.default_rng(0).normal(size=(400, 1))
    low, high = mean_band(values, rng=1)
    expected = 2 * 1.96 * values.std() / np.sqrt(400)
    assert (high - low)[0] == pytest.approx(expected, rel=0.15)
    assert (low + high)[0] / 2 == pytest.approx(values.mean())


def test_band_holds_the_whole_curve_as_often_as_it_says():
    """Seeded. 200 bands at 90 %: below 80 % or above 97 % has a chance below 1e-4 each."""
    rng = np.random.default_rng(0)
    inside = 0
    for _ in range(200):
        curves = rng.normal(size=(60, 8)).cumsum(axis=1)
        low, high = mean_band(curves, level=0.9, resamples=300, rng=rng)
        inside += bool((low <= 0).all() and (high >= 0).all())
    assert 160 <= inside <= 194


def test_unlike_voxels_by_hand():
    labels = np.array([[[0, 0], [1, 1]], [[1, 1], [0, 0]], [[0, 1], [0, 1]]])
    found = unlike_voxels(as_microstructure(labels, ensemble=True))
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
