"""A box in tiles: the numbers of the whole box, whatever the tiles."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_models import tiny_network

from microdsd.networks import unet
from microdsd.networks.tiles import tiles
from microdsd.process import Lattice, TransitionKernel


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 12), st.booleans()), min_size=1, max_size=3),
    st.integers(0, 3),
    st.sampled_from([1, 2, 4]),
    st.integers(1, 4000),
)
def test_tiles_cover_every_site_once_and_see_their_halo(axes, halos, multiple, most):
    shape = tuple(n * multiple for n, _ in axes)
    boundary = tuple("periodic" if periodic else "no-flux" for _, periodic in axes)
    halo = halos * multiple
    covered = np.zeros(shape, int)
    for tile in tiles(shape, boundary, halo, multiple, most):
        covered[tile.inner] += 1
        for inner, sites, length, kind in zip(tile.inner, tile.outer, shape, boundary, strict=True):
            assert inner.start % multiple == 0
            assert sites.start % multiple == 0
            whole = sites == range(length)
            low, high = inner.start - halo, inner.stop + halo
            if kind == "no-flux":
                low, high = max(low, 0), min(high, length)
            assert whole or (sites.start, sites.stop) == (low, high)
    assert (covered == 1).all()


@pytest.mark.parametrize("boundary", list(itertools.product(["no-flux", "periodic"], repeat=2)))
@pytest.mark.parametrize("widths", [(4,), (4, 8), (4, 6, 8)])
def test_a_network_says_the_same_tile_by_tile(boundary, widths, monkeypatch):
    network = tiny_network(widths=widths)
    lattice = Lattice.box((101, 88), boundary)
    kernel = TransitionKernel(lattice)
    occupation = torch.rand(2, 1, 101, 88, generator=torch.Generator().manual_seed(0))
    t = torch.tensor([0.5, 3.0])
    with torch.no_grad():
        whole = network.output(occupation, t, kernel)
        for most in (5000, 7000):
            monkeypatch.setattr(unet, "tiles", lambda *box, most=most: tiles(*box, most))
            torch.testing.assert_close(
                network.output(occupation, t, kernel), whole, rtol=0, atol=2e-5
            )


@pytest.mark.parametrize("block", [1, 2])
@pytest.mark.parametrize("boundary", list(itertools.product(["no-flux", "periodic"], repeat=2)))
def test_parts_are_those_of_the_whole_box(boundary, block, monkeypatch):
    network = tiny_network(species=2, widths=(4, 6, 8))
    lattice = Lattice.box((101, 88), boundary).coarsened(block)
    kernel = TransitionKernel(lattice)
    occupation = torch.randint(0, 4, (1, 2, *lattice.shape)).to(torch.uint8)
    t, fractions = torch.tensor([3.0]), torch.tensor([[0.3, 0.2]])
    with torch.no_grad():
        whole = network.output(occupation.float(), t, kernel, fractions)
        for most in (1 << 12, 1 << 24):
            monkeypatch.setattr(unet, "tiles", lambda *box, most=most: tiles(*box, most))
            made = torch.full_like(whole, torch.nan)
            for sites, part in network.parts(occupation, t, kernel, fractions):
                made[(..., *sites)] = part
            torch.testing.assert_close(made, whole, rtol=0, atol=2e-5)


def test_the_reach_is_that_of_the_network():
    """Whatever changes farther away changes nothing, and what changes nearer may."""
    network = tiny_network(widths=(4, 6, 8))
    x = torch.rand(1, 3, 96, 8, generator=torch.Generator().manual_seed(0))
    other = x.clone()
    other[:, :, 48] += 1.0
    with torch.no_grad():
        condition = network._condition(x[:, :1], torch.tensor([1.0]), None, None)
        change = [network._on(field, condition, ("no-flux",) * 2) for field in (x, other)]
    moved = (change[0] != change[1]).any(dim=(0, 1, 3)).nonzero().squeeze(1)
    assert int((moved - 48).abs().max()) <= network.reach
    assert int((moved - 48).abs().max()) > network.reach - 4


@pytest.mark.parametrize("boundary", list(itertools.product(["no-flux", "periodic"], repeat=3)))
def test_a_large_box_is_corrected_at_its_faces_to_the_bit(boundary, monkeypatch):
    network = tiny_network(ndim=3, widths=(4, 8))
    kernel = TransitionKernel(Lattice.box((12, 8, 10), boundary))
    occupation = torch.rand(2, 1, 12, 8, 10, generator=torch.Generator().manual_seed(0))
    t = torch.tensor([0.5, 3.0])
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        whole = network.output(occupation, t, kernel)
        monkeypatch.setattr(unet, "_LARGE", 1)
        assert torch.equal(network.output(occupation, t, kernel), whole)
