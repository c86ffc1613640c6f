import itertools

import numpy as np
import pytest

from microdsd.encoding import WindowSampler, symmetry_elements
from microdsd.encoding import windows as windows_module
from microdsd.errors import InputError
from microdsd.io import open_labels, save_microstructures
from microdsd.microstructure import as_microstructure


class Positions:
    """A source whose labels are the C-order numbers of their own places."""

    def __init__(self, *shape, n_samples=1):
        self.shape, self.n_samples = shape, n_samples
        self.labels = np.arange(n_samples * np.prod(shape), dtype=np.uint32)
        self.labels = self.labels.reshape(n_samples, *shape)
        self.dtype = self.labels.dtype

    def read(self, sample, start, size):
        region = tuple(slice(a, a + s) for a, s in zip(start, size, strict=True))
        return self.labels[(sample, *region)]

    def place(self, labels):
        """(sample, axis 0, ...) of every label, stacked along the first axis."""
        return np.stack(np.unravel_index(labels, (self.n_samples, *self.shape)))


def draw(source, window, block=None, symmetry="none", n=60, seed=0, **options):
    sampler = WindowSampler(source, window, block or (0, source.shape[0]), symmetry, **options)
    return sampler.batch(n, np.random.default_rng(seed))


@pytest.mark.parametrize(("shape", "window"), [((9, 7), (4, 3)), ((6, 5, 7), (3, 3, 2))])
def test_windows_are_pieces_of_the_block(shape, window):
    source, block = Positions(*shape), (2, 2 + window[0] + 1)
    for piece in draw(source, window, block):
        place = source.place(piece)[1:]
        corner = place[(slice(None), *[0] * len(window))]
        np.testing.assert_array_equal(
            place, np.indices(window) + corner.reshape(-1, *[1] * len(window))
        )
        assert place[0].min() >= block[0]
        assert place[0].max() < block[1]


def test_every_place_of_the_block_is_drawn():
    source = Positions(6, 5)
    corners = {int(piece[0, 0]) for piece in draw(source, (3, 4), (1, 6), n=300)}
    assert corners == {5 * z + x for z, x in itertools.product((1, 2, 3), (0, 1))}


@pytest.mark.parametrize(
    ("symmetry", "ndim", "order"),
    [
        ("isotropic", 2, 8),
        ("isotropic", 3, 48),
        ("transverse", 3, 8),
        ("transverse", 2, 2),
        ("orthotropic", 3, 8),
        ("orthotropic", 2, 4),
        ("none", 2, 1),
        ("none", 3, 1),
    ],
)
def test_elements_form_the_group(symmetry, ndim, order):
    """As many as they should be, all different, and closed under composition."""
    cube = np.arange(3**ndim).reshape((3,) * ndim)
    elements = symmetry_elements(symmetry, ndim)
    act = lambda element, a: np.flip(a.transpose(element[0]), element[1])  # noqa: E731
    images = {act(element, cube).tobytes() for element in elements}
    assert len(elements) == len(images) == order
    products = {act(g, act(h, cube)).tobytes() for g in elements for h in elements}
    assert products == images
    if symmetry == "transverse":
        along = np.broadcast_to(np.arange(3).reshape(3, *[1] * (ndim - 1)), cube.shape)
        assert all((act(element, along) == along).all() for element in elements)
    if symmetry == "orthotropic":
        assert {element[0] for element in elements} == {tuple(range(ndim))}


@pytest.mark.parametrize(
    ("symmetry", "order"), [("isotropic", 8), ("transverse", 2), ("orthotropic", 4), ("none", 1)]
)
def test_windows_come_in_all_orientations(symmetry, order):
    pieces = draw(Positions(4, 4), (4, 4), symmetry=symmetry, n=200)
    assert len({piece.tobytes() for piece in pieces}) == order


def test_windows_of_unequal_sides_keep_their_shape():
    """Only the mirrors and half turns of a rectangle are left."""
    pieces = draw(Positions(4, 6), (4, 6), symmetry="isotropic", n=200)
    assert pieces.shape == (200, 4, 6)
    assert len({piece.tobytes() for piece in pieces}) == 4


@pytest.mark.parametrize(("symmetry", "normals"), [("none", {0}), ("isotropic", {0, 1, 2})])
def test_slices_of_a_volume(symmetry, normals):
    source, block = Positions(5, 6, 7), (1, 5)
    found = set()
    for piece in draw(source, (4, 4), block, symmetry, n=150):
        place = source.place(piece)[1:].reshape(3, -1)
        constant = [axis for axis in range(3) if len(np.unique(place[axis])) == 1]
        assert len(constant) == 1
        found.update(constant)
        assert place[0].min() >= 1
    assert found == normals


def test_a_block_thinner_than_the_window_gives_slices_along_it_only():
    source = Positions(8, 6, 7)
    for piece in draw(source, (4, 4), (6, 8), "isotropic"):
        assert len(np.unique(source.place(piece)[1])) == 1


def test_members_of_an_ensemble():
    source = Positions(4, 4, n_samples=5)
    pieces = draw(source, (3, 3), samples=range(1, 4), n=80)
    assert {int(source.place(piece)[0].min()) for piece in pieces} == {1, 2, 3}


def test_the_same_seed_gives_the_same_windows():
    first = draw(Positions(9, 9), (4, 4), symmetry="isotropic", seed=3)
    np.testing.assert_array_equal(
        first, draw(Positions(9, 9), (4, 4), symmetry="isotropic", seed=3)
    )
    assert (first != draw(Positions(9, 9), (4, 4), symmetry="isotropic", seed=4)).any()


@pytest.mark.parametrize("window", [(3, 3, 3), (4, 4)])
def test_a_large_source_is_streamed_and_gives_the_same_windows(tmp_path, monkeypatch, window):
    labels = np.random.default_rng(0).integers(0, 3, (2, 8, 6, 7)).astype(np.uint8)
    ms = as_microstructure(labels, ensemble=True)
    save_microstructures(tmp_path / "stack.h5", ms)
    with open_labels(tmp_path / "stack.h5") as source:
        kept = draw(source, window, (2, 8), "isotropic")
        monkeypatch.setattr(windows_module, "_IN_MEMORY", 0)
        np.testing.assert_array_equal(draw(source, window, (2, 8), "isotropic"), kept)


@pytest.mark.parametrize(
    ("window", "block", "message"),
    [
        ((7, 3), (0, 6), r"window=\(7, 3\): does not fit into the block of \(6, 6\) voxels"),
        ((3, 3), (4, 6), r"does not fit .* \(layers 4 to 6 of axis 0\); use a smaller window"),
        ((0, 3), (0, 6), r"window=\(0, 3\): does not fit"),
        ((2, 2, 2), (0, 6), r"the scan has 2 axes; give as many entries, or one fewer"),
    ],
)
def test_windows_that_do_not_fit(window, block, message):
    with pytest.raises(InputError, match=message):
        draw(Positions(6, 6), window, block)


def test_unknown_symmetry():
    with pytest.raises(InputError, match=r"symmetry='cubic': choose one of 'isotropic'"):
        symmetry_elements("cubic", 3)
