"""Volumes from pictures and curves: closed forms in 3D, exact counts, and refusals."""

import numpy as np
import pytest
from scipy import ndimage

from microdsd import GaussianField, InputError, YeongTorquato
from microdsd.baselines.covariance import nearest_radial
from microdsd.baselines.curve_file import read_curve
from microdsd.baselines.lifting import blended_map, isotropic_map
from microdsd.baselines.orthant import exceedance_probability
from microdsd.baselines.planes import PlaneWindows
from microdsd.baselines.reference import ReferenceWindows
from microdsd.baselines.targets import DirectionalTargets
from microdsd.metrics import two_point_probability
from microdsd.microstructure import as_microstructure, blobs, cut_windows, provenance_of

PHI = 0.3
LAGS = np.arange(-8.0, 9.0)


def medium(lengths, n, rng):
    """Level cuts of smoothed noise, with the smoothing length of every axis."""
    noise = np.random.default_rng(rng).standard_normal((n, *(40,) * 3))
    field = ndimage.gaussian_filter(noise, (0, *lengths), mode="wrap")
    return (field > np.quantile(field, PHI)).astype(np.uint8)


def law(lag, length):
    return exceedance_probability(np.exp(-(lag**2) / (4 * length**2)), PHI)


def stretched(lengths, lags=LAGS):
    """Exponential correlation of an ellipsoidal distance, in 3D and in its planes by normal."""
    grid = np.meshgrid(lags, lags, lags, indexing="ij")
    h = np.sqrt(sum((g / a) ** 2 for g, a in zip(grid, lengths, strict=True)))
    chi = np.exp(-h)
    middle = len(lags) // 2
    return chi, {"z": chi[middle], "y": chi[:, middle], "x": chi[:, :, middle]}


@pytest.mark.parametrize("ndim", [2, 3])
@pytest.mark.parametrize("law", [lambda r: np.exp(-r / 3), lambda r: np.exp(-(r**2) / 16)])
def test_a_true_radial_covariance_is_kept_and_noise_is_not(ndim, law):
    r = np.arange(0, 31, 0.5)
    noise = 0.03 * np.random.default_rng(0).standard_normal(len(r)) * (r > 0)
    kept = nearest_radial(r, law(r), reach=30, ndim=ndim)
    cleaned = nearest_radial(r, law(r) + noise, reach=30, ndim=ndim)
    assert (kept.shares >= 0).all()
    assert kept.at(0.0) == pytest.approx(1)
    np.testing.assert_allclose(kept.at(r), law(r), atol=0.01)
    assert np.abs(cleaned.at(r) - law(r)).mean() < 0.7 * np.abs(noise).mean()


def test_isotropic_correlation_is_that_of_the_plane():
    chi, planes = stretched((3, 3, 3))
    inside = np.sqrt(sum(g**2 for g in np.meshgrid(LAGS, LAGS, LAGS))) <= 8
    np.testing.assert_allclose(isotropic_map([planes["z"]])[inside], chi[inside], atol=0.011)


@pytest.mark.parametrize("known", ["zyx", "zy", "yx"])
def test_anisotropic_exponential_is_blended_exactly(known):
    """Up to the linear interpolation between lags: closed form at lags within every window."""
    lags = np.arange(-24.0, 25.0)
    chi, planes = stretched((6, 4, 5), lags)
    lifted = blended_map({axis: planes[axis] for axis in known})
    near = (slice(16, 33),) * 3
    np.testing.assert_allclose(lifted[near], chi[near], atol=0.02)
    for axis, plane in (("z", lifted[24]), ("y", lifted[:, 24]), ("x", lifted[:, :, 24])):
        if axis in known:
            np.testing.assert_allclose(plane, planes[axis], atol=1e-12)


