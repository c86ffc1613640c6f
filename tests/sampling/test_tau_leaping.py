import itertools
import math

import pytest
import torch
from gillespie import sample_gillespie

from microdsd.errors import InputError
from microdsd.process import Lattice, TransitionKernel
from microdsd.process.time_schedule import leap_grid
from microdsd.sampling.tau_leaping import AdaptiveLeaps, GridLeaps, sample_tau_leaping

GRID = GridLeaps(leap_grid(6.0, 0.3, 12))
ADAPTIVE = AdaptiveLeaps(3.0, 0.3)
RULES = [GRID, ADAPTIVE]


def generators(n, seed=0):
    return [torch.Generator().manual_seed(seed + i) for i in range(n)]


def crowded(occupation, t, kernel, fractions=None):
    """Rates without weights: the more walkers, the faster they leave, and unevenly."""
    directions = 2 * kernel.lattice.ndim
    pull = torch.linspace(0.2, 1.5, directions).view(1, 1, -1, *(1,) * kernel.lattice.ndim)
    return (1 + occupation.unsqueeze(2)) * pull


def only(direction, rate=50.0):
    """Rates in one direction alone."""

    def network(occupation, t, kernel, fractions=None):
        rates = torch.zeros(*occupation.shape[:2], 2 * kernel.lattice.ndim, *occupation.shape[2:])
        rates[:, :, direction] = rate
        return rates

    return network


def sample(network, counts, rule, shape=(9, 8), boundary="no-flux", seed=0, **options):
    kernel = TransitionKernel(Lattice.box(shape, boundary))
    counts = torch.as_tensor(counts)
    return sample_tau_leaping(
        network, kernel, counts, rule, generators(len(counts), seed), **options
    )


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("boundary", ["no-flux", "periodic"])
@pytest.mark.parametrize(
    ("shape", "counts"),
    [
        ((9, 8), [[20], [0], [72]]),
        ((9, 8), [[20, 3], [0, 72], [36, 36]]),
        ((4, 5, 3), [[7, 40, 3], [1, 1, 1], [0, 0, 0]]),
        ((12,), [[5, 2], [0, 12], [1, 0]]),
    ],
)
def test_counts_are_exact_at_every_leap(shape, counts, boundary, rule):
    leaps = []
    made = sample(crowded, counts, rule, shape, boundary, observe=leaps.append)
    counts = torch.tensor(counts)
    for c in range(counts.shape[1]):
        assert torch.equal((made.phase == c + 1).flatten(1).sum(1), counts[:, c])
    for leap in leaps:
        assert torch.equal(leap.occupation.flatten(2).sum(-1).long(), counts[leap.samples])
        assert (leap.occupation >= 0).all()


@pytest.mark.parametrize("rule", RULES)
def test_a_sample_does_not_depend_on_its_batch(rule):
    """Nor on when its batch mates end, which is not when it does under the adaptive rule."""
    counts = [[20, 3], [10, 30], [36, 36], [5, 1], [0, 0]]
    leaps = []
    together = sample(crowded, counts, rule, observe=leaps.append)
    if rule is ADAPTIVE:
        assert len({len(leap.samples) for leap in leaps}) > 1
    for i, row in enumerate(counts):
        alone = sample(crowded, [row], rule, seed=i)
        assert torch.equal(alone.phase[0], together.phase[i])
        assert alone.reassigned[0] == together.reassigned[i]


@pytest.mark.parametrize("direction", range(4))
def test_walls_stop_walkers_and_periodic_faces_do_not(direction):
    """All rates towards one wall: walkers pile up there, and none comes out on the other side."""
    axis, up = divmod(direction, 2)
    grid = GridLeaps(leap_grid(6.0, 0.5, 40))
    for boundary in ("no-flux", "periodic"):
        leaps = []
        sample(only(direction), [[12]], grid, (5, 5), boundary, observe=leaps.append)
        line = leaps[-1].occupation[0, 0].sum(1 - axis)
        at_the_wall = int(line[-1 if up else 0])
        assert at_the_wall == 12 if boundary == "no-flux" else at_the_wall < 12


def test_a_walker_hops_once_a_leap_at_most():
    leaps = []
    sample(only(1, 1e9), [[1]], GridLeaps([3.0, 2.0, 1.0]), (9,), "periodic", observe=leaps.append)
    places = [int(leap.occupation.argmax()) for leap in leaps]
    assert [(b - a) % 9 for a, b in itertools.pairwise(places)] == [1, 1]


