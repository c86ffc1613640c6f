"""The walk over several lattices, against matrix exponentials and enumerated laws."""

import itertools

import numpy as np
import pytest
import torch
from exact_laws import assert_drawn_from
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm

from microdsd.errors import InputError
from microdsd.process import (
    Lattice,
    TransitionKernel,
    Walkers,
    sample_bridge_step,
    sample_uniform,
    time_of,
)
from microdsd.process.octaves import Moment, Octaves

BOUNDARIES = ["no-flux", "periodic"]
LENGTHS = [5, 8, 9, 11, 14]


def generators(n, seed=0):
    return [torch.Generator().manual_seed(seed + i) for i in range(n)]


def blocks_of(n, block):
    return [min(block, n - first) for first in range(0, n, block)]


def rates_of_blocks(n, block, boundary):
    """Generator of hops between blocks: 1 / (distance of centres * volume), one bond at a time."""
    volume = blocks_of(n, block)
    sites = len(volume)
    rates = np.zeros((sites, sites))
    for i in range(sites):
        for j in (i - 1, i + 1):
            if boundary == "periodic":
                j %= sites
            elif not 0 <= j < sites:
                continue
            distance = (volume[i] + volume[j]) / 2
            rates[i, j] += 1 / (distance * volume[i])
            rates[i, i] -= 1 / (distance * volume[i])
    return rates


