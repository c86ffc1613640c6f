import numpy as np
import pytest
from tiny_models import tiny_model

from microdsd.calibration import HIGHEST, LOWEST, last_level
from microdsd.request import GenerationRequest


def columns(n, samples=4):
    """Windows (12, 10) with n solid columns apart: 2 n unlike pairs per row."""
    row = np.zeros(10, dtype=np.uint8)
    row[1 : 1 + 2 * n : 2] = 1
    return np.broadcast_to(row, (samples, 12, 10)).copy()


class Staged:
    """A model whose samples, ended at a level, have as many columns as it is told."""

    def __init__(self, n_columns):
        self.card = tiny_model().card
        self.n_columns = n_columns

    def endings(self, request, below):
        self.request, self.below = request, below
        return {
            sigma: columns(n, len(request)) for sigma, n in self.n_columns.items() if sigma <= below
        }


def test_the_level_where_the_interface_is_that_of_real_windows():
    model = Staged({1.0: 1, 0.8: 2, 0.6: 3, 0.45: 4})
    for n, level in [(4, 0.45), (3, 0.6), (2, 0.8), (1, 1.0)]:
        assert last_level(model, columns(n)) == pytest.approx(level)
    assert (model.request.counts[:, 1] == 12).all()  # at the real windows' own composition
    assert model.request.levels[-1] == LOWEST
    assert model.below == HIGHEST


def test_between_levels_it_is_interpolated():
    model = Staged({1.0: 1, 0.5: 3})
    assert last_level(model, columns(2)) == pytest.approx(0.75)


@pytest.mark.parametrize(("real", "level"), [(4, 0.5), (1, 1.0)])
def test_out_of_reach_the_nearest_level(real, level):
    assert last_level(Staged({1.0: 2, 0.5: 3}), columns(real)) == level


def test_noise_in_the_measurement_is_taken_for_none():
    """Interface cannot grow with smoothing: an upward blip does not turn the search round."""
    model = Staged({1.0: 1, 0.8: 4, 0.6: 3, 0.45: 4})
    assert 0.8 < last_level(model, columns(2)) < 1.0


@pytest.mark.parametrize("real", [0, 2])
@pytest.mark.parametrize("made", [0, 2])
def test_no_interface_at_all(real, made):
    level = last_level(Staged({1.0: made, 0.45: made}), columns(real))
    assert LOWEST <= level <= HIGHEST


def test_a_real_model():
    level = last_level(tiny_model(), columns(2))
    assert LOWEST <= level <= HIGHEST
    assert level == last_level(tiny_model(), columns(2))


def test_endings_are_samples_that_ended_there():
    """What is read out on the way is what a walk that ends at that level gives."""
    model = tiny_model(evaluations=6)
    request = GenerationRequest.resolve(model.card, 3, sigma_last=0.5, rng=2)
    endings = model.endings(request, below=8.0)
    assert set(endings) == {sigma for sigma in request.levels if sigma <= 8.0}
    assert len(endings) > 1
    for labels in endings.values():
        assert labels.shape == (3, 12, 10)
        for k in (0, 1):
            assert ((labels == k).sum((1, 2)) == request.counts[:, k]).all()
    made = np.stack([labels for labels, _ in model.generate(request)])
    np.testing.assert_array_equal((endings[0.5] != made).mean(), 0)
