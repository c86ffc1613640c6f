import math

import numpy as np
import pytest
import torch
from exact_laws import kernel_matrix

from microdsd.process import (
    Lattice,
    TransitionKernel,
    Walkers,
    horizon_at,
    mixing,
    noise_level,
    recommend_horizon,
    sample_forward,
)


def kernel_of(shape, boundary="no-flux"):
    return TransitionKernel(Lattice.box(shape, boundary))


def random_occupation(shape, seed=0):
    draw = torch.Generator().manual_seed(seed)
    return torch.randint(0, 3, shape, generator=draw).float()


def stripes(length=12):
    """Full and empty layers in turn: an eigenvector of the periodic walk, with eigenvalue -4."""
    n = torch.zeros(1, 1, length, length)
    n[..., ::2, :] = 1
    return n, kernel_of((length, length), "periodic")


@pytest.mark.parametrize("t", [0.05, 0.4, 0.9])
def test_layout_of_stripes(t):
    """m = (1 +- a) / 2 with a = exp(-4 t): information and correlation by hand."""
    n, kernel = stripes()
    a = math.exp(-4 * t)
    sites = n[0, 0].numel()
    information = sites / 4 * ((1 + a) * math.log(1 + a) + (1 - a) * math.log(1 - a))
    assert float(mixing.layout_information(n, kernel, t)) == pytest.approx(information, rel=1e-4)
    stays = kernel_matrix((12,), ("periodic",), 2 * t)[0, 0] ** 2
    variance = a**2 / 4 + 1 / 2 - stays / 2
    correlation = (a / 4) / math.sqrt(variance / 4)
    assert float(mixing.layout_correlation(n, kernel, t)) == pytest.approx(correlation, rel=1e-5)


@pytest.mark.parametrize("boundary", [("no-flux", "periodic"), ("periodic", "no-flux")])
def test_information_is_the_divergence_from_uniform(boundary):
    shape, t = (4, 5), 0.7
    n = random_occupation((3, 2, *shape))
    found = mixing.layout_information(n, kernel_of(shape, boundary), t)
    k = kernel_matrix(shape, boundary, t)
    for i in range(3):
        m = [k @ n[i, c].double().numpy().ravel() for c in range(2)]
        expected = sum((x * np.log(x / x.mean())).sum() for x in m)
        assert float(found[i]) == pytest.approx(expected, rel=1e-5)


def test_information_of_next_to_nothing_is_not_lost_in_rounding():
    """A wave of amplitude a on a uniform field of N walkers holds N a^2 / 4 nats, however small."""
    length, t = 256, 30_000.0
    kernel = kernel_of((length, 64))
    site = torch.arange(length) + 0.5
    wave = torch.cos(math.pi / length * site)[:, None].expand(length, 64)
    n = 50 * (1 + 0.9 * wave)[None, None]
    a = 0.9 * kernel.mixing_residual(t)
    assert float(mixing.layout_information(n, kernel, t)) == pytest.approx(
        50 * length * 64 * a**2 / 4, rel=0.01
    )


def test_a_missing_species_holds_nothing():
    n = random_occupation((1, 2, 6, 6))
    n[:, 1] = 0
    kernel = kernel_of((6, 6))
    both = mixing.layout_information(n, kernel, 0.5)
    assert torch.equal(both, mixing.layout_information(n[:, :1], kernel, 0.5))


@pytest.mark.statistics
@pytest.mark.parametrize("t", [0.1, 1.0, 4.0])
def test_correlation_is_that_of_drawn_walks(t):
    """Mean over 1,000 walks; false alarms 6 in 10^7 (five standard errors)."""
    shape, walks = (8, 9), 1000
    n = (random_occupation((1, 1, *shape), seed=3) > 1).float()
    kernel = kernel_of(shape, ("no-flux", "periodic"))
    expected = float(mixing.layout_correlation(n, kernel, t))
    walkers = Walkers.of(n.expand(walks, 1, *shape), kernel.lattice)
    generators = [torch.Generator().manual_seed(i) for i in range(walks)]
    noised = sample_forward(walkers, kernel, torch.full((walks,), t), generators).occupation()
    drawn = [np.corrcoef(n.ravel(), x.ravel())[0, 1] for x in noised]
    # The ratio of expectations is not the expectation of the ratio: that far they may differ.
    slack = 5 * np.std(drawn) / math.sqrt(walks) + 1 / n.numel()
    assert abs(np.mean(drawn) - expected) < slack


def test_correlation_is_one_before_the_walk():
    n = (random_occupation((2, 2, 7, 6)) > 1).float()
    found = mixing.layout_correlation(n, kernel_of((7, 6)), 0.0)
    np.testing.assert_allclose(found, 1, rtol=1e-6)


@pytest.mark.parametrize("t", [0.0, 0.2, 3.0])
def test_displaced_share_is_what_leaves_the_diagonal(t):
    shape, boundary = (3, 4, 2), ("no-flux", "periodic", "no-flux")
    n = random_occupation((2, 1, *shape))
    diagonal = np.diag(kernel_matrix(shape, boundary, t))
    weight = n.sum((0, 1)).numpy().ravel()
    expected = 1 - (weight * diagonal).sum() / weight.sum()
    found = mixing.displaced_share(n, kernel_of(shape, boundary), t)
    assert found == pytest.approx(expected, abs=1e-6)


def test_crowded_share_counts_walkers_of_all_species():
    n = torch.tensor([[[1.0, 0, 2, 0], [1.0, 1, 0, 0]]])
    assert mixing.crowded_share(n) == pytest.approx(4 / 5)


@pytest.mark.parametrize("epsilon", [0.2, 0.1, 0.05])
def test_tau_leaping_on_the_paper_s_rocks(epsilon):
    """4 r / epsilon with r = 250 in the plane."""
    found = mixing.tau_leaping_evaluations(2, noise_level(250), epsilon)
    assert found == pytest.approx(1000 / epsilon)


def test_even_material_needs_no_more_than_mixing():
    n = (random_occupation((8, 1, 16, 16)) > 1).float()
    kernel = kernel_of((16, 16))
    horizon = recommend_horizon(n, kernel)
    assert horizon.sigma == kernel.mixed_level()
    assert horizon.residual == pytest.approx(0.01)
    assert horizon.sufficient
    assert not horizon_at(n, kernel, 0.95 * horizon.sigma).sufficient


def test_a_large_graded_window_needs_a_longer_horizon():
    """Half of it full: 1 % of the slowest mode of 100,000 walkers is plain to see."""
    n = torch.zeros(1, 1, 128, 128, 16)
    n[:, :, :64] = 1
    kernel = kernel_of((128, 128, 16))
    assert horizon_at(n, kernel, kernel.mixed_level()).information > 1
    horizon = recommend_horizon(n, kernel)
    assert horizon.sufficient
    assert horizon.sigma > kernel.mixed_level()
    assert horizon.information == pytest.approx(mixing.LAYOUT, rel=0.02)
