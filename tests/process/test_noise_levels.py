import numpy as np
import pytest

from microdsd.errors import InputError
from microdsd.process import level_grid, noise_level, time_of


def test_level_and_time_are_inverse():
    for sigma in (0.3, 1.0, 24.0):
        assert noise_level(float(time_of(sigma))) == pytest.approx(sigma, rel=1e-12)


def test_grid_is_even_in_the_square_root():
    steps = np.diff(np.sqrt(level_grid(40.0, 0.5, 9)))
    np.testing.assert_allclose(steps, (np.sqrt(0.5) - np.sqrt(40)) / 8, rtol=1e-6)


@pytest.mark.parametrize("evaluations", [2, 3, 17, 200])
def test_grid_falls_from_horizon_to_last_level(evaluations):
    levels = level_grid(30.0, 0.6, evaluations)
    assert len(levels) == evaluations
    assert (levels[0], levels[-1]) == (30.0, 0.6)
    assert (np.diff(levels) < 0).all()


@pytest.mark.parametrize("evaluations", [1, 0, -3])
def test_too_few_evaluations(evaluations):
    with pytest.raises(InputError, match=f"evaluations={evaluations}: at least 2"):
        level_grid(8.0, 1.0, evaluations)


@pytest.mark.parametrize("last", [0.0, -1.0, 8.0, 9.0, float("nan")])
def test_last_level_must_lie_below_the_horizon(last):
    with pytest.raises(InputError, match=r"sigma_last=.*between 0 and the first one's 8"):
        level_grid(8.0, last, 4)
