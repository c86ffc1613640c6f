"""Requested against achieved counts, recounted from the labels."""

import numpy as np
import pytest

from microdsd.errors import InputError
from microdsd.evaluation.recount import composition
from microdsd.microstructure import as_microstructure
from microdsd.microstructure.composition import counts_from_fractions


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


@pytest.mark.parametrize(
    "fractions",
    [
        {"a": 1 / 3, "b": 1 / 3, "c": 1 / 3},
        {"a": 0.25, "b": 0.25, "c": 0.5},
        {"a": 0.15, "b": 0.25},
        {"b": 0.35, "c": 0.35},
        {"c": 0.05, "a": 0.45, "b": 0.5},
    ],
)
def test_fractions_are_rounded_as_the_generator_rounds_them(fractions):
    """Rounded one by one, 2.5, 2.5 and 5 voxels of ten would be 2, 2 and 5."""
    names = {0: "a", 1: "b", 2: "c"}
    made = ensemble(3, 4, names=("a", "b", "c"), requested_fractions=fractions)
    expected = counts_from_fractions(fractions, names, 10)
    assert sum(expected.values()) == 10
    for phase in composition(made):
        assert phase.requested.tolist() == [expected[phase.label]] * 2


def test_one_fraction_per_sample_is_rounded_sample_by_sample():
    made = ensemble(
        2, 3, names=("a", "b", "c"), requested_fractions={"a": [0.25, 0.3], "b": [0.25, 0.1]}
    )
    rows = np.stack([phase.requested for phase in composition(made)], axis=1)
    assert rows.tolist() == [[3, 2, 5], [3, 1, 6]]


def test_a_fraction_beside_two_phases_that_are_not_named():
    a, *others = composition(ensemble(3, names=("a", "b", "c"), requested_fractions={"a": 0.26}))
    assert a.requested.tolist() == [3]
    assert [phase.requested for phase in others] == [None, None]


def test_fractions_of_unlike_numbers_of_samples():
    fractions = {"pore": [0.1, 0.2], "solid": [0.9, 0.8, 0.7]}
    with pytest.raises(InputError, match="'pore': 2, 'solid': 3"):
        composition(ensemble(3, 4, requested_fractions=fractions))
