"""The forward walk draws from the kernel's rows; every test fails by chance 1 time in 10^5."""

import numpy as np
import pytest
import torch
from exact_laws import assert_drawn_from, kernel_matrix

from microdsd.process import Lattice, TransitionKernel, Walkers, sample_forward, sample_uniform

pytestmark = pytest.mark.statistics

WALKERS = 4000


def transitions(before, after):
    """Counts (site before, site after) of walkers followed one by one."""
    shape = before.lattice.shape
    sites = before.lattice.n_sites
    there = np.ravel_multi_index(tuple(before.position.numpy()), shape)
    here = np.ravel_multi_index(tuple(after.position.numpy()), shape)
    return np.bincount(there * sites + here, minlength=sites**2).reshape(sites, sites)


@pytest.mark.parametrize(
    ("shape", "boundary", "t"),
    [
        ((7,), ("periodic",), 0.4),
        ((4, 5), ("no-flux", "no-flux"), 0.15),
        ((4, 5), ("periodic", "no-flux"), 3.0),
        ((2, 3, 3), ("no-flux", "periodic", "no-flux"), 0.7),
    ],
)
def test_many_walkers_per_voxel_follow_the_kernel(shape, boundary, t):
    lattice = Lattice.box(shape, boundary)
    before = Walkers.of(torch.full((1, 1, *shape), float(WALKERS)), lattice)
    generator = torch.Generator().manual_seed(11)
    after = sample_forward(before, TransitionKernel(lattice), torch.tensor([t]), [generator])
    assert_drawn_from(transitions(before, after), kernel_matrix(shape, boundary, t))


def test_every_sample_walks_for_its_own_time():
    shape, boundary, times = (5, 4), ("no-flux", "periodic"), (0.1, 1.5)
    lattice = Lattice.box(shape, boundary)
    before = Walkers.of(torch.full((2, 1, *shape), float(WALKERS)), lattice)
    generators = [torch.Generator().manual_seed(i) for i in (5, 6)]
    after = sample_forward(before, TransitionKernel(lattice), torch.tensor(times), generators)
    for i, t in enumerate(times):
        mine = before.sample == i
        pick = lambda w, mine=mine: Walkers(lattice, 1, 1, w.channel[mine], w.position[:, mine])  # noqa: E731
        observed = transitions(pick(before), pick(after))
        assert_drawn_from(observed, kernel_matrix(shape, boundary, t))


def test_walkers_walk_independently():
    """Two walkers from one voxel: the joint law is the product of the laws."""
    shape, t, pairs = (4,), 0.6, 20_000
    lattice = Lattice.box(shape, "no-flux")
    occupation = torch.zeros(pairs, 1, 4)
    occupation[:, 0, 1] = 2
    before = Walkers.of(occupation, lattice)
    generators = [torch.Generator().manual_seed(i) for i in range(pairs)]
    after = sample_forward(before, TransitionKernel(lattice), torch.full((pairs,), t), generators)
    first, second = after.position[0].view(pairs, 2).numpy().T
    row = kernel_matrix(shape, ("no-flux",), t)[1]
    assert_drawn_from(np.bincount(4 * first + second, minlength=16), np.outer(row, row).ravel())


def test_start_is_uniform():
    shape = (3, 7, 2)
    lattice = Lattice.box(shape, "no-flux")
    counts = torch.tensor([[60_000, 30_000]])
    start = sample_uniform(counts, lattice, [torch.Generator().manual_seed(8)])
    observed = start.occupation().reshape(2, -1).numpy()
    assert_drawn_from(observed, np.full((2, 42), 1 / 42))
