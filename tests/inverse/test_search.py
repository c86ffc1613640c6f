"""Where to look next: deterministic, within bounds, better than chance where there is a slope."""

import numpy as np
import pytest

from microdsd.errors import MicrodsdError
from microdsd.inverse.search import (
    History,
    pareto_front,
    propose,
    require_optuna,
    starting_points,
)
from microdsd.inverse.variables import Variable

TWO = (Variable("pore", 0.1, 0.3), Variable("pore:z", -0.2, 0.2, "gradient"))


def history(points, values, excesses=None):
    points, values = np.array(points, float), np.array(values, float)
    if excesses is None:
        excesses = np.empty((len(points), 0))
    return History(points, values, np.array(excesses, float))


def searched(function, number, search="bayesian", seed=0, variables=TWO, directions=("minimise",)):
    points, values, excesses = [], [], []
    for _ in range(number):
        known = history(
            np.reshape(points, (-1, len(variables))),
            np.reshape(values, (-1, len(directions))),
            np.reshape(excesses, (len(points), -1)) if points else None,
        )
        point = propose(variables, directions, known, search, seed)
        assert all(v.low <= x <= v.high for v, x in zip(variables, point, strict=True))
        value, excess = function(point)
        points.append(point)
        values.append(value)
        excesses.append(excess)
    return np.array(points), np.array(values)


def bowl(point):
    return [(point[0] - 0.17) ** 2 * 100 + (point[1] - 0.05) ** 2 * 25], []


def test_the_start_is_spread_evenly():
    points, _ = searched(bowl, starting_points(2))
    unit = (points - [0.1, -0.2]) / [0.2, 0.4]
    for column in unit.T:
        assert np.bincount((column * 4).astype(int), minlength=4).tolist() == [2, 2, 2, 2]


def test_a_proposal_depends_on_seed_and_history_alone():
    pytest.importorskip("optuna")
    points, values = searched(bowl, 9)
    known = history(points, values)
    first = propose(TWO, ["minimise"], known, "bayesian", 0)
    propose(TWO, ["minimise"], history(points[:8], values[:8]), "bayesian", 3)
    assert propose(TWO, ["minimise"], known, "bayesian", 0) == first
    assert propose(TWO, ["minimise"], known, "random", 0) != propose(
        TWO, ["minimise"], known, "random", 1
    )


def test_the_bottom_of_a_bowl_is_found():
    """Seeded. Of 16 random points the best is 0.06 above the bottom on average."""
    pytest.importorskip("optuna")
    points, values = searched(bowl, 16)
    assert values.min() < 0.002
    assert points[values.argmin()] == pytest.approx([0.17, 0.05], abs=0.02)
    _, opposite = searched(lambda p: ([-bowl(p)[0][0]], []), 16, directions=("maximise",))
    assert opposite.max() > -0.002


def test_a_requirement_is_kept():
    """The bottom of the bowl is forbidden: what is sought lies on the edge at 0.2."""
    pytest.importorskip("optuna")

    def function(point):
        return bowl(point)[0], [0.2 - point[0]]

    points, values = searched(function, 16)
    allowed = points[:, 0] >= 0.2
    assert points[allowed][values[allowed, 0].argmin()] == pytest.approx([0.2, 0.05], abs=0.03)


def test_what_is_not_finite_stops_nothing():
    pytest.importorskip("optuna")

    def function(point):
        return [np.inf if point[0] < 0.15 else bowl(point)[0][0]], []

    _, values = searched(function, 14)
    assert not np.isfinite(values[:8]).all()
    assert np.isfinite(values[8:]).sum() >= 5
    nothing = history(np.random.default_rng(0).random((9, 2)) * 0.1 + 0.1, np.full((9, 1), np.nan))
    assert len(propose(TWO, ["minimise"], nothing, "bayesian", 0)) == 2


def test_two_objectives_make_a_front():
    """x against 1 - x, both spoiled by y: the front is where y is 0."""
    pytest.importorskip("optuna")
    variables = (Variable("a", 0, 1), Variable("b", -1, 1))
    points, values = searched(
        lambda p: ([p[0] + p[1] ** 2, p[0] - p[1] ** 2], []),
        18,
        variables=variables,
        directions=("minimise", "maximise"),
    )
    front = pareto_front(values, ["minimise", "maximise"], np.ones(18, bool))
    assert np.median(np.abs(points[front & (np.arange(18) >= 8), 1])) < 0.1


@pytest.mark.parametrize(
    ("values", "directions", "allowed", "front"),
    [
        ([[1, 2], [2, 1], [2, 2], [3, 3]], ["minimise"] * 2, [1, 1, 1, 1], [1, 1, 0, 0]),
        ([[1, 2], [2, 1], [2, 2], [3, 3]], ["maximise"] * 2, [1, 1, 1, 1], [0, 0, 0, 1]),
        ([[1, 2], [2, 1], [2, 2], [3, 3]], ["minimise"] * 2, [0, 1, 1, 1], [0, 1, 0, 0]),
        ([[1], [1], [2]], ["minimise"], [1, 1, 1], [1, 1, 0]),
        ([[np.nan], [np.inf], [2]], ["minimise"], [1, 1, 1], [0, 0, 1]),
        ([[np.nan], [np.inf]], ["minimise"], [1, 1], [0, 0]),
    ],
)
def test_the_front(values, directions, allowed, front):
    found = pareto_front(np.array(values, float), directions, np.array(allowed, bool))
    assert found.astype(int).tolist() == front


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "optuna", None)
    with pytest.raises(MicrodsdError, match=r"microdsd\[design\]"):
        require_optuna()
