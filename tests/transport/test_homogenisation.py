"""Effective conductivity and stiffness against laminates, bounds and dilute spheres."""

import numpy as np
import pytest

from microdsd.errors import InputError
from microdsd.microstructure import as_microstructure, blobs, layers
from microdsd.transport import effective_conductivity, effective_stiffness
from microdsd.transport.homogenisation import isotropic_moduli


def lame(young, poisson):
    shear = young / (2 * (1 + poisson))
    return 2 * shear * poisson / (1 - 2 * poisson), shear


def bulk_and_shear(young, poisson):
    lam, shear = lame(young, poisson)
    return lam + 2 * shear / 3, shear


def ball(n, radius):
    z, y, x = np.indices((n,) * 3) - (n - 1) / 2
    return (z**2 + y**2 + x**2 < radius**2).astype(int)


@pytest.mark.parametrize("shape", [(8, 6), (9, 5), (8, 6, 4), (9, 5, 7)])
def test_conductivity_of_layers(shape):
    for axis in range(len(shape)):
        box = as_microstructure(
            layers(shape, widths=(2, 1), axis=axis).values,
            voxel_size=[1e-6, 3e-6, 2e-6][: len(shape)],
        )
        f = (box == 1).mean().item()
        found = effective_conductivity(box, conductivity={0: 2.0, 1: 7.0})
        expected = np.eye(len(shape)) * (2 * (1 - f) + 7 * f)
        expected[axis, axis] = 1 / ((1 - f) / 2 + f / 7)
        np.testing.assert_allclose(found.conductivity[0], expected, atol=1e-10)
        assert found.converged.all()


def laminate(moduli, fractions):
    """Stiffness of layers normal to axis 0, by Backus' averages; Voigt 11 22 33 23 13 12."""
    lam, mu = np.array([lame(*pair) for pair in moduli]).T
    mean = lambda values: np.dot(fractions, values)  # noqa: E731
    p = lam + 2 * mu
    c = np.zeros((6, 6))
    c[0, 0] = 1 / mean(1 / p)
    c[0, 1] = c[0, 2] = mean(lam / p) * c[0, 0]
    c[1, 1] = c[2, 2] = mean(p - lam**2 / p) + mean(lam / p) ** 2 * c[0, 0]
    c[1, 2] = mean(lam - lam**2 / p) + mean(lam / p) ** 2 * c[0, 0]
    c = np.triu(c) + np.triu(c, 1).T
    c[3, 3] = mean(mu)
    c[4, 4] = c[5, 5] = 1 / mean(1 / mu)
    return c


@pytest.mark.parametrize("shape", [(8, 4, 6), (9, 5, 3)])
def test_stiffness_of_layers(shape):
    box = layers(shape, widths=(1, 2))
    moduli = {0: (1.0, 0.35), 1: (12.0, 0.1)}
    f = (box == 1).mean().item()
    found = effective_stiffness(box, moduli=moduli, tolerance=1e-9)
    np.testing.assert_allclose(found.stiffness[0], laminate(moduli.values(), (1 - f, f)), atol=1e-7)
    assert found.strain.values.tolist() == ["zz", "yy", "xx", "yx", "zx", "zy"]


def test_turned_layers_turn_the_tensor():
    moduli = {0: (1.0, 0.35), 1: (12.0, 0.1)}
    along_z, along_x = (
        effective_stiffness(layers((6, 6, 6), widths=(1, 2), axis=axis), moduli=moduli).stiffness[0]
        for axis in (0, 2)
    )
    for a, b in (("zz", "xx"), ("yy", "yy"), ("yx", "zy"), ("zx", "zx")):
        assert along_z.sel(stress=a, strain=a).item() == pytest.approx(
            along_x.sel(stress=b, strain=b).item(), abs=1e-8
        )


def test_plane_strain_is_a_slice_of_three_dimensions():
    moduli = {0: (1.0, 0.3), 1: (5.0, 0.2)}
    flat = blobs((12, 14), fractions=(0.5, 0.5), scale=2, rng=0)
    deep = np.broadcast_to(flat.values, (3, 12, 14))
    plane = effective_stiffness(flat, moduli=moduli, tolerance=1e-9).stiffness[0]
    space = effective_stiffness(deep, moduli=moduli, tolerance=1e-9).stiffness[0]
    names = plane.strain.values
    assert names.tolist() == ["yy", "xx", "yx"]
    np.testing.assert_allclose(plane, space.sel(stress=names, strain=names), atol=1e-7)


def hashin_shtrikman(k, mu, fractions):
    """Bounds of bulk and shear modulus of two phases in 3D; doi:10.1016/0022-5096(63)90060-7."""
    bounds = []
    for one, two in ((0, 1), (1, 0)):
        f1, f2 = fractions[one], fractions[two]
        k1, k2, m1, m2 = k[one], k[two], mu[one], mu[two]
        bulk = k1 + f2 / (1 / (k2 - k1) + 3 * f1 / (3 * k1 + 4 * m1))
        shear = m1 + f2 / (1 / (m2 - m1) + 6 * f1 * (k1 + 2 * m1) / (5 * m1 * (3 * k1 + 4 * m1)))
        bounds.append((bulk, shear))
    return np.sort(np.array(bounds), axis=0)


