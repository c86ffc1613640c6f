"""S2 against counting every pair of voxels, and against porespy."""

import itertools

import numpy as np
import pytest

from microdsd.metrics._porespy import two_point_correlation
from microdsd.metrics.two_point import two_point_probability

SHAPES = [(7, 10), (8, 5), (4, 6, 5), (5, 5, 5), (3, 8, 2)]


def brute_force(first, second, periodic, max_distance):
    """Mean over the lags of each shell of the share of voxel pairs, lag by lag."""
    shape = first.shape
    far = [n // 2 if periodic else n - 1 for n in shape]
    reach = [min(max_distance, f) for f in far]
    shells = [[] for _ in range(max_distance + 1)]
    for lag in itertools.product(*(range(-r, r + 1) for r in reach)):
        shell = int(np.sqrt(sum(i * i for i in lag)))
        if shell > max_distance:
            continue
        pairs = hits = 0
        for x in np.ndindex(*shape):
            y = tuple(i + j for i, j in zip(x, lag, strict=True))
            if periodic:
                y = tuple(i % n for i, n in zip(y, shape, strict=True))
            elif not all(0 <= i < n for i, n in zip(y, shape, strict=True)):
                continue
            pairs += 1
            hits += bool(first[x] and second[y])
        shells[shell].append(hits / pairs)
    return [np.mean(shell) for shell in shells]


@pytest.mark.parametrize("periodic", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("phases", [(1, 1), (0, 2)])
def test_radial_agrees_with_brute_force(shape, periodic, phases):
    labels = np.random.default_rng(len(shape)).integers(0, 3, shape)
    reach = min(shape) // 2 if periodic else max(shape) - 1
    s2 = two_point_probability(
        labels, phase=phases[0], phase2=phases[1], periodic=periodic, max_distance=reach
    )
    expected = brute_force(labels == phases[0], labels == phases[1], periodic, reach)
    np.testing.assert_allclose(s2.values[0], expected, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("periodic", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("phases", [(1, 1), (0, 2)])
def test_axes_agree_with_brute_force(shape, periodic, phases):
    labels = np.random.default_rng(7).integers(0, 3, shape)
    for axis, along in enumerate(("z", "y", "x")[-len(shape) :]):
        n = shape[axis]
        reach = n // 2 if periodic else n - 1
        s2 = two_point_probability(
            labels,
            phase=phases[0],
            phase2=phases[1],
            periodic=periodic,
            axis=along,
            max_distance=reach,
        )
        lines = np.moveaxis(labels, axis, -1)
        for lag, value in enumerate(s2.values[0]):
            here, there = lines, np.roll(lines, -lag, -1)
            if not periodic:
                here, there = here[..., : n - lag], there[..., : n - lag]
            a, b = phases
            both = np.mean((here == a) & (there == b)) + np.mean((here == b) & (there == a))
            assert value == pytest.approx(both / 2, rel=1e-13, abs=1e-15)


@pytest.mark.parametrize("shape", [(40, 40), (31, 50), (24, 24, 24), (15, 22, 19)])
def test_radial_agrees_with_porespy(shape):
    """Same shells, same plain mean over lags, same unbiased division: equal to rounding."""
    mask = np.random.default_rng(0).random(shape) < 0.3
    reach = min(shape) // 2
    expected = two_point_correlation(mask, np.arange(reach + 2))
    s2 = two_point_probability(mask.astype(np.uint8), phase=1, periodic=False, max_distance=reach)
    np.testing.assert_allclose(s2.values[0], expected, rtol=1e-12)


def test_distant_shells_agree_with_porespy():
    """Shells wider than the short side hold only the lags that fit the box, there and here."""
    mask = np.random.default_rng(3).random((9, 30)) < 0.5
    expected = two_point_correlation(mask, np.arange(29))
    s2 = two_point_probability(mask.astype(np.uint8), phase=1, periodic=False, max_distance=27)
    np.testing.assert_allclose(s2.values[0], expected, rtol=1e-12)
