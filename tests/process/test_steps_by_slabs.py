"""Steps that are made slab by slab are those of walkers, number by number and in law."""

import numpy as np
import pytest
import torch
from exact_laws import assert_drawn_from
from hypothesis import given, settings
from hypothesis import strategies as st

from microdsd.process import Lattice, Walkers, sample_uniform
from microdsd.process.bridge import draw_along, draw_back, potential
from microdsd.process.octaves import Moment, Octaves
from microdsd.process.slabs import (
    apply_banded,
    draw_banded,
    occupation_dtype,
    slabs,
    start_uniform,
    step_back,
    walk_forward,
)
from microdsd.process.walk import draw_key, uniforms

LEVELS = (2.0, 4.0)
STEPS = [
    (Moment(2, 40.0), Moment(2, 12.0)),
    (Moment(2, 14.0), Moment(1, 5.0)),
    (Moment(2, 9.0), Moment(0, 1.0)),
    (Moment(1, 5.0), Moment(0, 1.2)),
    (Moment(0, 1.8), Moment(0, 0.3)),
]
BOXES = [
    ((23, 11), "no-flux"),
    ((24, 12), "periodic"),
    ((19, 9, 10), ("periodic", "no-flux", "no-flux")),
    ((30, 8, 9), ("no-flux", "periodic", "no-flux")),
]


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def key_of(seed=0):
    return draw_key(generator(seed))


def crowd(octaves, octave, counts, seed=5):
    lattice = octaves.kernels[octave].lattice
    walkers = sample_uniform(torch.tensor([counts]), lattice, [generator(seed)])
    return walkers.occupation()[0].to(occupation_dtype(lattice))


def layers_of(log_h):
    h = potential(log_h[None])[0]
    return lambda c, layers: h[c].index_select(0, layers)


def numbers(walkers):
    """Site, and rank among those on it, of walkers in the order of their sites."""
    site = walkers.channel * walkers.lattice.n_sites + walkers.site()
    _, times = site.unique_consecutive(return_counts=True)
    first = (times.cumsum(0) - times).repeat_interleave(times)
    rank = torch.arange(len(site)) - first
    return rank * walkers.lattice.n_sites + walkers.site()


@pytest.mark.parametrize(("shape", "boundary"), BOXES)
@pytest.mark.parametrize(("now", "earlier"), STEPS)
def test_a_step_back_is_that_of_walkers_whatever_the_slabs(shape, boundary, now, earlier):
    octaves = Octaves(Lattice.box(shape, boundary), LEVELS)
    occupation = crowd(octaves, now.octave, [150, 90])
    log_h = 2 * torch.randn(occupation.shape, generator=generator(1))
    walkers = Walkers.of(occupation[None], octaves.kernels[now.octave].lattice)
    axes = range(len(shape))
    moved = draw_back(
        walkers,
        log_h[None],
        octaves.kernels[earlier.octave],
        [octaves.backward_matrix(a, earlier, Moment(now.octave, 0.0)) for a in axes],
        [octaves.backward_matrix(a, now, earlier) for a in axes],
        uniforms(walkers, [generator(2)], numbers(walkers)),
    ).occupation()[0]
    for most in (1, 200, 1 << 24):
        found = step_back(occupation, layers_of(log_h), octaves, now, earlier, key_of(2), most)
        assert torch.equal(found.float(), moved)


@pytest.mark.parametrize(("shape", "boundary"), BOXES)
def test_the_start_and_the_walk_forward_are_those_of_walkers(shape, boundary):
    octaves = Octaves(Lattice.box(shape, boundary), LEVELS)
    counts = torch.tensor([140, 60])
    top = octaves.kernels[2].lattice
    start = sample_uniform(counts[None], top, [generator(3)])
    assert torch.equal(start_uniform(counts, top, key_of(3)).float(), start.occupation()[0])
    voxels = torch.randint(0, 3, shape, generator=generator(4))
    occupation = torch.stack([voxels == 1, voxels == 2]).to(torch.uint8)
    walkers = Walkers.of(occupation[None], octaves.voxels)
    for end in (Moment(0, 0.7), Moment(1, 5.0)):
        moved = octaves.sample_forward(
            walkers, Moment(0, 0.0), end, [generator(5)], by_place=True
        ).occupation()[0]
        for most in (1, 100, 1 << 24):
            found = walk_forward(occupation, octaves, end, key_of(5), most)
            assert torch.equal(found.float(), moved)


