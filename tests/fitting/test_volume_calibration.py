"""Settings of volumes are found from slices of volumes and windows of the picture alone."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from tiny_models import in_passes, tiny_model

from microdsd.fitting import volume_calibration
from microdsd.fitting.volume_calibration import (
    calibrated_on_pictures,
    calibrated_volumes,
    slices_of,
)
from microdsd.models.volume_walk import uncalibrated

EDGE = 32


def alike(one):
    return dict.fromkeys("zyx", one)


def picture(width, n=12, share=0.3):
    noise = np.random.default_rng(1).standard_normal((n, EDGE, EDGE))
    fields = np.stack([gaussian_filter(one, width, mode="wrap") for one in noise])
    return (fields > np.quantile(fields, share)).astype(np.uint8)


def volume(width, share, edge):
    field = gaussian_filter(np.random.default_rng(0).standard_normal((edge,) * 3), width)
    return (field > np.quantile(field, share)).astype(np.uint8)


@pytest.fixture
def staged(monkeypatch):
    """Volumes that are the smoother, the larger the weight at low noise is beside 0.9.

    Where there are no weights, it is the sharpness beside 1.1.
    """
    asked = []

    def trial(models, walk, edge, fractions):
        asked.append((walk, edge))
        smooth = walk.reading.weights[0] / 0.9
        if walk.reading.fused:
            smooth = (walk.sharpness[0] / 1.1) ** 3
        return volume(1.5 * smooth, fractions["pore"], edge)

    monkeypatch.setattr(volume_calibration, "_trial", trial)
    return asked


def test_the_weight_at_which_slices_measure_as_the_picture(staged):
    found = calibrated_volumes(alike(tiny_model(2)), alike(picture(1.5)))
    assert found.whole
    assert found.edge == EDGE
    assert found.walk.reading.weights[0] == pytest.approx(0.9, rel=0.1)
    assert found.walk.reading.weights[1] == pytest.approx(0.43, rel=0.02)  # changes nothing
    assert found.walk.sharpness == pytest.approx((1.0,), abs=0.02)
    assert found.walk.reading.level == uncalibrated(last_draw=False).reading.level
    assert len(staged) <= 9


def test_the_sharpness_where_a_network_combines_slices(staged):
    found = calibrated_volumes(alike(in_passes(tiny_model(2))), alike(picture(1.5)))
    assert found.walk.sharpness == pytest.approx((1.1,), rel=0.05)
    assert found.walk.last == pytest.approx(0.9, rel=0.02)  # changes nothing
    assert found.walk.reading == uncalibrated(last_draw=True).reading
    assert len(staged) <= 7


def test_slices_of_every_direction_are_compared_with_cuts_of_their_own(staged):
    models, top = alike(in_passes(tiny_model(2))), picture(1.5)
    same = calibrated_volumes(models, {"z": top, "y": top.copy(), "x": top.copy()})
    assert same.walk.sharpness == pytest.approx((1.1,), rel=0.05)
    side = picture(2.2)
    smoother = calibrated_volumes(models, {"z": top, "y": side, "x": side})
    smoothest = calibrated_volumes(models, alike(side))
    assert same.walk.sharpness < smoother.walk.sharpness < smoothest.walk.sharpness


def test_with_little_time_volumes_are_smaller_and_the_best_so_far_stays(staged, monkeypatch):
    clock = iter([1.0, *[1.0] * 4, *[-1.0] * 99])
    monkeypatch.setattr(volume_calibration, "_seconds_per_voxel", lambda models, walk: 1e-5)
    found = calibrated_volumes(alike(tiny_model(2)), alike(picture(1.5)), left=lambda: next(clock))
    assert found.edge == 24
    assert not found.whole
    assert {edge for _, edge in staged} == {24}


def test_a_model_of_volumes_is_calibrated_on_slices(monkeypatch):
    """Its volumes are the smoother, the higher the level that their walk ends at."""
    asked = []

    def generate(request):
        asked.append(request)
        share = request.composition.whole[0, 0] / request.composition.whole[0].sum()
        smooth = 1.5 * request.plan.levels[-1] / 0.7
        return ((volume(smooth, share, EDGE), 0) for _ in range(len(request.composition.whole)))

    model = tiny_model(3, sigma_max=20.0, evaluations=16)
    monkeypatch.setattr(model, "generate", generate)
    walk = calibrated_on_pictures(model, alike(picture(1.5)), volumes=2)
    assert walk.evaluations == 16
    assert walk.last == pytest.approx(0.7, rel=0.1)
    assert {request.lattice.shape for request in asked} == {(EDGE,) * 3}
    assert {len(request.composition.whole) for request in asked} == {2}


def test_slices_are_those_of_all_three_axes():
    cube = np.arange(27 * 8).reshape(6, 6, 6)
    normal_to = slices_of(cube)
    assert (normal_to[0] == cube[3]).all()
    assert (normal_to[1] == cube[:, 3]).all()
    assert (normal_to[2] == cube[:, :, 3]).all()
    assert (slices_of(cube, (2,)) == normal_to[2:]).all()
