"""The schedule of scans whose answer is known, and of a real one."""

import json
import math

import numpy as np
import pytest

from microdsd.encoding.scan import number_of_windows
from microdsd.errors import InputError
from microdsd.io import open_labels
from microdsd.metrics import two_point_probability
from microdsd.microstructure import blobs
from microdsd.process import Lattice, TransitionKernel, level_grid
from microdsd.process.mixing import LAYOUT
from microdsd.schedule.examination import EVALUATIONS, examine

ROCK = blobs((64, 64), fractions=(0.3, 0.7), scale=2, rng=0)
SOLID = blobs((24, 20, 22), fractions=(0.5, 0.3, 0.2), scale=2, rng=1)


def test_stripes_have_the_schedule_of_their_closed_forms():
    """Periodic stripes of period two: one mode, with eigenvalue -4."""
    stripes = np.zeros((32, 16), dtype=np.uint8)
    stripes[::2] = 1
    found = examine(stripes, window=16, boundary="periodic", evaluations=5)
    mixed = math.sqrt(2 * math.log(100) / (2 - 2 * math.cos(2 * math.pi / 16)))
    assert found.recommended.sigma == pytest.approx(mixed, rel=1e-6)
    assert found.recommended.residual == pytest.approx(0.01)
    assert found.recommended.information == pytest.approx(0, abs=1e-6)
    assert found.horizon == found.recommended
    assert found.levels == tuple(level_grid(found.horizon.sigma, 0.67, 5))
    sigma = found.curves["level"].values
    a = np.exp(-2 * sigma**2)
    nats = 64 * ((1 + a) * np.log1p(a) + (1 - a) * np.log(np.where(a < 1, 1 - a, 1)))
    np.testing.assert_allclose(found.curves["information"], nats, rtol=1e-3, atol=1e-6)
    slowest = np.exp(-(1 - np.cos(2 * np.pi / 16)) * sigma**2)
    np.testing.assert_allclose(found.curves["residual"], slowest, rtol=1e-6)


def test_evaluations_of_both_methods():
    found = examine(ROCK, window=16, sigma_max=20.0)
    assert len(found.levels) == EVALUATIONS[2]
    assert found.tau_leaping == {
        "rocks, epsilon 0.1": pytest.approx(4 * 200 / 0.1),
        "electrodes, epsilon 0.01": pytest.approx(4 * 200 / 0.01),
    }
    assert examine(SOLID, window=8, sigma_max=20.0).tau_leaping["rocks, epsilon 0.1"] == (
        pytest.approx(6 * 200 / 0.1)
    )


def test_curves_start_at_the_material_and_end_in_noise():
    found = examine(ROCK, window=24)
    curves = found.curves.isel(species=0)
    assert curves["species"] == "phase 0"
    assert curves["level"][0] == 0
    for name in ("residual", "correlation", "ssim"):
        assert curves[name][0] == pytest.approx(1, abs=1e-6)
        assert abs(float(curves[name][-1])) < 0.02
    for name in ("residual", "information", "correlation"):
        assert (np.diff(curves[name]) < 0).all()
    assert curves["level"].values[-1] == pytest.approx(found.horizon.sigma)


def test_two_point_of_the_material_is_that_of_the_metrics():
    """One window, the whole scan, so that both see the same voxels."""
    for periodic in (False, True):
        found = examine(ROCK, window=64, boundary="periodic" if periodic else "no-flux")
        s2 = two_point_probability(ROCK, phase=0, periodic=periodic)
        ours = found.curves["two_point"].isel(species=0, level=0)
        np.testing.assert_allclose(ours.values, s2.values[0], rtol=1e-12)
        np.testing.assert_allclose(ours["distance"].values, s2["distance"].values, rtol=1e-12)


def test_noise_at_the_end_has_no_correlation_between_voxels():
    """Independent walkers on a mixed box: n(x) n(x + r) is phi squared."""
    found = examine(ROCK, window=64)
    tail = found.curves["two_point"].isel(species=0, level=-1).values[1:]
    np.testing.assert_allclose(tail, 0.3**2, rtol=0.02)


