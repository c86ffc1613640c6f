"""Systems small enough to enumerate: the reverse process is known exactly, and the code meets it.

The data are a few configurations of walkers with known probabilities. For every state n_t the
posterior of the origins follows by enumeration, and from it the potential that minimises the
training objective: the one whose expected occupation is the posterior's. The sampler that uses
these potentials has a law that can be enumerated too.
"""

import functools
import itertools

import numpy as np
import pytest
import torch
from exact_laws import assert_drawn_from, kernel_matrix, step_law

from microdsd.models.plan import WalkPlan
from microdsd.process import (
    Lattice,
    TransitionKernel,
    Walkers,
    expected_occupation,
    level_grid,
    noise_level,
    sample_bridge_step,
    sample_forward,
    sample_uniform,
    time_of,
)
from microdsd.process.octaves import Moment, Octaves
from microdsd.sampling import ConditionedNetwork, sample_bridges
from microdsd.sampling.potentials import LEAD
from microdsd.training import origin_loss


class TinySystem:
    """A box, and configurations (tuples of occupied sites) with their probabilities."""

    def __init__(self, shape, boundary, data):
        self.shape, self.boundary = shape, boundary
        self.sites = int(np.prod(shape))
        self.configurations = list(data)
        self.walkers = len(self.configurations[0])
        self.probability = np.array([data[c] for c in self.configurations])
        self.lattice = Lattice.box(shape, boundary)
        self.kernel = TransitionKernel(self.lattice)
        # All places of labelled walkers, and the occupation numbers that are all one can see.
        self.places = np.array(list(itertools.product(range(self.sites), repeat=self.walkers)))
        occupied = np.stack([np.bincount(p, minlength=self.sites) for p in self.places])
        self.states, self.state_of = np.unique(occupied, axis=0, return_inverse=True)
        self.origins = np.stack(
            [np.bincount(c, minlength=self.sites) for c in self.configurations]
        ).astype(float)
        self.data_law = np.zeros(len(self.states))
        for occupation, p in zip(self.origins, self.probability, strict=True):
            self.data_law[(self.states == occupation).all(1)] += p

    @functools.cache  # noqa: B019
    def k(self, t):
        return kernel_matrix(self.shape, self.boundary, t)

    def joint(self, t):
        """P(n_t, configuration) (states, configurations), over all places of labelled walkers."""
        joint = np.zeros((len(self.states), len(self.configurations)))
        for c, sites in enumerate(self.configurations):
            each = np.prod([self.k(t)[site, self.places[:, i]] for i, site in enumerate(sites)], 0)
            np.add.at(joint[:, c], self.state_of, self.probability[c] * each)
        return joint

    def posterior(self, t):
        """P(configuration | n_t) (states, configurations)."""
        joint = self.joint(t)
        return joint / joint.sum(1, keepdims=True)

    @functools.cache  # noqa: B019
    def best_h(self, t):
        """Minimiser of the objective for every state (states, sites), by proportional fitting."""
        wanted = self.posterior(t) @ self.origins
        h = np.ones_like(wanted)
        for _ in range(10_000):
            rho = h * ((self.states / (h @ self.k(t))) @ self.k(t))
            error = np.abs(rho - wanted).max(1)
            if error.max() < 1e-9:
                break
            h *= np.divide(wanted, rho, out=np.zeros_like(rho), where=wanted > 0)
            h /= h.max(1, keepdims=True)
        # At low levels a few states that hardly ever occur are slow to converge.
        assert error @ self.joint(t).sum(1) < 1e-6
        return h

    def sampler_law(self, levels, *, second_order=True):
        """Laws of the states at every level, and at time 0 when the last step is drawn too.

        The potential of a step depends on the state now and, extrapolated, on the one before:
        what is enumerated is the joint law of that state and the walkers' places.
        """
        times = [float(time_of(sigma)) for sigma in levels] + [0.0]
        law = np.full((1, len(self.places)), 1.0 / len(self.places))
        seen = [law.sum(0)]
        before = None
        for i, (t, s) in enumerate(itertools.pairwise(times)):
            now = np.log(self.best_h(t).clip(1e-300))
            ahead = now[None]
            if second_order and before is not None and s > 0:
                ratio = np.log(levels[i] / levels[i + 1]) / np.log(levels[i - 1] / levels[i])
                ahead = now[None] + LEAD * ratio * (now[None] - before[:, None])
            h = np.exp((ahead - ahead.max(-1, keepdims=True)).clip(-50.0))
            moved = np.zeros((len(self.states), len(self.places)))
            for earlier, p in enumerate(law):
                if not p.any():
                    continue
                row = earlier if len(ahead) > 1 else 0
                laws = [step_law(self.shape, self.boundary, field, t, s) for field in h[row]]
                for place, (sites, state) in enumerate(
                    zip(self.places, self.state_of, strict=True)
                ):
                    ends = [laws[state][site] for site in sites]
                    moved[state] += p[place] * functools.reduce(np.multiply.outer, ends).ravel()
            law, before = moved, now
            seen.append(law.sum(0))
        return [np.bincount(self.state_of, p, minlength=len(self.states)) for p in seen]

    def network(self, occupation, t, kernel, fractions=None):
        """The best potential, looked up: a `PotentialNetwork`."""
        h = self.best_h(float(t[0]))
        index = self.index(occupation)
        with np.errstate(divide="ignore"):
            log_h = np.log(h[index]).clip(-1e4)
        return torch.from_numpy(log_h).float().view(occupation.shape)

    def index(self, occupation):
        """Index of the state of every sample."""
        base = (self.walkers + 1) ** np.arange(self.sites)
        order = np.argsort(self.states @ base)
        return order[
            np.searchsorted(self.states @ base, occupation.flatten(1).numpy() @ base, sorter=order)
        ]


