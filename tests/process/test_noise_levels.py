import numpy as np
import pytest

from microdsd.errors import InputError
from microdsd.process import level_grid, noise_level, time_of


def test_level_and_time_are_inverse():
    for sigma in (0.3, 1.0, 24.0):
        assert noise_level(float(time_of(sigma))) == pytest.approx(sigma, rel=1e-12)


def test_grid_without_gain_is_logarithmic():
    levels = level_grid(40.0, 0.5, 9)
    ratios = np.array(levels[1:]) / np.array(levels[:-1])
    np.testing.assert_allclose(ratios, (0.5 / 40) ** (1 / 8), rtol=1e-6)


@pytest.mark.parametrize("evaluations", [2, 3, 17, 200])
@pytest.mark.parametrize(
    "gain", [None, ((0.3, 1.0, 4.0, 30.0), (0.4, 0.2, 0.01, -0.001)), ((0.3, 30.0), (0.0, 0.0))]
)
def test_grid_falls_from_horizon_to_last_level(evaluations, gain):
    levels = level_grid(30.0, 0.6, evaluations, gain)
    assert len(levels) == evaluations
    assert (levels[0], levels[-1]) == (30.0, 0.6)
    assert (np.diff(levels) < 0).all()


def test_grid_is_dense_where_the_model_gains():
    gain = ((0.3, 0.9, 1.1, 2.9, 3.1, 50.0), (0.0, 0.0, 1.0, 1.0, 0.0, 0.0))
    with_gain = np.array(level_grid(50.0, 0.3, 64, gain))
    even = np.array(level_grid(50.0, 0.3, 64))
    between = lambda levels: ((levels > 1) & (levels < 3)).sum()  # noqa: E731
    assert between(with_gain) > 2 * between(even)


def test_share_of_the_gain():
    """At share 0 the gain has no say; the steps of share 1 hold equal amounts of gain."""
    gain = ((1.0, np.e), (1.0, 3.0))
    np.testing.assert_allclose(
        level_grid(np.e, 1.0, 6, gain, gain_share=0.0), level_grid(np.e, 1.0, 6), rtol=1e-6
    )
    log_sigma = np.log(level_grid(np.e, 1.0, 6, gain, gain_share=1.0))
    gained = log_sigma + log_sigma**2  # integral of 1 + 2 x
    np.testing.assert_allclose(np.diff(gained), -2 / 5, rtol=1e-3)


@pytest.mark.parametrize("evaluations", [1, 0, -3])
def test_too_few_evaluations(evaluations):
    with pytest.raises(InputError, match=f"evaluations={evaluations}: at least 2"):
        level_grid(8.0, 1.0, evaluations)


@pytest.mark.parametrize("last", [0.0, -1.0, 8.0, 9.0, float("nan")])
def test_last_level_must_lie_below_the_horizon(last):
    with pytest.raises(InputError, match=r"sigma_last=.*between 0 and the horizon's 8"):
        level_grid(8.0, last, 4)
