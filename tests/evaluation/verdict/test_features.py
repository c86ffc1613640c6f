"""What is tested, as arrays: derived curves against plain counts."""

import numpy as np
import pytest

from microdsd.evaluation.verdict import judge
from microdsd.evaluation.verdict.features import feature_blocks
from microdsd.metrics import describe
from microdsd.metrics.registry import groups, judged_groups
from microdsd.microstructure import as_microstructure

TESTED = {
    record.name
    for group in groups().values()
    if not group.optional
    for record in group.descriptors
    if record.tested
}
STRIPES = np.tile(np.repeat([0, 1, 0, 1, 0, 1], [3, 2, 5, 2, 1, 3]), (16, 1)).astype(np.uint8)


def blocks(labels, *, last_lag=6, **options):
    ensemble = as_microstructure(labels, **options)
    described = describe(ensemble, periodic=True, descriptors=judged_groups())
    return {block.descriptor: block for block in feature_blocks(described, last_lag=last_lag)}


def test_all_but_what_repeats_another_is_tested():
    three = np.random.default_rng(0).integers(0, 3, size=(12, 12))
    assert set(blocks(three)) == TESTED
    two = set(blocks(STRIPES))
    assert TESTED - two == {
        "cross_two_point_probability",
        "pair_surface_area",
        "triple_phase_boundary",
    }


def test_chords_of_at_least_each_length_are_counted():
    found = blocks(STRIPES)["chord_length"]
    assert found.points == (1, 2, 3, 4, 5, 6, 7)
    # Phase 0: chords of 1, 3, 5 voxels; phase 1: of 2, 2, 3. None along y, where lines are endless.
    expected = np.array([[3, 2, 2, 1, 1, 0, 0], [3, 3, 1, 0, 0, 0, 0]]) / 3
    np.testing.assert_allclose(found.values[0], expected)


def test_a_phase_without_chords_has_none():
    found = blocks(np.zeros((8, 8), int), phases={0: "a", 1: "b"})["chord_length"]
    assert np.isnan(found.values).all()


@pytest.mark.parametrize("width", [3, 9])
def test_local_thickness_has_the_same_points_for_all(width):
    slab = np.zeros((24, 24), int)
    slab[:, 8 : 8 + width] = 1
    found = blocks(slab, voxel_size=2e-6)["local_thickness"]
    assert found.points == pytest.approx((2e-6, 6e-6, 10e-6, 14e-6))
    thick = [d <= width * 2e-6 * (1 + 1e-9) for d in found.points]
    np.testing.assert_array_equal(found.values[0, 1], thick)


def test_voxels_that_are_no_cubes_have_no_thickness():
    assert "local_thickness" not in blocks(STRIPES, voxel_size=(1e-6, 2e-6))


@pytest.mark.statistics
def test_broken_components_fail_for_their_connection():
    """Long bars against the same bars cut by a gap of one voxel: seeded, for connection alone."""
    rng = np.random.default_rng(0)

    def bars(gap):
        labels = np.zeros((32, 32), np.uint8)
        for row in rng.choice(10, size=5, replace=False):
            start = rng.integers(0, 6)
            labels[3 * row + 1, start : start + 24] = 1
            if gap:
                labels[3 * row + 1, start + 12] = 0
                labels[3 * row + 2, start + 12] = 1
        return labels

    made, real = (np.stack([bars(gap) for _ in range(30)]) for gap in (True, False))
    sides = (as_microstructure(side, ensemble=True) for side in (made, real))
    verdict = judge(*sides, periodic=False, rng=0)
    assert verdict.status == "compared"
    failed = {test.name for test in verdict.differing}
    assert {"two_point_cluster", "lineal_path", "chord_length"} <= failed
    for found in verdict.descriptors:
        if found.descriptor in ("two_point_cluster", "lineal_path", "chord_length"):
            assert found.parts[1].relative < 0