def test_bounds_of_isotropic_media():
    """Hashin and Shtrikman's, of the mean over orientations of a symmetric medium."""
    octant = blobs((12,) * 3, fractions=(0.6, 0.4), scale=2, rng=4).values
    turned = sum(np.transpose(octant, order) for order in ((0, 1, 2), (1, 2, 0), (2, 0, 1)))
    ms = (turned >= 2).astype(int)
    fractions = np.bincount(ms.ravel()) / ms.size
    moduli = {0: (1.0, 0.3), 1: (20.0, 0.2)}
    found = effective_stiffness(ms, moduli=moduli, tolerance=1e-6)
    k, mu = np.array([bulk_and_shear(*pair) for pair in moduli.values()]).T
    low, high = hashin_shtrikman(k, mu, fractions)
    assert low[0] < found.bulk_modulus.item() < high[0]
    assert low[1] < found.shear_modulus.item() < high[1]
    np.testing.assert_allclose(found.stiffness[0], found.stiffness[0].T, atol=1e-5)

    tensor = effective_conductivity(ms, conductivity={0: 1.0, 1: 20.0}).conductivity[0].values
    f0, f1 = fractions
    bounds = [1 + f1 / (1 / 19 + f0 / 3), 20 + f0 / (1 / -19 + f1 / 60)]
    assert bounds[0] < np.trace(tensor) / 3 < bounds[1]
    assert np.all(np.linalg.eigvalsh(tensor) < f0 + 20 * f1)
    assert np.all(np.linalg.eigvalsh(tensor) > 1 / (f0 + f1 / 20))


@pytest.mark.parametrize("inner", [0.0, 10.0])
def test_conductivity_of_spheres_follows_maxwell(inner):
    spheres = ball(24, 7)
    f = spheres.mean()
    contrast = (inner - 1) / (inner + 2)
    expected = (1 + 2 * f * contrast) / (1 - f * contrast)
    found = effective_conductivity(spheres, conductivity={0: 1.0, 1: inner})
    assert found.conductivity.sel(flux="y", gradient="y").item() == pytest.approx(
        expected, rel=0.01
    )


def test_bulk_modulus_of_dilute_spheres():
    """In a cubic array the bulk modulus is the lower bound up to f^(13/3)."""
    spheres = ball(24, 7)
    moduli = {0: (1.0, 0.3), 1: (10.0, 0.2)}
    k, mu = np.array([bulk_and_shear(*pair) for pair in moduli.values()]).T
    low, _ = hashin_shtrikman(k, mu, np.bincount(spheres.ravel()) / spheres.size)
    found = effective_stiffness(spheres, moduli=moduli, tolerance=1e-4)
    assert found.bulk_modulus.item() == pytest.approx(low[0], rel=0.01)


def test_pores_and_walls():
    """What does not conduct or carry is 0; nothing is wild, nothing raises."""
    walls = layers((6, 6, 6), widths=(1, 1))
    found = effective_conductivity(walls, conductivity={0: 1.0, 1: 0.0})
    np.testing.assert_allclose(found.conductivity[0], np.diag([0, 0.5, 0.5]), atol=1e-9)
    stiff = effective_stiffness(walls, moduli={0: (1.0, 0.3), 1: (0.0, 0.0)})
    assert stiff.stiffness.sel(stress="zz", strain="zz").item() == pytest.approx(0, abs=1e-9)
    nothing = effective_stiffness(walls, moduli={0: (0.0, 0.0), 1: (0.0, 0.0)})
    assert np.all(nothing.stiffness == 0)
    assert nothing.converged.all()
    assert nothing.young_modulus.item() == 0
    nothing = effective_conductivity(walls, conductivity={0: 0.0, 1: 0.0})
    assert np.all(nothing.conductivity == 0)


def test_uniform_medium():
    found = effective_stiffness(np.eye(5, dtype=int), moduli={0: (7.0, -0.2), 1: (7.0, -0.2)})
    assert found.young_modulus.item() == pytest.approx(7)
    assert found.poisson_ratio.item() == pytest.approx(-0.2)


def test_mean_over_orientations():
    """Of a cubic crystal, against the sum over a grid of rotations."""
    c = np.diag([3.0] * 3 + [2.0] * 3) + np.pad(1 - np.eye(3), (0, 3))
    moduli = isotropic_moduli(c)
    assert moduli.bulk_modulus == pytest.approx((3 + 2) / 3)
    assert moduli.shear_modulus == pytest.approx((3 - 1 + 3 * 2) / 5)


@pytest.mark.scan
def test_berea_is_stiff_and_within_bounds(berea_coarse):
    window = berea_coarse.isel(z=slice(0, 20), y=slice(0, 20), x=slice(0, 20))
    found = effective_stiffness(
        window, moduli={"pore": (0.0, 0.0), "solid": (95e9, 0.07)}, tolerance=1e-3
    )
    assert found.converged.all()
    porosity = (window == 0).mean().item()
    assert 0.3 * 95e9 < found.young_modulus.item() < (1 - porosity) * 95e9


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: effective_conductivity(m, conductivity={0: 1.0}), "phase 1"),
        (lambda m: effective_conductivity(m, conductivity={0: 1.0, 1: np.inf}), "finite"),
        (lambda m: effective_stiffness(m, moduli={0: (1.0, 0.2)}), "phase 1"),
        (lambda m: effective_stiffness(m, moduli={0: (1.0, 0.2), 1: (1.0, 0.5)}), "Poisson"),
        (lambda m: effective_stiffness(m, moduli={0: (1.0, 0.2), 1: (-1.0, 0.2)}), "negative"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(InputError, match=message):
        call(np.eye(4, dtype=int))
