import pytest
import torch
from tiny_models import tiny_last_draw

from microdsd.networks import stages
from microdsd.networks.last_draw import TILES, LastDrawUNet
from microdsd.networks.unet import UNetConfig
from microdsd.process import Lattice, TransitionKernel


def asked(network, shape, boundary="no-flux", batch=2, seed=0, t=(0.1, 0.4)):
    """What a network makes of random walkers, phases and marks, and all that it was given."""
    draw = torch.Generator().manual_seed(seed)
    species = network.config.species
    occupation = torch.randint(0, 3, (batch, species, *shape), generator=draw).float()
    log_p = torch.randn(batch, 1 + species, *shape, generator=draw).log_softmax(1)
    phase = torch.randint(0, 1 + species, (batch, *shape), generator=draw)
    drawn = torch.rand(batch, *shape, generator=draw) < 0.5
    kernel = TransitionKernel(Lattice.box(shape, boundary))
    given = (log_p, phase, drawn, occupation, torch.tensor(t), kernel)
    return network(*given), given


@pytest.mark.parametrize("boundary", ["no-flux", "periodic"])
@pytest.mark.parametrize("shape", [(7, 9), (1, 6), (5, 6, 7)])
@pytest.mark.parametrize("species", [1, 3])
def test_any_box_will_do(shape, boundary, species):
    network = tiny_last_draw(len(shape), species)
    log_p, _ = asked(network, shape, boundary)
    assert log_p.shape == (2, 1 + species, *shape)
    assert torch.allclose(log_p.exp().sum(1), torch.ones(2, *shape), atol=1e-5)


def test_untrained_it_is_the_read_out():
    network = LastDrawUNet(UNetConfig(2, 2, (4, 8), (1, 1), 8))
    log_p, (read, *_) = asked(network, (6, 7))
    assert torch.allclose(log_p, read, atol=1e-6)


def test_phases_of_voxels_that_are_not_drawn_are_not_seen():
    network = tiny_last_draw()
    log_p, (read, phase, drawn, *rest) = asked(network, (8, 8))
    other = torch.where(drawn, phase, 1 - phase)
    assert torch.equal(network(read, other, drawn, *rest), log_p)
    changed = torch.where(drawn, 1 - phase, phase)
    assert not torch.allclose(network(read, changed, drawn, *rest), log_p)


def test_a_sample_does_not_depend_on_its_batch():
    network = tiny_last_draw(species=2)
    log_p, (read, phase, drawn, occupation, t, kernel) = asked(network, (8, 6))
    for i in range(2):
        one = slice(i, i + 1)
        alone = network(read[one], phase[one], drawn[one], occupation[one], t[one], kernel)
        assert torch.allclose(alone, log_p[one], atol=1e-5)


def test_a_periodic_box_may_be_rolled():
    """By whole voxels of the coarsest resolution, of 2 here."""
    network = tiny_last_draw()
    log_p, given = asked(network, (8, 12), "periodic", t=(0.3, 0.3))
    fields, (t, kernel) = given[:4], given[4:]
    rolled = [field.roll((2, 4), (-2, -1)) for field in fields]
    assert torch.allclose(network(*rolled, t, kernel), log_p.roll((2, 4), (-2, -1)), atol=1e-5)


def test_what_is_far_away_does_not_matter():
    network = tiny_last_draw()
    log_p, (read, phase, drawn, occupation, t, kernel) = asked(network, (64, 4))
    changed = phase.clone()
    changed[:, : 63 - network.reach] = 1 - changed[:, : 63 - network.reach]
    again = network(read, changed, drawn, occupation, t, kernel)
    assert torch.allclose(again[:, :, -1], log_p[:, :, -1], atol=1e-6)
    assert not torch.allclose(again[:, :, 0], log_p[:, :, 0], atol=1e-3)


@pytest.mark.parametrize("boundary", ["no-flux", "periodic"])
@pytest.mark.parametrize("shape", [(64, 90), (51, 33), (33, 9, 20)])
@pytest.mark.parametrize("species", [1, 2])
def test_tiles_say_what_the_whole_box_says(shape, boundary, species, monkeypatch):
    """A periodic axis of odd length has blocks of its own wherever it is cut, and is left whole."""
    network = tiny_last_draw(len(shape), species)
    if boundary == "periodic":
        shape = tuple(length + length % 2 for length in shape)
    with torch.inference_mode():
        log_p, (read, *state) = asked(network, shape, boundary, batch=1, t=(0.3,))
        monkeypatch.setitem(stages.TILE_SITES, "cpu", log_p[0, 0].numel() // 2 // TILES)
        log_odds = read[:, 1:] - read[:, :1]
        found, number = torch.full_like(log_odds, torch.nan), 0
        phase, drawn, occupation, *rest = state
        parts = network.remaining_parts(log_odds, phase.byte(), drawn, occupation.byte(), *rest)
        for sites, part in parts:
            found[(slice(None), slice(None), *sites)] = part
            number += 1
    assert number > 1
    torch.testing.assert_close(found, log_p[:, 1:] - log_p[:, :1], rtol=0, atol=5e-5)