def test_planes_come_back_whatever_they_are():
    """Tilted and oscillating planes that share their axes: each is reproduced as it is."""
    rng = np.random.default_rng(0)
    axis = [np.cos(LAGS / w) * np.exp(-np.abs(LAGS) / 4) for w in (2, 3, 5)]
    planes = {}
    for normal, (i, j) in {"z": (1, 2), "y": (0, 2), "x": (0, 1)}.items():
        noise = rng.standard_normal((17, 17)) * 0.1
        noise = (noise + noise[::-1, ::-1]) / 2
        noise[8] = noise[:, 8] = 0
        planes[normal] = np.outer(axis[i], axis[j]) + noise
    lifted = blended_map(planes)
    np.testing.assert_allclose(lifted[8], planes["z"], atol=1e-12)
    np.testing.assert_allclose(lifted[:, 8], planes["y"], atol=1e-12)
    np.testing.assert_allclose(lifted[:, :, 8], planes["x"], atol=1e-12)


@pytest.mark.statistics
def test_field_from_a_plane_has_the_s2_of_the_volume():
    """Seeded; the error of this seed is below the bound, others were not run."""
    slices = medium((2, 2, 2), 10, rng=1)[:, ::20].reshape(-1, 40, 40)
    field = GaussianField.from_planes(as_microstructure(slices, ensemble=True), periodic=True)
    made = field.sample(6, phase_fraction={0: PHI}, shape=(32, 36, 40), rng=0)
    assert (made == 0).sum(("z", "y", "x")).values.tolist() == [round(PHI * 32 * 36 * 40)] * 6
    for axis in "zyx":
        s2 = two_point_probability(made, phase=0, periodic=False, axis=axis, max_distance=8)
        assert np.abs(s2.mean("sample").values - law(np.arange(9.0), 2)).max() < 0.015


@pytest.mark.statistics
def test_fields_from_two_directions_are_anisotropic():
    """Lengths 1.2, 2 and 3 along z, y and x; the plane normal to x has no picture.

    Seeded; the error of this seed is below the bound of 0.016, others were not run.
    """
    volumes = medium((1.2, 2, 3), 12, rng=2)
    top = as_microstructure(volumes[:, ::20].reshape(-1, 40, 40), ensemble=True)
    side = as_microstructure(volumes[:, :, ::20].swapaxes(1, 2).reshape(-1, 40, 40), ensemble=True)
    field = GaussianField.from_planes({"z": top, "y": side}, periodic=True)
    made = field.sample(8, phase_fraction={0: PHI}, shape=(40, 40, 40), rng=0)
    for axis, length in (("z", 1.2), ("y", 2.0), ("x", 3.0)):
        s2 = two_point_probability(made, phase=0, periodic=False, axis=axis, max_distance=8)
        assert np.abs(s2.mean("sample").values - law(np.arange(9.0), length)).max() < 0.016


def test_one_side_is_enough_for_a_transverse_material():
    volumes = medium((1.2, 2.5, 2.5), 4, rng=3)
    side = as_microstructure(volumes[:, :, ::20].swapaxes(1, 2).reshape(-1, 40, 40), ensemble=True)
    windows = PlaneWindows.of({"y": side}, symmetry="transverse", periodic=True)
    chi = windows.correlation_map(lambda w: w.two_point_map(w.phase == 0))
    np.testing.assert_allclose(chi, chi.swapaxes(1, 2))
    assert chi[20, 20, 23] > chi[23, 20, 20] + 0.02


@pytest.mark.statistics
@pytest.mark.parametrize("ndim", [2, 3])
def test_debye_random_medium_from_its_curve(ndim):
    """Seeded; the error of this seed is below the bound of 0.01, others were not run."""
    r = np.arange(0, 31, 0.5)
    debye = 0.2**2 + 0.2 * 0.8 * np.exp(-r / 3)
    field = GaussianField.from_curve(r, debye, fraction=0.2, ndim=ndim)
    n, edge = {2: (12, 96), 3: (2, 44)}[ndim]
    made = field.sample(n, shape=edge, rng=0)
    assert (made == 0).sum(made.dims[1:]).values.tolist() == [round(0.2 * edge**ndim)] * n
    s2 = two_point_probability(made, phase=0, periodic=False, axis="x", max_distance=12)
    expected = 0.2**2 + 0.16 * np.exp(-np.arange(13.0) / 3)
    assert np.abs(s2.mean("sample").values - expected).max() < 0.01
    assert provenance_of(made)["reference"]["off_nearest"] < 0.001


