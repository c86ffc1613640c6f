"""A measurement is the same twice, and the page says by which seed."""

import inspect

import numpy as np
import pytest

from microdsd.evaluation import compare, evaluate, evaluate_sweep, judge
from microdsd.evaluation.reference import match_reference
from microdsd.microstructure import as_microstructure, blobs, cut_windows

ROCK = blobs((48, 48), fractions=(0.3, 0.7), scale=2, rng=0)
NEW = cut_windows(ROCK, (12, 12), n=4, rng=1)
SERIES = as_microstructure(
    NEW, provenance={"requested_fractions": {"phase 0": [0.2, 0.25, 0.3, 0.35]}}
)


def seed_of(rng):
    return evaluate(NEW, ROCK, windows=8, rng=rng).record["seed"]


@pytest.mark.parametrize("function", [compare, judge, evaluate, evaluate_sweep, match_reference])
def test_what_measures_is_repeatable_unless_asked_otherwise(function):
    assert inspect.signature(function).parameters["rng"].default == 0


@pytest.mark.parametrize("kind", [int, np.int64, np.uint8])
def test_the_seed_is_recorded_whatever_its_type(kind):
    assert seed_of(kind(3)) == 3
    assert type(seed_of(kind(3))) is int
    assert evaluate_sweep(SERIES, ROCK, windows=8, rng=kind(3)).record["seed"] == 3


def test_a_seed_that_was_drawn_is_recorded_and_repeats_the_evaluation():
    drawn = evaluate(NEW, ROCK, windows=8, rng=np.random.default_rng(5))
    again = evaluate(NEW, ROCK, windows=8, rng=drawn.record["seed"])
    assert (again.windows == drawn.windows).all()
    assert again.verdict.to_dict() == drawn.verdict.to_dict()
    fresh = {seed_of(None) for _ in range(2)}
    assert len(fresh) == 2
