import numpy as np
import pytest

from microdsd.errors import InputError
from microdsd.metrics.local_thickness import local_thickness
from microdsd.microstructure import as_microstructure


def by_brute_force(mask):
    """Covering radius of every voxel, ball by ball; outside the box nothing bounds the phase."""
    outside = np.argwhere(~mask)
    radii = np.zeros(mask.shape, dtype=int)
    places = np.argwhere(np.ones(mask.shape, dtype=bool))
    for centre in np.argwhere(mask):
        radius = int(np.sqrt(((outside - centre) ** 2).sum(axis=1).min()))
        near = places[((places - centre) ** 2).sum(axis=1) < radius**2]
        radii[tuple(near.T)] = np.maximum(radii[tuple(near.T)], radius)
    return radii[mask]


def test_share_of_voxels_that_a_ball_covers():
    labels = (np.random.default_rng(0).random((14, 16)) > 0.1).astype(int)
    radii = by_brute_force(labels == 1)
    found = local_thickness(labels, phase=1)
    expected = [(radii >= r).mean() for r in range(1, radii.max() + 1)]
    np.testing.assert_allclose(found.share.values[0], expected)
    assert found["mean"].item() == pytest.approx((2 * radii - 1).mean())


@pytest.mark.parametrize(("width", "seen"), [(3, 3), (4, 3), (9, 9)])
def test_slabs(width, seen):
    labels = np.zeros((20, 40), dtype=int)
    labels[:, 15 : 15 + width] = 1
    found = local_thickness(as_microstructure(labels, voxel_size=2e-6), phase=1)
    assert found["mean"].item() == pytest.approx(2e-6 * seen)
    assert (found["mean"].attrs["units"], found.diameter.attrs["units"]) == ("m", "m")


def test_absent_full_and_oblong():
    ms = as_microstructure(np.zeros((2, 6, 6), int), phases={0: "pore", 1: "solid"}, ensemble=True)
    for phase in ("pore", "solid"):
        assert np.isnan(local_thickness(ms, phase=phase)["mean"]).all()
    oblong = as_microstructure(np.eye(6, dtype=int), voxel_size=(1e-6, 2e-6))
    with pytest.raises(InputError, match="cubes"):
        local_thickness(oblong, phase=1)
