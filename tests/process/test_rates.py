import itertools

import numpy as np
import pytest
import torch
from exact_laws import kernel_matrix

from microdsd.process import Lattice, TransitionKernel, Walkers, sample_forward
from microdsd.process.rates import conditional_rates, hop, open_faces, summed_rates

BOXES = [
    ((5,), ("no-flux",)),
    ((5,), ("periodic",)),
    ((2, 3), ("periodic", "no-flux")),
    ((3, 4), ("no-flux", "periodic")),
    ((2, 3, 2), ("no-flux", "no-flux", "periodic")),
]


def at(lattice, index):
    """One walker of one species per sample, at the given sites."""
    index = torch.as_tensor(index)
    position = torch.stack(torch.unravel_index(index, lattice.shape))
    return Walkers(lattice, len(index), 1, torch.arange(len(index)), position)


def neighbour(lattice, site, axis, up):
    """Site index next to a site, or None behind a wall; written without the code under test."""
    place = list(np.unravel_index(site, lattice.shape))
    place[axis] += 1 if up else -1
    length = lattice.shape[axis]
    if lattice.boundary[axis] == "periodic":
        place[axis] %= length
    elif not 0 <= place[axis] < length:
        return None
    return int(np.ravel_multi_index(place, lattice.shape))


@pytest.mark.parametrize(("shape", "boundary"), BOXES)
@pytest.mark.parametrize("t", [0.05, 0.7, 20.0])
def test_rates_are_ratios_of_the_matrix_exponential(shape, boundary, t):
    lattice = Lattice.box(shape, boundary)
    n = lattice.n_sites
    start, end = np.divmod(np.arange(n * n), n)
    rates = conditional_rates(
        at(lattice, start), at(lattice, end), TransitionKernel(lattice), torch.full((n * n,), t)
    )
    k = kernel_matrix(shape, boundary, t)
    assert rates.shape == (2 * len(shape), n * n)
    for axis, up in itertools.product(range(len(shape)), (0, 1)):
        for walker, (x0, x) in enumerate(zip(start, end, strict=True)):
            there = neighbour(lattice, x, axis, up)
            expected = 0.0 if there is None else k[x0, there] / k[x0, x]
            assert float(rates[2 * axis + up, walker]) == pytest.approx(expected, rel=1e-4)


@pytest.mark.statistics
@pytest.mark.parametrize("boundary", ["no-flux", "periodic"])
def test_rates_are_how_often_walkers_came_from_a_neighbour(boundary):
    """Of the walkers that are at x at t, a share rate * dt was next door at t - dt.

    Counts of 2,000,000 walkers; each is within 5 standard deviations and what two hops in dt
    add: false alarms about 1 in 10^5.
    """
    lattice = Lattice.box((5,), boundary)
    kernel, t, dt, n = TransitionKernel(lattice), 0.6, 0.004, 2_000_000
    origins = Walkers(lattice, 1, 1, torch.zeros(n, dtype=torch.int64), torch.ones(1, n).long())
    generator = [torch.Generator().manual_seed(3)]
    before = sample_forward(origins, kernel, torch.tensor([t - dt]), generator)
    after = sample_forward(before, kernel, torch.tensor([dt]), generator)
    for x in range(5):
        here = (after.position[0] == x).numpy()
        came = before.position[0].numpy()[here]
        rates = conditional_rates(at(lattice, [1]), at(lattice, [x]), kernel, torch.tensor([t]))
        for up in (0, 1):
            there = neighbour(lattice, x, 0, up)
            expected = float(rates[up, 0]) * dt * here.sum()
            seen = 0 if there is None else (came == there).sum()
            assert abs(seen - expected) <= 5 * np.sqrt(expected) + 0.02 * expected


@pytest.mark.parametrize(("shape", "boundary"), BOXES)
def test_the_mean_total_rate_is_the_number_of_open_directions(shape, boundary):
    """Exactly, over the walker's own law: why leaps cannot get longer as time goes on."""
    lattice = Lattice.box(shape, boundary)
    kernel, t, n = TransitionKernel(lattice), 0.8, lattice.n_sites
    k = kernel_matrix(shape, boundary, t)
    for x0 in range(n):
        total = conditional_rates(
            at(lattice, [x0] * n), at(lattice, range(n)), kernel, torch.full((n,), t)
        ).sum(0)
        faces = open_faces(lattice).flatten(1).sum(0).numpy()
        assert float(total.numpy() @ k[x0]) == pytest.approx(faces @ k[x0], rel=1e-5)


def test_rates_of_a_voxel_are_summed_by_sample_and_species():
    lattice = Lattice.box((4, 3), ("periodic", "no-flux"))
    kernel, t = TransitionKernel(lattice), torch.tensor([0.3, 2.0])
    draw = torch.Generator().manual_seed(0)
    occupation = torch.randint(0, 3, (2, 2, 4, 3), generator=draw).float()
    origins = Walkers.of(occupation, lattice)
    walkers = sample_forward(
        origins, kernel, t, [torch.Generator().manual_seed(i) for i in range(2)]
    )
    each = conditional_rates(origins, walkers, kernel, t)
    summed = summed_rates(origins, walkers, kernel, t)
    assert summed.shape == (2, 2, 4, 4, 3)
    expected = np.zeros(summed.shape)
    for walker in range(len(walkers.channel)):
        sample, species = divmod(int(walkers.channel[walker]), 2)
        y, x = walkers.position[:, walker].tolist()
        expected[sample, species, :, y, x] += each[:, walker].numpy()
    np.testing.assert_allclose(summed, expected, rtol=1e-5)
    assert (summed[..., 2, :, 0] == 0).all()  # down along the axis that has walls
    assert (summed[..., 3, :, -1] == 0).all()


@pytest.mark.parametrize(("shape", "boundary"), BOXES)
def test_hops_and_open_faces(shape, boundary):
    lattice = Lattice.box(shape, boundary)
    everywhere = at(lattice, range(lattice.n_sites))
    assert everywhere.site().tolist() == list(range(lattice.n_sites))
    stay = torch.full((lattice.n_sites,), -1)
    assert torch.equal(hop(everywhere, stay).position, everywhere.position)
    faces = open_faces(lattice).flatten(1)
    for axis, up in itertools.product(range(len(shape)), (0, 1)):
        direction = 2 * axis + up
        reached = hop(everywhere, torch.full_like(stay, direction)).site().tolist()
        for site in range(lattice.n_sites):
            there = neighbour(lattice, site, axis, up)
            assert bool(faces[direction, site]) == (there is not None)
            if there is not None:
                assert reached[site] == there
