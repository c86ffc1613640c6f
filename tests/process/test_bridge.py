import numpy as np
import pytest
import torch
from exact_laws import kernel_matrix, step_law

from microdsd.process import (
    Lattice,
    TransitionKernel,
    Walkers,
    bridge,
    expected_occupation,
    sample_bridge_step,
    walk,
)

BOXES = [
    ((6,), ("periodic",)),
    ((4, 3), ("no-flux", "periodic")),
    ((5, 4), ("periodic", "periodic")),
    ((1, 6), ("periodic", "no-flux")),
    ((2, 3, 4), ("no-flux", "periodic", "no-flux")),
]
box = pytest.mark.parametrize(("shape", "boundary"), BOXES)


def generators(n, seed=0):
    return [torch.Generator().manual_seed(seed + i) for i in range(n)]


def random_log_h(shape, spread=1.0, seed=0):
    return spread * torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def origin_law(kernel, log_h, t):
    """P(y | x) as the code has it: the expected occupation from one walker on every site."""
    n = kernel.lattice.n_sites
    one_walker = torch.eye(n).view(n, 1, *kernel.lattice.shape)
    return expected_occupation(one_walker, log_h, kernel, t).reshape(n, n).numpy()


@box
@pytest.mark.parametrize("t", [0.02, 0.8, 30.0])
def test_expected_occupation_is_the_law_of_the_origins(shape, boundary, t):
    log_h = random_log_h((1, 1, *shape))
    kernel = TransitionKernel(Lattice.box(shape, boundary))
    exact = step_law(shape, boundary, log_h.exp().numpy().ravel(), t, 0.0)
    np.testing.assert_allclose(origin_law(kernel, log_h, t), exact, rtol=2e-5, atol=1e-6)


def test_expected_occupation_sums_to_the_counts():
    shape = (5, 6)
    kernel = TransitionKernel(Lattice.box(shape, "no-flux"))
    n_t = torch.randint(0, 4, (3, 2, *shape), generator=torch.Generator().manual_seed(1)).float()
    rho = expected_occupation(n_t, random_log_h((3, 2, *shape), 3.0), kernel, 1.7)
    assert (rho >= 0).all()
    np.testing.assert_allclose(rho.flatten(2).sum(-1), n_t.flatten(2).sum(-1), rtol=1e-5)


def test_a_flat_potential_gives_the_forward_kernel():
    shape, boundary = (4, 5), ("no-flux", "periodic")
    kernel = TransitionKernel(Lattice.box(shape, boundary))
    law = origin_law(kernel, torch.zeros(1, 1, *shape), 0.9)
    np.testing.assert_allclose(law, kernel_matrix(shape, boundary, 0.9), rtol=0, atol=5e-7)


@box
def test_two_steps_with_one_potential_are_one_step(shape, boundary):
    """Chapman-Kolmogorov for the conditioned walk: t -> s -> 0 has the law of t -> 0."""
    t, s = 2.1, 0.4
    log_h = random_log_h((1, 1, *shape), 1.5)
    kernel = TransitionKernel(Lattice.box(shape, boundary))
    log_h_s = kernel.apply(log_h.exp(), s).log()
    composed = origin_law(kernel, log_h_s, t - s) @ origin_law(kernel, log_h, s)
    np.testing.assert_allclose(composed, origin_law(kernel, log_h, t), rtol=2e-5, atol=1e-6)


def test_no_factor_of_h_matters():
    lattice = Lattice.box((5, 5), "no-flux")
    kernel = TransitionKernel(lattice)
    n_t = torch.randint(0, 3, (2, 2, 5, 5), generator=torch.Generator().manual_seed(2)).float()
    log_h = random_log_h((2, 2, 5, 5))
    shift = torch.tensor([[-300.0, 80.0], [0.0, 1e3]]).view(2, 2, 1, 1)
    walkers = Walkers.of(n_t, lattice)
    for shifted in (log_h, log_h + shift):
        rho = expected_occupation(n_t, shifted, kernel, 1.0)
        np.testing.assert_allclose(
            rho, expected_occupation(n_t, log_h, kernel, 1.0), rtol=1e-3, atol=1e-6
        )
        moved = sample_bridge_step(walkers, shifted, kernel, 1.0, 0.2, generators(2))
        assert torch.equal(moved.counts(), walkers.counts())


def test_potential_has_maximum_one_and_a_floor():
    log_h = torch.tensor([[[[0.0, -20.0, -1e4]], [[700.0, 650.5, 600.0]]]])
    h = bridge.potential(log_h)
    np.testing.assert_allclose(h[0, 0, 0], np.exp([0.0, -20.0, bridge.LOG_FLOOR]), rtol=1e-5)
    np.testing.assert_allclose(h[0, 1, 0], np.exp([0.0, -49.5, bridge.LOG_FLOOR]), rtol=1e-5)


