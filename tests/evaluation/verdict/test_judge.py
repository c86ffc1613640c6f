"""The verdict: pairing, what real sets are told, and what wrong ensembles are told."""

import json

import numpy as np
import pytest

from microdsd.errors import InputError
from microdsd.evaluation.fraction_trend import FractionTrend
from microdsd.evaluation.verdict import CANNOT_TELL, DIFFERS, WITHIN, judge
from microdsd.evaluation.verdict.matching import match_fractions
from microdsd.metrics import describe
from microdsd.microstructure import as_microstructure, blobs, cut_windows, phase_fractions
from microdsd.report import verdict_sentence

NAMES = {0: "pore", 1: "solid"}
WINDOW = (24, 24)


def windows(n, *, scale=1.5, rng=0, fractions=(0.3, 0.7), names=NAMES):
    """Disjoint windows of one large Gaussian medium: their fractions vary, as those of a scan."""
    edge = WINDOW[0] * int(np.ceil(np.sqrt(n)))
    medium = as_microstructure(
        blobs((edge, edge), fractions=fractions, scale=scale, rng=rng), phases=names
    )
    return cut_windows(medium, WINDOW, n=n, rng=rng)


def at_fractions_of(real, *, scale, rng=0):
    """Gaussian media with the fractions of some windows."""
    shape = tuple(2 * edge for edge in WINDOW)
    made = [
        blobs(shape, fractions=phi, scale=scale, rng=rng + i).values[: WINDOW[0], : WINDOW[1]]
        for i, phi in enumerate(phase_fractions(real).values)
    ]
    return as_microstructure(np.stack(made), phases=NAMES, ensemble=True)


@pytest.fixture(scope="module")
def real():
    return windows(120)


def failed(verdict):
    return {test.name for test in verdict.differing}


def test_pairs_have_the_closest_fractions():
    rng = np.random.default_rng(0)
    phi = rng.dirichlet([4, 3, 2], size=40)
    order = rng.permutation(40)
    pairs = match_fractions(phi[order[:15]], phi)
    assert pairs.real.tolist() == order[:15].tolist()
    trend = FractionTrend(phi)
    assert trend.reaches(phi).all()
    assert not trend.reaches(phi + np.array([0.9, 0.0, -0.9])).any()


def test_trend_of_a_parabola_is_exact():
    phi = np.random.default_rng(0).dirichlet([2, 2, 2], size=30)
    values = np.stack([1 + phi[:, 0] ** 2, phi[:, 1] - 2 * phi[:, 0]], axis=1)
    trend = FractionTrend(phi)
    other = np.random.default_rng(1).dirichlet([2, 2, 2], size=5)
    expected = np.stack([1 + other[:, 0] ** 2, other[:, 1] - 2 * other[:, 0]], axis=1)
    np.testing.assert_allclose(trend.weights(other) @ values, expected)
    np.testing.assert_allclose(trend.residuals(values), 0, atol=1e-9)


def test_different_fractions_are_said_first(real):
    fuller = windows(20, fractions=(0.8, 0.2), rng=5)
    verdict = judge(fuller, real, periodic=False, rng=0)
    assert verdict.indistinguishable is None
    assert verdict.tests == verdict.descriptors == ()
    assert verdict_sentence(verdict).startswith("Not comparable: the fractions of")


def test_few_pairs_are_said_to_be_few(real):
    verdict = judge(real[:6], real[6:], periodic=False, rng=0)
    assert verdict.indistinguishable is None
    assert verdict_sentence(verdict).startswith("Too few to tell: 6 samples and 114 real windows")
    assert verdict.tests == verdict.descriptors == ()


def test_one_sample_is_no_error():
    ones = as_microstructure(np.ones((1, 8, 8), int), phases=NAMES, ensemble=True)
    verdict = judge(ones, ones, periodic=False, rng=0)
    assert verdict.status == "too few"
    json.dumps(verdict.to_dict(), allow_nan=False)


@pytest.mark.statistics
def test_real_sets_fail_as_seldom_as_stated(real):
    """Seeded. 20 random splits at 5 %: more than 4 alarms have a chance of 0.003 at that rate.

    Holm is conservative, so the rate is lower: about 2 %.
    """
    described = describe(real, periodic=False)
    rng = np.random.default_rng(0)
    alarms, p_values = 0, []
    for _ in range(20):
        order = rng.permutation(len(real))
        one, other = np.sort(order[:40]), np.sort(order[40:])
        sides = described.isel(sample=one), described.isel(sample=other)
        verdict = judge(real[one], real[other], periodic=False, rng=rng, described=sides)
        assert verdict.status == "compared"
        alarms += bool(verdict.differing)
        p_values.append([test.p_value for test in verdict.tests])
    assert alarms <= 4
    # Of 20 p-values of each test at most 7 are below 0.05 (chance 1e-5 each, were it exact).
    assert (np.array(p_values) < 0.05).sum(axis=0).max() <= 7