def law(n, boundary, levels, start, end):
    """F from (octave, t) to (octave, t) on one axis, by matrix exponentials."""
    times = [0.0, *(sigma**2 / 2 for sigma in levels)]
    (octave, s), (last, t) = start, end
    matrix = np.eye(len(blocks_of(n, 2**octave)))
    while octave < last:
        matrix = matrix @ expm((times[octave + 1] - s) * rates_of_blocks(n, 2**octave, boundary))
        s = times[octave + 1]
        coarser = np.zeros((matrix.shape[1], len(blocks_of(n, 2 ** (octave + 1)))))
        coarser[np.arange(len(coarser)), np.arange(len(coarser)) // 2] = 1
        matrix, octave = matrix @ coarser, octave + 1
    return matrix @ expm((t - s) * rates_of_blocks(n, 2**last, boundary))


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("block", [2, 3, 4])
@pytest.mark.parametrize("t", [0.0, 0.3, 7.0, 200.0])
def test_kernel_of_blocks_equals_the_matrix_exponential(length, boundary, block, t):
    kernel = TransitionKernel(Lattice.box((length,), boundary).coarsened(block))
    exact = expm(t * rates_of_blocks(length, block, boundary))
    np.testing.assert_allclose(kernel.axis_matrix(0, t), exact, rtol=0, atol=3e-7)


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("length", LENGTHS)
def test_occupation_in_proportion_to_volume_is_stationary(length, boundary):
    lattice = Lattice.box((length, 7), boundary).coarsened(4)
    kernel = TransitionKernel(lattice)
    volume = np.multiply.outer(lattice.volumes(0), lattice.volumes(1))
    even = torch.tensor(volume, dtype=torch.float32)[None, None]
    for t in (0.5, 20.0):
        np.testing.assert_allclose(kernel.carry(even, t), even, rtol=2e-6)
        # Functions are averaged: a constant stays one.
        np.testing.assert_allclose(kernel.apply(torch.ones_like(even), t), 1, rtol=2e-6)
    if min(lattice.shape) > 1:
        flat = torch.ones_like(even)
        assert not torch.allclose(kernel.carry(flat, 20.0), flat, rtol=1e-2)


def test_displacement_on_blocks_has_variance_two_t_in_voxels():
    t, block = 40.0, 4
    matrix = TransitionKernel(Lattice.box((404,), "no-flux").coarsened(block)).axis_matrix(0, t)
    displacement = block * (np.arange(101) - 50)
    assert float((matrix[50].double().numpy() * displacement**2).sum()) == pytest.approx(
        2 * t, rel=1e-5
    )


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize(
    ("start", "end"),
    [
        ((0, 0.0), (0, 0.7)),
        ((0, 0.2), (1, 2.0)),
        ((0, 0.0), (1, 4.0)),
        ((0, 1.0), (2, 11.0)),
        ((1, 3.0), (2, 8.0)),
    ],
)
def test_law_across_octaves_equals_the_product_of_exponentials(length, boundary, start, end):
    levels = (2.0, 4.0)
    octaves = Octaves(Lattice.box((length,), boundary), levels)
    exact = law(length, boundary, levels, start, end)
    found = octaves.forward_matrix(0, Moment(*start), Moment(*end))
    np.testing.assert_allclose(found, exact, rtol=0, atol=5e-7)
    joint = exact * np.array(blocks_of(length, 2 ** start[0]))[:, None]
    back = octaves.backward_matrix(0, Moment(*end), Moment(*start))
    np.testing.assert_allclose(back, (joint / joint.sum(0)).T, rtol=0, atol=5e-7)


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_steps_back_compose_through_a_change_of_lattice(boundary):
    octaves = Octaves(Lattice.box((11,), boundary), (2.0,))
    late, change, early = Moment(1, 5.0), Moment(1, 2.0), Moment(0, 0.4)
    whole = octaves.backward_matrix(0, late, early)
    parts = octaves.backward_matrix(0, late, change) @ octaves.backward_matrix(0, change, early)
    np.testing.assert_allclose(parts, whole, rtol=0, atol=5e-7)


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("length", [32, 30, 29])
def test_blocks_walk_as_the_voxels_in_them_do(boundary, length):
    """From two blocks of noise on, with a last block of one voxel, too (hops into it at the rate of
    any others, in proportion to its volume, would be 0.05 off in a periodic box)."""
    t = float(time_of(4.0))
    voxels = expm(t * rates_of_blocks(length, 1, boundary))
    holds = np.zeros((length, len(blocks_of(length, 2))))
    holds[np.arange(length), np.arange(length) // 2] = 1
    later = 30.0
    exact = voxels @ expm(later * rates_of_blocks(length, 1, boundary)) @ holds
    coarse = voxels @ holds @ expm(later * rates_of_blocks(length, 2, boundary))
    assert 0.5 * np.abs(exact - coarse).sum(1).max() < 0.003


def test_one_lattice_is_the_case_of_one_octave():
    lattice = Lattice.box((6, 5), ("periodic", "no-flux"))
    octaves, kernel = Octaves(lattice), TransitionKernel(lattice)
    for axis in (0, 1):
        step = octaves.forward_matrix(axis, Moment(0, 0.5), Moment(0, 2.0))
        assert torch.equal(step, kernel.axis_matrix(axis, 1.5))
    moments = Moment(0, 3.0), Moment(0, 1.0), Moment(0, 0.0)
    walkers = sample_uniform(torch.tensor([[9, 4]]), lattice, generators(1))
    log_h = torch.randn((1, 2, 6, 5), generator=generators(1)[0])
    across = octaves.sample_back(walkers, log_h, *moments, generators(1))
    within = sample_bridge_step(walkers, log_h, kernel, 3.0, 1.0, generators(1))
    assert torch.equal(across.position, within.position)


def test_a_uniform_start_is_uniform_on_voxels():
    """Chi-square against volume; fails a correct sampler 1 time in 10^5."""
    lattice = Lattice.box((11, 5), "no-flux").coarsened(4)
    walkers = sample_uniform(torch.tensor([[40_000]]), lattice, generators(1))
    volume = np.multiply.outer([4, 4, 3], [4, 1]).ravel()
    assert_drawn_from(walkers.occupation().numpy().ravel(), volume / volume.sum())


SHAPES = [((9,), ("no-flux",)), ((5, 7), ("periodic", "no-flux")), ((5, 6, 3), ("no-flux",) * 3)]


def whole_law(shape, boundary, levels, start, end):
    """F over all sites, in C order: the Kronecker product of the axes' laws."""
    matrix = np.ones((1, 1))
    for n, kind in zip(shape, boundary, strict=True):
        matrix = np.kron(matrix, law(n, kind, levels, start, end))
    return matrix


def volumes_of(shape, block):
    volume = np.ones(1)
    for n in shape:
        volume = np.kron(volume, blocks_of(n, block))
    return volume


def transitions(before, after):
    rows, columns = before.lattice.n_sites, after.lattice.n_sites
    pair = before.site() * columns + after.site()
    return np.bincount(pair.numpy(), minlength=rows * columns).reshape(rows, columns)


@pytest.mark.statistics
@pytest.mark.parametrize(("shape", "boundary"), SHAPES)
@pytest.mark.parametrize(("start", "end"), [((0, 0.0), (1, 2.0)), ((0, 0.5), (1, 3.5))])
def test_forward_draws_have_the_law(shape, boundary, start, end):
    """Chi-square; fails a correct sampler 1 time in 10^5."""
    octaves = Octaves(Lattice.box(shape, boundary), (2.0,))
    before = Walkers.of(torch.full((1, 1, *shape), 2000.0), octaves.kernels[0].lattice)
    after = octaves.sample_forward(before, Moment(*start), Moment(*end), generators(1))
    assert after.lattice == octaves.kernels[1].lattice
    exact = whole_law(shape, boundary, (2.0,), start, end)
    assert_drawn_from(transitions(before, after), exact)


@pytest.mark.statistics
@pytest.mark.parametrize(("shape", "boundary"), SHAPES)
@pytest.mark.parametrize(
    ("now", "earlier"), [((1, 2.0), (0, 2.0)), ((1, 2.0), (0, 0.6)), ((1, 6.0), (0, 0.0))]
)
def test_refining_draws_have_the_law(shape, boundary, now, earlier):
    """Chi-square; fails a correct sampler 1 time in 10^5."""
    octaves = Octaves(Lattice.box(shape, boundary), (2.0,))
    coarse, fine = (kernel.lattice for kernel in reversed(octaves.kernels))
    log_h = 1.5 * torch.randn((1, 1, *fine.shape), generator=generators(1, 5)[0])
    before = Walkers.of(torch.full((1, 1, *coarse.shape), 3000.0), coarse)
    after = octaves.sample_back(
        before, log_h, Moment(*now), Moment(*earlier), Moment(0, 0.0), generators(1)
    )
    forward = whole_law(shape, boundary, (2.0,), earlier, now)
    h = whole_law(shape, boundary, (2.0,), (0, 0.0), earlier).T @ log_h.exp().numpy().ravel()
    weight = forward.T * (volumes_of(shape, 1) * h)
    assert after.lattice == fine
    assert_drawn_from(transitions(before, after), weight / weight.sum(1, keepdims=True))


@pytest.mark.statistics
@pytest.mark.parametrize(("shape", "boundary"), [((5,), ("no-flux",)), ((3, 5), ("periodic",) * 2)])
def test_the_walk_back_over_two_octaves_gives_the_data(shape, boundary):
    """One walker, whose reverse process is known exactly, down both lattices in four steps.

    Chi-square; fails a correct sampler 1 time in 10^5.
    """
    levels, end = (1.5,), 4.0
    change = float(time_of(levels[0]))
    octaves = Octaves(Lattice.box(shape, boundary), levels)
    sites, walkers = int(np.prod(shape)), 60_000
    data = np.random.default_rng(3).dirichlet(np.full(sites, 0.4))
    # The walk's law at the change, on blocks, is the data of the upper octave.
    entry = data @ whole_law(shape, boundary, levels, (0, 0.0), (1, change))
    coarse = octaves.kernels[1].lattice
    h_1 = entry / volumes_of(shape, 2)
    law_at_end = entry @ whole_law(shape, boundary, levels, (1, change), (1, end))
    at_end = np.random.default_rng(4).multinomial(walkers, law_at_end)
    state = Walkers.of(torch.tensor(at_end).view(1, 1, *coarse.shape).float(), coarse)
    moments = [Moment(1, end), Moment(1, 2.0), Moment(1, change), Moment(0, 0.5), Moment(0, 0.0)]
    potentials = [np.log(h_1).reshape(1, 1, *coarse.shape)] * 2
    potentials += [np.log(data).reshape(1, 1, *shape)] * 2
    origins = [Moment(1, change)] * 2 + [Moment(0, 0.0)] * 2
    steps = zip(itertools.pairwise(moments), potentials, origins, strict=True)
    for number, ((now, earlier), log_h, origin) in enumerate(steps):
        state = octaves.sample_back(
            state, torch.tensor(log_h).float(), now, earlier, origin, generators(1, number)
        )
    assert_drawn_from(state.occupation().numpy().ravel(), data)


@given(
    shape=st.lists(st.integers(5, 9), min_size=1, max_size=3),
    counts=st.lists(st.integers(0, 30), min_size=2, max_size=2),
    boundary=st.sampled_from(BOUNDARIES),
    seed=st.integers(0, 1000),
)
@settings(max_examples=25, deadline=None)
def test_counts_are_kept_on_every_lattice(shape, counts, boundary, seed):
    octaves = Octaves(Lattice.box(shape, boundary), (1.0, 2.0))
    asked = torch.tensor([counts, counts[::-1]])
    walkers = sample_uniform(asked, octaves.kernels[2].lattice, generators(2, seed))
    log_h = {
        j: 3 * torch.randn((2, 2, *kernel.lattice.shape), generator=generators(1, seed + j)[0])
        for j, kernel in enumerate(octaves.kernels)
    }
    now = Moment(2, 9.0)
    for earlier in (Moment(2, 2.0), Moment(1, 0.5), Moment(0, 0.0)):
        origin = Moment(earlier.octave, octaves.entered[earlier.octave])
        walkers = octaves.sample_back(
            walkers, log_h[earlier.octave], now, earlier, origin, generators(2, seed)
        )
        now = earlier
        assert torch.equal(walkers.counts(), asked)
    up = octaves.sample_forward(walkers, now, Moment(2, torch.tensor([5.0, 6.0])), generators(2))
    assert torch.equal(up.counts(), asked)
    assert up.lattice.shape == octaves.kernels[2].lattice.shape


def test_a_step_across_lattices_does_not_depend_on_the_batch():
    octaves = Octaves(Lattice.box((9, 6), "no-flux"), (2.0,))
    coarse = octaves.kernels[1].lattice
    log_h = torch.randn((3, 2, 9, 6), generator=generators(1)[0])
    start = sample_uniform(torch.tensor([[20, 9]] * 3), coarse, generators(3))
    moments = Moment(1, 4.0), Moment(0, 0.3), Moment(0, 0.0)
    together = octaves.sample_back(start, log_h, *moments, generators(3))
    for i in range(3):
        own = Walkers.of(start.occupation()[i : i + 1], coarse)
        begun = Walkers.of(start.occupation(), coarse)
        alone = octaves.sample_back(own, log_h[i : i + 1], *moments, generators(1, i))
        again = octaves.sample_back(begun, log_h, *moments, generators(3))
        assert torch.equal(alone.occupation()[0], again.occupation()[i])
    assert torch.equal(together.counts(), start.counts())


@pytest.mark.parametrize(
    ("shape", "levels", "message"),
    [
        ((9,), (2.0, 2.0), "ascend"),
        ((9,), (0.0,), "ascend"),
        ((9, 4), (2.0, 4.0), "not longer than one block of 4 voxels"),
    ],
)
def test_octaves_that_do_not_fit(shape, levels, message):
    with pytest.raises(InputError, match=message):
        Octaves(Lattice.box(shape, "no-flux"), levels)


def test_laws_across_octaves_stay_exact_beside_networks_in_bfloat16():
    octaves = Octaves(Lattice.box((11,), "no-flux"), (2.0, 4.0))
    now, origins = Moment(2, 20.0), Moment(2, 0.0)
    exact = octaves.backward_matrix(0, now, origins)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(octaves.backward_matrix(0, now, origins), exact)


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("now", [(1, 3.0), (2, 11.0)])
def test_origins_on_blocks_are_those_of_bayes(length, boundary, now):
    """Voxels of a block are as likely as one another; the rest is the law of the walk."""
    levels = (2.0, 4.0)
    octaves = Octaves(Lattice.box((length,), boundary), levels)
    octave, t = now
    rng = np.random.default_rng(length)
    blocks = blocks_of(length, 2**octave)
    h = rng.dirichlet(np.ones(len(blocks)))
    found = rng.integers(0, 3, len(blocks))
    walked = law(length, boundary, levels, (0, 0.0), now)
    inside = np.repeat(np.arange(len(blocks)), blocks)
    weight = h[inside][:, None] * walked  # a voxel each row, a block each column
    posterior = np.stack([weight[inside == b].sum(0) for b in range(len(blocks))])
    expected = posterior / posterior.sum(0) @ found
    moment = Moment(octave, t)
    log_h = torch.from_numpy(h).log().float().view(1, 1, -1)
    occupation = torch.from_numpy(found).float().view(1, 1, -1)
    rho = octaves.expected_origins(occupation, log_h, moment)[0, 0]
    np.testing.assert_allclose(rho, expected, rtol=0, atol=2e-5)
    assert float(rho.sum()) == pytest.approx(found.sum(), abs=1e-4)


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_walls_cut_through_blocks(boundary):
    """Inside the walls what is left of a block is a site of its own size."""
    octaves = Octaves(Lattice.box((11,), boundary), (2.0, 4.0)).within([slice(3, 10)])
    matrix = octaves.kernels[2].axis_matrix(0, 5.0)
    assert octaves.kernels[2].volumes(0) == (1, 4, 2)
    rates = np.array([[-0.4, 0.4, 0.0], [0.1, -0.1 - 1 / 12, 1 / 12], [0.0, 1 / 6, -1 / 6]])
    np.testing.assert_allclose(matrix, expm(5.0 * rates), rtol=0, atol=3e-7)
    middle = octaves.kernels[1].axis_matrix(0, 5.0)
    assert middle[0].tolist() == [1, 0, 0, 0, 0, 0]
    assert octaves.kernels[1].volumes(0) == (2, 1, 2, 2, 2, 1)
    steps = octaves.forward_matrix(0, Moment(0, 0.0), Moment(2, 20.0))
    assert float(steps[:3].sum()) == pytest.approx(3, abs=1e-5)
    # From the inside nobody leaves, and the end is in proportion to the volume.
    late = octaves.forward_matrix(0, Moment(0, 0.0), Moment(2, 1e4))
    np.testing.assert_allclose(late[3:10], np.tile([1 / 7, 4 / 7, 2 / 7], (7, 1)), atol=1e-5)
