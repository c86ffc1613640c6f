import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from microdsd.errors import InputError
from microdsd.metrics.lineal_path import lineal_path
from microdsd.metrics.two_point import two_point_probability
from microdsd.microstructure import as_microstructure, layers, overlapping_spheres

SIDES = array_shapes(min_dims=2, max_dims=3, min_side=2, max_side=5)
SMALL = arrays(np.uint8, SIDES, elements=st.integers(0, 1))


def by_brute_force(labels, axis, lag, periodic, inside=None):
    """Share of the segments in the phase, one segment after another."""
    n = labels.shape[axis]
    inside = np.ones(labels.shape, dtype=bool) if inside is None else inside
    whole, possible = 0, 0
    for start in range(n if periodic else n - lag):
        voxels = (start + np.arange(lag + 1)) % n
        fits = inside.take(voxels, axis).all(axis)
        possible += np.count_nonzero(fits)
        whole += np.count_nonzero((labels.take(voxels, axis) == 1).all(axis) & fits)
    return whole / possible if possible else np.nan


@settings(max_examples=40)
@given(labels=SMALL, periodic=st.booleans(), seed=st.integers(0, 3))
def test_every_segment_is_counted_once(labels, periodic, seed):
    ms = as_microstructure(labels, phases={0: "pore", 1: "solid"})
    inside = np.random.default_rng(seed).random(labels.shape) < 0.8
    inside.flat[0] = True
    for axis, name in enumerate("zyx"[-labels.ndim :]):
        n = labels.shape[axis]
        reach = n // 2 if periodic else n - 1
        here = {"phase": 1, "periodic": periodic, "axis": name, "max_distance": reach}
        plain, masked = lineal_path(ms, **here), lineal_path(ms, mask=inside, **here)
        for lag in range(reach + 1):
            expected = by_brute_force(labels, axis, lag, periodic)
            assert plain.values[0, lag] == pytest.approx(expected)
            expected = by_brute_force(labels, axis, lag, periodic, inside)
            assert masked.values[0, lag] == pytest.approx(expected, nan_ok=True)


@settings(max_examples=40)
@given(labels=SMALL, periodic=st.booleans())
def test_never_above_two_points_and_equal_to_them_at_one_voxel(labels, periodic):
    ms = as_microstructure(labels, phases={0: "pore", 1: "solid"})
    here = {"phase": "pore", "periodic": periodic, "axis": "x"}
    path, s2 = lineal_path(ms, **here), two_point_probability(ms, **here)
    assert (path.values <= s2.values + 1e-12).all()
    np.testing.assert_allclose(path.values[:, :2], s2.values[:, :2], rtol=1e-12)
    assert (np.diff(path.values[0]) <= 1e-12).all() or not periodic


@pytest.mark.parametrize("periodic", [True, False])
def test_layers_have_the_closed_form(periodic):
    ms = layers((24, 6, 8), widths=(5, 3), axis=0)
    across = lineal_path(ms, phase=0, periodic=periodic, axis="z", max_distance=8)
    within = lineal_path(ms, phase=0, periodic=periodic, axis="x", max_distance=4)
    np.testing.assert_allclose(within.values, 5 / 8)
    expected = np.maximum(5 - np.arange(9), 0) / 8
    if not periodic:
        expected *= 24 / (24 - np.arange(9))
    np.testing.assert_allclose(across.values[0], expected)


def test_overlapping_discs_have_the_closed_form():
    """Outside Boolean discs L(z) = exp(-rho (pi R^2 + 2 R z)).

    Seeded; the tolerance is 5 standard errors of the mean of 8 boxes, and 0.003 for the voxels.
    """
    radius, number, side = 6.0, 180, 160
    paths = [
        lineal_path(
            overlapping_spheres((side,) * 2, radius=radius, number=number, rng=seed),
            phase="matrix", periodic=True, max_distance=24,
        ).values[0]
        for seed in range(8)
    ]  # fmt: skip
    expected = np.exp(-number / side**2 * (np.pi * radius**2 + 2 * radius * np.arange(25)))
    error = np.std(paths, axis=0, ddof=1) / 8**0.5
    assert (np.abs(np.mean(paths, axis=0) - expected) < 5 * error + 0.003).all()


def test_mean_over_axes():
    labels = np.random.default_rng(0).integers(0, 2, (8, 10, 12))
    here = {"phase": 1, "periodic": False, "max_distance": 4}
    single = [lineal_path(labels, axis=axis, **here).values for axis in "zyx"]
    np.testing.assert_allclose(lineal_path(labels, **here).values, np.mean(single, axis=0))


def test_voxels_that_are_not_cubes_are_interpolated():
    labels = np.random.default_rng(1).integers(0, 2, (8, 10))
    ms = as_microstructure(labels, voxel_size=(2e-6, 1e-6))
    mean = lineal_path(ms, phase=1, periodic=False, max_distance=3)
    y = lineal_path(ms, phase=1, periodic=False, axis="y", max_distance=2)
    x = lineal_path(ms, phase=1, periodic=False, axis="x", max_distance=3)
    np.testing.assert_allclose(mean.distance, np.arange(4) * 1e-6)
    np.testing.assert_allclose(y.distance, [0, 2e-6, 4e-6])
    at_1 = (y.values[0, :2].mean() + x.values[0, 1]) / 2
    assert mean.values[0, 1] == pytest.approx(at_1)
    assert mean.values[0, 2] == pytest.approx((y.values[0, 1] + x.values[0, 2]) / 2)


def test_full_and_absent_phase():
    ms = as_microstructure(np.zeros((6, 6), dtype=int), phases={0: "pore", 1: "solid"})
    for periodic in (True, False):
        assert (lineal_path(ms, phase="pore", periodic=periodic).values == 1).all()
        assert (lineal_path(ms, phase="solid", periodic=periodic).values == 0).all()


def test_refusals():
    with pytest.raises(InputError, match="axis: 'z'"):
        lineal_path(np.eye(5, dtype=int), phase=1, periodic=False, axis="z")
    with pytest.raises(InputError, match="max_distance"):
        lineal_path(np.eye(5, dtype=int), phase=1, periodic=False, max_distance=5)
