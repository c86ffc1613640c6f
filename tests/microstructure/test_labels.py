"""Labels of any size, looked up by rank; names that can be shown."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from microdsd.errors import InputError
from microdsd.microstructure import (
    as_images,
    as_microstructure,
    label_counts,
    phase_counts,
    phases_of,
    provenance_of,
    relabel,
)
from microdsd.microstructure.labels import (
    MAX_LABEL,
    label_ranks,
    lawful_labels,
    map_labels,
    name_phases,
)

LARGE = (7, 65536, 2**32 - 1, 2**40, 2**53 + 1, MAX_LABEL)


@st.composite
def labelled(draw):
    dtype = draw(st.sampled_from([np.uint8, np.uint16, np.uint32, np.uint64, np.int16, np.int64]))
    limits = np.iinfo(dtype)
    phases = draw(
        st.lists(st.integers(limits.min, limits.max), min_size=1, max_size=5, unique=True)
    )
    spare = draw(st.lists(st.integers(-(2**63), 2**64 - 1), max_size=3))
    values = draw(hnp.arrays(dtype, (3, 4), elements=st.sampled_from(phases)))
    return values, sorted({*phases, *spare})


@given(labelled())
def test_ranks_are_positions_in_the_sorted_phases(case):
    values, phases = case
    found = label_ranks(values, phases)
    assert found.shape == values.shape
    assert [phases[rank] for rank in found.ravel()] == values.ravel().tolist()


@pytest.mark.parametrize("dtype", [np.uint64, np.int64])
def test_neighbours_that_a_float_cannot_tell_apart(dtype):
    labels = np.array([2**53, 2**53 + 1, MAX_LABEL - 1, MAX_LABEL], dtype=dtype)
    assert label_ranks(labels, labels.tolist()).tolist() == [0, 1, 2, 3]
    assert list(phase_counts(labels.reshape(2, 2)).phase.values) == labels.tolist()


def test_a_label_that_is_no_phase_is_named():
    with pytest.raises(InputError, match="also holds labels 8, known are labels 7, 4294967295"):
        label_ranks(np.array([7, 8], np.uint32), [7, 2**32 - 1])


def test_large_labels_cost_no_more_memory_than_small_ones():
    labels = np.array(LARGE, np.uint64)[np.random.default_rng(0).integers(0, 6, (64, 64))]
    names = {label: f"p{k}" for k, label in enumerate(LARGE)}
    tracemalloc.start()
    ms = as_microstructure(labels, phases=names)
    small = relabel(ms, {label: k for k, label in enumerate(LARGE)})
    back = relabel(small, dict(enumerate(LARGE)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2e6
    assert small.dtype == np.uint8
    np.testing.assert_array_equal(back, labels)
    assert phases_of(back) == names
    assert phase_counts(ms).values.tolist() == [list(label_counts(labels).values())]


def test_named_labels_below_zero_become_free_ones():
    stored = np.array([[-1, 0, 1], [3, -2, 3]])
    ms = as_microstructure(stored, phases={-1: "outside", 0: "a", 1: "b", 3: "c", -2: "void"})
    np.testing.assert_array_equal(ms, [[4, 0, 1], [3, 2, 3]])
    assert phases_of(ms) == {0: "a", 1: "b", 2: "void", 3: "c", 4: "outside"}
    assert provenance_of(ms) == {"labels_mapped": {"-2": 2, "-1": 4}}
    assert lawful_labels([2**64 - 1, 0]) == {2**64 - 1: 1, 0: 0}


def test_minus_one_of_an_unsigned_file_is_mapped_as_well():
    stored = np.array([[2**64 - 1, 0]], np.uint64)
    ms = as_microstructure(stored, phases={2**64 - 1: "outside", 0: "rock"})
    assert ms.values.tolist() == [[1, 0]]
    with pytest.raises(InputError, match=r"the highest is 18446744073709551615; name every"):
        as_microstructure(stored)


def test_unnamed_labels_below_zero_are_refused_with_the_remedy():
    with pytest.raises(InputError, match=r'lowest is -1; .* phases=\{-1: "outside", \.\.\.\}'):
        as_microstructure(np.array([[-1, 0]]))


def test_relabel_takes_labels_below_zero_away():
    np.testing.assert_array_equal(relabel(np.array([[-1, 0, 5]]), {-1: 2, 0: 0, 5: 1}), [[2, 0, 1]])
    assert map_labels(np.array([-1]), {-1: 300}).dtype == np.uint16


@pytest.mark.parametrize("labels", [(0, 255), (-1, 0), (7, 2**32 - 1)])
def test_names_may_come_first(labels):
    low, high = labels
    array = np.array([labels])
    assert name_phases(labels, {"low": low, "high": np.int64(high)}) == {low: "low", high: "high"}
    swapped = as_microstructure(array, phases={"low": low, "high": high})
    assert phases_of(swapped) == phases_of(
        as_microstructure(array, phases={low: "low", high: "high"})
    )


def test_two_names_of_one_label_are_refused():
    with pytest.raises(InputError, match="every label needs one name"):
        as_microstructure(np.array([[0, 0]]), phases={"pore": 0, "void": 0})
    with pytest.raises(InputError, match="expected label to name"):
        as_microstructure(np.array([[0, 0]]), phases={"pore": "solid"})


HIDDEN = {
    "\x1b[31mpore": "U+001B",
    "po\0re": "U+0000",
    "pore\n": "U+000A",
    "pore\x7f": "U+007F",
    "po\u0085re": "U+0085",
    "po\udc80re": "U+DC80",
    "\u202eerop": "U+202E",
    "po\u2066re": "U+2066",
    "po\u200bre": "U+200B",
    "\ufeffpore": "U+FEFF",
    "po\u2028re": "U+2028",
}


@pytest.mark.parametrize(("name", "code"), HIDDEN.items())
def test_names_that_would_not_be_shown_as_they_are(name, code):
    refused = pytest.raises(InputError, match=code.replace("+", r"\+"))
    array = np.array([[0, 0]])
    with refused as error:
        as_microstructure(array, phases={0: name})
    assert str(error.value).isprintable()
    with refused:
        as_images(array[None], classes=[name])
    with refused:
        as_images(array[None, None], channels=[name])
    if code != "U+000A":
        with refused:
            as_microstructure(array, provenance={"note": ["fine", {"deep": name}]})


def test_names_of_any_script_stay():
    names = {0: "Poren (µm)", 1: "孔隙", 2: "تخلخل", 3: "می\u200cخواهم", 4: "पोर"}
    ms = as_microstructure(np.arange(5)[None], phases=names, provenance={"note": "two\nlines\t"})
    assert phases_of(ms) == names
