import numpy as np
import pytest

from microdsd.errors import InputError
from microdsd.metrics.anisotropy import fabric
from microdsd.metrics.profiles import fraction_profile, specimen_fractions
from microdsd.metrics.representativity import representativity
from microdsd.metrics.two_point import two_point_probability
from microdsd.microstructure import (
    as_microstructure,
    blobs,
    layers,
    overlapping_spheres,
    phase_fractions,
)


def test_standard_error_is_how_much_windows_differ():
    """Boolean discs. Seeded; the standard deviation of 100 fractions is known to 7 %, the
    estimates to 2 %; the tolerance is 3 standard errors and the bias of windows this small.
    """
    big = overlapping_spheres((700, 700), radius=4, number=4000, rng=0).values
    windows = [big[y : y + 64, x : x + 64] for y in range(0, 640, 70) for x in range(0, 640, 70)]
    ms = as_microstructure(np.stack(windows), ensemble=True)
    found = representativity(ms, phase=0, periodic=False)
    spread = phase_fractions(ms).sel(phase=0).std("sample", ddof=1).item()
    assert found.fraction_standard_error.mean().item() == pytest.approx(spread, rel=0.25)


def test_boolean_discs_have_their_integral_range():
    """A numerical integral of the closed form of S2. Seeded; one box of 60 correlation lengths,
    whose integral range is known to about 5 %.
    """
    radius, number, side = 4.0, 5000, 700
    ms = overlapping_spheres((side, side), radius=radius, number=number, rng=1)
    r = np.linspace(0, 2 * radius, 400)
    lens = 2 * radius**2 * np.arccos(r / 2 / radius) - r / 2 * np.sqrt(4 * radius**2 - r**2)
    rho = number / side**2
    outside = np.exp(-rho * np.pi * radius**2)
    correlation = (outside**2 * np.exp(rho * lens) - outside**2) / (outside - outside**2)
    found = representativity(ms, phase=0, periodic=True)
    area = np.trapezoid(correlation * 2 * np.pi * r, r)
    assert found.integral_range.item() == pytest.approx(area, rel=0.15)
    assert found.correlation_length.item() == pytest.approx(np.trapezoid(correlation, r), rel=0.08)


def test_representative_size_has_the_error_asked_for():
    ms = blobs((96, 96), fractions=(0.3, 0.7), scale=2, rng=0)
    ms = as_microstructure(ms, voxel_size=1e-6)
    found = representativity(ms, phase=0, periodic=True, relative_error=0.1)
    error = np.sqrt(0.21 * found.integral_range.item()) / found.representative_size.item()
    assert error == pytest.approx(0.1 * 0.3, rel=1e-3)
    assert found.integral_range.attrs["units"] == "m^2"
    s2 = two_point_probability(ms, phase=0, periodic=True)
    again = representativity(ms, phase=0, periodic=True, relative_error=0.1, s2=s2)
    assert again.identical(found)


def test_what_cannot_be_said_is_nan():
    ms = as_microstructure(np.zeros((8, 8), int), phases={0: "pore", 1: "solid"})
    assert np.isnan(representativity(ms, phase=1, periodic=True).correlation_length.item())
    halves = np.repeat([0, 1], 32)[None].repeat(64, axis=0)
    assert representativity(halves, phase=0, periodic=False).correlation_length.item() > 8
    with pytest.raises(InputError, match="relative_error"):
        representativity(ms, phase=1, periodic=True, relative_error=0)


@pytest.mark.parametrize("size", [None, (2e-6, 1e-6)])
def test_layers_are_as_anisotropic_as_can_be(size):
    ms = as_microstructure(layers((64, 64), widths=(16, 16), axis=0), voxel_size=size)
    found = fabric(ms, phase=0, periodic=True)
    assert found.degree.item() > 0.9
    np.testing.assert_allclose(found.direction.values, [[0, 1]], atol=1e-6)


def test_stretched_blobs_are_measured_and_round_ones_are_not():
    """Seeded; a field stretched by 2 has intercepts in the ratio 2 (DA = 1/2), to 5 %."""
    long = blobs((64, 64, 64), fractions=(0.5, 0.5), scale=(3, 3, 6), rng=0)
    found = fabric(long, phase=0, periodic=True)
    assert found.degree.item() == pytest.approx(0.5, abs=0.06)
    assert found.direction.sel(axis="x").item() > 0.95
    round_ = blobs((64, 64, 64), fractions=(0.5, 0.5), scale=3, rng=0)
    assert fabric(round_, phase=0, periodic=True).degree.item() < 0.1
    absent = as_microstructure(np.zeros((6, 6), int), phases={0: "pore", 1: "solid"})
    assert np.isnan(fabric(absent, phase=1, periodic=False).degree.item())


def test_profiles_and_specimens():
    labels = np.random.default_rng(0).integers(0, 3, (2, 5, 6, 7))
    inside = np.random.default_rng(1).random((5, 6, 7)) < 0.7
    inside[2] = False
    ms = as_microstructure(labels, ensemble=True, voxel_size=1e-6)
    np.testing.assert_allclose(
        fraction_profile(ms, axis="y").sel(phase=2), (labels == 2).mean(axis=(1, 3))
    )
    masked = fraction_profile(ms, axis="z", mask=inside)
    assert np.isnan(masked.sel(z=masked.z[2])).all()
    assert masked.values[1, 0, 0] == pytest.approx((labels[1, 0][inside[0]] == 0).mean())
    np.testing.assert_array_equal(masked.z, ms.z)
    np.testing.assert_allclose(specimen_fractions(ms).values, phase_fractions(ms).values)
    whole = specimen_fractions(ms, mask=inside)
    assert whole.values[0, 1] == pytest.approx((labels[0][inside] == 1).mean())
    with pytest.raises(InputError, match="axis: 'q'"):
        fraction_profile(ms, axis="q")