@pytest.mark.parametrize(
    ("now", "earlier"), [(Moment(1, 5.0), Moment(0, 1.0)), (Moment(1, 9.0), Moment(1, 3.0))]
)
def test_a_step_back_has_its_law(now, earlier):
    """Many walkers from one block, thin slabs; fails a correct step 1 time in 10^5."""
    octaves = Octaves(Lattice.box((9, 6), ("no-flux", "periodic")), (2.0,))
    lattice = octaves.kernels[1].lattice
    log_h = torch.randn((1, *lattice.shape), generator=generator(1))
    occupation = torch.zeros(1, *lattice.shape, dtype=torch.int32)
    occupation[0, 3, 1] = 30_000
    if earlier.octave == 0:
        # A byte per voxel holds 255 walkers: the same number of them in many steps.
        occupation[0, 3, 1] = 1_000
    rounds = 30_000 // int(occupation[0, 3, 1])
    found = sum(
        step_back(occupation, layers_of(log_h), octaves, now, earlier, key_of(7 + i), 1).long()
        for i in range(rounds)
    )
    h = log_h[0].double().exp()
    smooth = [octaves.backward_matrix(a, earlier, Moment(1, 0.0)).double() for a in (0, 1)]
    step = [octaves.backward_matrix(a, now, earlier).double() for a in (0, 1)]
    weight = (smooth[0] @ h @ smooth[1].T) * torch.outer(step[0][3], step[1][1])
    law = (weight / weight.sum()).flatten().numpy()
    assert_drawn_from(found.numpy().ravel(), law)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_no_step_loses_a_walker(data):
    shape = tuple(data.draw(st.lists(st.integers(9, 20), min_size=2, max_size=3)))
    boundary = data.draw(
        st.lists(st.sampled_from(["no-flux", "periodic"]), min_size=len(shape), max_size=len(shape))
    )
    octaves = Octaves(Lattice.box(shape, boundary), LEVELS)
    counts = torch.tensor(data.draw(st.lists(st.integers(0, 60), min_size=1, max_size=3)))
    seed = data.draw(st.integers(0, 1 << 30))
    occupation = start_uniform(counts, octaves.kernels[2].lattice, key_of(seed))
    assert torch.equal(occupation.flatten(1).sum(1), counts)
    most = data.draw(st.integers(1, 4000))
    for number, (now, earlier) in enumerate([STEPS[0], STEPS[1], STEPS[3], STEPS[4]]):
        log_h = 3 * torch.randn(occupation.shape, generator=generator(number))
        occupation = step_back(
            occupation, layers_of(log_h), octaves, now, earlier, key_of(seed), most
        )
        assert torch.equal(occupation.flatten(1).sum(1), counts)
    assert occupation.dtype == torch.uint8


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_band_is_the_whole_matrix(axis):
    shape = [4, 5, 6]
    shape[axis] = 300
    octaves = Octaves(Lattice.box(shape, "periodic" if axis == 1 else "no-flux"), ())
    matrix = octaves.forward_matrix(axis, Moment(0, 0.0), Moment(0, 8.0))
    assert float((matrix == 0).float().mean()) > 0.5  # else there is no band
    field = torch.rand(shape, generator=generator())
    whole = octaves.kernels[0].apply_axis(field[None, None], axis, matrix)[0, 0]
    np.testing.assert_allclose(apply_banded(field, axis, matrix), whole, rtol=1e-6)


def test_slabs_cover_all_layers_once():
    for sites, across, most in [(7, 10, 5), (7, 10, 35), (7, 10, 1000)]:
        cut = list(slabs(sites, across, most))
        assert [i for part in cut for i in range(part.start, part.stop)] == list(range(7))


def test_steps_stay_exact_beside_networks_in_bfloat16():
    octaves = Octaves(Lattice.box((30, 20), "no-flux"), LEVELS)
    occupation = crowd(octaves, 1, [400])
    log_h = 2 * torch.randn(occupation.shape, generator=generator(1))
    shown = occupation, layers_of(log_h), octaves, *STEPS[3], key_of()
    exact = step_back(*shown)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(step_back(*shown), exact)


def test_blocks_that_hold_many_walkers_are_moved_in_thinner_slabs():
    """A slab's memory is in proportion to its walkers: 1024^3 took 22 GB on blocks of 8 voxels."""
    octaves = Octaves(Lattice.box((32, 16), "no-flux"), LEVELS)
    occupation = crowd(octaves, 2, [400])
    pieces = []
    log_h = torch.zeros(occupation.shape)
    arguments = octaves, Moment(2, 40.0), Moment(2, 12.0), key_of()
    thin = step_back(occupation, layers_of(log_h), *arguments, 100, pieces.append)
    assert sum(pieces) == 400
    assert len(pieces) >= 4
    assert max(pieces) < 150
    assert torch.equal(thin, step_back(occupation, layers_of(log_h), *arguments))


@pytest.mark.parametrize("boundary", ["no-flux", "periodic"])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_draws_by_bands_are_those_of_whole_lines(monkeypatch, boundary, axis):
    monkeypatch.setattr("microdsd.process.slabs._BAND", 5)
    shape = (17, 16, 18)
    lattice = Lattice.box(shape, boundary)
    step = Octaves(lattice).backward_matrix(axis, Moment(0, 1.8), Moment(0, 0.9))
    field = torch.from_numpy(np.random.default_rng(0).uniform(0.01, 1, shape)).float()
    start = sample_uniform(torch.tensor([[4000]]), lattice, [generator()]).position.int()
    u = torch.rand(4000, generator=generator(1))
    whole, banded = start.clone(), start.clone()
    draw_along(field[None], step, torch.zeros_like(start[0]), whole, axis, u)
    draw_banded(field, step, banded, axis, u)
    # Sums over other blocks round otherwise: a number may fall on the other side of a bound.
    assert (whole != banded).sum() <= 2
    assert (whole - banded).abs().max() <= 1