def test_annealing_in_3d_aims_at_the_plane():
    picture = blobs((96, 96), fractions=(0.3, 0.7), scale=1.5, rng=0)
    windows = cut_windows(picture, (12, 12), n=40, rng=0)
    model = YeongTorquato.from_planes(windows, periodic=False)
    made = model.sample(shape=(12, 12, 12), phase_fraction={0: 0.25}, sweeps=20, rng=0)
    assert int((made == 0).sum()) == 432
    assert provenance_of(made)["energy"][0] < 5e-3  # random order has about 0.5
    plane = DirectionalTargets.of(
        ReferenceWindows.of(windows, symmetry="isotropic", periodic=False)
    )
    lifted = DirectionalTargets.of_planes(PlaneWindows.of(windows, symmetry=None, periodic=False))
    # The lags (5, 0) and (3, 4) are one distance to an isotropic material.
    np.testing.assert_allclose(lifted.correlation[:, :3], plane.correlation[:, [0] * 3], atol=0.02)
    np.testing.assert_allclose(lifted.persistence[:, :3], plane.persistence[:, [0] * 3])
    diagonal = np.abs(lifted.directions).sum(axis=1)
    assert np.isfinite(lifted.persistence[:, diagonal < 3]).all()
    assert np.isnan(lifted.persistence[:, diagonal == 3]).all()


def test_annealing_from_a_curve_keeps_the_counts():
    r = np.arange(20.0)
    model = YeongTorquato.from_curve(r, 0.25**2 + 0.25 * 0.75 * np.exp(-r / 2))
    made = model.sample(shape=10, sweeps=10, rng=0)
    assert int((made == 0).sum()) == 250
    assert provenance_of(made)["energy"][0] < 0.03  # random order has about 0.3


def test_three_phases_from_a_plane_have_exact_counts():
    picture = blobs((96, 96), fractions=(0.2, 0.3, 0.5), scale=2, rng=0)
    windows = cut_windows(picture, (16, 16), n=20, rng=0)
    made = GaussianField.from_planes(windows, periodic=False).sample(
        phase_fraction={0: 0.1, 1: 0.4}, shape=(11, 12, 13), rng=0
    )
    counts = [int((made == k).sum()) for k in range(3)]
    assert counts == [172, 686, 858]


def windows_of(rng=0, size=1e-6, phases=None, edge=16):
    picture = blobs((64, 64), fractions=(0.3, 0.7), scale=2, rng=rng)
    named = as_microstructure(picture, voxel_size=size, phases=phases or {0: "pore", 1: "solid"})
    return cut_windows(named, (edge, edge), n=6, rng=0)


@pytest.mark.parametrize(
    ("planes", "symmetry", "words"),
    [
        (windows_of(), "none", "two directions of three"),
        ({"z": windows_of()}, None, "two directions of three"),
        ({"z": windows_of()}, "transverse", "nothing of z"),
        (windows_of(), "transverse", "nothing of z"),
        (windows_of(), "orthotropic", "two directions of three"),
        ({"w": windows_of()}, None, "name the axes"),
        ({}, None, "name the axes"),
        ({"z": windows_of(), "y": windows_of(size=2e-6)}, None, "pixel sizes"),
        (windows_of(size=(1e-6, 2e-6)), None, "pixel sizes"),
        (
            {"z": windows_of(), "y": windows_of(phases={0: "pore", 1: "clay"})},
            None,
            "are not those of the other",
        ),
        ({"z": windows_of(), "y": windows_of(edge=12)}, None, "windows of one size"),
    ],
)
def test_pictures_that_do_not_determine_a_volume(planes, symmetry, words):
    for baseline in (GaussianField, YeongTorquato):
        with pytest.raises(InputError, match=words):
            baseline.from_planes(planes, symmetry=symmetry, periodic=False)


