import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from microdsd.errors import InputError
from microdsd.microstructure import (
    as_microstructure,
    blobs,
    coarsen,
    label_counts,
    phase_fractions,
    phases_of,
    voxel_size_of,
)
from microdsd.microstructure.coarsening import _share_out


def test_majority_wins_and_the_edge_is_dropped():
    labels = np.array([[0, 0, 5, 5, 9], [0, 5, 5, 5, 9], [9, 9, 9, 9, 9]])
    ms = as_microstructure(labels, phases={0: "a", 5: "b", 9: "c"}, voxel_size=(2e-6, 1e-6))
    coarse = coarsen(ms, 2)
    np.testing.assert_array_equal(coarse, [[0, 5]])
    assert voxel_size_of(coarse).size == pytest.approx((4e-6, 2e-6))
    np.testing.assert_allclose(coarse.x, [1e-6, 3e-6])
    assert phases_of(coarse) == {0: "a", 5: "b", 9: "c"}


def test_a_magnified_volume_coarsens_to_itself():
    ms = blobs((6, 5, 4), fractions=(0.3, 0.5, 0.2), scale=1, rng=0)
    magnified = np.kron(ms.values, np.ones((2, 3, 1), dtype=np.uint8))
    np.testing.assert_array_equal(coarsen(magnified, (2, 3, 1)), ms)


def test_all_ties_share_by_fraction():
    # Every block is half 0, half 1, so half of the blocks must go to each phase.
    stripes = np.tile(np.array([[0, 1]], dtype=np.uint8), (64, 32))
    assert label_counts(coarsen(stripes, 2).values) == {0: 512, 1: 512}


def test_ties_mend_the_fractions_when_they_can():
    # 3 blocks of pure 0, 1 tie of 0 and 1: truth is 3.5 to 0.5, either way is as close; 5 ties and
    # 3 pure 0 blocks: truth is 5.5 to 2.5.
    pure, tie = np.zeros((2, 2), int), np.array([[0, 1], [1, 0]])
    counts = label_counts(coarsen(np.hstack([pure] * 3 + [tie] * 5), 2).values)
    assert counts in ({0: 5, 1: 3}, {0: 6, 1: 2})


@pytest.mark.parametrize("fractions", [(0.2, 0.8), (0.5, 0.5), (0.4, 0.5, 0.1)])
def test_fractions_stay_close_and_result_is_deterministic(fractions):
    ms = blobs((48, 48, 48), fractions=fractions, scale=2, rng=3)
    coarse = coarsen(ms, 2)
    np.testing.assert_allclose(phase_fractions(coarse), phase_fractions(ms), atol=0.015)
    np.testing.assert_array_equal(coarse, coarsen(ms, 2))


def test_ensembles_are_coarsened_sample_by_sample():
    stack = as_microstructure(np.random.default_rng(0).integers(0, 3, (4, 8, 8)), ensemble=True)
    coarse = coarsen(stack, 2)
    for i in range(4):
        np.testing.assert_array_equal(coarse[i], coarsen(stack[i], 2))


@pytest.mark.parametrize("factor", [0, 9, (2, 2, 2), (2, 0)])
def test_bad_factors(factor):
    with pytest.raises(InputError, match="factor"):
        coarsen(np.zeros((8, 8), int), factor)


def test_share_out_against_one_by_one():
    rng = np.random.default_rng(5)
    for _ in range(200):
        deficit = rng.normal(0, 10, size=rng.integers(2, 5))
        number = int(rng.integers(1, 40))
        greedy = deficit.copy()
        for _ in range(number):
            greedy[greedy.argmax()] -= 1
        quota = _share_out(deficit, number)
        assert quota.sum() == number
        assert quota.min() >= 0
        # Both leave the same spread of deficits, up to which phase takes the last odd block.
        assert np.ptp(deficit - quota) <= np.ptp(greedy) + 1 + 1e-9


def blocks_of(labels, edge):
    rows, columns = (n // edge for n in labels.shape)
    whole = labels[: rows * edge, : columns * edge].reshape(rows, edge, columns, edge)
    return whole.transpose(0, 2, 1, 3).reshape(-1, edge * edge)


@pytest.mark.parametrize("seed", range(12))
def test_exact_agrees_as_well_as_any_assignment_with_its_counts(seed):
    rng = np.random.default_rng(seed)
    phases = (2, 3, 4)[seed % 3]
    labels = rng.choice(phases, (4, 7), p=rng.dirichlet(np.ones(phases))).astype(np.uint8)
    votes = np.array(
        [[(block == k).sum() for k in range(phases)] for block in blocks_of(labels, 2)]
    )
    coarse = coarsen(labels, 2, rule="exact", rng=rng).values.ravel()
    counts = [int((coarse == k).sum()) for k in range(phases)]
    agreement = sum(votes[i, k] for i, k in enumerate(coarse))
    assert agreement == max(
        sum(votes[i, k] for i, k in enumerate(one))
        for one in itertools.product(range(phases), repeat=6)
        if [one.count(k) for k in range(phases)] == counts
    )


@given(
    hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=3, min_side=3, max_side=9),
               elements=st.sampled_from([0, 3, 7, 200])),
    st.integers(1, 3),
    st.integers(0, 99),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_exact_keeps_every_fraction_to_the_nearest_voxel(labels, factor, seed):
    coarse = coarsen(labels, factor, rule="exact", rng=seed)
    whole = labels[tuple(slice(n // factor * factor) for n in labels.shape)]
    for label in np.unique(labels):
        wanted = (whole == label).sum() / factor**labels.ndim
        assert abs((coarse.values == label).sum() - wanted) < 1
    assert coarse.size == whole.size // factor**labels.ndim


def test_exact_keeps_what_is_thinner_than_a_block():
    film = np.ones((64, 64), np.uint8)
    film[::4] = 0
    assert label_counts(coarsen(film, 4).values) == {1: 256}
    assert label_counts(coarsen(film, 4, rule="exact").values) == {0: 64, 1: 192}


def test_exact_draws_which_of_equal_blocks_take_a_phase():
    film = np.ones((64, 64), np.uint8)
    film[::4] = 0
    one, other = (coarsen(film, 4, rule="exact", rng=seed).values for seed in (1, 2))
    np.testing.assert_array_equal(one, coarsen(film, 4, rule="exact", rng=1))
    assert (one != other).any()
    assert np.ptp((one == 0).sum(axis=1)) > 0, "no row is preferred"


def test_exact_of_many_kinds_of_blocks_is_quick():
    ms = blobs((80, 80, 80), fractions=(0.2, 0.3, 0.4, 0.1), scale=1.2, rng=0)
    coarse = coarsen(ms, 4, rule="exact")
    assert label_counts(coarse.values) == {0: 1600, 1: 2400, 2: 3200, 3: 800}


def test_an_unknown_rule():
    with pytest.raises(InputError, match=r"'majority', 'exact'"):
        coarsen(np.eye(4, dtype=int), 2, rule="mean")
