"""The joint last draw, against systems whose joint law is known by enumeration."""

import itertools
from functools import partial

import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from microdsd.process.sublattices import turns
from microdsd.sampling.origins import Anywhere, Regions
from microdsd.sampling.passes import draw_in_passes


def generators(n, seed=0):
    return [torch.Generator().manual_seed(seed + i) for i in range(n)]


def cells_of(phase):
    """Cells of 2 x 2 voxels, (cells, 4)."""
    rows, columns = phase.shape
    cells = phase.reshape(rows // 2, 2, columns // 2, 2).permute(0, 2, 1, 3)
    return cells.reshape(-1, 4)


def perfect(law, phases, phase, drawn):
    """Scores of the exact conditional law of cells of 2 x 2 voxels, given what is drawn in them."""
    states = torch.tensor(list(itertools.product(range(phases), repeat=4)))
    scores = []
    for one, known in zip(phase, drawn, strict=True):
        cells, fixed = cells_of(one), cells_of(known)
        agrees = ((states[None] == cells[:, None]) | ~fixed[:, None]).all(-1)
        weight = agrees * law
        by_phase = torch.stack([(weight[..., None] * (states == k)).sum(1) for k in range(phases)])
        p = (by_phase / weight.sum(1)[None, :, None]).clamp_min(1e-12)
        rows, columns = one.shape
        p = p.reshape(phases, rows // 2, columns // 2, 2, 2).permute(0, 1, 3, 2, 4)
        scores.append(p.reshape(phases, rows, columns).log())
    return torch.stack(scores)


def correlated_law(phases, seed):
    """A law of cells whose voxels depend strongly on one another."""
    states = np.array(list(itertools.product(range(phases), repeat=4)))
    alike = sum((states[:, a] == states[:, b]) for a, b in ((0, 1), (2, 3), (0, 2), (1, 3)))
    field = np.random.default_rng(seed).normal(size=len(states))
    law = np.exp(0.9 * alike + 0.5 * field)
    return torch.tensor(law / law.sum())


def counts_of(law, phases, cells):
    """The expected counts of cells, to the nearest voxel, of every phase but the first."""
    states = torch.tensor(list(itertools.product(range(phases), repeat=4)))
    expected = [float((law * (states == k).sum(1)).sum()) * cells for k in range(1, phases)]
    return torch.tensor([[round(number) for number in expected]])


def deviation(passes, phases, seed=0, edge=160):
    """The p value of the drawn cells under the law, and their number by state."""
    law = correlated_law(phases, seed)
    counts = counts_of(law, phases, edge * edge // 4)
    drawn = draw_in_passes(
        partial(perfect, law, phases),
        Anywhere(counts),
        (edge, edge),
        passes,
        1.0,
        generators(1, seed),
    )
    for k in range(1, phases):
        assert int((drawn.phase == k).sum()) == int(counts[0, k - 1])
    code = (cells_of(drawn.phase[0]) * phases ** torch.arange(3, -1, -1)).sum(1)
    found = torch.bincount(code, minlength=phases**4).double()
    return float(scipy.stats.chisquare(found, law * found.sum()).pvalue)


@pytest.mark.parametrize(("phases", "seed"), [(2, 0), (2, 1), (3, 0)])
def test_passes_draw_the_joint_law(phases, seed):
    """With a network that knows the law, all 16 or 81 states of a cell are as frequent as they are.

    False alarms: 1 in 1000 for each of the three.
    """
    assert deviation(4, phases, seed) > 1e-3


def test_one_pass_does_not():
    """Drawn at once, the voxels of a cell are independent: the test above can fail."""
    assert deviation(1, 2) < 1e-12


def random_scores(phases, phase, drawn):
    """Scores that depend on what is drawn, and on nothing else."""
    field = torch.sin(torch.arange(phase[0].numel()).view(phase.shape[1:]) * 12.9898)
    marks = torch.stack([((phase == k) & drawn).float() for k in range(phases)], 1)
    return marks.cumsum(-1) * 0.3 + torch.stack([field * k for k in range(phases)])


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_counts_are_exact(data):
    axes = data.draw(st.integers(2, 3))
    space = tuple(data.draw(st.lists(st.integers(2, 5), min_size=axes, max_size=axes)))
    voxels = int(np.prod(space))
    phases = data.draw(st.integers(2, 4))
    cuts = data.draw(
        st.lists(st.integers(0, voxels), min_size=phases - 1, max_size=phases - 1).map(sorted)
    )
    counts = torch.tensor([np.diff([0, *cuts]).tolist()])
    passes = data.draw(st.integers(1, 1 << axes))
    temperature = data.draw(st.sampled_from([0.0, 0.5, 1.0]))
    made = draw_in_passes(
        partial(random_scores, phases),
        Anywhere(counts),
        space,
        passes,
        temperature,
        generators(1, data.draw(st.integers(0, 99))),
    )
    found = [int((made.phase == c + 1).sum()) for c in range(phases - 1)]
    assert found == counts[0].tolist()
    assert 0 <= int(made.reassigned) <= voxels


def test_a_sample_does_not_depend_on_its_batch():
    counts = torch.tensor([[20, 9], [3, 30], [0, 41]])
    remaining = partial(random_scores, 3)
    together = draw_in_passes(remaining, Anywhere(counts), (7, 9), 4, 1.0, generators(3))
    for i in range(3):
        alone = draw_in_passes(
            remaining, Anywhere(counts[i : i + 1]), (7, 9), 4, 1.0, generators(1, i)
        )
        assert torch.equal(alone.phase[0], together.phase[i])
        assert int(alone.reassigned) == int(together.reassigned[i])


@pytest.mark.parametrize("walled", [False, True])
def test_known_voxels_are_seen_from_the_first_pass_and_held(walled):
    known = torch.arange(64).view(8, 8) % 3
    index = torch.full((8, 8), -1)
    index[2:5, 2:7] = 0
    index[5:7, 2:7] = 1
    counts = torch.tensor([[[5, 6, 4], [0, 10, 0]], [[15, 0, 0], [3, 3, 4]]])
    seen = []

    def remaining(phase, drawn):
        seen.append((phase.clone(), drawn.clone()))
        return random_scores(3, phase, drawn)

    origins = Regions(index, counts, known, walled=walled)
    made = draw_in_passes(remaining, origins, (8, 8), 4, 1.0, generators(2))
    assert len(seen) == 4
    for phase, drawn in seen:
        assert torch.equal(phase[:, index < 0], known[index < 0].expand(2, -1))
        assert drawn[:, index < 0].all()
    assert not seen[0][1][:, index >= 0].any()
    assert torch.equal(made.phase[:, index < 0], known[index < 0].expand(2, -1))
    for i, r, k in itertools.product(range(2), range(2), range(3)):
        assert int((made.phase[i][index == r] == k).sum()) == int(counts[i, r, k])
    for (before, drawn), (after, _) in itertools.pairwise(seen):
        assert torch.equal(after[drawn], before[drawn])


@pytest.mark.parametrize("space", [(5, 6), (4, 3, 5)])
def test_voxels_of_one_turn_are_no_neighbours(space):
    turn = turns(space, torch.Generator().manual_seed(3))
    assert sorted(turn.unique().tolist()) == list(range(1 << len(space)))
    for shift in itertools.product((-1, 0, 1), repeat=len(space)):
        if not any(shift):
            continue
        here = tuple(slice(max(0, s), n + min(0, s)) for s, n in zip(shift, space, strict=True))
        there = tuple(slice(max(0, -s), n - max(0, s)) for s, n in zip(shift, space, strict=True))
        assert not (turn[here] == turn[there]).any()
    orders = {
        tuple(turns(space, torch.Generator().manual_seed(s)).flatten().tolist()) for s in range(20)
    }
    assert len(orders) > 10
