import re

import numpy as np
import pytest
import torch
from exact_laws import kernel_matrix

from microdsd.errors import InputError, NotMixedError
from microdsd.process import Lattice, TransitionKernel, time_of

BOXES = [
    ((5,), "no-flux"),
    ((6,), "periodic"),
    ((4, 3), "no-flux"),
    ((4, 5), "periodic"),
    ((3, 4), ("periodic", "no-flux")),
    ((1, 2), ("no-flux", "periodic")),
    ((2, 1), ("no-flux", "periodic")),
    ((2, 3, 4), ("periodic", "no-flux", "periodic")),
    ((3, 2, 2), ("no-flux", "periodic", "no-flux")),
]
box = pytest.mark.parametrize(("shape", "boundary"), BOXES)


def whole_kernel(shape, boundary, t):
    """K_t over all sites as the code has it: the response to one walker on every site."""
    kernel = TransitionKernel(Lattice.box(shape, boundary))
    n = kernel.lattice.n_sites
    one_walker = torch.eye(n).view(n, 1, *shape)
    return kernel.apply(one_walker, t).reshape(n, n).numpy()


@box
@pytest.mark.parametrize("t", [0.0, 0.01, 0.6, 5.0])
def test_equals_the_matrix_exponential_of_the_rates(shape, boundary, t):
    lattice = Lattice.box(shape, boundary)
    exact = kernel_matrix(shape, lattice.boundary, t)
    np.testing.assert_allclose(whole_kernel(shape, boundary, t), exact, rtol=0, atol=3e-7)


@pytest.mark.parametrize("boundary", ["no-flux", "periodic"])
@pytest.mark.parametrize("length", [1, 2, 3, 16, 37, 64])
@pytest.mark.parametrize("t", [0.0, 0.045, 8.0, 1e4])
def test_rows_are_symmetric_probabilities(length, boundary, t):
    matrix = TransitionKernel(Lattice.box((length,), boundary)).axis_matrix(0, t).numpy()
    assert (matrix >= 0).all()
    np.testing.assert_allclose(matrix.sum(1), 1, rtol=0, atol=1e-6)
    np.testing.assert_allclose(matrix, matrix.T, rtol=0, atol=1e-7)


@box
def test_times_add_up(shape, boundary):
    s, t = 0.7, 1.9
    composed = whole_kernel(shape, boundary, s) @ whole_kernel(shape, boundary, t)
    np.testing.assert_allclose(composed, whole_kernel(shape, boundary, s + t), rtol=0, atol=5e-7)


def test_periodic_walk_does_not_know_where_it_is():
    matrix = TransitionKernel(Lattice.box((7,), "periodic")).axis_matrix(0, 1.3)
    np.testing.assert_allclose(matrix.roll((2, 2), (0, 1)), matrix, rtol=0, atol=1e-7)


@pytest.mark.parametrize("boundary", ["no-flux", "periodic"])
def test_displacement_has_variance_two_t(boundary):
    t, length = 12.5, 101
    matrix = TransitionKernel(Lattice.box((length,), boundary)).axis_matrix(0, t).double()
    displacement = torch.arange(length) - length // 2
    variance = float((matrix[length // 2] * displacement**2).sum())
    assert variance == pytest.approx(2 * t, rel=1e-5)
    assert float(time_of(variance**0.5)) == pytest.approx(t, rel=1e-5)


def test_one_time_per_batch_member():
    shape, times = (4, 5, 3), torch.tensor([0.1, 0.8, 3.0], dtype=torch.float64)
    kernel = TransitionKernel(Lattice.box(shape, ("periodic", "no-flux", "no-flux")))
    field = torch.rand(3, 2, *shape, generator=torch.Generator().manual_seed(0))
    together = kernel.apply(field, times)
    for i, t in enumerate(times):
        alone = kernel.apply(field[i : i + 1], t)
        np.testing.assert_allclose(together[i : i + 1], alone, rtol=1e-6, atol=1e-7)


def test_products_stay_in_float32_under_the_networks_precision():
    kernel = TransitionKernel(Lattice.box((6, 6), "no-flux"))
    field = torch.rand(2, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    for t in (0.5, torch.tensor([0.5, 2.0])):
        with torch.autocast("cpu", torch.bfloat16):
            inside = kernel.apply(field, t)
        assert inside.dtype == torch.float32
        assert torch.equal(inside, kernel.apply(field, t))


@box
def test_mixing_residual_is_the_second_eigenvalue(shape, boundary):
    kernel = TransitionKernel(Lattice.box(shape, boundary))
    t = 0.9
    eigenvalues = np.sort(np.linalg.eigvalsh(kernel_matrix(shape, kernel.lattice.boundary, t)))
    assert kernel.mixing_residual(t) == pytest.approx(eigenvalues[-2], rel=1e-9)


def test_a_single_voxel_is_always_mixed():
    kernel = TransitionKernel(Lattice.box((1, 1), "no-flux"))
    assert kernel.mixing_residual(0.0) == 0.0
    kernel.require_mixed(0.0)


@pytest.mark.parametrize("t", [0.0, 1e-12, 3.0, 250.0])
def test_refusal_names_a_horizon_that_is_enough(t):
    kernel = TransitionKernel(Lattice.box((256, 40), ("no-flux", "periodic")))
    with pytest.raises(NotMixedError, match="slowest mode") as caught:
        kernel.require_mixed(t)
    named = float(re.search(r"at least ([\d.]+) voxels", str(caught.value))[1])
    kernel.require_mixed(float(time_of(named)))
    with pytest.raises(NotMixedError):
        kernel.require_mixed(float(time_of(0.99 * named)))


def test_the_papers_horizon_for_rocks_is_refused():
    """r T = 250 leaves 86 % of the slowest mode of a periodic 256-voxel box, 96 % between walls."""
    for boundary, left in [("periodic", 0.86), ("no-flux", 0.96)]:
        kernel = TransitionKernel(Lattice.box((256, 256), boundary))
        assert kernel.mixing_residual(250.0) == pytest.approx(left, abs=0.005)
        with pytest.raises(NotMixedError):
            kernel.require_mixed(250.0)


def test_small_box_of_the_horizon_is_accepted():
    kernel = TransitionKernel(Lattice.box((16, 16), "periodic"))
    kernel.require_mixed(float(time_of(20.0)))


@pytest.mark.parametrize(
    ("shape", "boundary", "message"),
    [
        ((), "no-flux", "1, 2 or 3 axes"),
        ((2, 2, 2, 2), "no-flux", "1, 2 or 3 axes"),
        ((4, 0), "no-flux", "at least one voxel"),
        ((4, 4), ("no-flux",), "one entry for each of the 2 axes"),
        ((4, 4), "open", "'open': choose one of 'no-flux', 'periodic'"),
    ],
)
def test_impossible_lattices(shape, boundary, message):
    with pytest.raises(InputError, match=message):
        Lattice.box(shape, boundary)
