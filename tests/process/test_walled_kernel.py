"""Walls around a part of the box: the exact law of walkers inside, and none beyond."""

import numpy as np
import pytest
import torch
from exact_laws import assert_drawn_from, kernel_matrix

from microdsd.models.plan import WalkPlan
from microdsd.process import Lattice, TransitionKernel, level_grid
from microdsd.process.octaves import Octaves
from microdsd.process.walls import WalledKernel
from microdsd.sampling import ConditionedNetwork, sample_bridges
from microdsd.sampling.origins import Regions

INSIDE = (slice(1, 4), slice(0, 2))


def free(shape=(5, 4), inside=INSIDE):
    mask = torch.zeros(shape, dtype=torch.bool)
    mask[inside] = True
    return mask


@pytest.mark.parametrize("t", [0.0, 0.3, 7.0])
@pytest.mark.parametrize("boundary", ["no-flux", "periodic"])
def test_equals_the_matrix_exponential_of_the_walled_box(t, boundary):
    shape = (5, 4)
    kernel = WalledKernel(TransitionKernel(Lattice.box(shape, boundary)), INSIDE)
    found = kernel.apply(torch.eye(20).view(20, 1, *shape), t).reshape(20, 20).numpy()
    inside = free().flatten().numpy()
    exact = kernel_matrix((3, 2), ("no-flux", "no-flux"), t)
    np.testing.assert_allclose(found[np.ix_(inside, inside)], exact, rtol=0, atol=3e-7)
    assert (found[np.ix_(inside, ~inside)] == 0).all()


def test_an_axis_without_walls_keeps_its_boundary_and_times_may_differ():
    whole = TransitionKernel(Lattice.box((4, 6), ("periodic", "no-flux")))
    kernel = WalledKernel(whole, [slice(0, 4), slice(2, 5)])
    times = torch.tensor([0.4, 2.0])
    assert torch.equal(kernel.axis_matrix(0, times), whole.axis_matrix(0, times))
    for matrix, t in zip(kernel.axis_matrix(1, times), times, strict=True):
        assert torch.equal(matrix, kernel.axis_matrix(1, t))


@pytest.mark.statistics
@pytest.mark.parametrize("walled", [True, False])
def test_one_walker_beside_known_material_has_the_law_of_the_data(walled):
    """The walk of a lone walker is exact with walls and without; false alarms 2 in 10^5."""
    n, shape = 700, (5, 4)
    index = torch.where(free(), 0, -1)
    known = (torch.arange(20).view(shape) % 3 == 0).long()
    p = torch.tensor([0.3, 0.25, 0.05, 0.2, 0.15, 0.05])
    log_p = torch.zeros(1, 1, *shape)
    log_p[..., free()] = p.log()
    box = Octaves(Lattice.box(shape, "no-flux"))
    counts = torch.tensor([[[5, 1]]]).expand(n, 1, 2)
    origins = Regions(index, counts, known, walled=walled)
    generators = [torch.Generator().manual_seed(i) for i in range(n)]
    made = sample_bridges(
        ConditionedNetwork(lambda occupation, *_: log_p.expand_as(occupation)),
        box,
        origins,
        WalkPlan(tuple(level_grid(20.0, 0.02, 3))),
        generators,
    )
    outside = ~free()
    assert (made.phase[:, outside] == known[outside]).all()
    assert_drawn_from(made.phase[:, free()].sum(0).numpy(), p.numpy())


def test_behind_walls_nothing_moves_and_nobody_leaves():
    shape = (5, 4)
    box = Octaves(Lattice.box(shape, "no-flux"))
    known = torch.ones(shape, dtype=torch.int64)
    origins = Regions(torch.where(free(), 0, -1), torch.tensor([[[2, 4]]]), known, walled=True)
    seen = []
    sample_bridges(
        ConditionedNetwork(
            lambda occupation, *_: torch.zeros_like(occupation), observe=seen.append
        ),
        box,
        origins,
        WalkPlan((9.0, 2.0, 0.5), repeats=2),
        [torch.Generator().manual_seed(0)],
    )
    for visit in seen:
        assert (visit.occupation[..., ~free()] == 1).all()
        assert visit.occupation[..., free()].sum() == 4