def test_a_layered_picture_is_noted():
    layers = np.repeat(np.random.default_rng(0).integers(0, 2, (64, 1)), 64, axis=1)
    model = GaussianField.from_planes(cut_windows(layers, (16, 16), n=9, rng=0), periodic=False)
    made = model.sample(shape=(8, 8, 8), rng=0)
    assert "the material may not be" in provenance_of(made)["reference"]["notes"][0]


def debye(phi=0.2, length=3.0, far=30):
    r = np.arange(far + 1.0)
    return r, phi**2 + phi * (1 - phi) * np.exp(-r / length)


def box(far=30):
    """A correlation of 0.95 up to 4 voxels and none beyond: no material has it."""
    r = np.arange(far + 1.0)
    chi = np.where(r < 5, 0.95, 0.0)
    chi[0] = 1
    return r, 0.04 + 0.16 * chi


@pytest.mark.parametrize(
    ("curve", "arguments", "words"),
    [
        (debye(), {"fraction": 0.3}, r"S2\(0\) = 0.2"),
        (debye(phi=1.0), {}, "between 0 and 1"),
        (debye(far=4), {}, "longer distances"),
        (debye(length=1.0, far=6), {}, "it needs 8"),
        ((np.arange(1, 9.0), debye()[1][1:9]), {}, "must rise from 0"),
        ((debye()[0], debye()[1][:-1]), {}, "as many of each"),
        ((debye()[0], debye()[1] * np.where(debye()[0] == 2, 3, 1)), {}, "is no probability"),
        ((debye()[0], debye()[1] * np.where(debye()[0] == 2, np.nan, 1)), {}, "finite"),
        (box(), {}, "spectrum is negative. The nearest"),
        (debye(), {"phases": {0: "a", 1: "b", 2: "c"}}, "one phase of two"),
        (debye(), {"voxel_size": (1e-6, 1e-6, 2e-6)}, "equal edges"),
    ],
)
def test_curves_that_are_no_two_point_probability(curve, arguments, words):
    for baseline in (GaussianField, YeongTorquato):
        with pytest.raises(InputError, match=words):
            baseline.from_curve(*curve, **arguments)


def test_the_nearest_curve_is_taken_where_it_is_accepted():
    with pytest.raises(InputError) as refusal:
        GaussianField.from_curve(*box())
    tolerance = float(str(refusal.value).rpartition("tolerance=")[2])
    made = GaussianField.from_curve(*box(), tolerance=tolerance).sample(shape=16, rng=0)
    assert int((made == 0).sum()) == round(0.2 * 16**3)
    assert provenance_of(made)["reference"]["off_nearest"] <= tolerance


@pytest.mark.parametrize(
    ("text", "distance", "metric"),
    [
        ("0,0.2\n1,0.1\n", [0, 1], False),
        ("r,S2\n0,0.2\n1,0.1\n", [0, 1], False),
        ("r [px],S2\n0,0.2\n1,0.1\n", [0, 1], False),
        ("r / um,S2\n0,0.2\n1.5,0.1\n", [0, 1.5e-6], True),
        ("# of a thesis\ndistance (nm), S2, error\n0, 0.2, 0\n398, 0.1, 0\n", [0, 3.98e-7], True),
    ],
)
def test_curves_are_read_with_their_unit(tmp_path, text, distance, metric):
    (tmp_path / "curve.csv").write_text(text)
    r, s2, found = read_curve(tmp_path / "curve.csv")
    np.testing.assert_allclose(r, distance)
    assert s2.tolist() == [0.2, 0.1]
    assert found == metric


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("r,S2\n0,much\n", "two columns"),
        ("r [bar],S2\n0,0.2\n", "'bar'"),
        ("r\n0\n", "two columns"),
    ],
)
def test_files_that_hold_no_curve(tmp_path, text, words):
    (tmp_path / "curve.csv").write_text(text)
    with pytest.raises(InputError, match=words):
        read_curve(tmp_path / "curve.csv")