@pytest.mark.parametrize("boundary", ["no-flux", "periodic"])
@pytest.mark.parametrize(("t", "s"), [(1e-4, 0.0), (0.5, 0.0), (60.0, 59.9), (60.0, 0.0)])
def test_a_needle_potential_loses_no_walker(boundary, t, s):
    """One voxel with weight, the rest at the floor: laws stay positive in float32."""
    shape = (9, 12)
    lattice = Lattice.box(shape, boundary)
    log_h = torch.full((1, 1, *shape), -1e6)
    log_h[0, 0, 4, 7] = 1e6
    walkers = Walkers.of(torch.full((1, 1, *shape), 2.0), lattice)
    moved = sample_bridge_step(walkers, log_h, TransitionKernel(lattice), t, s, generators(1))
    assert int(moved.occupation().sum()) == 2 * 9 * 12
    if (t, s) == (60.0, 0.0):
        assert int(moved.occupation()[0, 0, 4, 7]) == 2 * 9 * 12


def test_walkers_only_go_where_the_potential_is():
    """Species have their own potentials: each ends in its own half of the box."""
    shape = (8, 8)
    lattice = Lattice.box(shape, "no-flux")
    log_h = torch.full((1, 2, *shape), -1e4)
    log_h[0, 0, :, :4] = 0.0
    log_h[0, 1, :, 4:] = 0.0
    walkers = Walkers.of(torch.ones(1, 2, *shape), lattice)
    moved = sample_bridge_step(walkers, log_h, TransitionKernel(lattice), 40.0, 0.0, generators(1))
    n = moved.occupation()[0]
    assert n[0, :, 4:].sum() == n[1, :, :4].sum() == 0


def test_a_step_does_not_depend_on_the_batch_or_the_slabs(monkeypatch):
    shape = (6, 7)
    lattice = Lattice.box(shape, ("periodic", "no-flux"))
    kernel = TransitionKernel(lattice)
    n_t = torch.randint(0, 3, (3, 2, *shape), generator=torch.Generator().manual_seed(4)).float()
    log_h = random_log_h((3, 2, *shape))
    together = sample_bridge_step(Walkers.of(n_t, lattice), log_h, kernel, 2.0, 0.3, generators(3))
    for sites, slab in ((1, 20), (4 * 42, 1), (4 * 42, 60)):
        monkeypatch.setattr(walk, "GROUP", sites)  # one channel at a time, or four of the six
        monkeypatch.setattr(bridge, "SLAB", slab)  # of a line, or of several
        again = sample_bridge_step(Walkers.of(n_t, lattice), log_h, kernel, 2.0, 0.3, generators(3))
        assert torch.equal(again.position, together.position)
    for i in range(3):
        mine = Walkers.of(n_t[i : i + 1], lattice)
        alone = sample_bridge_step(mine, log_h[i : i + 1], kernel, 2.0, 0.3, generators(1, seed=i))
        assert torch.equal(alone.occupation()[0], together.occupation()[i])


def test_a_step_is_drawn_in_float32_whatever_the_network_s_precision():
    lattice = Lattice.box((32, 32), "no-flux")
    kernel, log_h = TransitionKernel(lattice), random_log_h((1, 1, 32, 32))
    walkers = Walkers.of(torch.ones(1, 1, 32, 32), lattice)
    moved = sample_bridge_step(walkers, log_h, kernel, 8.0, 5.0, generators(1))
    with torch.autocast("cpu", torch.bfloat16):
        again = sample_bridge_step(walkers, log_h, kernel, 8.0, 5.0, generators(1))
    assert torch.equal(again.position, moved.position)


def test_no_walkers_no_trouble():
    lattice = Lattice.box((4, 4), "no-flux")
    none = Walkers.of(torch.zeros(1, 1, 4, 4), lattice)
    moved = sample_bridge_step(
        none, torch.zeros(1, 1, 4, 4), TransitionKernel(lattice), 1.0, 0.0, generators(1)
    )
    assert moved.occupation().sum() == 0


@pytest.mark.parametrize("boundary", ["no-flux", "periodic"])
def test_no_potential_carries_a_walker_further_than_its_step(boundary):
    """Rounding of the kernel, 1e-17, times a needle of e^50 must not outweigh staying near."""
    shape = (64, 48)
    lattice = Lattice.box(shape, boundary)
    log_h = torch.full((1, 1, *shape), -1e6)
    log_h[0, 0, 32, 24] = 0.0
    before = Walkers.of(torch.ones(1, 1, *shape), lattice)
    kernel = TransitionKernel(lattice)
    after = sample_bridge_step(before, log_h, kernel, 0.05, 0.01, generators(1))
    hop = (after.position - before.position).abs()
    length = torch.tensor(shape)[:, None]
    assert int(torch.minimum(hop, length - hop).max()) < 15
