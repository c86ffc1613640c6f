import itertools

import numpy as np
import pytest
import torch

from microdsd.networks.padding import Edges, extend, extension

NUMPY_MODE = {"no-flux": "symmetric", "periodic": "wrap"}


@pytest.mark.parametrize("boundary", list(itertools.product(NUMPY_MODE, repeat=2)))
@pytest.mark.parametrize("shape", [(4, 5), (1, 3)])
def test_one_voxel_around_2d(shape, boundary):
    x = torch.randn(2, 3, *shape, generator=torch.Generator().manual_seed(0))
    assert_padded(Edges.of_box(boundary).extended(x), x, boundary)


@pytest.mark.parametrize("boundary", list(itertools.product(NUMPY_MODE, repeat=3)))
def test_one_voxel_around_3d(boundary):
    x = torch.randn(1, 2, 3, 2, 4, generator=torch.Generator().manual_seed(0))
    assert_padded(Edges.of_box(boundary).extended(x), x, boundary)


def assert_padded(padded, x, boundary):
    expected = x.numpy()
    for axis, kind in enumerate(boundary):
        width = [(0, 0)] * x.ndim
        width[2 + axis] = (1, 1)
        expected = np.pad(expected, width, NUMPY_MODE[kind])
    np.testing.assert_array_equal(padded, expected)


@pytest.mark.parametrize("beyond", NUMPY_MODE)
def test_open_ends_are_not_extended(beyond):
    x = torch.randn(1, 2, 3, 2, 4, generator=torch.Generator().manual_seed(0))
    edges = Edges((("open", "no-flux"), (beyond, beyond), ("open", "open")))
    padded = Edges.of_box(("no-flux", beyond, "no-flux")).extended(x)
    assert torch.equal(edges.extended(x), padded[:, :, 1:, :, 1:-1])
    assert torch.equal(edges.cropped(x, 1), x[:, :, 1:, :, 1:-1])


def test_walls_keep_bfloat16_under_autocast():
    """Autocast would go through float32, in twice the time of a convolution."""
    x = torch.randn(1, 2, 3, 2, 4).bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        assert Edges.of_box(("no-flux",) * 3).extended(x).dtype == torch.bfloat16


@pytest.mark.parametrize("boundary", ["no-flux", "periodic"])
@pytest.mark.parametrize(("before", "after"), [(0, 0), (0, 3), (2, 5), (8, 9), (11, 13)])
def test_extension_continues_the_box(boundary, before, after):
    """Also by more than the box is long."""
    x = torch.randn(1, 1, 3, 4, generator=torch.Generator().manual_seed(0))
    for axis in (0, 1):
        width = [(0, 0)] * 4
        width[2 + axis] = (before, after)
        expected = np.pad(x.numpy(), width, NUMPY_MODE[boundary])
        np.testing.assert_array_equal(extend(x, axis, before, after, boundary), expected)


@pytest.mark.parametrize("boundary", ["no-flux", "periodic"])
@pytest.mark.parametrize("multiple", [1, 2, 8])
def test_extended_lengths_divide(boundary, multiple):
    for length in range(1, 40):
        before, after = extension(length, multiple, boundary)
        assert (before + length + after) % multiple == 0
        assert (before == after == 0) == (length % multiple == 0)
        if boundary == "periodic" and after:
            assert min(before, after) >= 2 * multiple
        else:
            assert before == 0
