"""Networks of slices under volumes: which slices are asked, and what is made of the answers."""

import itertools
import math

import numpy as np
import pytest
import torch
from exact_laws import assert_drawn_from
from tiny_models import tiny_network

from microdsd.networks import slices as slices_module
from microdsd.networks import slicing
from microdsd.networks.expected_material import (
    expected_material,
    leading_potential,
    offsets_to_totals,
)
from microdsd.networks.own_evidence import own_evidence
from microdsd.networks.slices import SliceNetworks, SliceReading
from microdsd.process import Lattice, TransitionKernel
from microdsd.process.octaves import Octaves
from microdsd.sampling.lattices import Lattices
from microdsd.sampling.origins import Anywhere
from microdsd.sampling.walk_back import walk_back

BOX = Lattice.box((4, 6, 5), ("periodic", "no-flux", "no-flux"))


class Fixed(torch.nn.Module):
    """A network that always wants walkers in the same places, and notes what it is asked."""

    def __init__(self, fields):
        super().__init__()
        self.fields, self.asked = fields, []

    def forward(self, occupation, t, kernel, fractions=None, classes=None):
        self.asked.append((occupation, t, kernel, fractions, classes))
        return self.fields[kernel.lattice.shape].expand(len(occupation), 1, -1, -1)

    def joint(self, occupation, t, kernel, fractions=None, classes=None):
        log_h = self.forward(occupation, t, kernel, fractions, classes)
        return log_h, torch.cat([-log_h, 2 * log_h], 1).log_softmax(1)


class Symmetric(torch.nn.Module):
    """A random network to which the two axes of a slice are alike."""

    def __init__(self):
        super().__init__()
        self.network = tiny_network(seed=3)
        self.config = self.network.config

    def joint(self, occupation, t, kernel, fractions=None, classes=None):
        turned = TransitionKernel(
            Lattice(kernel.lattice.voxels[::-1], kernel.lattice.boundary[::-1])
        )
        straight = self.network.joint(occupation, t, kernel, fractions)
        across = self.network.joint(occupation.mT, t, turned, fractions)
        return tuple(one + other.mT for one, other in zip(straight, across, strict=True))


def centred(field):
    return field - field.mean()


def fixed_fields():
    rng = np.random.default_rng(0)
    pairs = itertools.combinations(BOX.shape, 2)
    return {pair: torch.from_numpy(rng.normal(size=pair)).float() for pair in pairs}


def state(batch=1, sigma=2.0, species=1):
    rng = np.random.default_rng(1)
    occupation = torch.from_numpy(rng.poisson(0.4, (batch, species, *BOX.shape))).float()
    return occupation, torch.full((batch,), sigma**2 / 2), TransitionKernel(BOX)


def test_every_slice_is_asked_with_the_kernel_of_its_plane():
    network = Fixed(fixed_fields())
    occupation, t, kernel = state(sigma=2.0)
    SliceNetworks([network] * 3, SliceReading(level=1.5), 30.0)(occupation, t, kernel)
    asked = network.asked
    assert [len(one[0]) for one in asked] == [4, 6, 5]
    assert [one[2].lattice.shape for one in asked] == [(6, 5), (4, 5), (4, 6)]
    assert [one[2].lattice.boundary for one in asked] == [
        ("no-flux", "no-flux"),
        ("periodic", "no-flux"),
        ("periodic", "no-flux"),
    ]
    assert torch.equal(asked[1][0][2, 0], occupation[0, 0, :, 2])
    for shown, times, _, fractions, _ in asked:
        assert times.tolist() == pytest.approx([4.5] * len(shown))  # (1.5 * 2)^2 / 2
        assert torch.equal(fractions, shown.mean((2, 3)))


def test_levels_above_those_of_training_are_not_asked():
    network = Fixed(fixed_fields())
    occupation, t, kernel = state(sigma=9.0)
    SliceNetworks([network] * 3, SliceReading(level=1.5), 10.0)(occupation, t, kernel)
    assert {float(one[1][0]) for one in network.asked} == {50.0}


