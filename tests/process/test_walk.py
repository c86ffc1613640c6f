import pytest
import torch

from microdsd.process import Lattice, TransitionKernel, Walkers, sample_forward, sample_uniform
from microdsd.process.walk import uniforms


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


@pytest.mark.parametrize("more", [[12, 40], [8, 41], [500, 40]])
def test_common_walkers_draw_the_same_numbers_whatever_their_number(more):
    """Walkers of any species may be added: those that were there start and draw as before."""
    lattice = Lattice.box((6, 5, 4), "no-flux")
    few, many = torch.tensor([[8, 40]]), torch.tensor([more])
    mine, other = generators(1, seed=3), generators(1, seed=3)
    start = sample_uniform(few, lattice, mine), sample_uniform(many, lattice, other)
    drawn = uniforms(start[0], mine), uniforms(start[1], other)
    for species in range(2):
        kept = int(few[0, species])
        for a, b in [(s.position for s in start), drawn]:
            ours = a[:, start[0].channel == species]
            theirs = b[:, start[1].channel == species][:, :kept]
            assert torch.equal(ours, theirs)
    assert mine[0].get_state().equal(other[0].get_state())


def test_numbers_are_those_of_splitmix64():
    """Against the published recurrence, in Python's own integers."""
    lattice = Lattice.box((5, 5), "no-flux")
    walkers = sample_uniform(torch.tensor([[3, 2], [0, 4]]), lattice, generators(2))
    drawn = uniforms(walkers, generators(2, seed=7))
    whole = (1 << 64) - 1
    keys = [
        int(torch.randint((1 << 63) - 1, (1,), generator=generator))
        for generator in generators(2, seed=7)
    ]
    number = [0, 1, 2, 0, 1, 0, 1, 2, 3]
    for walker, channel in enumerate(walkers.channel.tolist()):
        sample, species = divmod(channel, 2)
        for axis in range(2):
            state = keys[sample]
            for _ in range(number[walker] * 4 + species * 2 + axis + 1):
                state = (state + 0x9E3779B97F4A7C15) & whole
            state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & whole
            state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & whole
            state ^= state >> 31
            assert float(drawn[axis, walker]) == (state >> 40) / 2**24


def test_numbers_are_uniform_and_those_of_the_axes_are_unrelated():
    """Chi-square over 16 x 16 cells of two axes, and over walkers; false alarm 1 in 10^5."""
    lattice = Lattice.box((5, 5), "no-flux")
    walkers = sample_uniform(torch.tensor([[100_000]]), lattice, generators(1))
    u = uniforms(walkers, generators(1, seed=5))
    assert ((u >= 0) & (u < 1)).all()
    for a, b in [(u[0], u[1]), (u[0, 1:], u[0, :-1]), (u[0, 2:], u[1, :-2])]:
        cells = torch.bincount((a * 16).long() * 16 + (b * 16).long(), minlength=256).double()
        expected = len(a) / 256
        statistic = float(((cells - expected) ** 2 / expected).sum())
        assert abs(statistic - 255) < 4.7 * (2 * 255) ** 0.5


def test_by_place_the_same_voxels_walk_alike():
    lattice = Lattice.box((9, 8), "no-flux")
    kernel = TransitionKernel(lattice)
    few = torch.zeros(1, 2, 9, 8)
    few[:, :, ::2, ::3] = 1
    many = few.clone()
    many[:, :, 0, 1] = 1  # before most of the others in the order of the array
    ends = []
    for occupation in (few, many):
        walkers = Walkers.of(occupation, lattice)
        t = torch.tensor([0.7])
        moved = sample_forward(walkers, kernel, t, generators(1), by_place=True)
        start = (walkers.channel * lattice.n_sites + walkers.site()).tolist()
        ends.append(dict(zip(start, moved.site().tolist(), strict=True)))
    assert len(ends[1]) == len(ends[0]) + 2
    assert ends[0].items() <= ends[1].items()
    assert any(end != start % lattice.n_sites for start, end in ends[0].items())