def test_a_short_horizon_is_named_with_what_it_leaves():
    found = examine(ROCK, window=32, sigma_max=8.0)
    assert found.horizon.sigma == 8.0
    assert not found.horizon.sufficient
    assert found.recommended.sufficient
    assert "layout of the source is still in it" in found.verdict()
    assert f"use {found.recommended.sigma:.1f}" in found.verdict()
    assert "may be taken for uniform" in examine(ROCK, window=32).verdict()


def test_graded_material_needs_more_than_mixing():
    """Filled from the bottom: the walk must go on until the gradient can no longer be read."""
    height = np.arange(48)[:, None, None]
    dense = np.random.default_rng(0).random((48, 48, 48)) < 0.05 + 0.9 * height / 48
    found = examine(dense.astype(np.uint8), window=48)
    kernel = TransitionKernel(Lattice.box((48, 48, 48), "no-flux"))
    assert found.recommended.sigma > kernel.mixed_level()
    assert found.recommended.information == pytest.approx(LAYOUT, rel=0.02)


def test_three_phases_and_slices():
    volume = examine(SOLID, window=(12, 12, 12))
    assert volume.noised.dims == ("level", "species", "y", "x")
    assert volume.noised.shape[1:] == (2, 12, 12)
    assert volume.background == 0
    assert volume.curves["species"].values.tolist() == ["phase 1", "phase 2"]
    slices = examine(SOLID, window=(12, 12), symmetry="isotropic")
    assert slices.window == (12, 12)
    assert len(slices.levels) == EVALUATIONS[2]
    # The walk moves walkers, it makes none: the pictured window keeps its counts.
    counts = slices.noised.sum(("y", "x"))
    assert (counts == counts[0]).all()


def test_the_last_step():
    low, high = (examine(ROCK, window=32, boundary="periodic", sigma_last=s) for s in (0.1, 1.0))
    assert low.displaced == pytest.approx(1 - math.exp(-4 * 0.1**2 / 2), rel=0.02)
    assert low.displaced < high.displaced < 1
    assert 0 < low.overlap < high.overlap < 1


def test_the_seed_decides():
    first, again, other = (examine(ROCK, window=16, rng=seed) for seed in (3, 3, 4))
    assert first.to_dict() == again.to_dict()
    assert first.to_dict()["curves"] != other.to_dict()["curves"]


def test_json_holds_all_but_the_picture():
    found = examine(SOLID, window=8)
    document = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert document["background"] == "phase 0"
    assert document["evaluations"]["bridges"] == 16
    assert len(document["levels"]) == 16
    assert len(document["curves"]["two_point"][0]) == len(document["curves"]["sigma"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"window": 3}, "at least 4 voxels"),
        ({"window": (8,)}, "give 2 or 3 numbers"),
        ({"window": 65}, "does not fit"),
        ({"window": 16, "sigma_max": 0.5}, "between 0 and the first one's 0.5"),
        ({"window": 16, "sigma_last": -1.0}, "sigma_last=-1.0"),
        ({"window": 16, "evaluations": 1, "sigma_max": 9.0}, "at least 2"),
        ({"window": 16, "boundary": "open"}, "'open': choose one of"),
        ({"window": 16, "symmetry": "cubic"}, "'cubic': choose one of"),
        ({"window": 16, "source": np.ones((40, 40), dtype=np.uint8)}, "at least two phases"),
    ],
)
def test_what_cannot_be_examined(options, message):
    source = options.pop("source", ROCK) if "source" in options else ROCK
    with pytest.raises(InputError, match=message):
        examine(source, **options)


def test_a_source_that_is_open_already():
    with open_labels(ROCK) as source:
        assert examine(source, window=16).to_dict() == examine(ROCK, window=16).to_dict()


def test_as_many_voxels_of_any_window():
    assert number_of_windows((64, 64)) == 64
    assert number_of_windows((32, 32, 32)) == 16
    assert number_of_windows((128, 128, 128)) == 8


@pytest.mark.scan
def test_the_paper_s_settings_for_rocks(berea_coarse):
    """Berea, windows as large as the scan allows, r T = 250: the layout is plainly there."""
    found = examine(berea_coarse, window=(192, 192), boundary="periodic", sigma_max=math.sqrt(500))
    assert found.horizon.residual == pytest.approx(0.765, abs=0.005)
    assert found.horizon.information > 10
    assert found.tau_leaping["rocks, epsilon 0.1"] == pytest.approx(10_000)
