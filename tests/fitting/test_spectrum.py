"""The power spectrum that is measured of training windows."""

import numpy as np
import pytest

from microdsd.fitting.spectrum import measured_spectrum
from microdsd.models.contents import Phases

TWO = Phases({0: "pore", 1: "solid"}, background=1)
THREE = Phases({0: "pore", 1: "solid", 2: "clay"}, background=1)


def noise(*shape, phases=2):
    return np.random.default_rng(0).integers(0, phases, shape).astype(np.uint8)


@pytest.mark.parametrize("boundary", ["no-flux", "periodic"])
def test_stripes_vary_along_their_axis_alone(boundary):
    shifts = np.random.default_rng(0).integers(16, size=200)
    stripes = [(np.arange(16)[:, None] + s) % 16 // 8 * np.ones((1, 12), int) for s in shifts]
    power = measured_spectrum(np.stack(stripes), TWO, boundary, "none").table[0, 0]
    assert power[1, 0] > 20
    assert np.abs(power[0, 1:]).max() < 1e-12
    assert np.abs(power[1:, 1:]).max() < 1e-12


def test_axes_that_are_alike_share_their_power():
    windows = noise(40, 8, 8, 8)
    none, transverse, isotropic = (
        measured_spectrum(windows, TWO, "no-flux", s).table[0, 0]
        for s in ("none", "transverse", "isotropic")
    )
    assert not np.allclose(none, none.transpose(0, 2, 1))
    assert np.allclose(transverse, transverse.transpose(0, 2, 1), rtol=1e-3)
    assert not np.allclose(transverse, transverse.transpose(2, 1, 0))
    assert np.allclose(isotropic, isotropic.transpose(2, 1, 0), rtol=1e-3)


def test_species_that_exclude_one_another_vary_against_each_other():
    """Independent voxels of three equal phases: -1/2 between two species, 1 of each with itself."""
    table = measured_spectrum(noise(400, 12, 12, phases=3), THREE, "no-flux", "none").table
    assert table.shape[:2] == (2, 2)
    assert np.allclose(table[0, 0], 1, atol=0.3)
    assert np.allclose(table[0, 1], -0.5, atol=0.3)
    assert np.array_equal(table[0, 1], table[1, 0])


def test_windows_of_one_phase_have_no_power():
    assert not measured_spectrum(np.ones((3, 8, 8), np.uint8), TWO, "no-flux", "none").table.any()