def total_variation(p, q):
    return 0.5 * np.abs(p - q).sum()


def generators(n, seed=0):
    return [torch.Generator().manual_seed(seed + i) for i in range(n)]


@functools.cache
def one_walker():
    p = {(0,): 0.4, (2,): 0.3, (3,): 0.2, (5,): 0.1}
    return TinySystem((2, 3), ("no-flux", "periodic"), p)


@functools.cache
def pair():
    return TinySystem((6,), ("no-flux",), {(0, 1): 0.5, (3, 4): 0.2, (2, 5): 0.2, (1, 3): 0.1})


@functools.cache
def triple():
    return TinySystem((5,), ("periodic",), {(0, 1, 2): 0.6, (1, 3, 4): 0.3, (0, 2, 4): 0.1})


def horizon(system, residual):
    """Smallest level at which the box is mixed to ``residual``."""
    return noise_level(np.log(residual) / np.log(system.kernel.mixing_residual(1.0)))


@pytest.mark.parametrize("system", [one_walker, pair, triple])
@pytest.mark.parametrize("sigma", [0.4, 1.0, 5.0])
def test_the_objective_is_stationary_at_the_posterior_s_potential(system, sigma):
    """For every state: no gradient, and no other potential has a lower expected loss."""
    system, t = system(), float(time_of(sigma))
    states, configurations = len(system.states), len(system.configurations)
    posterior = torch.from_numpy(system.posterior(t)).float()
    log_h = torch.from_numpy(system.best_h(t)).clamp_min(1e-15).log().float().requires_grad_()

    def expected_loss(log_h):
        spread = log_h[:, None].expand(states, configurations, system.sites)
        n_t = torch.from_numpy(system.states).float()[:, None].expand_as(spread)
        n_0 = torch.from_numpy(system.origins).float().expand_as(spread)
        each = [x.reshape(-1, 1, *system.shape) for x in (spread, n_0, n_t)]
        loss = origin_loss(
            *each, Octaves(system.lattice), Moment(0, torch.full((states * configurations,), t))
        )
        return (loss.view(states, configurations) * posterior).sum(1)

    best = expected_loss(log_h)
    (gradient,) = torch.autograd.grad(best.sum(), log_h)
    likely = system.joint(t).sum(1) > 1e-6
    np.testing.assert_allclose(gradient[likely], 0, atol=1e-5)
    draw = torch.Generator().manual_seed(0)
    for spread in (0.1, 1.0):
        elsewhere = log_h + spread * torch.randn(log_h.shape, generator=draw)
        excess = expected_loss(elsewhere) - best
        assert (excess > -1e-5).all()
        assert excess.mean() > 1e-4


