import numpy as np
import pytest

from microdsd.errors import InputError
from microdsd.microstructure import as_microstructure, crop, cut_windows, phases_of, voxel_size_of

# Every voxel has its own label, so a window says where it was cut.
UNIQUE = as_microstructure(
    np.arange(6 * 9 * 10, dtype=np.uint16).reshape(6, 9, 10),
    phases={i: f"voxel {i}" for i in range(540)},
    voxel_size=(3e-6, 2e-6, 1e-6),
)


def test_crop_keeps_coordinates():
    part = crop(UNIQUE, z=(1, 4), x=slice(5, None))
    np.testing.assert_array_equal(part, UNIQUE.values[1:4, :, 5:])
    np.testing.assert_allclose(part.x[0], 5.5e-6)


@pytest.mark.parametrize(
    "ranges", [{"x": (5, 5)}, {"x": (2, 11)}, {"q": (0, 1)}, {"z": slice(0, 6, 2)}, {"y": (20, 30)}]
)
def test_bad_crops(ranges):
    with pytest.raises(InputError, match="crop"):
        crop(UNIQUE, **ranges)


def test_disjoint_windows_share_no_voxel_and_can_fill_the_grid():
    windows = cut_windows(UNIQUE, (3, 4, 5), n=8, rng=0)
    assert windows.shape == (8, 3, 4, 5)
    assert np.unique(windows).size == windows.size
    assert voxel_size_of(windows) == voxel_size_of(UNIQUE)
    assert phases_of(windows) == phases_of(UNIQUE)
    for window in windows.values:
        z, y, x = np.unravel_index(window[0, 0, 0], (6, 9, 10))
        np.testing.assert_array_equal(window, UNIQUE.values[z : z + 3, y : y + 4, x : x + 5])


def test_free_windows_reach_every_corner():
    windows = cut_windows(UNIQUE, (5, 8, 9), n=100, rng=0, disjoint=False)
    assert set(windows.values[:, 0, 0, 0].tolist()) == {
        int(UNIQUE[z, y, x]) for z in (0, 1) for y in (0, 1) for x in (0, 1)
    }


def test_flat_windows_of_a_volume():
    windows = cut_windows(UNIQUE, (4, 5), n=24, rng=1)
    assert windows.dims == ("sample", "y", "x")
    assert np.unique(windows).size == windows.size
    assert voxel_size_of(windows).size == (2e-6, 1e-6)


def test_windows_of_an_ensemble():
    stack = as_microstructure(
        np.arange(32).reshape(2, 4, 4), ensemble=True, phases={i: str(i) for i in range(32)}
    )
    windows = cut_windows(stack, (2, 2), n=8, rng=0)
    assert np.unique(windows).size == 32


def test_seed_decides():
    a, b, c = (cut_windows(UNIQUE, (2, 2, 2), n=4, rng=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c)


@pytest.mark.parametrize(
    ("window", "n", "message"),
    [
        ((7, 2, 2), 1, "does not fit"),
        ((0, 2, 2), 1, "does not fit"),
        ((2,), 1, "one edge per axis"),
        ((3, 4, 5), 9, "only 8 disjoint"),
        ((3, 4, 5), 0, "at least one"),
    ],
)
def test_bad_windows(window, n, message):
    with pytest.raises(InputError, match=message):
        cut_windows(UNIQUE, window, n=n, rng=0)
