import pytest
import torch

from microdsd.process import Lattice, TransitionKernel, Walkers, sample_forward, sample_uniform


def generators(n, seed=0):
    return [torch.Generator().manual_seed(seed + i) for i in range(n)]


def random_occupation(shape, high, seed=0):
    draw = torch.Generator().manual_seed(seed)
    return torch.randint(0, high + 1, shape, generator=draw).float()


@pytest.mark.parametrize("high", [1, 4])
@pytest.mark.parametrize("space", [(7,), (3, 5), (2, 3, 4)])
def test_occupation_to_walkers_and_back(high, space):
    occupation = random_occupation((2, 3, *space), high)
    walkers = Walkers.of(occupation, Lattice.box(space, "no-flux"))
    assert torch.equal(walkers.occupation(), occupation)
    assert torch.equal(walkers.counts(), occupation.flatten(2).sum(-1).long())
    assert torch.equal(walkers.sample, torch.div(walkers.channel, 3, rounding_mode="floor"))


def test_an_empty_box_has_no_walkers():
    lattice = Lattice.box((3, 3), "no-flux")
    empty = torch.zeros(2, 1, 3, 3)
    walkers = Walkers.of(empty, lattice)
    moved = sample_forward(walkers, TransitionKernel(lattice), torch.ones(2), generators(2))
    assert torch.equal(moved.occupation(), empty)
    assert sample_uniform(
        torch.zeros(2, 1, dtype=torch.int64), lattice, generators(2)
    ).position.shape == (2, 0)


def test_no_time_no_move():
    occupation = random_occupation((2, 2, 4, 6), 3)
    lattice = Lattice.box((4, 6), ("periodic", "no-flux"))
    walkers = Walkers.of(occupation, lattice)
    still = sample_forward(walkers, TransitionKernel(lattice), torch.zeros(2), generators(2))
    assert torch.equal(still.occupation(), occupation)


@pytest.mark.parametrize("t", [0.3, 500.0])
def test_species_and_samples_never_mix(t):
    """Walkers are followed one by one: each keeps its sample and its species."""
    occupation = random_occupation((3, 2, 5, 4), 2, seed=3)
    occupation[1, 0] = 0
    lattice = Lattice.box((5, 4), "periodic")
    before = Walkers.of(occupation, lattice)
    after = sample_forward(before, TransitionKernel(lattice), torch.full((3,), t), generators(3))
    assert torch.equal(after.channel, before.channel)
    assert torch.equal(after.occupation().flatten(2).sum(-1), occupation.flatten(2).sum(-1))
    assert (after.position >= 0).all()
    assert (after.position < torch.tensor([[5], [4]])).all()


def test_a_sample_does_not_depend_on_its_batch():
    lattice = Lattice.box((6, 5), "no-flux")
    kernel = TransitionKernel(lattice)
    occupation = random_occupation((4, 2, 6, 5), 2)
    t = torch.tensor([0.2, 1.0, 4.0, 9.0], dtype=torch.float64)
    together = sample_forward(
        Walkers.of(occupation, lattice), kernel, t, generators(4)
    ).occupation()
    for i in range(4):
        mine = Walkers.of(occupation[i : i + 1], lattice)
        alone = sample_forward(mine, kernel, t[i : i + 1], generators(1, seed=i)).occupation()
        assert torch.equal(alone[0], together[i])


def test_uniform_start_does_not_depend_on_the_batch():
    lattice = Lattice.box((6, 5), "no-flux")
    counts = torch.tensor([[3, 9], [0, 4], [30, 1]])
    together = sample_uniform(counts, lattice, generators(3))
    assert torch.equal(together.counts(), counts)
    for i in range(3):
        alone = sample_uniform(counts[i : i + 1], lattice, generators(1, seed=i))
        assert torch.equal(alone.occupation()[0], together.occupation()[i])
