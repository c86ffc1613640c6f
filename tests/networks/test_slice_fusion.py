"""What three slices say is combined alike for all phases, and for parts and boxes."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tiny_models import tiny_card

from microdsd import MicrostructureModel
from microdsd.microstructure import crop
from microdsd.networks import slice_fusion
from microdsd.networks.own_evidence import own_evidence
from microdsd.networks.slice_fusion import SliceFusion, learned_fusion
from microdsd.networks.slices import SliceNetworks, SliceReading
from microdsd.process.lattice import Lattice
from microdsd.process.noise import time_of
from microdsd.process.octaves import Octaves
from microdsd.process.walk import Walkers

WALLS = ("no-flux",) * 3
SHAPE = (9, 12, 11)


def said(batch=1, species=1):
    rng = np.random.default_rng(0)
    log_odds = torch.from_numpy(rng.normal(0, 3, (batch, 3, species, *SHAPE))).float()
    own = torch.from_numpy(rng.normal(0, 2, (batch, species, *SHAPE))).float()
    return log_odds, own, torch.full((batch,), 1.7)


def odds(*state, boundary=WALLS):
    with torch.no_grad():
        return learned_fusion(state[1].shape[1])(*state, boundary)


def test_before_learning_it_is_the_mean_of_what_slices_add():
    log_odds, own, sigma = said()
    with torch.no_grad():
        fused = SliceFusion()(log_odds, own, sigma, WALLS)
    torch.testing.assert_close(fused, own + (log_odds - own[:, None]).mean(1))


def test_two_phases_that_change_places_change_the_sign():
    log_odds, own, sigma = said()
    torch.testing.assert_close(odds(-log_odds, -own, sigma), -odds(log_odds, own, sigma))


@pytest.mark.parametrize("order", [(0, 2, 1), (1, 0, 2), (2, 0, 1)])
def test_three_phases_that_change_places_change_what_is_said_of_them(order):
    def reordered(log_odds, axis):
        background = torch.zeros_like(log_odds.narrow(axis, 0, 1))
        of_all = torch.cat([background, log_odds], axis).index_select(axis, torch.tensor(order))
        return of_all.narrow(axis, 1, 2) - of_all.narrow(axis, 0, 1)

    log_odds, own, sigma = said(species=2)
    made = odds(reordered(log_odds, 2), reordered(own, 1), sigma)
    torch.testing.assert_close(made, reordered(odds(log_odds, own, sigma), 1), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("species", [1, 2])
@pytest.mark.parametrize("boundary", [WALLS, ("periodic", "no-flux", "periodic")])
def test_slabs_and_samples_give_what_the_whole_gives(boundary, species, monkeypatch):
    state = said(2, species)
    whole = odds(*state, boundary=boundary)
    monkeypatch.setattr(slice_fusion, "SLAB_SITES", 1)
    monkeypatch.setattr(slice_fusion, "_THINNEST", 2)
    torch.testing.assert_close(odds(*state, boundary=boundary), whole, rtol=0, atol=1e-4)
    alone = [field[1:] for field in state]
    torch.testing.assert_close(odds(*alone, boundary=boundary), whole[1:], rtol=0, atol=1e-4)


def test_a_periodic_box_has_no_first_voxel():
    log_odds, own, sigma = said()
    boundary = ("periodic",) * 3
    moved = odds(log_odds.roll(5, 3), own.roll(5, 2), sigma, boundary=boundary)
    torch.testing.assert_close(
        moved, odds(log_odds, own, sigma, boundary=boundary).roll(5, 2), rtol=0, atol=1e-4
    )


def test_a_part_is_the_inside_of_the_whole():
    log_odds, own, sigma = said()
    inner = (..., *[slice(SliceFusion.reach, -SliceFusion.reach)] * 3)
    part = odds(log_odds, own, sigma, boundary=None)
    torch.testing.assert_close(part, odds(log_odds, own, sigma)[inner], rtol=0, atol=1e-4)


def test_levels_beyond_those_of_the_training_are_as_those_at_its_ends():
    log_odds, own, _ = said()
    for beyond, end in ((0.1, 0.4), (200.0, 45.0)):
        torch.testing.assert_close(
            odds(log_odds, own, torch.tensor([beyond])), odds(log_odds, own, torch.tensor([end]))
        )


@pytest.mark.parametrize("sigma", [0.9, 2.5, 6.0])
def test_rock_that_it_never_saw_is_better_known_than_by_any_one_weight(berea_coarse, sigma):
    block = crop(berea_coarse, z=(136, 184), y=(0, 48), x=(0, 48))
    pore = torch.tensor(block.values == 0)
    box = Octaves(Lattice.box(pore.shape, "no-flux"))
    walkers = Walkers.of(pore[None, None].long(), box.voxels)
    generator = torch.Generator().manual_seed(0)
    walkers = box.sample_forward(walkers, box.moment(0.0), box.moment(sigma), [generator])
    occupation, t = walkers.occupation().float(), time_of(sigma).view(1)
    network = MicrostructureModel.load("berea-2d", "cpu").network
    networks = SliceNetworks([network] * 3, SliceReading(fused=True), 30.0)
    with torch.inference_mode():
        log_odds = networks.of_slices(occupation, t, box.kernels[0], None)
    own = own_evidence(occupation, t, box.kernels[0])

    def loss(of_voxels):
        return float(F.binary_cross_entropy_with_logits(of_voxels[0, 0], pore.float()))

    added = (log_odds - own[:, None]).sum(1)
    fused = loss(odds(log_odds, own, torch.tensor([sigma])))
    assert fused < 0.97 * min(loss(own + weight * added) for weight in np.linspace(0.2, 1, 9))


class Sees(torch.nn.Module):
    """A network of slices that guesses from the walkers around a pixel."""

    last_draw = None
    config = tiny_card(2).network

    def joint(self, occupation, t, kernel, fractions, classes=None):
        around = F.avg_pool2d(occupation, 3, stride=1, padding=1, count_include_pad=False)
        log_odds = 4 * (around - 0.5)
        return log_odds, torch.cat([torch.zeros_like(log_odds), log_odds], 1).log_softmax(1)


def test_networks_of_slices_ask_it_about_voxels_and_not_about_blocks():
    reading = SliceReading((0.4, 0.4), level=1.0, fused=True)
    fused = SliceNetworks([Sees()] * 3, reading, 30.0, (4.0,))
    weighed = SliceNetworks([Sees()] * 3, SliceReading((0.4, 0.4), level=1.0), 30.0, (4.0,))
    for block in (1, 2):
        box = Octaves(Lattice.box((12, 10, 8), "no-flux").coarsened(block))
        shape = box.kernels[0].lattice.shape
        occupation = torch.from_numpy(np.random.default_rng(0).poisson(0.4, (1, 1, *shape))).float()
        t = time_of(math.sqrt(8.0)).view(1)
        one, other = (net.joint(occupation, t, box.kernels[0])[1] for net in (fused, weighed))
        assert torch.equal(one, other) == (block == 2)
