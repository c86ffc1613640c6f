"""Bridge steps draw from law (2) of `microdsd.process.bridge`, enumerated.

Every test fails by chance 1 time in 10^5, were its seed drawn afresh.
"""

import itertools

import numpy as np
import pytest
import torch
from exact_laws import assert_drawn_from, step_law

from microdsd.process import Lattice, TransitionKernel, Walkers, sample_bridge_step

pytestmark = pytest.mark.statistics

WALKERS = 4000


def site_of(walkers, pick):
    return np.ravel_multi_index(tuple(walkers.position[:, pick].numpy()), walkers.lattice.shape)


def observed_transitions(shape, boundary, log_h, times, occupation=None, seed=3):
    """Counts (species, site before, site after) over steps through ``times``."""
    lattice = Lattice.box(shape, boundary)
    if occupation is None:
        occupation = torch.full(log_h.shape, float(WALKERS))
    kernel = TransitionKernel(lattice)
    before = Walkers.of(occupation, lattice)
    generator = torch.Generator().manual_seed(seed)
    after = before
    for t, s in itertools.pairwise(times):
        after = sample_bridge_step(after, log_h, kernel, t, s, [generator])
    sites = lattice.n_sites
    counts = []
    for species in range(log_h.shape[1]):
        pick = before.channel == species
        pair = site_of(before, pick) * sites + site_of(after, pick)
        counts.append(np.bincount(pair, minlength=sites**2).reshape(sites, sites))
    return np.stack(counts)


def random_log_h(shape, spread=1.0):
    return spread * torch.randn(shape, generator=torch.Generator().manual_seed(21))


STEPS = [
    # shape, boundary, t, s: one block and several, full and part-filled; short steps and long
    ((9,), ("periodic",), 0.06, 0.02),
    ((9,), ("no-flux",), 50.0, 0.1),
    ((12,), ("periodic",), 3.0, 2.8),
    ((37,), ("no-flux",), 6.0, 2.0),
    ((5, 6), ("no-flux", "no-flux"), 0.05, 0.0),
    ((5, 6), ("periodic", "no-flux"), 1.0, 0.4),
    ((6, 5), ("no-flux", "periodic"), 90.0, 0.0),
    ((2, 12), ("periodic", "periodic"), 0.3, 0.2),
    ((3, 4, 3), ("no-flux", "periodic", "periodic"), 0.1, 0.0),
    ((2, 3, 5), ("periodic", "no-flux", "no-flux"), 2.0, 0.5),
    ((1, 4, 4), ("no-flux", "no-flux", "periodic"), 25.0, 0.0),
]


@pytest.mark.parametrize(("shape", "boundary", "t", "s"), STEPS)
def test_one_step_has_the_exact_law(shape, boundary, t, s):
    log_h = random_log_h((1, 1, *shape))
    observed = observed_transitions(shape, boundary, log_h, (t, s))
    exact = step_law(shape, boundary, log_h.exp().double().numpy().ravel(), t, s)
    assert_drawn_from(observed[0], exact)


def test_a_steep_potential():
    """Odds of e^8 and more between neighbours, walkers only where they can have come from."""
    shape, boundary, t = (5, 5), ("no-flux", "periodic"), 1.5
    log_h = random_log_h((1, 1, *shape), spread=5.0)
    observed = observed_transitions(shape, boundary, log_h, (t, 0.0))
    exact = step_law(shape, boundary, log_h.exp().double().numpy().ravel(), t, 0.0)
    assert_drawn_from(observed[0], exact)


def test_species_with_their_own_potentials_and_uneven_occupation():
    shape, boundary, t, s = (4, 5), ("periodic", "no-flux"), 0.9, 0.2
    log_h = random_log_h((1, 3, *shape))
    draw = torch.Generator().manual_seed(1)
    occupation = torch.randint(0, 9000, log_h.shape, generator=draw).float()
    occupation[0, 1, 2:] = 0
    observed = observed_transitions(shape, boundary, log_h, (t, s), occupation)
    for species in range(3):
        h = log_h[0, species].exp().double().numpy().ravel()
        law = step_law(shape, boundary, h, t, s)
        present = observed[species].sum(1) > 0
        assert_drawn_from(observed[species][present], law[present])


@pytest.mark.parametrize("times", [(2.0, 0.6, 0.0), (2.0, 1.9, 1.0, 0.05, 0.0)])
def test_many_steps_with_one_potential_have_the_law_of_one(times):
    shape, boundary = (4, 5), ("no-flux", "periodic")
    log_h = random_log_h((1, 1, *shape))
    observed = observed_transitions(shape, boundary, log_h, times)
    exact = step_law(shape, boundary, log_h.exp().double().numpy().ravel(), times[0], 0.0)
    assert_drawn_from(observed[0], exact)


def test_walkers_step_independently():
    """Two walkers from one voxel under one potential: the joint law is the product."""
    shape, t, s, pairs = (5,), 1.2, 0.1, 20_000
    lattice = Lattice.box(shape, "no-flux")
    log_h = random_log_h((1, 1, 5))
    occupation = torch.zeros(pairs, 1, 5)
    occupation[:, 0, 2] = 2
    before = Walkers.of(occupation, lattice)
    generators = [torch.Generator().manual_seed(i) for i in range(pairs)]
    after = sample_bridge_step(
        before, log_h.expand(pairs, 1, 5), TransitionKernel(lattice), t, s, generators
    )
    first, second = after.position[0].view(pairs, 2).numpy().T
    row = step_law(shape, ("no-flux",), log_h.exp().double().numpy().ravel(), t, s)[2]
    assert_drawn_from(np.bincount(5 * first + second, minlength=25), np.outer(row, row).ravel())
