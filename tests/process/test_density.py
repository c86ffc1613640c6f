"""Walkers drawn from densities: their law, and their counts."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from microdsd.process import Lattice
from microdsd.process.density import places, sample_density
from microdsd.process.slabs import start_density
from microdsd.process.walk import draw_key

FALSE_ALARM = 1e-3


def generators(n, seed=0):
    return [torch.Generator().manual_seed(seed + k) for k in range(n)]


def density(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).uniform(0.1, 2.0, shape))


def test_walkers_follow_the_density():
    """Chi-square of 40 000 walkers on 3 x 4 x 2 sites; false alarms: 1 in 1000."""
    lattice = Lattice.box((3, 4, 2), "no-flux")
    law = density(1, 1, 3, 4, 2)
    counts = torch.tensor([[40_000]])
    drawn = sample_density(counts, law, lattice, generators(1)).occupation().ravel().numpy()
    expected = (law / law.sum()).ravel().numpy() * 40_000
    assert chisquare(drawn, expected).pvalue > FALSE_ALARM


def test_no_walker_where_the_density_is_zero():
    law = density(1, 1, 5, 4)
    law[0, 0, 0] = law[0, 0, 4] = law[0, 0, :, 3] = 0.0
    lattice = Lattice.box((5, 4), "no-flux")
    drawn = sample_density(torch.tensor([[9_000]]), law, lattice, generators(1)).occupation()[0, 0]
    assert not drawn[law[0, 0] == 0].any()
    assert (drawn[law[0, 0] > 0] > 0).all()


@given(
    counts=st.lists(st.lists(st.integers(0, 40), min_size=2, max_size=2), min_size=1, max_size=3)
)
def test_counts_are_exact_and_samples_independent_of_the_batch(counts):
    lattice = Lattice.box((6, 5), "no-flux").coarsened(2)
    law = density(len(counts), 2, *lattice.shape)
    together = sample_density(torch.tensor(counts), law, lattice, generators(len(counts)))
    assert together.counts().tolist() == counts
    for k, one in enumerate(generators(len(counts))):
        alone = sample_density(torch.tensor(counts[k : k + 1]), law[k : k + 1], lattice, [one])
        assert torch.equal(alone.occupation()[0], together.occupation()[k])


def test_large_boxes_start_with_the_same_walkers(monkeypatch):
    monkeypatch.setattr("microdsd.process.slabs._TOGETHER", 7)
    lattice = Lattice.box((6, 5, 4), "no-flux")
    law, counts = density(1, 2, *lattice.shape), torch.tensor([[31, 18]])
    expected = sample_density(counts, law, lattice, generators(1)).occupation()[0]
    drawn = start_density(counts[0], law[0], lattice, draw_key(generators(1)[0]))
    assert torch.equal(drawn.float(), expected)


def test_a_walker_stays_nearby_where_the_density_changes_a_little():
    law = density(30, 30)
    u = torch.rand(2, 500, generator=generators(1)[0])
    moved = (places(law, u) - places(law + 1e-3 * density(30, 30, seed=1), u)).abs()
    assert moved.max() <= 1
