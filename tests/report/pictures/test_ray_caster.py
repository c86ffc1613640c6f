"""The ray caster against areas that projection fixes."""

import numpy as np
import pytest
from scipy.spatial import ConvexHull

from microdsd.errors import InputError
from microdsd.report.pictures.ray_caster import render_phase

BLUE, PALE = (0.0, 0.3, 0.6), (0.6, 0.7, 0.9)


def draw(indicator, **options):
    return render_phase(indicator, colour=BLUE, cap_colour=PALE, pixels=120, **options)


def pixels_per_voxel(solid, shape):
    """From the z edges, which the camera shortens by the cosine of its elevation."""
    low, high = solid.corners[0], solid.corners[4]
    return np.linalg.norm(high - low) / (shape[0] * np.cos(np.radians(24.0)))


def test_a_ball_covers_the_area_of_its_disc():
    z, y, x = np.ogrid[:40, :40, :40]
    ball = (z - 19.5) ** 2 + (y - 19.5) ** 2 + (x - 19.5) ** 2 < 15**2
    solid = draw(ball)
    area = solid.image[..., 3].sum() / pixels_per_voxel(solid, ball.shape) ** 2
    assert area == pytest.approx(np.pi * 15**2, rel=0.02)


def test_a_full_box_covers_its_outline_in_the_colour_of_cuts():
    solid = draw(np.ones((12, 16, 20), dtype=bool))
    outline = ConvexHull(solid.corners).volume  # of a plane figure: its area
    assert solid.image[..., 3].sum() == pytest.approx(outline, rel=0.01)
    covered = solid.image[solid.image[..., 3] == 1][:, :3]
    hue = covered / covered.max(axis=1, keepdims=True)
    assert np.allclose(hue, np.array(PALE) / max(PALE), atol=0.01)


def test_an_absent_phase_leaves_the_picture_empty():
    assert draw(np.zeros((6, 6, 6), dtype=bool)).image[..., 3].max() == 0


def test_a_single_layer_can_be_drawn():
    assert draw(np.ones((1, 8, 8), dtype=bool)).image[..., 3].max() == 1


def test_a_wall_in_front_hides_what_is_behind():
    wall = np.zeros((20, 20, 20), dtype=bool)
    wall[:, 4:7] = True
    both = wall.copy()
    both[8:12, 12:16, 8:12] = True
    front, hidden = draw(wall).image, draw(both).image
    opaque = front[..., 3] == 1
    # The light comes from the front, so the block throws no shadow on the wall either.
    assert np.mean(np.abs(front[opaque] - hidden[opaque]) > 0.02) < 0.01


def test_voxels_that_are_not_cubes_change_the_box():
    flat = draw(np.ones((10, 10, 10), dtype=bool), spacing=(1, 2, 2))
    cube = draw(np.ones((10, 10, 10), dtype=bool), spacing=(1, 1, 1))
    assert flat.image.shape[0] < 0.9 * cube.image.shape[0]


def test_planes_are_refused():
    with pytest.raises(InputError, match="2 dimensions"):
        draw(np.ones((4, 4), dtype=bool))