def test_log_odds_are_the_weighted_sum_of_three_and_own_evidence_counts_once():
    fields = fixed_fields()
    networks = SliceNetworks([Fixed(fields)] * 3, SliceReading((0.7, 0.3), 1.0), 30.0)
    (a, b, c) = BOX.shape
    whole = fields[b, c][None] + fields[a, c][:, None] + fields[a, b][:, :, None]
    for sigma, weight in ((0.4, 0.7), (8.0, 0.3), (math.sqrt(8.0), 0.5)):
        occupation, t, kernel = state(sigma=sigma)
        log_h, log_p = networks.joint(occupation, t, kernel)
        own = own_evidence(occupation, t, kernel)[0, 0]
        odds = weight * (3 * whole - 3 * own) + own
        torch.testing.assert_close(centred((log_p[:, 1] - log_p[:, 0])[0]), centred(odds))
        torch.testing.assert_close(log_p.exp().sum(1), torch.ones(1, *BOX.shape))
        # As much is expected as there are walkers.
        torch.testing.assert_close(log_p[:, 1].exp().sum(), occupation.sum())
        assert torch.equal(networks(occupation, t, kernel), log_h)


@pytest.mark.parametrize("species", [1, 2])
@pytest.mark.parametrize("block", [1, 2])
def test_the_potential_leads_walkers_to_what_is_expected(species, block):
    """With more rounds, expected origins are the material that the odds expect."""
    lattice = Lattice(BOX.voxels, BOX.boundary, block)
    kernel = TransitionKernel(lattice)
    rng = np.random.default_rng(0)
    walkers = rng.poisson(0.3 * block**3, (2, species, *lattice.shape)).astype(np.float32)
    occupation = torch.from_numpy(walkers)
    odds = torch.from_numpy(rng.normal(size=walkers.shape).astype(np.float32)) - 3.0
    odds = odds + offsets_to_totals(odds, occupation, kernel)
    expected = expected_material(odds, kernel)
    space = (2, 3, 4)
    torch.testing.assert_close(expected.sum(space), occupation.sum(space), rtol=5e-3, atol=1e-3)
    t = torch.full((2,), 2.0)
    errors = []
    for rounds in (0, 1, 30):
        h = leading_potential(expected, occupation, t, kernel, rounds).exp()
        origins = h * kernel.carry(occupation / kernel.apply(h, t), t)
        torch.testing.assert_close(origins.sum(space), occupation.sum(space))
        errors.append(float((origins - expected).abs().mean()))
    assert errors[2] < errors[1] < errors[0]
    assert errors[2] < 0.02 * float(expected.mean())


@pytest.mark.statistics
def test_walkers_end_where_the_product_says():
    """One walker, whose slices expect it somewhere, ends there; false alarms 1 in 10^5.

    Of one walker h alone decides, and it is what is expected, as in the first round.
    """
    n = 6000
    fields = {shape: 2 * field for shape, field in fixed_fields().items()}
    networks = SliceNetworks([Fixed(fields)] * 3, SliceReading((1.0, 1.0)), 30.0)
    box = Octaves(BOX)
    potentials = []

    def one_sample(state):
        if not potentials:
            potentials.append(networks(state.occupation[:1], state.times[:1], state.kernel))
        return potentials[0].expand(n, -1, -1, -1, -1)

    walkers = walk_back(
        one_sample,
        Lattices(box, box),
        Anywhere(torch.ones(n, 1, dtype=torch.int64)),
        [(30.0, 3.0), (3.0, 1.0), (1.0, 0.0)],
        [torch.Generator().manual_seed(i) for i in range(n)],
    )
    p = potentials[0][0, 0].exp() / potentials[0].exp().sum()
    assert_drawn_from(walkers.occupation().sum((0, 1)).numpy().ravel(), p.numpy().ravel())
    (a, b, c) = BOX.shape
    whole = 2 * (fields[b, c][None] + fields[a, c][:, None] + fields[a, b][:, :, None])
    likeliest = (p > p.median()).float()
    assert float((likeliest * (whole > whole.median()).float()).sum()) > 0.4 * p.numel()