def test_the_adaptive_leap_is_epsilon_over_the_fastest_walker_of_each_sample():
    def network(occupation, t, kernel, fractions=None):
        """Four times as fast in the second half of the box, where not every sample is."""
        rates = torch.ones(len(occupation), 1, 2, 8)
        rates[..., 4:] = 4.0
        return rates

    leaps = []
    sample(network, [[3], [1]], AdaptiveLeaps(2.0, 0.1), (8,), "periodic", observe=leaps.append)
    for now, after in itertools.pairwise(leaps):
        for place, i in enumerate(now.samples.tolist()):
            if i in after.samples.tolist():
                fastest = 8.0 if now.occupation[place, 0, 4:].any() else 2.0
                later = after.sigma[after.samples.tolist().index(i)]
                gone = (now.sigma[place] ** 2 - later**2) / 2
                assert float(gone) == pytest.approx(0.1 / fastest, rel=1e-4)


def test_empty_voxels_do_not_shorten_leaps():
    def network(occupation, t, kernel, fractions=None):
        rates = torch.where(occupation.unsqueeze(2) > 0, 1.0, 1e6)
        return rates.expand(-1, -1, 2, -1)

    leaps = []
    sample(network, [[1]], AdaptiveLeaps(2.0, 0.1), (30,), "periodic", observe=leaps.append)
    assert len(leaps) == math.ceil(2.0 / (0.1 / 2) - 1e-9)


def test_one_evaluation_per_level_and_told_so():
    seen, told = [], []

    def network(occupation, t, kernel, fractions=None):
        seen.append(t.tolist())
        told.append(fractions)
        return torch.ones(2, 1, 4, 6, 6)

    fractions = torch.tensor([[0.25], [0.5]])
    leaps = []
    sample(network, [[9], [18]], GRID, (6, 6), fractions=fractions, observe=leaps.append)
    assert seen == [[pytest.approx(sigma**2 / 2)] * 2 for sigma in GRID.levels]
    assert all(torch.equal(f, fractions) for f in told)
    assert [leap.sigma.tolist() for leap in leaps] == [
        [pytest.approx(sigma)] * 2 for sigma in GRID.levels
    ]


def test_surplus_walkers_go_where_walkers_are_densest():
    """Nothing moves; occupied voxels keep their phase, and as many others give way."""

    def still(occupation, t, kernel, fractions=None):
        return torch.zeros(*occupation.shape[:2], 4, *occupation.shape[2:])

    leaps = []
    made = sample(still, [[30], [70]], GRID, observe=leaps.append)
    ended = leaps[-1].occupation
    occupied = ended[:, 0] > 0
    assert (made.phase[occupied] == 1).all()
    surplus = (ended - 1).clamp_min(0).flatten(1).sum(1).long()
    assert (surplus > 0).all()
    assert torch.equal(made.reassigned, surplus)


def test_too_many_evaluations_are_an_error_beforehand():
    with pytest.raises(InputError, match=r"epsilon=0\.01.*at least 80000.*max_evaluations is 100"):
        sample(crowded, [[3]], AdaptiveLeaps(20.0, 0.01, 100), (10, 10), "periodic")


def test_walks_that_do_not_end_are_an_error():
    def restless(occupation, t, kernel, fractions=None):
        return torch.full((1, 1, 2, 8), 1e3)

    with pytest.raises(InputError, match=r"max_evaluations=500.*still at noise levels of up to"):
        sample(restless, [[3]], AdaptiveLeaps(2.0, 0.1, 500), (8,), "periodic")


@pytest.mark.parametrize("epsilon", [0.0, 1.0, -0.1])
def test_epsilon_is_a_probability(epsilon):
    with pytest.raises(InputError, match="epsilon="):
        AdaptiveLeaps(5.0, epsilon)


def test_event_by_event_refuses_rates_beyond_their_bound():
    """Rates that jump up on the way cannot be thinned: better no result than a wrong one."""

    def jumping(occupation, t, kernel, fractions=None):
        rate = torch.where(t > 1.0, 1.0, 100.0).float()
        return rate.view(-1, 1, 1, 1).expand(-1, 1, 2, 6)

    kernel = TransitionKernel(Lattice.box((6,), "periodic"))
    state = torch.ones(50, 1, 6)
    with pytest.raises(ArithmeticError, match="not exact"):
        sample_gillespie(jumping, kernel, state, 2.0, 0.5, torch.Generator().manual_seed(0))


def test_event_by_event_counts_its_events():
    """Constant rates: events in time t are Poisson; walkers are conserved and stop at walls."""
    kernel = TransitionKernel(Lattice.box((4, 3), "no-flux"))
    state = torch.zeros(200, 2, 4, 3)
    state[:, 0, 1, 1] = 2
    state[:, 1, 3, 2] = 1
    moved = sample_gillespie(crowded, kernel, state, 2.0, 0.5, torch.Generator().manual_seed(0))
    assert torch.equal(moved.flatten(2).sum(2), state.flatten(2).sum(2))
    assert (moved >= 0).all()
    assert not torch.equal(moved, state)
    still = sample_gillespie(only(0), kernel, moved.roll(0), 2.0, 0.5, torch.Generator())
    assert (still[:, :, 1:] == 0).all()  # all pushed against one wall