@pytest.mark.statistics
def test_the_same_medium_at_the_same_fractions_does_not_differ(real):
    """Seeded. A fresh draw differs with a chance of 5 % at most; this one does not."""
    verdict = judge(at_fractions_of(real[:40], scale=1.5), real, periodic=False, rng=0)
    assert failed(verdict) == set(), verdict_sentence(verdict)
    counts = verdict.counts()
    assert sum(counts.values()) == len(verdict.descriptors) == 13
    assert verdict_sentence(verdict).startswith(
        f"Of 13 descriptors, {WITHIN}: {counts[WITHIN]}; {DIFFERS}: 0; {CANNOT_TELL}: "
    )
    for test in verdict.tests:
        assert (test.needed is None) or test.needed.samples > 40


@pytest.mark.statistics
def test_wrong_scale_fails_for_coarseness(real):
    verdict = judge(at_fractions_of(real[:40], scale=2.0), real, periodic=False, rng=0)
    assert {"specific_surface_area", "joint", "classifier"} <= failed(verdict)
    assert "surfaces are" in verdict_sentence(verdict)
    assert "too smooth" in verdict_sentence(verdict)


@pytest.mark.statistics
def test_noise_fails_for_roughness(real):
    labels = real[:40].copy()
    rng = np.random.default_rng(1)
    for sample in labels.values:
        pores, solids = (rng.choice(np.flatnonzero(sample == k), 6, replace=False) for k in (0, 1))
        sample.flat[pores], sample.flat[solids] = 1, 0
    verdict = judge(labels, real[40:], periodic=False, rng=0)
    assert {"specific_surface_area", "interface_density", "component_count"} <= failed(verdict)
    assert not {"anisotropy", "voxel_diversity"} & failed(verdict)
    assert "too many" in verdict_sentence(verdict)


@pytest.mark.statistics
def test_stretched_samples_fail_for_anisotropy(real):
    verdict = judge(at_fractions_of(real[:40], scale=(1.2, 1.9)), real, periodic=False, rng=0)
    assert "anisotropy" in failed(verdict)
    (found,) = (d for d in verdict.descriptors if d.descriptor == "anisotropy")
    assert (found.largest.axis == "x") == (found.largest.relative > 0)


@pytest.mark.statistics
def test_repeated_samples_fail_for_diversity(real):
    repeated = real[:5].isel(sample=np.arange(40) % 5)
    assert "voxel_diversity" in failed(judge(repeated, real[40:], periodic=False, rng=0))


@pytest.mark.statistics
def test_the_same_two_point_function_is_not_enough():
    """Grains around points against the complement of such: one S2 at fraction 1/2, by symmetry."""
    y, x = np.mgrid[:24, :24]

    def grains(rng):
        points = rng.uniform(-4, 28, size=(30, 2))
        nearest = ((y - points[:, :1, None]) ** 2 + (x - points[:, 1:, None]) ** 2).min(axis=0)
        return nearest < np.median(nearest)

    rng = np.random.default_rng(0)
    made = np.stack([grains(rng) for _ in range(40)])
    real = np.stack([~grains(rng) for _ in range(80)])
    sides = (as_microstructure(side.astype(np.uint8), ensemble=True) for side in (made, real))
    verdict = judge(*sides, periodic=False, rng=0)
    assert verdict.status == "compared"
    assert verdict.test("two_point_probability").p_value > 0.01
    assert {"classifier", "euler_density", "joint"} <= failed(verdict)


def test_three_phases_are_tested_in_all_pairs():
    three = windows(40, fractions=(0.3, 0.3, 0.4), names={0: "a", 1: "b", 2: "c"})
    verdict = judge(three[:12], three[12:], periodic=False, rng=0)
    assert verdict.status == "compared"
    names = [d.descriptor for d in verdict.descriptors]
    assert {"cross_two_point_probability", "triple_phase_boundary"} <= set(names)
    (surface,) = (d for d in verdict.descriptors if d.descriptor == "pair_surface_area")
    assert [part.phase for part in surface.parts] == ["a-b", "a-c", "b-c"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"margins": {"surfeit": 0.1}}, "surfeit"),
        ({"margins": {"surface": 5}}, "0.05 for 5 %"),
        ({"alpha": 1.5}, "alpha"),
        ({"real": np.ones((2, 9, 9), int)}, "reference"),
    ],
)
def test_what_cannot_be_judged_is_an_error(real, change, message):
    other = change.pop("real", None)
    other = real if other is None else as_microstructure(other, phases=NAMES, ensemble=True)
    with pytest.raises(InputError, match=message):
        judge(real[:9], other, periodic=False, **change)


def test_sides_of_different_voxel_sizes_are_refused():
    """In metres and in voxels, or in metres of two sizes: surfaces would differ by the unit."""
    rock = blobs((96, 96), fractions=(0.3, 0.7), scale=2, rng=0)
    windows = cut_windows(rock, (16, 16), n=24, rng=1)
    sized = [as_microstructure(windows, voxel_size=edge) for edge in (1e-6, 2e-6)]
    for other in (windows, sized[1]):
        with pytest.raises(InputError, match="voxels measure"):
            judge(sized[0], other, periodic=False)
        with pytest.raises(InputError, match="voxels measure"):
            judge(other, sized[0], periodic=False)
