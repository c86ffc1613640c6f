"""The joint last draw of large boxes, against a law that is known by enumeration."""

import numpy as np
import pytest
import scipy.stats
import torch
from test_large_boxes import LEVELS, Notes, generator, ignore, networks, sampler
from test_passes import cells_of, correlated_law, counts_of, perfect
from tiny_models import tiny_last_draw

from microdsd.models.plan import WalkPlan
from microdsd.networks import stages
from microdsd.process import Lattice
from microdsd.process.octaves import Octaves
from microdsd.process.slabs import slabs
from microdsd.process.sublattices import order_of_turns, sublattices, turns
from microdsd.process.walk import draw_key
from microdsd.sampling import large_boxes
from microdsd.sampling.large_passes import Passes

PLAN = WalkPlan(
    (12.0, 6.0, 4.5, 3.0, 1.8, 1.2, 0.6),
    sharpness=(1.1, 0.9),
    temperature=0.9,
    passes=4,
    redraws=(0.6,),
)


def drawn(passes, phases, seed=0, edge=160):
    """Cells drawn with the exact conditional law, given in two tiles, and that law."""
    law, rng = correlated_law(phases, seed), generator(seed)
    (counts,) = counts_of(law, phases, edge * edge // 4)
    phase = torch.zeros(edge, edge, dtype=torch.uint8)

    def remaining(phase, drawn):
        log_p = perfect(law, phases, phase[None].long(), drawn[None])[0].float()
        for rows in (slice(0, 60), slice(60, edge)):
            yield (rows, slice(0, edge)), log_p[1:, rows] - log_p[:1, rows]

    layers = list(slabs(edge, edge, 37 * edge))
    keys = [draw_key(rng) for _ in range(2 * passes)]
    in_turn = Passes(counts, layers, order_of_turns(2, rng), passes, 1.0, 0.0, keys)
    for number in range(passes):
        before = phase.clone()
        in_turn.draw(number, remaining, phase)
        turn = in_turn.order[sublattices(phase.shape, phase.device)] % passes
        assert torch.equal(phase[turn != number], before[turn != number])
    for k in range(1, phases):
        assert int((phase == k).sum()) == int(counts[k - 1])
    return phase, law


@pytest.mark.parametrize(("phases", "seed"), [(2, 0), (2, 1), (3, 0)])
def test_passes_draw_the_joint_law(phases, seed):
    """All 16 or 81 states of a cell are as frequent as they are.

    Phases below 1 % are drawn here, as the law has them. False alarms: 1 in 1000 for each of the
    three.
    """
    phase, law = drawn(4, phases, seed)
    code = (cells_of(phase.long()) * phases ** torch.arange(3, -1, -1)).sum(1)
    found = torch.bincount(code, minlength=phases**4).double()
    assert scipy.stats.chisquare(found, law * found.sum()).pvalue > 1e-3


def test_one_pass_does_not():
    """Drawn at once, the voxels of a cell are independent: the test above can fail."""
    phase, law = drawn(1, 2)
    code = (cells_of(phase.long()) * 2 ** torch.arange(3, -1, -1)).sum(1)
    found = torch.bincount(code, minlength=16).double()
    assert scipy.stats.chisquare(found, law * found.sum()).pvalue < 1e-12


@pytest.mark.parametrize("first", range(4))
def test_sublattices_of_some_layers_are_those_of_the_box(first):
    for space in ((9, 4), (9, 3, 5)):
        whole = sublattices(space, torch.device("cpu"))
        part = sublattices((9 - first, *space[1:]), torch.device("cpu"), first)
        assert torch.equal(part, whole[first:])
        assert torch.equal(
            turns(space, generator()), order_of_turns(len(space), generator())[whole]
        )


def with_last_draw(species):
    network = networks(species)
    network.last_draw = tiny_last_draw(2, species)
    return network


@pytest.mark.parametrize("counts", [[900, 500], [1500]])
def test_samples_do_not_depend_on_slabs_and_tiles(counts, monkeypatch):
    """Tiles round otherwise, which a voxel in ten thousand may notice."""
    network, counts = with_last_draw(len(counts)), torch.tensor(counts)
    box = Octaves(Lattice.box((90, 45), "no-flux"), LEVELS)
    with torch.inference_mode():
        whole = sampler(network, box, counts, PLAN).sample(ignore)
        monkeypatch.setattr(large_boxes, "slabs", lambda n, across: slabs(n, across, 100))
        layers = sampler(network, box, counts, PLAN).sample(ignore)
        monkeypatch.setitem(stages.TILE_SITES, "cpu", 900)
        tiles = sampler(network, box, counts, PLAN).sample(ignore)
    assert torch.equal(whole.phase, layers.phase)
    assert int((tiles.phase != whole.phase).sum()) <= 4
    found = whole.phase.flatten().bincount(minlength=1 + len(counts))
    assert found[1:].tolist() == counts.tolist()


@pytest.mark.parametrize("last", [6, 8, 11, 13, 15])
def test_passes_that_were_stopped_go_on_to_the_same_sample(last):
    network, counts = with_last_draw(2), torch.tensor([400, 200])
    box = Octaves(Lattice.box((36, 27), "no-flux"), LEVELS)
    with torch.inference_mode():
        whole = sampler(network, box, counts, PLAN).sample(ignore)
        notes = Notes(last=last)
        with pytest.raises(KeyboardInterrupt):
            sampler(network, box, counts, PLAN).sample(ignore, notes)
        advanced, goes_on = [], Notes(notes.state)
        again = sampler(network, box, counts, PLAN)
        made = again.sample(advanced.append, goes_on)
    assert torch.equal(made.phase, whole.phase)
    assert torch.equal(made.reassigned, whole.reassigned)
    assert goes_on.kept == list(range(last + 1, 17))
    assert np.isclose(sum(advanced), again.work)
