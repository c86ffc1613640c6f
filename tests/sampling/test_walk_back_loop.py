"""The loop of the walk, its potentials, and what else fits into its interfaces."""

import numpy as np
import pytest
import torch
from exact_laws import assert_drawn_from

from microdsd.process import Lattice, TransitionKernel
from microdsd.process.noise import time_of
from microdsd.process.octaves import Moment, Octaves
from microdsd.sampling.lattices import OneLattice
from microdsd.sampling.origins import Anywhere
from microdsd.sampling.potentials import Extrapolated, Predicted, Sharpened, State, extrapolate
from microdsd.sampling.walk_back import walk_back

BOX = TransitionKernel(Lattice.box((6, 5), "no-flux"))


def generators(n):
    return [torch.Generator().manual_seed(i) for i in range(n)]


def state(sigma, kernel=BOX):
    return State(sigma, torch.zeros(1, 2, *kernel.lattice.shape), kernel)


def level_itself(occupation, t, kernel, fractions=None):
    """A network that predicts its noise level, everywhere."""
    return torch.zeros_like(occupation) + (2 * t).sqrt().float().view(-1, 1, 1, 1)


def value(potential, sigma):
    return float(potential(state(sigma))[0, 0, 0, 0])


def test_a_potential_is_taken_from_within_the_step():
    """At the first level there is no line; a step made again has the same level before it."""
    potential = Extrapolated(Predicted(level_itself), (16.0, 8.0, 2.0, 1.0))
    into = [
        float(extrapolate(torch.tensor(now), torch.tensor(before), ratio))
        for now, before, ratio in ((8.0, 16.0, 2.0), (2.0, 8.0, 0.5))
    ]
    assert value(potential, 16.0) == 16.0
    assert [value(potential, 8.0) for _ in range(3)] == pytest.approx([into[0]] * 3)
    assert value(potential, 2.0) == pytest.approx(into[1])
    assert value(potential, 1.0) == 1.0


def test_wrappers_stand_around_one_another():
    sharper = Sharpened(Sharpened(Predicted(level_itself), (2.0, 3.0)), (0.5, 2.0))
    assert sharper(state(4.0))[0, :, 0, 0].tolist() == [4.0, 24.0]


def test_a_network_is_asked_once_for_a_potential_however_it_is_wrapped():
    asked = []
    observed = Predicted(level_itself, observe=asked.append)
    Sharpened(Extrapolated(observed, (4.0, 2.0)), (2.0,))(state(4.0))
    assert [visit.sigma for visit in asked] == [4.0]
    assert (asked[0].log_h == 4.0).all()


class Slices:
    """The product of what a network of two axes says of the slices normal to each of three."""

    def __init__(self, network, weight):
        self.network, self.weight = network, weight

    def __call__(self, state):
        return self.weight * sum(self.along(axis, state) for axis in range(3))

    def along(self, axis, state):
        lattice = state.kernel.lattice
        voxels, boundary = (
            tuple(of for k, of in enumerate(values) if k != axis)
            for values in (lattice.shape, lattice.boundary)
        )
        kernel = TransitionKernel(Lattice.box(voxels, boundary))
        slices = state.occupation.movedim(2 + axis, 1)
        batch, number = slices.shape[:2]
        t = state.times.repeat_interleave(number)
        log_h = self.network(slices.flatten(0, 1), t, kernel)
        return log_h.unflatten(0, (batch, number)).movedim(1, 2 + axis)


@pytest.mark.parametrize("boundary", ["no-flux", "periodic"])
def test_a_product_of_slices_is_a_potential(boundary):
    """Three axes from a network of two, under the very same loop: counts are exact."""
    kernel = TransitionKernel(Lattice.box((4, 5, 6), boundary))
    counts = torch.tensor([[7, 30], [60, 0]])

    def flat(occupation, t, kernel, fractions=None):
        return kernel.apply(occupation, t).log1p()

    potential = Slices(flat, 0.5)
    walkers = walk_back(
        Extrapolated(potential, (9.0, 3.0, 1.0)),
        OneLattice(kernel, kernel),
        Anywhere(counts),
        [(9.0, 3.0), (3.0, 1.0), (3.0, 1.0), (1.0, 0.0)],
        generators(2),
    )
    assert torch.equal(walkers.counts(), counts)
    assert walkers.lattice.shape == (4, 5, 6)


class TwoLattices:
    """Blocks of two voxels per axis above a noise level, voxels below."""

    def __init__(self, lattice, level):
        self.octaves = Octaves(lattice, (level,))
        self.visited = []

    def moment(self, sigma):
        return Moment(self.octaves.octave_at(sigma), float(time_of(sigma)))

    def kernel(self, sigma):
        return self.octaves.kernels[self.octaves.octave_at(sigma)]

    hops = kernel

    def back(self, walkers, log_h, high, low, generators):
        self.visited.append(walkers.lattice.shape)
        moments = self.moment(high), self.moment(low), Moment(0, 0.0)
        return self.octaves.sample_back(walkers, log_h, *moments, generators)

    def forward(self, walkers, low, high, generators, *, by_place=False):
        return self.octaves.sample_forward(walkers, self.moment(low), self.moment(high), generators)


@pytest.mark.statistics
def test_a_walk_over_two_lattices_is_the_same_walk():
    """One walker under a fixed potential ends where that says; false alarms 1 in 10^5.

    It begins on blocks of two voxels and ends on voxels, one step of each kind made twice.
    """
    lattice, n = Lattice.box((6, 4), "no-flux"), 4000
    p = np.random.default_rng(3).dirichlet(np.full(24, 2.0))
    field = torch.from_numpy(np.log(p)).float().view(1, 1, 6, 4).expand(n, 1, 6, 4)
    lattices = TwoLattices(lattice, 4.0)
    walkers = walk_back(
        lambda state: field,
        lattices,
        Anywhere(torch.ones(n, 1, dtype=torch.int64)),
        [(30.0, 6.0), (30.0, 6.0), (6.0, 2.0), (6.0, 2.0), (2.0, 0.5), (0.5, 0.0)],
        generators(n),
    )
    assert lattices.visited == [(3, 2)] * 4 + [(6, 4)] * 2
    assert_drawn_from(walkers.occupation().sum((0, 1)).numpy().ravel(), p)
