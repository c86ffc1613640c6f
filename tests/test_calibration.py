from dataclasses import replace

import numpy as np
import pytest
from tiny_models import tiny_model

from microdsd.calibration import CANDIDATES, last_level


def columns(n, samples=4):
    """Windows (12, 10) with n solid columns apart: 2 n unlike pairs per row."""
    row = np.zeros(10, dtype=np.uint8)
    row[1 : 1 + 2 * n : 2] = 1
    return np.broadcast_to(row, (samples, 12, 10)).copy()


class Staged:
    """A model whose samples have as many columns as it is told, by the level they end at."""

    def __init__(self, n_columns):
        self.card = tiny_model().card
        self.n_columns = n_columns
        self.requests = []

    def generate(self, request):
        self.requests.append(request)
        stages = sorted(self.n_columns, reverse=True)
        n = self.n_columns[next(s for s in stages if s <= request.levels[-1])]
        return ((labels, 0) for labels in columns(n, len(request)))


STAGES = {1.0: 1, 0.82: 2, 0.67: 3, 0.55: 3, 0.3: 4}


def test_the_level_where_the_interface_is_that_of_real_windows():
    for n, level in [(3, 0.55), (2, 0.82), (1, 1.0)]:
        model = Staged(STAGES)
        assert last_level(model, columns(n)) == pytest.approx(level)
        for request in model.requests:
            assert (request.counts[:, 1] == 12 * n).all()  # at the real windows' own composition
        assert len({request.seed for request in model.requests}) == 1
        ends = [request.levels[-1] for request in model.requests]
        assert len(ends) == len(set(ends)) <= 4  # bisection, and no walk twice


def test_between_levels_it_is_interpolated():
    assert last_level(Staged({1.0: 1, 0.3: 3}), columns(2)) == pytest.approx(0.91)


@pytest.mark.parametrize(("real", "level"), [(4, 0.3), (1, 1.0)])
def test_out_of_reach_the_nearest_level(real, level):
    assert last_level(Staged({1.0: 2, 0.3: 3}), columns(real)) == level


def test_levels_that_training_did_not_see_are_left_out():
    model = Staged({0.3: 1})
    model.card = replace(model.card, sigma_min=0.5)
    assert last_level(model, columns(2)) == 0.55


@pytest.mark.parametrize("real", [0, 2])
@pytest.mark.parametrize("made", [0, 2])
def test_no_interface_at_all(real, made):
    level = last_level(Staged({0.3: made}), columns(real))
    assert CANDIDATES[0] <= level <= CANDIDATES[-1]


def test_a_real_model():
    level = last_level(tiny_model(), columns(2))
    assert CANDIDATES[0] <= level <= CANDIDATES[-1]
    assert level == last_level(tiny_model(), columns(2))
