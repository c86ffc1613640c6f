import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from scipy.stats import norm

from microdsd.errors import InputError
from microdsd.metrics.minkowski import minkowski_functionals
from microdsd.metrics.surface import specific_surface_area
from microdsd.metrics.topology import euler_characteristic
from microdsd.microstructure import VoxelSize, as_microstructure, blobs


@pytest.mark.parametrize("periodic", [True, False])
@pytest.mark.parametrize("shape", [(9, 8), (6, 5, 7)])
@pytest.mark.parametrize("edges", [1.0, None])
def test_surface_is_that_of_crofton(periodic, shape, edges):
    labels = np.random.default_rng(0).integers(0, 2, (2, *shape))
    size = edges or tuple(range(1, len(shape) + 1))
    ms = as_microstructure(
        labels, ensemble=True, voxel_size=VoxelSize(tuple(np.atleast_1d(size)), "m")
    )
    found = minkowski_functionals(ms, phase=1, periodic=periodic)
    if periodic:
        expected = specific_surface_area(ms, phase=1, periodic=True)
        np.testing.assert_allclose(found.surface, expected, rtol=1e-12)
        np.testing.assert_allclose(found.volume, (ms == 1).mean(ms.dims[1:]), rtol=1e-12)
    assert found.surface.attrs["units"] == "1/m"
    assert found.euler.attrs["units"] == f"1/m^{len(shape)}"


@pytest.mark.parametrize("connectivity", ["face", "full"])
@pytest.mark.parametrize("shape", [(9, 8), (6, 5, 7)])
def test_euler_characteristic_of_the_torus(connectivity, shape):
    labels = np.random.default_rng(1).integers(0, 2, shape)
    here = {"phase": 1, "periodic": True, "connectivity": connectivity}
    found = minkowski_functionals(labels, **here).euler * labels.size
    assert found.item() == pytest.approx(euler_characteristic(labels, **here).item())


@pytest.mark.parametrize("radius", [8.5, 16])
def test_one_sphere(radius):
    side = 2 * int(radius) + 6
    grid = np.indices((side,) * 3) - side / 2 + 0.37
    ball = as_microstructure((np.sum(grid**2, axis=0) <= radius**2).astype(int))
    found = minkowski_functionals(ball, phase=1, periodic=True) * side**3
    assert found.curvature.item() == pytest.approx(4 * np.pi * radius, rel=0.02)
    assert found.surface.item() == pytest.approx(4 * np.pi * radius**2, rel=0.02)
    assert found.euler.item() == pytest.approx(1)


@pytest.mark.parametrize("size", [1.0, (1.0, 2.0, 1.5)])
def test_a_box_has_its_curvature(size):
    """Half the sum of edge length times turning angle, pi (a + b + c), as its mean width says."""
    labels = np.zeros((20, 20, 20), dtype=int)
    labels[4:12, 3:13, 5:11] = 1
    ms = as_microstructure(labels, voxel_size=VoxelSize(tuple(np.atleast_1d(size)), "m"))
    edges = np.array([8, 10, 6]) * np.array(size)
    found = minkowski_functionals(ms, phase=1, periodic=True) * np.prod(np.multiply(size, [20] * 3))
    # 7 % for flat faces, as in Crofton's formula; the rest is that the edges are between voxels.
    assert found.curvature.item() == pytest.approx(np.pi * edges.sum(), rel=0.16)


def test_the_other_phase_curves_the_other_way():
    labels = np.random.default_rng(2).integers(0, 2, (8, 9, 7))
    one, other = (minkowski_functionals(labels, phase=p, periodic=False) for p in (0, 1))
    assert one.curvature.item() == pytest.approx(-other.curvature.item())
    assert one.surface.item() == pytest.approx(other.surface.item())


def test_level_cuts_of_gaussian_fields_have_their_densities():
    """Gaussian kinematic formula. Seeded; tolerances are 5 standard errors of the mean of 8 boxes
    and 3 % of the scale of each functional, for what voxels do to blobs of this size.
    """
    scale, fraction = 4.0, 0.2
    found = [
        minkowski_functionals(
            blobs((48,) * 3, fractions=(1 - fraction, fraction), scale=scale, rng=seed),
            phase=1, periodic=True,
        )
        for seed in range(8)
    ]  # fmt: skip
    u, slope = norm.isf(fraction), 1 / (2 * scale**2)
    law = np.exp(-(u**2) / 2)
    sizes = {
        "surface": (2 / np.pi * slope**0.5 * law, 1),
        "curvature": (slope * law / (2 * np.pi) ** 0.5, u),
        "euler": (slope**1.5 * law / (2 * np.pi) ** 2, u**2 - 1),
    }
    for name, (size, factor) in sizes.items():
        values = [f[name].item() for f in found]
        error = np.std(values, ddof=1) / 8**0.5
        assert abs(np.mean(values) - size * factor) < 5 * error + 0.03 * size, name


@pytest.mark.parametrize(
    ("angle", "error", "tolerance"),
    [(20, -1.4, 0.3), (30, -0.68, 0.2), (60, -0.13, 0.1), (120, 0, 0.1)],
)
def test_sharp_wedges_are_pinched_as_stated(angle, error, tolerance):
    """Curvature per length of a re-entrant edge is -(pi - angle)/2, and too low by what is stated.

    Seeded; 30 orientations, the tolerance is 4 standard errors of their mean.
    """
    radius, opening = 12, np.radians(angle)
    grid = np.stack(np.indices((30,) * 3), axis=-1) - 14.5
    inside = (grid**2).sum(axis=-1) < radius**2
    rng = np.random.default_rng(0)
    found = []
    for _ in range(30):
        axes = Rotation.random(random_state=rng.integers(2**31)).as_matrix()
        place = (grid + rng.uniform(-0.5, 0.5, 3)) @ axes
        solid = np.abs(np.arctan2(place[..., 1], place[..., 0])) >= opening / 2
        here = {"periodic": False, "mask": inside}
        rock = minkowski_functionals(solid.astype(int), phase=1, **here).curvature.item()
        wedge = minkowski_functionals(solid.astype(int), phase=0, **here).curvature.item()
        assert rock == pytest.approx(-wedge)
        found.append(rock)
    whole = np.all(np.lib.stride_tricks.sliding_window_view(inside, (2, 2, 2)), axis=(3, 4, 5))
    length = 2 * (whole.sum() * 3 / (4 * np.pi)) ** (1 / 3)
    per_length = np.mean(found) * whole.sum() / length
    assert per_length == pytest.approx((opening - np.pi) / 2 + error, abs=tolerance)


def test_cut_components_do_not_bias_a_window():
    """Seeded: windows of a periodic box, all of them, have exactly its mean densities."""
    labels = np.random.default_rng(3).integers(0, 2, (8, 8))
    windows = [np.roll(labels, (-y, -x), (0, 1))[:5, :5] for y in range(8) for x in range(8)]
    ms = as_microstructure(np.stack(windows), ensemble=True)
    found = minkowski_functionals(ms, phase=1, periodic=False).mean("sample")
    whole = minkowski_functionals(labels, phase=1, periodic=True)
    for name in found:
        assert found[name].item() == pytest.approx(whole[name].item())


def test_refusals():
    with pytest.raises(InputError, match="connectivity"):
        minkowski_functionals(np.eye(4, dtype=int), phase=1, periodic=False, connectivity="x")
    with pytest.raises(InputError, match="2D array"):
        minkowski_functionals(np.ones((1, 5, 5), dtype=int), phase=1, periodic=False)