@pytest.mark.parametrize("order", list(itertools.permutations(range(3)))[1:])
def test_axes_are_alike_to_a_network_of_an_isotropic_material(order):
    networks = SliceNetworks([Symmetric()] * 3, SliceReading(), 30.0)
    occupation, t, kernel = state()
    lattice = Lattice(tuple(BOX.voxels[k] for k in order), tuple(BOX.boundary[k] for k in order))
    turn = (0, 1, *(2 + k for k in order))
    turned = networks(occupation.permute(turn), t, TransitionKernel(lattice))
    torch.testing.assert_close(turned, networks(occupation, t, kernel).permute(turn))


def test_answers_do_not_depend_on_how_many_slices_are_asked_about_at_a_time(monkeypatch):
    networks = SliceNetworks([tiny_network()] * 3, SliceReading(), 30.0)
    whole = networks.joint(*state(3))
    monkeypatch.setattr(slicing, "SLICE_SITES", 1)
    for one, other in zip(networks.joint(*state(3)), whole, strict=True):
        torch.testing.assert_close(one, other)
    alone = [x[1:2] if len(x) == 3 else x for x in (*state(3)[:2],)]
    torch.testing.assert_close(networks(*alone, TransitionKernel(BOX)), whole[0][1:2])


def test_networks_of_several_directions_answer_for_their_own():
    fields = fixed_fields()
    networks = [Fixed(fields), Fixed({k: 2 * v for k, v in fields.items()}), Fixed(fields)]
    both = SliceNetworks([networks[0], networks[1], networks[1]], SliceReading((1, 1), 1), 30.0)
    a, b, c = BOX.shape
    whole = fields[b, c][None] + 2 * fields[a, c][:, None] + 2 * fields[a, b][:, :, None]
    occupation, t, kernel = state()
    log_p = both.joint(occupation, t, kernel)[1]
    own = own_evidence(occupation, t, kernel)[0, 0]
    odds = 3 * whole - 2 * own
    torch.testing.assert_close(centred((log_p[:, 1] - log_p[:, 0])[0]), centred(odds))
    assert len(both.networks) == 2


def test_classes_are_told_by_direction_or_by_sample():
    network = Fixed(fixed_fields())
    reading = SliceReading()
    SliceNetworks([network] * 3, reading, 30.0, classes=(2, 0, 1))(*state(2))
    assert [set(one[4].tolist()) for one in network.asked] == [{2}, {2}, {0}, {0}, {1}, {1}]
    network.asked.clear()
    SliceNetworks([network] * 3, reading, 30.0)(*state(2), None, torch.tensor([1, 0]))
    assert [set(one[4].tolist()) for one in network.asked] == [{1}, {0}] * 3


def test_blocks_are_shown_as_layers_one_voxel_thick():
    lattice = Lattice.box((5, 4, 6), "no-flux").coarsened(2)
    full = torch.from_numpy(np.full((1, 1, 3, 2, 3), 8.0)).float()
    full[:, :, -1] = 4.0  # blocks of half the thickness
    network = Fixed(
        {(2, 3): torch.zeros(2, 3), (3, 3): torch.zeros(3, 3), (3, 2): torch.zeros(3, 2)}
    )
    SliceNetworks([network] * 3, SliceReading(), 30.0, (4.0,))(
        full, torch.tensor([2.0]), TransitionKernel(lattice)
    )
    assert (network.asked[0][0] == 4.0).all()  # of 2 x 2 voxels, all full
    for _, _, _, fractions, _ in network.asked:
        torch.testing.assert_close(fractions, torch.ones_like(fractions))


def test_gradients_keep_nothing_and_are_the_same(monkeypatch):
    networks = SliceNetworks([tiny_network()] * 3, SliceReading(), 30.0)
    occupation, t, kernel = state()

    def gradient():
        walkers = occupation.clone().requires_grad_(True)
        return torch.autograd.grad(networks.joint(walkers, t, kernel)[1].square().sum(), walkers)[0]

    kept = gradient()
    monkeypatch.setattr(slices_module, "checkpoint", lambda f, *a, use_reentrant: f(*a))
    torch.testing.assert_close(gradient(), kept)
    assert kept.abs().max() > 0