def entropy(p):
    return -np.sum(p[p > 0] * np.log(p[p > 0]))


@pytest.mark.parametrize("sigma", [0.4, 1.0, 5.0])
def test_the_least_loss_of_one_walker_is_an_entropy_difference(sigma):
    """E[-log P(y | x) + log K(x, y)] = H(x_0) - H(x_t), summed here over all pairs (x, y)."""
    system, t = one_walker(), float(time_of(sigma))
    joint = system.joint(t)  # states are sites in descending order of the only walker's site
    each = np.zeros_like(joint)
    for state, n_t in enumerate(system.states):
        for c, n_0 in enumerate(system.origins):
            log_h = torch.from_numpy(system.best_h(t)[state]).clamp_min(1e-15).log()
            each[state, c] = origin_loss(
                *(torch.as_tensor(x).float().view(1, 1, *system.shape) for x in (log_h, n_0, n_t)),
                Octaves(system.lattice),
                Moment(0, torch.tensor([t])),
            )
    expected = entropy(system.probability) - entropy(joint.sum(1))
    assert (each * joint).sum() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("evaluations", [2, 3, 9])
def test_one_walker_is_exact_however_few_the_evaluations(evaluations):
    """With one walker the posterior is a bridge, so the sampler's law is that of the data.

    Enumerated to rounding; total variation below 1e-6, which is what the start leaves.
    """
    system = one_walker()
    levels = level_grid(horizon(system, 1e-7), 0.3, evaluations)
    assert total_variation(system.sampler_law(levels)[-1], system.data_law) < 1e-6


@pytest.mark.statistics
@pytest.mark.parametrize("evaluations", [2, 6])
def test_one_walker_drawn_by_the_package(evaluations):
    """Chi-square of 40,000 chains; false alarms 1 in 10^5."""
    system = one_walker()
    p = system.data_law[::-1].copy()  # by site: the states are sorted the other way round
    log_p = torch.from_numpy(np.log(p.clip(1e-30))).float().view(1, 1, *system.shape)
    generator = generators(1)
    walkers = sample_uniform(torch.tensor([[40_000]]), system.lattice, generator)
    levels = level_grid(horizon(system, 1e-7), 0.3, evaluations)
    times = [float(time_of(sigma)) for sigma in levels] + [0.0]
    for t, s in itertools.pairwise(times):
        walkers = sample_bridge_step(walkers, log_p, system.kernel, t, s, generator)
    assert_drawn_from(walkers.occupation().numpy().ravel(), p)


@pytest.mark.statistics
def test_one_walker_sampled_and_assigned():
    """The whole sampler with the best potential and two evaluations; false alarms 1 in 10^5.

    The assignment picks the likeliest voxel; at sigma 0.02 that is where the walker stands.
    """
    system, n = one_walker(), 2000
    levels = level_grid(horizon(system, 1e-7), 0.02, 2)
    counts = torch.ones(n, 1, dtype=torch.int64)
    made = sample_bridges(
        ConditionedNetwork(system.network),
        Octaves(system.lattice),
        counts,
        WalkPlan(tuple(levels)),
        generators(n),
    )
    assert (made.phase.flatten(1).sum(1) == 1).all()
    observed = made.phase.flatten(1).sum(0).numpy()
    assert_drawn_from(observed, system.data_law[::-1])


