"""What holds for every leap, whatever the box, the state and the rates."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from test_process_properties import generators, states

from microdsd.process import TransitionKernel, Walkers, sample_forward, time_of
from microdsd.process.rates import conditional_rates, hop, open_faces, summed_rates
from microdsd.process.time_schedule import leap_grid
from microdsd.sampling import AdaptiveLeaps, GridLeaps, sample_tau_leaping

rules = st.one_of(
    st.integers(2, 6).map(lambda n: GridLeaps(leap_grid(5.0, 0.2, n))),
    st.floats(0.2, 0.9).map(lambda epsilon: AdaptiveLeaps(1.0, epsilon)),
)


def any_rates(spread, seed):
    """Rates that differ everywhere and know nothing of walls."""

    def network(occupation, t, kernel, fractions=None):
        shape = (*occupation.shape[:2], 2 * kernel.lattice.ndim, *occupation.shape[2:])
        draw = torch.Generator().manual_seed(seed)
        return (spread * torch.randn(shape, generator=draw)).exp()

    return network


@settings(max_examples=40)
@given(states(), rules, st.floats(0, 3), st.integers(0, 10**6), st.data())
def test_counts_hold_at_every_leap_and_labels_are_valid(state, rule, spread, seed, data):
    """One phase per voxel, as many voxels of each as asked for."""
    lattice, occupation = state
    batch, species = occupation.shape[:2]
    wanted = [
        data.draw(
            st.lists(st.integers(0, lattice.n_sites // species), min_size=species, max_size=species)
        )
        for _ in range(batch)
    ]
    leaps, counts = [], torch.tensor(wanted)
    made = sample_tau_leaping(
        any_rates(spread, seed),
        TransitionKernel(lattice),
        counts,
        rule,
        generators(occupation, seed),
        observe=leaps.append,
    )
    for leap in leaps:
        assert torch.equal(leap.occupation.flatten(2).sum(2).long(), counts[leap.samples])
    for c in range(species):
        assert torch.equal((made.phase == c + 1).flatten(1).sum(1), counts[:, c])


@settings(max_examples=40)
@given(states(), st.floats(0.05, 20), st.integers(0, 10**6))
def test_conditional_rates_are_finite_and_stop_at_walls(state, sigma, seed):
    lattice, occupation = state
    kernel, t = TransitionKernel(lattice), time_of(sigma).repeat(len(occupation))
    origins = Walkers.of(occupation, lattice)
    walkers = sample_forward(origins, kernel, t, generators(occupation, seed))
    rates = conditional_rates(origins, walkers, kernel, t)
    assert torch.isfinite(rates).all()
    assert (rates >= 0).all()
    closed = ~open_faces(lattice).flatten(1)[:, walkers.site()]
    assert (rates[closed] == 0).all()
    summed = summed_rates(origins, walkers, kernel, t)
    torch.testing.assert_close(summed.double().sum(), rates.double().sum(), rtol=1e-4, atol=1e-6)


@settings(max_examples=40)
@given(states(), st.integers(0, 10**6))
def test_a_hop_and_its_reverse_lead_home(state, seed):
    lattice, occupation = state
    walkers = Walkers.of(occupation, lattice)
    draw = torch.Generator().manual_seed(seed)
    direction = torch.randint(-1, 2 * lattice.ndim, walkers.channel.shape, generator=draw)
    closed = ~open_faces(lattice).flatten(1)[direction.clamp_min(0), walkers.site()]
    direction[closed] = -1
    back = torch.where(direction < 0, -1, direction ^ 1)
    moved = hop(walkers, direction)
    assert torch.equal(moved.occupation().flatten(2).sum(2), occupation.flatten(2).sum(2))
    assert torch.equal(hop(moved, back).position, walkers.position)
