"""Settings of volumes are found from slices of volumes and windows of the picture alone."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from tiny_models import tiny_model

from microdsd.fitting import volume_calibration
from microdsd.fitting.volume_calibration import calibrated_volumes, slices_of
from microdsd.models.volume_walk import uncalibrated

EDGE = 32


def picture(width, n=12, share=0.3):
    noise = np.random.default_rng(1).standard_normal((n, EDGE, EDGE))
    fields = np.stack([gaussian_filter(one, width, mode="wrap") for one in noise])
    return (fields > np.quantile(fields, share)).astype(np.uint8)


def volume(width, share, edge):
    field = gaussian_filter(np.random.default_rng(0).standard_normal((edge,) * 3), width)
    return (field > np.quantile(field, share)).astype(np.uint8)


@pytest.fixture
def staged(monkeypatch):
    """Volumes that are the smoother, the larger the sharpness is beside 1.1."""
    asked = []

    def trial(model, walk, edge, fractions):
        asked.append((walk, edge))
        return volume(1.5 * (walk.sharpness[0] / 1.1) ** 3, fractions["pore"], edge)

    monkeypatch.setattr(volume_calibration, "_trial", trial)
    return asked


def test_the_sharpness_at_which_slices_measure_as_the_picture(staged):
    found = calibrated_volumes(tiny_model(2), picture(1.5))
    assert found.whole
    assert found.edge == EDGE
    assert found.walk.sharpness == pytest.approx((1.1,), rel=0.05)
    assert found.walk.last == pytest.approx(0.45, rel=0.02)  # changes nothing
    assert found.walk.reading == uncalibrated(1, last_draw=False).reading
    assert len(staged) <= 9


def test_with_little_time_volumes_are_smaller_and_the_best_so_far_stays(staged, monkeypatch):
    clock = iter([1.0, *[1.0] * 4, *[-1.0] * 99])
    monkeypatch.setattr(volume_calibration, "_seconds_per_voxel", lambda model, walk: 1e-5)
    found = calibrated_volumes(tiny_model(2), picture(1.5), left=lambda: next(clock))
    assert found.edge == 24
    assert not found.whole
    assert {edge for _, edge in staged} == {24}


def test_slices_are_those_of_all_three_axes():
    cube = np.arange(27 * 8).reshape(6, 6, 6)
    normal_to = slices_of(cube)
    assert (normal_to[0] == cube[3]).all()
    assert (normal_to[1] == cube[:, 3]).all()
    assert (normal_to[2] == cube[:, :, 3]).all()
