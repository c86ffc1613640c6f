"""The loop of the walk, its potentials, and what else fits into its interfaces."""

import numpy as np
import pytest
import torch
from exact_laws import assert_drawn_from

from microdsd.process import Lattice, TransitionKernel
from microdsd.process.blocks import block_means, spread
from microdsd.process.octaves import Octaves
from microdsd.sampling.lattices import Lattices
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
    box = Octaves(Lattice.box((4, 5, 6), boundary))
    counts = torch.tensor([[7, 30], [60, 0]])

    def flat(occupation, t, kernel, fractions=None):
        return kernel.apply(occupation, t).log1p()

    potential = Slices(flat, 0.5)
    walkers = walk_back(
        Extrapolated(potential, (9.0, 3.0, 1.0)),
        Lattices(box, box),
        Anywhere(counts),
        [(9.0, 3.0), (3.0, 1.0), (3.0, 1.0), (1.0, 0.0)],
        generators(2),
    )
    assert torch.equal(walkers.counts(), counts)
    assert walkers.lattice.shape == (4, 5, 6)


class Visited(Lattices):
    """Lattices that keep the shapes of those that steps began on."""

    def back(self, walkers, *step):
        SHAPES.append(walkers.lattice.shape)
        return super().back(walkers, *step)


SHAPES = []


@pytest.mark.statistics
def test_a_walk_over_two_lattices_is_the_same_walk():
    """One walker under a fixed potential ends where that says; false alarms 1 in 10^5.

    It begins on blocks of two voxels and ends on voxels, one step of each kind made twice.
    """
    n = 4000
    box = Octaves(Lattice.box((6, 4), "no-flux"), (4.0,))
    of_blocks = np.random.default_rng(3).dirichlet(np.full(6, 2.0)).reshape(3, 2)
    field = spread(torch.from_numpy(np.log(of_blocks)).float(), box.kernels[1].lattice)

    def potential(state):
        """On the lattice of the state, of origins that are alike within blocks."""
        lattice = state.kernel.lattice
        return block_means(field, lattice).expand(n, 1, *lattice.shape)

    SHAPES.clear()
    walkers = walk_back(
        potential,
        Visited(box, box),
        Anywhere(torch.ones(n, 1, dtype=torch.int64)),
        [(30.0, 6.0), (30.0, 6.0), (6.0, 2.0), (6.0, 2.0), (2.0, 0.5), (0.5, 0.0)],
        generators(n),
    )
    assert SHAPES == [(3, 2)] * 4 + [(6, 4)] * 2
    p = field.exp() / field.exp().sum()
    assert_drawn_from(walkers.occupation().sum((0, 1)).numpy().ravel(), p.numpy().ravel())
