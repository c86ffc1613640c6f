import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microdsd.fitting.configurations import _classes, configuration_shares


@pytest.mark.parametrize(("ndim", "number"), [(2, 6), (3, 22)])
def test_as_many_classes_as_are_known(ndim, number):
    """22 configurations of the corners of a cube, mirror images counted as one."""
    assert len(set(_classes(ndim).tolist())) == number


def test_sizes_of_the_classes_of_the_cube():
    """Corner numbers 0 to 8 have 1, 1, 3, 3, 6, 3, 3, 1, 1 classes (Polya)."""
    corners = [code.bit_count() for code in range(256)]
    by_corners = {k: set() for k in range(9)}
    for code, k in enumerate(corners):
        by_corners[k].add(int(_classes(3)[code]))
    assert [len(classes) for classes in by_corners.values()] == [1, 1, 3, 3, 6, 3, 3, 1, 1]


@given(st.integers(0, 2**32 - 1), st.sampled_from([2, 3]))
def test_turned_windows_have_the_same_shares(seed, ndim):
    rng = np.random.default_rng(seed)
    window = rng.integers(0, 2, (1, *[4] * ndim))
    axes = [0, *(1 + rng.permutation(ndim))]
    turned = np.flip(window.transpose(axes), 1 + int(rng.integers(ndim)))
    assert np.array_equal(configuration_shares(window, 1), configuration_shares(turned, 1))


def test_independent_voxels_fill_corners_by_the_binomial_law():
    window = (np.random.default_rng(0).random((1, 60, 60, 60)) < 0.3).astype(np.uint8)
    shares = configuration_shares(window, 1)[0]
    corners = np.zeros(22, int)
    for code in range(256):
        corners[_classes(3)[code]] = code.bit_count()
    counted = np.bincount(corners, shares, minlength=9)
    expected = [0.3**k * 0.7 ** (8 - k) for k in range(9)] * np.array(
        [1, 8, 28, 56, 70, 56, 28, 8, 1]
    )
    assert counted == pytest.approx(expected, abs=0.01)
