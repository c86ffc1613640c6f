"""Gaussian fields: counts, closed forms of S2, and what cannot be asked for."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from microdsd import GaussianField, describe, phase_fractions
from microdsd.baselines.covariance import nearest_spectrum
from microdsd.errors import InputError
from microdsd.metrics import two_point_probability
from microdsd.microstructure import as_microstructure, blobs, cut_windows, provenance_of

SIGMA = 2.0


def gaussian_medium(shape, n, rng):
    """Half-half level cuts at zero: S2 is the arcsine of exp(-r^2 / 4 sigma^2)."""
    noise = np.random.default_rng(rng).standard_normal((n, *shape))
    field = ndimage.gaussian_filter(noise, (0, *[SIGMA] * len(shape)), mode="wrap")
    return as_microstructure((field > 0).astype(np.uint8), ensemble=True)


def arcsine_law(lag):
    rho = np.exp(-(lag**2) / (4 * SIGMA**2))
    return 0.25 + np.arcsin(rho) / (2 * np.pi)


@pytest.mark.statistics
@pytest.mark.parametrize(("shape", "n"), [((64, 64), 60), ((24, 24, 24), 30)])
@pytest.mark.parametrize("periodic", [False, True])
def test_known_covariance_comes_back(shape, n, periodic):
    """S2 of the samples is the closed form of the medium that was measured.

    Largest errors were 0.001 to 0.011 over 5 seeds, none beyond the bound of 0.015.
    """
    real = gaussian_medium(shape, n, rng=1)
    made = GaussianField.fit(real, symmetry="isotropic", periodic=True).sample(
        n, phase_fraction={0: 0.5}, periodic=periodic, rng=0
    )
    s2 = two_point_probability(made, phase=0, periodic=periodic, axis="x", max_distance=8)
    assert np.abs(s2.mean("sample").values - arcsine_law(np.arange(9.0))).max() < 0.015


def test_spectrum_of_a_true_covariance_keeps_it():
    lag = np.arange(-8.0, 9.0)
    rho = np.exp(-(lag[:, None] ** 2 + lag**2) / (4 * SIGMA**2))
    spectrum, achieved = nearest_spectrum(rho, (40, 48))
    assert spectrum.min() >= 0
    np.testing.assert_allclose(achieved, rho, atol=3e-3)  # it ends at 0.02, not at zero


def test_spectrum_of_no_covariance_is_one():
    """A box correlation is none: long lags give way to short ones."""
    rho = np.zeros((13, 13))
    rho[3:10, 3:10] = 0.9
    rho[6, 6] = 1
    spectrum, achieved = nearest_spectrum(rho, (32, 32))
    assert spectrum.min() >= 0
    assert achieved[6, 6] == pytest.approx(1)
    assert 0.6 < achieved[6, 7] <= 1


@settings(max_examples=15)
@given(
    st.sampled_from([(12, 9), (7, 8, 9)]),
    st.lists(st.floats(0.05, 0.45), min_size=2, max_size=2),
    st.booleans(),
)
def test_counts_are_exact(shape, asked, periodic):
    real = cut_windows(
        blobs((24,) * len(shape), fractions=(0.3, 0.3, 0.4), scale=1.5, rng=0),
        (6,) * len(shape),
        n=8,
        rng=0,
    )
    made = GaussianField.fit(real, periodic=False).sample(
        2, phase_fraction=dict(enumerate(asked)), shape=shape, periodic=periodic, rng=1
    )
    recorded = provenance_of(made)["requested_counts"]
    for phase, (name, counts) in enumerate(recorded.items()):
        assert name == f"phase {phase}"
        assert (made == phase).sum(made.dims[1:]).values.tolist() == counts
        if phase < 2:
            assert abs(counts[0] - asked[phase] * np.prod(shape)) <= 1


@pytest.mark.statistics
def test_three_nested_phases_have_the_s2_they_are_built_for():
    """Nested media are their own model: S2 of the phases that are cut comes back.

    Errors are 0.02 to 0.09 over 5 seeds, none beyond the bound of 0.12.
    """
    rng = np.random.default_rng(3)
    first, second = (
        ndimage.gaussian_filter(rng.standard_normal((40, 64, 64)), (0, s, s)) for s in (3, 1.5)
    )
    labels = np.where(first > 0, 0, np.where(second > np.median(second), 1, 2)).astype(np.uint8)
    real = as_microstructure(labels, ensemble=True)
    field = GaussianField.fit(real, order=(0, 1, 2), symmetry="isotropic", periodic=False)
    fractions = phase_fractions(real)
    own = {phase: fractions.sel(phase=phase).values.tolist() for phase in range(3)}
    made = field.sample(40, phase_fraction=own, rng=0)
    found, expected = (describe(ms, periodic=False).two_point_probability for ms in (made, real))
    for phase in range(3):
        new, old = (s.sel(phase=phase).mean("sample").values[:16] for s in (found, expected))
        assert np.abs(new - old).sum() < 0.12 * np.abs(old - old[-1]).sum()


def test_samples_depend_on_seed_and_number_alone():
    real = blobs((32, 32), fractions=(0.4, 0.6), scale=2, rng=0)
    field = GaussianField.fit(real, periodic=False)
    three = field.sample(3, rng=5)
    assert np.array_equal(field.sample(2, rng=5), three[:2])
    assert not np.array_equal(three[0], three[1])


def test_voxel_size_and_names_are_kept():
    real = as_microstructure(
        blobs((16, 16), fractions=(0.4, 0.6), scale=2, rng=0).values * 255,
        phases={0: "pore", 255: "solid"},
        voxel_size=2e-6,
    )
    made = GaussianField.fit(real, periodic=False).sample(phase_fraction={"pore": 0.25}, rng=0)
    assert sorted(np.unique(made)) == [0, 255]
    assert made.attrs["phases"] == real.attrs["phases"]
    assert made.x.attrs["units"] == "m"
    assert int((made == 0).sum()) == 64


def test_what_cannot_be_asked_for():
    real = blobs((16, 16), fractions=(0.4, 0.6), scale=2, rng=0)
    field = GaussianField.fit(real, periodic=False)
    with pytest.raises(InputError, match="wraps needs at least 16"):
        field.sample(shape=(8, 16), periodic=True)
    with pytest.raises(InputError, match="2D"):
        field.sample(shape=(8, 8, 8))
    with pytest.raises(InputError, match="name each"):
        GaussianField.fit(real, order=(0, 0), periodic=False)
    with pytest.raises(InputError, match="two phases"):
        GaussianField.fit(np.zeros((8, 8), dtype=int), periodic=False)
    with pytest.raises(InputError, match="at least one"):
        field.sample(0)
