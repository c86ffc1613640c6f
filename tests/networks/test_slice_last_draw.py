"""The last draw of a volume: what networks of slices are asked, and what is made of the answers."""

import pytest
import torch
from tiny_models import tiny_last_draw

from microdsd.networks import slicing
from microdsd.networks.last_draw import HIGHEST_LEVEL, LastDrawUNet
from microdsd.networks.slice_last_draw import WEIGHT, SliceLastDraw
from microdsd.networks.unet import UNetConfig
from microdsd.process import Lattice, TransitionKernel
from microdsd.process.noise import time_of

BOX = Lattice.box((4, 6, 5), ("periodic", "no-flux", "no-flux"))


class Shifting:
    """A last draw that adds a field to the log odds, and notes what it is asked."""

    def __init__(self, fields):
        self.fields, self.asked = fields, []

    def __call__(self, log_p, phase, drawn, occupation, t, kernel, fractions, classes):
        self.asked.append((log_p, phase, drawn, occupation, t, kernel, fractions, classes))
        shift = self.fields[kernel.lattice.shape].expand(len(log_p), 1, -1, -1)
        return torch.cat([log_p[:, :1], log_p[:, 1:] + shift], 1).log_softmax(1)


def state(batch=2, species=1):
    rng = torch.Generator().manual_seed(1)
    log_p = torch.randn(batch, 1 + species, *BOX.shape, generator=rng).log_softmax(1)
    phase = torch.randint(1 + species, (batch, *BOX.shape), generator=rng)
    drawn = torch.rand(batch, *BOX.shape, generator=rng) < 0.5
    walkers = torch.randint(3, (batch, species, *BOX.shape), generator=rng).float()
    t = time_of(torch.linspace(0.4, 0.6, batch))
    return log_p, phase, drawn, walkers, t, TransitionKernel(BOX)


def fields_of_planes(seed=0):
    rng = torch.Generator().manual_seed(seed)
    return {shape: torch.randn(shape, generator=rng) for shape in ((6, 5), (4, 5), (4, 6))}


def odds(log_p):
    return log_p[:, 1:] - log_p[:, :1]


def test_what_the_three_slices_add_is_weighed_and_added():
    fields = fields_of_planes()
    log_p, *rest = state()
    given = SliceLastDraw([Shifting(fields)] * 3, 1.0)(log_p, *rest)
    added = fields[6, 5][None] + fields[4, 5][:, None] + fields[4, 6][:, :, None]
    torch.testing.assert_close(odds(given), odds(log_p) + WEIGHT * added)
    torch.testing.assert_close(given.exp().sum(1), torch.ones(2, *BOX.shape))


def test_networks_are_shown_slices_and_hear_of_their_composition_and_level():
    log_p, phase, drawn, walkers, t, kernel = state()
    network = Shifting(fields_of_planes())
    SliceLastDraw([network] * 3, 1.5)(log_p, phase, drawn, walkers, t, kernel)
    asked = network.asked[1]  # the second sample, normal to z
    assert torch.equal(asked[0], log_p[1].movedim(1, 0))
    assert torch.equal(asked[1], phase[1])
    assert torch.equal(asked[2], drawn[1])
    assert torch.equal(asked[3], walkers[1].movedim(1, 0))
    torch.testing.assert_close(asked[4], (t[1] * 1.5**2).expand(4))
    torch.testing.assert_close(asked[6], walkers[1].movedim(1, 0).mean((2, 3)))
    across = network.asked[5]  # the same, normal to x
    assert across[5].lattice == Lattice(BOX.voxels[:2], BOX.boundary[:2])
    assert torch.equal(across[1], phase[1].movedim(2, 0))
    late = torch.full((2,), float(time_of(1.2)))
    SliceLastDraw([network] * 3, 1.5)(log_p, phase, drawn, walkers, late, kernel)
    assert network.asked[-1][4].unique().item() == pytest.approx(float(time_of(HIGHEST_LEVEL)))


def test_untrained_networks_leave_the_read_out_as_it_is():
    network = LastDrawUNet(UNetConfig(2, 2, (4, 8), (1, 1), 8))
    log_p, *rest = state(species=2)
    with torch.no_grad():
        torch.testing.assert_close(SliceLastDraw([network] * 3, 1.2)(log_p, *rest), log_p)


def test_answers_do_not_depend_on_the_batch_nor_on_how_many_slices_go_together(monkeypatch):
    draw = SliceLastDraw([tiny_last_draw()] * 3, 1.2)
    *fields, kernel = state(3)
    with torch.no_grad():
        whole = draw(*fields, kernel)
        assert (whole - fields[0]).abs().max() > 0.01
        monkeypatch.setattr(slicing, "SLICE_SITES", 1)
        torch.testing.assert_close(draw(*fields, kernel), whole)
        torch.testing.assert_close(draw(*[x[1:2] for x in fields], kernel), whole[1:2])


def test_classes_are_those_of_directions_or_of_samples():
    network = Shifting(fields_of_planes())
    SliceLastDraw([network] * 3, 1.2, classes=(2, 0, 1))(*state())
    assert [set(one[7].tolist()) for one in network.asked] == [{2}, {2}, {0}, {0}, {1}, {1}]
    network.asked.clear()
    SliceLastDraw([network] * 3, 1.2)(*state(), None, torch.tensor([1, 0]))
    assert [set(one[7].tolist()) for one in network.asked] == [{1}, {0}] * 3
