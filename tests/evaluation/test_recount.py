"""Requested against achieved counts, recounted from the labels."""

import numpy as np
import pytest

from microdsd.errors import InputError
from microdsd.evaluation.recount import composition
from microdsd.microstructure import as_microstructure


def ensemble(*pores, names=("pore", "solid"), **provenance):
    """Samples of ten voxels with the given numbers of label 0."""
    samples = [np.repeat([0, 1], [n, 10 - n]).reshape(2, 5).astype(np.uint8) for n in pores]
    return as_microstructure(
        np.stack(samples), phases=dict(enumerate(names)), ensemble=True, provenance=provenance
    )


def test_counts_are_recounted_and_compared_sample_by_sample():
    pore, solid = composition(ensemble(3, 4, requested_counts={"pore": [3, 5], "solid": [7, 5]}))
    assert pore.achieved.tolist() == [3, 4]
    assert pore.exact.tolist() == [True, False]
    assert solid.exact.tolist() == [True, False]


def test_one_count_serves_all_samples_and_the_last_phase_gets_the_rest():
    pore, solid = composition(ensemble(3, 3, requested_counts={"pore": 3}))
    assert pore.requested.tolist() == [3, 3]
    assert solid.requested.tolist() == [7, 7]


def test_fractions_are_rounded_to_the_nearest_voxel():
    pore, solid = composition(ensemble(3, requested_fractions={"pore": 0.34}))
    assert pore.requested.tolist() == [3]
    assert solid.requested.tolist() == [7]
    assert pore.exact.all()


def test_counts_outrank_fractions():
    both = ensemble(3, requested_fractions={"pore": 0.9}, requested_counts={"pore": 3})
    assert composition(both)[0].exact.all()


def test_phases_may_be_named_by_label():
    assert composition(ensemble(3, requested_counts={"0": 3}))[0].exact.all()


def test_of_three_phases_two_unsaid_stay_unknown():
    three = ensemble(3, names=("a", "b", "c"), requested_counts={"a": 3})
    assert [phase.requested is None for phase in composition(three)] == [False, True, True]


def test_without_a_record_nothing_is_called_exact():
    assert [phase.exact for phase in composition(ensemble(3))] == [None, None]


def test_a_part_of_an_ensemble_is_compared_with_its_own_requests():
    whole = ensemble(3, 4, 5, requested_counts={"pore": [3, 4, 5]})
    part = whole.assign_coords(sample=range(3)).isel(sample=[2])
    assert composition(part)[0].exact.all()


def test_a_record_that_does_not_fit_is_refused():
    with pytest.raises(InputError, match="3 requested counts of phase 0 for 2 samples"):
        composition(ensemble(3, 4, requested_counts={"pore": [3, 4, 5]}))
    with pytest.raises(InputError, match="no phase 'void'"):
        composition(ensemble(3, requested_counts={"void": 3}))
