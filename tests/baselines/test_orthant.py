"""Two Gaussian numbers above a level, against closed forms and scipy's bivariate normal."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtri
from scipy.stats import multivariate_normal

from microdsd.baselines.orthant import correlation_of_exceedance, exceedance_probability


def test_half_is_the_arcsine_law():
    rho = np.linspace(-1, 1, 41)
    expected = 0.25 + np.arcsin(rho) / (2 * np.pi)
    np.testing.assert_allclose(exceedance_probability(rho, 0.5), expected, atol=1e-7)


@pytest.mark.parametrize("fraction", [0.02, 0.2, 0.7])
@pytest.mark.parametrize("rho", [-0.6, 0.3, 0.95])
def test_other_levels_are_the_bivariate_normal(fraction, rho):
    level = ndtri(fraction)
    expected = multivariate_normal.cdf([level, level], cov=[[1, rho], [rho, 1]])
    assert exceedance_probability(rho, fraction) == pytest.approx(expected, abs=2e-6)


@pytest.mark.parametrize("fraction", [0.02, 0.2, 0.5, 0.7])
def test_limits(fraction):
    found = exceedance_probability([-1, 0, 1], fraction)
    np.testing.assert_allclose(found, [max(0, 2 * fraction - 1), fraction**2, fraction], atol=1e-6)


@given(st.floats(0.05, 0.95), st.floats(-0.5, 0.999))
def test_inversion_undoes(fraction, rho):
    """Where the probability tells correlations apart; near -1 it is flat."""
    back = correlation_of_exceedance(exceedance_probability(rho, fraction), fraction)
    again = exceedance_probability(back, fraction)
    assert again == pytest.approx(exceedance_probability(rho, fraction), abs=1e-9)
    if rho > 0:
        assert back == pytest.approx(rho, abs=1e-4)