@pytest.mark.parametrize(
    ("system", "bounds"),
    [(pair, (0.45, 0.34, 0.25, 0.15)), (triple, (0.58, 0.51, 0.40, 0.29))],
)
def test_several_walkers_approach_the_data_as_evaluations_grow(system, bounds):
    """Total variation between the sampler's law, enumerated, and the data.

    Walkers drawn independently within a step under one common potential are an approximation:
    it must fall with every doubling of the evaluations (2, 4, 8, 16).
    """
    system = system()
    distances = [
        total_variation(
            system.sampler_law(level_grid(horizon(system, 1e-4), 0.2, n))[-1], system.data_law
        )
        for n in (2, 4, 8, 16)
    ]
    assert (np.diff(distances) < 0).all()
    assert (np.array(distances) < bounds).all(), distances


@pytest.mark.parametrize("system", [pair, triple])
def test_the_second_order_step_is_nearer_to_the_data(system):
    system = system()
    levels = level_grid(horizon(system, 1e-4), 0.2, 16)
    second, first = (
        total_variation(system.sampler_law(levels, second_order=order)[-1], system.data_law)
        for order in (True, False)
    )
    assert second < 0.95 * first


@pytest.mark.statistics
def test_the_sampler_has_its_enumerated_law_at_every_level():
    """Chi-square of the states that the package visits; false alarms 4 in 10^5."""
    system, n = pair(), 3000
    levels = level_grid(horizon(system, 1e-4), 0.4, 4)
    counts = torch.full((n, 1), 2)
    visits = []
    sample_bridges(
        ConditionedNetwork(system.network, observe=visits.append),
        Octaves(system.lattice),
        counts,
        WalkPlan(tuple(levels)),
        generators(n),
    )
    assert [visit.sigma for visit in visits] == levels
    for visit, law in zip(visits, system.sampler_law(levels), strict=False):
        assert_drawn_from(np.bincount(system.index(visit.occupation), minlength=len(law)), law)


def test_symmetric_data_give_symmetric_samples():
    """Data that are their own mirror image: so is the law of the samples."""
    system = TinySystem((5,), ("no-flux",), {(0, 1): 0.35, (3, 4): 0.35, (1, 3): 0.3})
    law = system.sampler_law(level_grid(horizon(system, 1e-4), 0.4, 4))[-1]
    mirror = system.index(torch.from_numpy(system.states[:, ::-1].copy()).float())
    np.testing.assert_allclose(law, law[mirror], atol=1e-7)


@pytest.mark.statistics
@pytest.mark.parametrize("sigma", [0.6, 2.0])
def test_a_potential_learned_from_drawn_walks_is_the_posterior_s(sigma):
    """One table row per state, trained as networks are: windows, walks, objective.

    Total variation between the origins that the learned and the best potential expect, averaged
    over the states as they occur: below 0.02, where an untrained table has more than 0.2.
    """
    system, t = pair(), float(time_of(sigma))
    rng, generator, batch = np.random.default_rng(0), torch.Generator().manual_seed(0), 512
    table = torch.zeros(len(system.states), 6, requires_grad=True)
    optimizer = torch.optim.Adam([table], lr=0.2)
    rate = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 300)
    times = torch.full((batch,), t)
    for _ in range(300):
        drawn = rng.choice(len(system.configurations), batch, p=system.probability)
        n_0 = torch.from_numpy(system.origins[drawn]).float()[:, None]
        walkers = Walkers.of(n_0, system.lattice)
        n_t = sample_forward(walkers, system.kernel, times, [generator] * batch).occupation()
        log_h = table[torch.from_numpy(system.index(n_t))][:, None]
        optimizer.zero_grad()
        origin_loss(log_h, n_0, n_t, Octaves(system.lattice), Moment(0, times)).mean().backward()
        optimizer.step()
        rate.step()
    n_t = torch.from_numpy(system.states).float()[:, None]
    wanted = system.posterior(t) @ system.origins
    occurrence = system.joint(t).sum(1)

    def distance(log_h):
        rho = expected_occupation(n_t, log_h, system.kernel, t)[:, 0].detach().numpy()
        return occurrence @ (0.5 * np.abs(rho - wanted).sum(1)) / system.walkers

    assert distance(table[:, None]) < 0.02
    assert distance(torch.zeros_like(n_t)) > 0.2
