import numpy as np
import pytest

from microdsd.errors import InputError
from microdsd.microstructure import (
    as_microstructure,
    label_counts,
    phase_counts,
    phase_fractions,
    phases_of,
    porosity,
    provenance_of,
    relabel,
)

STACK = np.array([[[0, 1], [1, 1]], [[0, 0], [0, 0]]])
NAMES = {0: "pore", 1: "solid", 4: "binder"}


def test_counts_per_sample_and_phase():
    ms = as_microstructure(STACK, ensemble=True, phases=NAMES)
    counts = phase_counts(ms)
    assert counts.dims == ("sample", "phase")
    assert counts.dtype == np.int64
    np.testing.assert_array_equal(counts, [[1, 3, 0], [4, 0, 0]])
    np.testing.assert_array_equal(counts.phase, [0, 1, 4])
    assert counts.phase_name.values.tolist() == ["pore", "solid", "binder"]
    np.testing.assert_allclose(phase_fractions(ms), [[0.25, 0.75, 0], [1, 0, 0]])
    np.testing.assert_allclose(porosity(ms, pore_phase="pore"), [0.25, 1])


def test_counting_spans_blocks_and_dtypes(monkeypatch):
    monkeypatch.setattr("microdsd.microstructure.counting.BLOCK", 7)
    labels = np.random.default_rng(1).choice([0, 3, 70000, 2**40], size=(5, 11))
    values, counts = np.unique(labels, return_counts=True)
    assert label_counts(labels) == dict(zip(values.tolist(), counts.tolist(), strict=True))
    assert label_counts(labels.T[::2]) == dict(
        zip(*(a.tolist() for a in np.unique(labels.T[::2], return_counts=True)), strict=True)
    )
    assert label_counts(np.array([-1, -1, 5])) == {-1: 2, 5: 1}


def test_relabel_maps_and_keeps_names():
    ms = as_microstructure(STACK * 255, ensemble=True, phases={0: "pore", 255: "solid"})
    mapped = relabel(ms, {0: 1, 255: 0})
    np.testing.assert_array_equal(mapped, 1 - STACK)
    assert phases_of(mapped) == {0: "solid", 1: "pore"}
    assert provenance_of(mapped)["operation"] == "relabel"


def test_relabel_merges():
    ms = as_microstructure(np.array([[0, 1, 2]] * 2), phases={0: "pore", 1: "nmc", 2: "cbd"})
    assert phases_of(relabel(ms, {0: 0, 1: 1, 2: 1})) == {0: "pore", 1: "nmc + cbd"}
    named = relabel(ms, {0: 0, 1: 1, 2: 1}, phases={0: "pore", 1: "solid"})
    assert phases_of(named) == {0: "pore", 1: "solid"}


def test_relabel_refuses_what_it_would_have_to_guess():
    ms = as_microstructure(np.array([[0, 1, 2]] * 2))
    with pytest.raises(InputError, match=r"labels \[2\] occur"):
        relabel(ms, {0: 0, 1: 1})
    with pytest.raises(InputError, match=r"0\.\.2\^63 - 1"):
        relabel(ms, {0: 0, 1: 1, 2: -1})
