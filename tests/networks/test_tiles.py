"""A box in tiles: the numbers of the whole box, whatever the tiles."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_models import tiny_network

from microdsd.networks import PotentialUNet, UNetConfig, stages, tile_inputs
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


@pytest.fixture
def cut(monkeypatch):
    """Cut boxes into tiles, and chunks, of so many sites at most."""

    def limit(tile, chunk=tile_inputs.CHUNK_SITES):
        monkeypatch.setitem(stages.TILE_SITES, "cpu", tile)
        monkeypatch.setattr(tile_inputs, "CHUNK_SITES", chunk)

    return limit


def network_with(ndim, widths, blocks=None, **changes):
    """An untrained network whose every weight matters."""
    blocks = blocks or (1,) * len(widths)
    with torch.random.fork_rng(devices=[]):
        torch.random.default_generator.manual_seed(0)
        config = UNetConfig(ndim, 2, widths, blocks, 8, read_out=True, **changes)
        network = PotentialUNet(config)
        for weight in network.parameters():
            if not weight.any():
                weight.data.normal_(0, 0.3)
    return network


def put_together(parts, like):
    made = torch.full_like(like, torch.nan)
    for sites, part in parts:
        made[(..., *sites)] = part
    return made


BOUNDARIES = list(itertools.product(["no-flux", "periodic"], repeat=2))


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize(
    ("widths", "blocks"), [((4,), (2,)), ((4, 8), (1, 2)), ((4, 6, 8), (2, 1, 1))]
)
def test_a_network_says_the_same_tile_by_tile(boundary, widths, blocks, cut):
    """Of several samples in memory, on sides that no block of the coarsest features divides."""
    network = network_with(2, widths, blocks)
    lattice = Lattice.box((101, 58), boundary)
    kernel = TransitionKernel(lattice)
    occupation = torch.rand(2, 2, 101, 58, generator=torch.Generator().manual_seed(0))
    t = torch.tensor([0.5, 3.0])
    with torch.no_grad():
        whole = network.output(occupation, t, kernel)
        for most in (700, 2500):
            cut(most)
            found = network.output(occupation, t, kernel)
            torch.testing.assert_close(found, whole, rtol=0, atol=5e-5)


@pytest.mark.parametrize("block", [1, 2])
@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_parts_are_those_of_the_whole_box(boundary, block, cut):
    """By tiles, and by chunks as well; with a largest number of walkers, and classes."""
    network = network_with(2, (4, 6, 8), top=3, classes=2)
    lattice = Lattice.box((101, 88), boundary).coarsened(block)
    kernel = TransitionKernel(lattice)
    occupation = torch.randint(0, 4, (1, 2, *lattice.shape)).to(torch.uint8)
    conditions = torch.tensor([[0.3, 0.2]]), torch.tensor([1])
    t = torch.tensor([3.0])
    with torch.no_grad():
        whole = network.output(occupation.float(), t, kernel, *conditions)
        for limits in ((1 << 18,), (900,), (900, 5000)):
            cut(*limits)
            made = put_together(network.parts(occupation, t, kernel, *conditions), whole)
            torch.testing.assert_close(made, whole, rtol=0, atol=5e-5)


@pytest.mark.parametrize("boundary", list(itertools.product(["no-flux", "periodic"], repeat=3)))
def test_tiles_of_a_volume_are_the_same_in_bfloat16(boundary, cut):
    """But for the last convolution, in float32, and a few sums that are rounded the other way.

    They are as near to float32 throughout as the whole box in bfloat16 is.
    """
    torch.manual_seed(0)
    network = network_with(3, (4, 8))
    shape = (23, 12, 18)
    kernel = TransitionKernel(Lattice.box(shape, boundary))
    occupation = torch.randint(0, 3, (1, 2, *shape)).to(torch.uint8)
    t = torch.tensor([2.0])
    with torch.inference_mode():
        exact = network.output(occupation.float(), t, kernel)
        with torch.autocast("cpu", torch.bfloat16):
            whole = network.output(occupation.float(), t, kernel)
            cut(2500)
            first = put_together(network.parts(occupation, t, kernel), exact)
            for limits in ((600,), (1500, 12000)):
                cut(*limits)
                made = put_together(network.parts(occupation, t, kernel), exact)
                off = (made - first).abs()
                assert float((off > 3e-5).float().mean()) < 0.01
                assert float(off.max()) < 1e-3 < float((first - exact).std())
        cut(600)
        made = put_together(network.parts(occupation, t, kernel), exact)
    torch.testing.assert_close(made, exact, rtol=0, atol=3e-5)
    assert float((first - exact).std()) < 1.2 * float((whole - exact).std())


def test_the_reach_is_that_of_the_network():
    """Whatever changes farther away changes nothing, and what changes nearer may."""
    network = tiny_network(widths=(4, 6, 8))
    x = torch.rand(1, 3, 96, 8, generator=torch.Generator().manual_seed(0))
    other = x.clone()
    other[:, :, 48] += 1.0
    with torch.no_grad():
        condition = network.embedded(x[:, :1], torch.tensor([1.0]), None, None)
        change = [network._on(field, condition, ("no-flux",) * 2) for field in (x, other)]
    moved = (change[0] != change[1]).any(dim=(0, 1, 3)).nonzero().squeeze(1)
    assert int((moved - 48).abs().max()) <= network.reach
    assert int((moved - 48).abs().max()) > network.reach - 4
