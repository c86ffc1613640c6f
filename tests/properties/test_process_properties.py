"""What holds for walkers in every box, at every time, under every potential."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from microdsd.models.plan import WalkPlan
from microdsd.process import (
    Lattice,
    TransitionKernel,
    Walkers,
    expected_occupation,
    level_grid,
    sample_bridge_step,
    sample_forward,
    time_of,
)
from microdsd.process.octaves import Moment, Octaves
from microdsd.sampling import ConditionedNetwork, sample_bridges
from microdsd.training import origin_loss

sigmas = st.floats(0.01, 30)


@st.composite
def states(draw):
    """A box with a boundary per axis, and occupation numbers (batch, species, *space) in it."""
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=6))
    boundary = draw(st.tuples(*[st.sampled_from(["no-flux", "periodic"])] * len(shape)))
    extent = (draw(st.integers(1, 3)), draw(st.integers(1, 2)), *shape)
    occupation = draw(hnp.arrays(np.float32, extent, elements=st.integers(0, 3).map(np.float32)))
    return Lattice.box(shape, boundary), torch.from_numpy(occupation)


def log_potential(occupation, spread, seed):
    return spread * torch.randn(occupation.shape, generator=torch.Generator().manual_seed(seed))


def generators(occupation, seed):
    return [torch.Generator().manual_seed(seed + i) for i in range(len(occupation))]


@settings(max_examples=60)
@given(states(), sigmas, st.integers(0, 10**6))
def test_the_walk_conserves_every_count(state, sigma, seed):
    lattice, occupation = state
    t = time_of(sigma).expand(len(occupation))
    walkers = Walkers.of(occupation, lattice)
    moved = sample_forward(walkers, TransitionKernel(lattice), t, generators(occupation, seed))
    after = moved.occupation()
    assert (after >= 0).all()
    assert torch.equal(after.flatten(2).sum(2), occupation.flatten(2).sum(2))


@settings(max_examples=60)
@given(states(), sigmas, st.floats(0, 0.99), st.floats(0, 100), st.integers(0, 10**6))
def test_the_bridge_conserves_every_count(state, sigma, share, spread, seed):
    lattice, occupation = state
    t = float(time_of(sigma))
    moved = sample_bridge_step(
        Walkers.of(occupation, lattice),
        log_potential(occupation, spread, seed),
        TransitionKernel(lattice),
        t,
        share * t,
        generators(occupation, seed),
    )
    assert torch.equal(moved.occupation().flatten(2).sum(2), occupation.flatten(2).sum(2))


@settings(max_examples=60)
@given(states(), sigmas, st.floats(0, 10), st.integers(0, 10**6))
def test_as_many_walkers_are_expected_as_there_are(state, sigma, spread, seed):
    lattice, occupation = state
    log_h = log_potential(occupation, spread, seed)
    rho = expected_occupation(occupation, log_h, TransitionKernel(lattice), float(time_of(sigma)))
    assert (rho >= 0).all()
    np.testing.assert_allclose(
        rho.flatten(2).sum(2), occupation.flatten(2).sum(2), rtol=1e-4, atol=1e-5
    )


@settings(max_examples=60)
@given(states(), sigmas, st.integers(0, 10**6))
def test_an_uninformed_potential_loses_and_gains_nothing(state, sigma, seed):
    lattice, occupation = state
    t = time_of(sigma).expand(len(occupation))
    kernel = TransitionKernel(lattice)
    walkers = Walkers.of(occupation, lattice)
    noised = sample_forward(walkers, kernel, t, generators(occupation, seed)).occupation()
    flat, walk = torch.zeros_like(occupation), Octaves(lattice)
    loss = origin_loss(flat, occupation, noised, walk, Moment(0, t))
    np.testing.assert_allclose(loss, 0, atol=1e-5)


@settings(max_examples=40)
@given(states(), st.integers(2, 5), st.integers(0, 10**6), st.data())
def test_samples_are_labels_with_exact_counts(state, evaluations, seed, data):
    """One phase per voxel, as many voxels of each as asked for, under any potential."""
    lattice, occupation = state
    batch, species = occupation.shape[:2]
    counts = []
    for _ in range(batch):
        cuts = data.draw(
            st.lists(st.integers(0, lattice.n_sites), min_size=species, max_size=species)
        )
        counts.append(np.diff([0, *sorted(cuts)]).tolist())

    def network(occupation, t, kernel, fractions=None):
        return log_potential(occupation, 4.0, seed)

    made = sample_bridges(
        ConditionedNetwork(network),
        Octaves(lattice),
        torch.tensor(counts),
        WalkPlan(tuple(level_grid(9.0, 0.5, evaluations))),
        generators(occupation, seed),
    )
    for c in range(species):
        found = (made.phase == c + 1).flatten(1).sum(1).tolist()
        assert found == [row[c] for row in counts]


@pytest.mark.parametrize("boundary", ["no-flux", "periodic"])
def test_the_axes_are_alike(boundary):
    """A transposed box gives the transposed expectation: no axis is treated on its own."""
    shape = (3, 4, 5)
    draw = torch.Generator().manual_seed(0)
    n_t = torch.randint(0, 3, (1, 1, *shape), generator=draw).float()
    log_h = torch.randn(1, 1, *shape, generator=draw)
    rho = expected_occupation(n_t, log_h, TransitionKernel(Lattice.box(shape, boundary)), 0.8)
    turned = TransitionKernel(Lattice.box(shape[::-1], boundary))
    transposed = expected_occupation(
        n_t.permute(0, 1, 4, 3, 2), log_h.permute(0, 1, 4, 3, 2), turned, 0.8
    )
    np.testing.assert_allclose(transposed.permute(0, 1, 4, 3, 2), rho, rtol=1e-5, atol=1e-6)
