import numpy as np
import pytest

from microdsd.errors import InputError
from microdsd.microstructure import (
    blobs,
    check_microstructure,
    checkerboard,
    layers,
    overlapping_spheres,
    phase_counts,
    porosity,
)


def test_layers_repeat_along_their_axis():
    ms = layers((2, 7, 3), widths=(2, 1), axis=1)
    np.testing.assert_array_equal(ms[0, :, 0], [0, 0, 1, 0, 0, 1, 0])
    assert (ms == ms[:1, :, :1]).all()


def test_checkerboard_cells_alternate():
    ms = checkerboard((4, 4, 8), cell=2)
    np.testing.assert_array_equal(ms[0, 0], [0, 0, 1, 1, 0, 0, 1, 1])
    np.testing.assert_array_equal(phase_counts(ms), [[64, 64]])


@pytest.mark.parametrize("fractions", [(0.37, 0.63), (0.2, 0.3, 0.5), (0.0, 1.0)])
def test_blobs_have_exact_counts(fractions):
    ms = blobs((17, 19), fractions=fractions, scale=2, rng=0)
    check_microstructure(ms)
    bounds = np.rint(np.cumsum(fractions) * 17 * 19)
    np.testing.assert_array_equal(phase_counts(ms)[0], np.diff(bounds, prepend=0))
    np.testing.assert_array_equal(ms, blobs((17, 19), fractions=fractions, scale=2, rng=0))


def test_periodic_blobs_join_at_the_faces():
    """Neighbours differ as often across the face as inside, only when periodic."""
    size = 64
    changes = {}
    for periodic in (True, False):
        ms = blobs((size, size, size), fractions=(0.5, 0.5), scale=4, rng=1, periodic=periodic)
        inside = np.mean(ms.values[1:] != ms.values[:-1])
        changes[periodic] = np.mean(ms.values[0] != ms.values[-1]) / inside
    assert changes[True] < 1.5
    assert changes[False] > 3


def test_single_sphere_has_its_volume():
    ms = overlapping_spheres((40, 40, 40), radius=12, number=1, rng=0)
    assert int(ms.sum()) == pytest.approx(4 / 3 * np.pi * 12**3, rel=0.01)


@pytest.mark.statistics
def test_overlapping_discs_leave_the_expected_matrix():
    """Mean of 200 boxes within 4 standard errors: false alarm 6e-5."""
    volume, number = np.pi * 5**2 / 64**2, 40
    matrix = [
        float(
            porosity(overlapping_spheres((64, 64), radius=5, number=number, rng=s), pore_phase=0)[0]
        )
        for s in range(200)
    ]
    expected = (1 - volume) ** number
    assert abs(np.mean(matrix) - expected) < 4 * np.std(matrix) / np.sqrt(200) + 0.002


def test_spheres_stay_inside_a_box_with_walls():
    ms = overlapping_spheres((9, 9), radius=4, number=1, rng=3, periodic=False)
    wrapped = overlapping_spheres((9, 9), radius=4, number=1, rng=3)
    assert ms.sum() <= wrapped.sum()


@pytest.mark.parametrize(
    "call",
    [
        lambda: layers((4, 4), widths=(0, 1)),
        lambda: checkerboard((4, 4), cell=0),
        lambda: overlapping_spheres((8, 8), radius=5, number=1, rng=0),
        lambda: overlapping_spheres((8, 8), radius=0, number=1, rng=0),
        lambda: blobs((4, 4), fractions=(0.5, 0.6), scale=1, rng=0),
    ],
)
def test_bad_arguments(call):
    with pytest.raises(InputError):
        call()
