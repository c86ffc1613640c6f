import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microdsd.errors import InputError
from microdsd.microstructure.composition import counts_from_fractions
from microdsd.microstructure.labels import find_phase

ROCK = {0: "pore", 255: "solid"}
CATHODE = {0: "pore", 1: "active", 2: "binder"}


@given(
    st.lists(st.floats(0, 1), min_size=2, max_size=6).filter(lambda w: sum(w) > 1e-3),
    st.integers(1, 2_100_000),
    st.booleans(),
)
def test_counts_fill_the_box_to_the_nearest_voxel(weights, n_sites, leave_one_out):
    phases = {label: f"phase {label}" for label in range(len(weights))}
    share = [w / sum(weights) for w in weights]
    asked = dict(enumerate(share[:-1] if leave_one_out else share))
    counts = counts_from_fractions(asked, phases, n_sites)
    assert sum(counts.values()) == n_sites
    assert min(counts.values()) >= 0
    for label, fraction in enumerate(share):
        assert abs(counts[label] - fraction * n_sites) < 1 + 1e-6


@given(st.lists(st.integers(0, 10**6), min_size=2, max_size=6).filter(any))
def test_exact_counts_survive(counts):
    """Fractions that are whole numbers of voxels give these numbers."""
    n_sites = sum(counts)
    phases = {label: f"phase {label}" for label in range(len(counts))}
    asked = {label: count / n_sites for label, count in enumerate(counts)}
    assert list(counts_from_fractions(asked, phases, n_sites).values()) == counts


@pytest.mark.parametrize("excess", [-9e-7, 9e-7])
@pytest.mark.parametrize("length", [128, 400])
def test_fractions_rounded_in_print_still_fill_a_large_box(excess, length):
    """In 128^3 voxels a sum that is off by a millionth is off by two voxels."""
    n_sites = length**3
    counts = counts_from_fractions({0: 0.5 + excess, 255: 0.5}, ROCK, n_sites)
    assert sum(counts.values()) == n_sites
    assert abs(counts[0] - n_sites / 2) <= 1 + 1e-6 * n_sites


def test_largest_remainders_get_the_spare_voxels():
    asked = {"pore": 0.34, "active": 0.33, "binder": 0.33}
    assert counts_from_fractions(asked, CATHODE, 10) == {0: 4, 1: 3, 2: 3}
    asked = {"pore": 0.26, "active": 0.37, "binder": 0.37}
    assert counts_from_fractions(asked, CATHODE, 10) == {0: 2, 1: 4, 2: 4}


def test_names_labels_and_digits():
    for key in ("pore", 0, "0"):
        assert counts_from_fractions({key: 0.22}, ROCK, 1000) == {0: 220, 255: 780}
    assert find_phase(ROCK, "255") == 255


def test_the_rest_may_be_nothing():
    assert counts_from_fractions({"solid": 1.0}, ROCK, 7) == {0: 0, 255: 7}


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"water": 0.5}, r"no phase 'water'; the phases are 0 = pore, 255 = solid"),
        ({7: 0.5}, r"there is no phase 7"),
        ({"pore": 1.2}, r"phase_fraction\['pore'\]=1.2: give a number from 0 to 1"),
        ({"pore": -0.1}, r"=-0.1: give a number from 0 to 1"),
        ({"pore": math.nan}, r"=nan: give a number from 0 to 1"),
        ({"pore": math.inf}, r"=inf: give a number from 0 to 1"),
        ({"pore": 0.2, "solid": 0.7}, r"they sum to 0.9; make them sum to 1"),
        ({"pore": 0.2, 0: 0.2}, r"phase 0 is given twice"),
    ],
)
def test_impossible_fractions(asked, message):
    with pytest.raises(InputError, match=message):
        counts_from_fractions(asked, ROCK, 1000)


def test_fractions_left_open():
    with pytest.raises(InputError, match=r"active, binder are left open"):
        counts_from_fractions({"pore": 0.2}, CATHODE, 1000)
    with pytest.raises(InputError, match=r"sum to 1.3, leaving less than nothing for binder"):
        counts_from_fractions({"pore": 0.6, "active": 0.7}, CATHODE, 1000)
