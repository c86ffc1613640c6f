"""The paper's reverse process on systems small enough to enumerate.

The forward process is a Markov chain on occupation numbers. Its law p_t follows from the chain's
generator, and the exact reverse rate of one of the walkers on voxel x to its neighbour y from

    n_x u(x -> y; n) p_t(n) = (n_y + 1) p_t(n - e_x + e_y),

the flow of the time-reversed chain. Nothing of that uses the kernels or ratios of the package.
"""

import functools
import itertools

import numpy as np
import pytest
import torch
from exact_laws import assert_drawn_from, rate_matrix
from gillespie import sample_gillespie
from test_tiny_systems import one_walker, pair, total_variation, triple

from microdsd.process import Walkers, time_of
from microdsd.process.rates import potential_rates, summed_rates
from microdsd.process.time_schedule import leap_grid
from microdsd.sampling.tau_leaping import AdaptiveLeaps, GridLeaps, sample_tau_leaping
from microdsd.training.rate_objective import rate_loss

SYSTEMS = [one_walker, pair, triple]


class ReverseProcess:
    """Exact law and exact reverse rates of a tiny system: a `RateNetwork`."""

    def __init__(self, system):
        self.system = system
        states, ndim = system.states, len(system.shape)
        number = {tuple(state): i for i, state in enumerate(states)}
        hops = rate_matrix(system.shape, system.boundary)
        generator = np.zeros((len(states), len(states)))
        for i, state in enumerate(states):
            for x, y in zip(*np.nonzero(hops - np.diag(np.diag(hops))), strict=True):
                if state[x]:
                    moved = state.copy()
                    moved[x] -= 1
                    moved[y] += 1
                    flow = state[x] * hops[x, y]
                    generator[i, number[tuple(moved)]] += flow
                    generator[i, i] -= flow
        # Reversible: symmetric after scaling by its stationary law, that of independent walkers.
        weight = np.bincount(system.state_of, minlength=len(states)) ** 0.5
        self._values, vectors = np.linalg.eigh(generator * weight[:, None] / weight)
        self._start = (system.data_law / weight) @ vectors
        self._end = vectors.T * weight
        # State after a hop from x in each direction, and walkers then at the other end.
        self.after = np.full((len(states), 2 * ndim, system.sites), -1)
        self.waiting = np.zeros(self.after.shape)
        for i, state in enumerate(states):
            for x, direction in itertools.product(range(system.sites), range(2 * ndim)):
                place = list(np.unravel_index(x, system.shape))
                axis, step = direction // 2, 2 * (direction % 2) - 1
                place[axis] += step
                if system.boundary[axis] == "periodic":
                    place[axis] %= system.shape[axis]
                elif not 0 <= place[axis] < system.shape[axis]:
                    continue
                y = np.ravel_multi_index(place, system.shape)
                if state[x]:
                    moved = state.copy()
                    moved[x] -= 1
                    moved[y] += 1
                    self.after[i, direction, x] = number[tuple(moved)]
                    self.waiting[i, direction, x] = (state[y] + (x != y)) / state[x]

    def law(self, t):
        """p_t (..., states)."""
        decay = np.exp(np.multiply.outer(t, self._values))
        return ((self._start * decay) @ self._end).clip(1e-300)

    def rates(self, index, t):
        """Rate of one walker (samples, directions, sites) in states at times."""
        p = self.law(np.asarray(t))
        after = self.after[index]
        there = np.take_along_axis(p, after.reshape(len(index), -1).clip(0), 1)
        here = p[np.arange(len(index)), index]
        ratio = there.reshape(after.shape) / here[:, None, None]
        return np.where(after >= 0, self.waiting[index] * ratio, 0.0)

    def __call__(self, occupation, t, kernel, fractions=None):
        u = self.rates(self.system.index(occupation), t.numpy())
        return torch.from_numpy(u).view(len(u), 1, -1, *self.system.shape)

    def leap(self, p, t, s):
        """Law after one leap on a grid, of a law (states,): every walker on its own."""
        system, new = self.system, np.zeros(len(p))
        u = self.rates(np.arange(len(p)), np.full(len(p), t))
        for state, weight in enumerate(p):
            total = u[state].sum(0)
            leaving = 1 - np.exp(-total * (t - s))
            ends = np.diag(1 - leaving)
            for direction, x in zip(*np.nonzero(u[state]), strict=True):
                y = self.target(direction, x)
                ends[x, y] += leaving[x] * u[state, direction, x] / total[x]
            walkers = np.repeat(np.arange(system.sites), system.states[state])
            places = functools.reduce(np.multiply.outer, [ends[x] for x in walkers]).ravel()
            np.add.at(new, system.state_of, weight * places)
        return new

    def target(self, direction, x):
        place = list(np.unravel_index(x, self.system.shape))
        place[direction // 2] += 2 * (direction % 2) - 1
        return np.ravel_multi_index(place, self.system.shape, mode="wrap")

    def leaping_law(self, levels):
        """Law of the sampler at every level and after its last leap."""
        p = np.bincount(self.system.state_of) / len(self.system.places)
        laws = [p]
        times = [float(time_of(level)) for level in levels] + [0.0]
        for t, s in itertools.pairwise(times):
            p = self.leap(p, t, s)
            laws.append(p)
        return laws


@functools.cache
def reverse(system):
    return ReverseProcess(system())


def horizon(system, residual):
    return system().kernel.mixed_level(residual)


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("t", [0.1, 1.0, 10.0])
def test_two_roads_to_the_law_agree(system, t):
    np.testing.assert_allclose(reverse(system).law(t), system().joint(t).sum(1), atol=1e-12)


@pytest.mark.parametrize("t", [0.1, 1.0, 10.0])
def test_one_walker_s_potential_implies_the_reverse_rates(t):
    """With one walker the bridges are exact, and so are the rates of their shortest steps."""
    case, n = one_walker(), len(one_walker().states)
    h = torch.from_numpy(case.data_law[::-1].copy())  # by site: the states go the other way
    log_h = h.clamp_min(1e-30).log().float().view(1, 1, *case.shape).repeat(n, 1, 1, 1)
    rates = potential_rates(log_h, case.kernel, torch.full((n,), t))
    exact = reverse(one_walker).rates(np.arange(n), np.full(n, t))
    seen = case.states[:, None] * rates.flatten(3).squeeze(1).numpy()
    np.testing.assert_allclose(seen, exact, rtol=1e-4)


@functools.cache
def posterior_of_sums(system, t):
    """All labelled places and origins: their probability, state, and summed rates R."""
    case = system()
    places, configurations = case.places, case.configurations
    p, state, origins, ends = [], [], [], []
    for c, sites in enumerate(configurations):
        each = np.prod([case.k(t)[site, places[:, i]] for i, site in enumerate(sites)], 0)
        p.append(case.probability[c] * each)
        state.append(case.state_of)
        origins.append(np.broadcast_to(sites, places.shape))
        ends.append(places)
    p, state = np.concatenate(p), np.concatenate(state)

    def walkers(sites):
        flat = torch.from_numpy(np.concatenate(sites).reshape(-1).copy())
        position = torch.stack(torch.unravel_index(flat, case.shape))
        sample = torch.arange(len(p)).repeat_interleave(case.walkers)
        return Walkers(case.lattice, len(p), 1, sample, position)

    times = torch.full((len(p),), t, dtype=torch.float64)
    summed = summed_rates(walkers(origins), walkers(ends), case.kernel, times)
    return p, state, summed.flatten(3).squeeze(1).double().numpy()


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("t", [0.1, 1.0, 10.0])
def test_reverse_rates_are_mean_conditional_rates(system, t):
    """E[R | n_t] = n u: what the network is trained on has the reverse process as its mean."""
    p, state, summed = posterior_of_sums(system, t)
    states = system().states
    mean = np.zeros((len(states), *summed.shape[1:]))
    np.add.at(mean, state, p[:, None, None] * summed)
    law = np.bincount(state, p)
    mean /= law[:, None, None]
    exact = reverse(system).rates(np.arange(len(states)), np.full(len(states), t))
    likely = law > 1e-9
    np.testing.assert_allclose(
        mean[likely], (exact * states[:, None])[likely], rtol=2e-4, atol=1e-5
    )


def expected_losses(system, t, u, loss):
    """Expected loss of every state, given one rate field per state."""
    p, state, summed = posterior_of_sums(system, t)
    case = system()
    rates = u[state].view(len(p), 1, -1, *case.shape)
    n_t = torch.from_numpy(case.states[state]).double().view(len(p), 1, *case.shape)
    r = torch.from_numpy(summed).view(rates.shape)
    each = rate_loss(rates, r, n_t, case.lattice, loss) * torch.from_numpy(p)
    law = torch.from_numpy(np.bincount(state, p))
    return (
        torch.zeros(len(law), dtype=torch.float64).index_add(0, torch.from_numpy(state), each) / law
    )


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("loss", ["likelihood", "l2"])
@pytest.mark.parametrize("t", [0.1, 1.0, 10.0])
def test_the_losses_are_least_at_the_reverse_rates(system, loss, t):
    n = len(system().states)
    exact = torch.from_numpy(reverse(system).rates(np.arange(n), np.full(n, t)))
    u = exact.clone().requires_grad_()
    best = expected_losses(system, t, u, loss)
    likely = torch.from_numpy(system().joint(t).sum(1)) > 1e-6
    (gradient,) = torch.autograd.grad(best[likely].sum(), u)
    # Where n walkers' rates are r the curvature is n / r or n^2: errors of rounding in R weigh so.
    scale = 1 + exact
    assert float((gradient / scale).abs().max()) < 1e-3
    draw = torch.Generator().manual_seed(0)
    for spread in (0.1, 1.0):
        other = exact * (spread * torch.randn(exact.shape, generator=draw)).exp()
        excess = (expected_losses(system, t, other, loss) - best)[likely]
        assert (excess > -1e-6).all()
        assert excess.mean() > 1e-4


def test_l1_is_least_at_the_median_not_at_the_reverse_rate():
    """A property of the paper's L1 loss to know: its minimiser is not the reverse process."""
    t, n = 1.0, len(pair().states)
    p, state, summed = posterior_of_sums(pair, t)
    median = np.zeros((n, *summed.shape[1:]))
    for i, d, x in np.ndindex(*median.shape):
        if pair().states[i, x]:
            here = state == i
            order = np.argsort(summed[here, d, x])
            share = p[here][order].cumsum() / p[here].sum()
            median[i, d, x] = summed[here, d, x][order][np.searchsorted(share, 0.5)]
            median[i, d, x] /= pair().states[i, x]
    exact = torch.from_numpy(reverse(pair).rates(np.arange(n), np.full(n, t)))
    at_median, at_mean = (
        expected_losses(pair, t, u, "l1") for u in (torch.from_numpy(median), exact)
    )
    assert (at_median <= at_mean + 1e-9).all()
    assert float((at_mean - at_median).mean()) > 0.01


@pytest.mark.parametrize("system", SYSTEMS)
def test_leaps_are_first_order(system):
    """Total variation to the exact law halves when the leaps are halved: 64 to 512 leaps.

    Enumerated, not sampled: the law of the package's sampler with exact rates, see below.
    """
    process = reverse(system)
    start = horizon(system, 1e-8)
    distances = [
        total_variation(
            process.leaping_law(leap_grid(start, 0.5, n))[-2], process.law(float(time_of(0.5)))
        )
        for n in (64, 128, 256, 512)
    ]
    ratios = np.array(distances[:-1]) / distances[1:]
    assert (np.abs(ratios - 2) < 0.25).all(), (distances, ratios)


@pytest.mark.statistics
@pytest.mark.parametrize("system", [pair, triple])
def test_the_sampler_has_its_enumerated_law(system):
    """Chi-square of the states at every level of a coarse grid; false alarms 1 in 10^4."""
    case, process, n = system(), reverse(system), 4000
    levels = leap_grid(horizon(system, 1e-2), 0.4, 6)
    seen = []
    sample_tau_leaping(
        process,
        case.kernel,
        torch.full((n, 1), case.walkers),
        GridLeaps(levels),
        [torch.Generator().manual_seed(i) for i in range(n)],
        observe=seen.append,
    )
    for leap, law in zip(seen, process.leaping_law(levels), strict=False):
        assert_drawn_from(np.bincount(case.index(leap.occupation), minlength=len(law)), law)


@pytest.mark.statistics
@pytest.mark.parametrize("system", SYSTEMS)
def test_event_by_event_gives_the_exact_law(system):
    """Gillespie's algorithm at a level on the way and at the data; false alarms 2 in 10^5."""
    case, process, n = system(), reverse(system), 4000
    generator = torch.Generator().manual_seed(0)
    start = horizon(system, 1e-6)
    drawn = torch.multinomial(
        torch.from_numpy(process.law(float(time_of(start)))), n, True, generator=generator
    )
    state = torch.from_numpy(case.states[drawn]).float().view(n, 1, *case.shape)
    level = start
    for below in (0.8, 1e-3):
        state = sample_gillespie(process, case.kernel, state, level, below, generator)
        assert (state.flatten(1).sum(1) == case.walkers).all()
        law = process.law(float(time_of(below)))
        law = np.where(law < 1e-6, 0.0, law)
        seen = np.bincount(case.index(state), minlength=len(law))
        assert seen[law == 0].sum() <= 1
        assert_drawn_from(np.where(law > 0, seen, 0), law / law.sum())
        level = below


@pytest.mark.statistics
def test_adaptive_leaps_approach_the_data():
    """The paper's rule: total variation to the data falls with epsilon, to what 1,000 draws leave.

    That is sqrt(states / (2 pi n)) < 0.03 for the 4 states that hold the data.
    """
    case, process, n = pair(), reverse(pair), 1000
    start = horizon(pair, 1e-2)
    distances = []
    for epsilon in (0.8, 0.3, 0.1):
        made = sample_tau_leaping(
            process,
            case.kernel,
            torch.full((n, 1), 2),
            AdaptiveLeaps(start, epsilon),
            [torch.Generator().manual_seed(i) for i in range(n)],
        )
        seen = np.bincount(case.index(made.phase.float()), minlength=len(case.states))
        distances.append(total_variation(seen / n, case.data_law))
    assert distances[0] > 2 * distances[1] > 3 * distances[2], distances
    assert distances[2] < 0.06, distances
