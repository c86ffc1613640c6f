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
    """A last draw that adds one field to the log odds, another where something is drawn.

    It notes what it is asked.
    """

    def __init__(self, always, drawn=None):
        self.always, self.drawn, self.asked = always, drawn or always, []

    def __call__(self, log_p, phase, drawn, occupation, t, kernel, fractions, classes):
        self.asked.append((log_p, phase, drawn, occupation, t, kernel, fractions, classes))
        shape = kernel.lattice.shape
        shift = self.drawn[shape] if drawn.any() else self.always[shape]
        shifted = log_p[:, 1:] + shift.expand(len(log_p), 1, -1, -1)
        return torch.cat([log_p[:, :1], shifted], 1).log_softmax(1)


def given(draw, log_p, phase, drawn, walkers, *rest):
    return draw.given(log_p, walkers, *rest)(phase, drawn)


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


def added(fields):
    return fields[6, 5][None] + fields[4, 5][:, None] + fields[4, 6][:, :, None]


def test_what_the_three_slices_add_is_weighed_and_added():
    always, drawn = fields_of_planes(0), fields_of_planes(1)
    log_p, *rest = state()
    drawing = SliceLastDraw([Shifting(always, drawn)] * 3, 1.0)
    found = given(drawing, log_p, *rest)
    by_drawn = WEIGHT * (added(drawn) - added(always))
    torch.testing.assert_close(odds(found), odds(log_p) + added(always) / 3 + by_drawn)
    torch.testing.assert_close(found.exp().sum(1), torch.ones(2, *BOX.shape))


def test_networks_are_shown_slices_and_hear_of_their_composition_and_level():
    log_p, phase, drawn, walkers, t, kernel = state()
    network = Shifting(fields_of_planes())
    given(SliceLastDraw([network] * 3, 1.5), log_p, phase, drawn, walkers, t, kernel)
    assert len(network.asked) == 12  # two samples and three axes, before and after the draw
    assert not any(one[2].any() for one in network.asked[:6])
    asked = network.asked[9]  # the second sample, normal to z
    assert torch.equal(asked[0], log_p[1].movedim(1, 0))
    assert torch.equal(asked[1][drawn[1]], phase[1][drawn[1]])
    assert torch.equal(asked[2], drawn[1])
    assert torch.equal(asked[3], walkers[1].movedim(1, 0))
    torch.testing.assert_close(asked[4], (t[1] * 1.5**2).expand(4))
    torch.testing.assert_close(asked[6], walkers[1].movedim(1, 0).mean((2, 3)))
    across = network.asked[11]  # the same, normal to x
    assert across[5].lattice == Lattice(BOX.voxels[:2], BOX.boundary[:2])
    assert torch.equal(across[2], drawn[1].movedim(2, 0))
    late = torch.full((2,), float(time_of(1.2)))
    given(SliceLastDraw([network] * 3, 1.5), log_p, phase, drawn, walkers, late, kernel)
    assert network.asked[-1][4].unique().item() == pytest.approx(float(time_of(HIGHEST_LEVEL)))


def test_untrained_networks_leave_the_read_out_as_it_is():
    network = LastDrawUNet(UNetConfig(2, 2, (4, 8), (1, 1), 8))
    log_p, *rest = state(species=2)
    with torch.no_grad():
        torch.testing.assert_close(given(SliceLastDraw([network] * 3, 1.2), log_p, *rest), log_p)


def test_answers_do_not_depend_on_the_batch_nor_on_how_many_slices_go_together(monkeypatch):
    draw = SliceLastDraw([tiny_last_draw()] * 3, 1.2)
    *fields, kernel = state(3)
    with torch.no_grad():
        whole = given(draw, *fields, kernel)
        assert (whole - fields[0]).abs().max() > 0.01
        monkeypatch.setattr(slicing, "SLICE_SITES", 1)
        torch.testing.assert_close(given(draw, *fields, kernel), whole)
        torch.testing.assert_close(given(draw, *[x[1:2] for x in fields], kernel), whole[1:2])


def test_classes_are_those_of_directions_or_of_samples():
    network = Shifting(fields_of_planes())
    given(SliceLastDraw([network] * 3, 1.2, classes=(2, 0, 1)), *state())
    assert [set(one[7].tolist()) for one in network.asked] == [{2}, {0}, {1}] * 4
    network.asked.clear()
    given(SliceLastDraw([network] * 3, 1.2), *state(), None, torch.tensor([1, 0]))
    assert [set(one[7].tolist()) for one in network.asked] == ([{1}] * 3 + [{0}] * 3) * 2


def test_networks_are_asked_again_about_slices_in_which_something_is_drawn_alone():
    network = tiny_last_draw()
    log_p, phase, _, walkers, *rest = state(1)
    asked = []
    network.register_forward_pre_hook(lambda _, arguments: asked.append(len(arguments[0])))
    draw = SliceLastDraw([network] * 3, 1.2)
    with torch.no_grad():
        predicted = draw.given(log_p, walkers, *rest)
        assert asked == [4, 6, 5]
        drawn = torch.zeros_like(phase, dtype=torch.bool)
        predicted(phase, drawn)
        assert len(asked) == 3
        drawn[:, 2, ::2, ::2] = True
        predicted(phase, drawn)
        assert asked[3:] == [1, 3, 3]
        more = drawn.clone()
        more[:, ::2, 1, 4] = True
        torch.testing.assert_close(
            predicted(phase, more), draw.given(log_p, walkers, *rest)(phase, more)
        )
