import numpy as np
import pytest
import torch
from exact_laws import kernel_matrix, step_law

from microdsd.process import Lattice, TransitionKernel, Walkers, expected_occupation, sample_forward
from microdsd.process.octaves import Moment, Octaves
from microdsd.training import NoisedBatch, origin_loss
from microdsd.training.objective import LabelObjective, OriginObjective, label_loss

SHAPE, BOUNDARY = (3, 4), ("no-flux", "periodic")
KERNEL = TransitionKernel(Lattice.box(SHAPE, BOUNDARY))
T = torch.tensor([0.3, 1.4])
WALK, NOW = Octaves(KERNEL.lattice), Moment(0, T)


def noised(species=2, seed=0):
    """Occupation numbers of two samples, before and after the walk."""
    draw = torch.Generator().manual_seed(seed)
    n_0 = torch.randint(0, 3, (2, species, *SHAPE), generator=draw).float()
    generators = [torch.Generator().manual_seed(i) for i in range(2)]
    return n_0, sample_forward(Walkers.of(n_0, KERNEL.lattice), KERNEL, T, generators).occupation()


def random_log_h(seed=1, spread=2.0):
    return spread * torch.randn(2, 2, *SHAPE, generator=torch.Generator().manual_seed(seed))


def test_an_uninformed_walker_costs_nothing():
    n_0, n_t = noised()
    for level in (0.0, -3.0, 500.0):
        loss = origin_loss(torch.full_like(n_0, level), n_0, n_t, WALK, NOW)
        np.testing.assert_allclose(loss, 0, atol=1e-4 * max(1, abs(level) / 10))


def test_a_factor_per_sample_and_species_does_not_matter():
    n_0, n_t = noised()
    log_h = random_log_h()
    factor = torch.tensor([[30.0, -40.0], [0.0, 7.0]]).view(2, 2, 1, 1)
    loss = origin_loss(log_h, n_0, n_t, WALK, NOW)
    np.testing.assert_allclose(origin_loss(log_h + factor, n_0, n_t, WALK, NOW), loss, atol=1e-4)


@pytest.mark.parametrize("pairing", range(3))
def test_equals_the_likelihood_of_labelled_walkers(pairing):
    """Mean of -log P(y | x) + log K(x, y) over walkers; who came from where does not matter."""
    n_0, n_t = noised()
    log_h = random_log_h()
    loss = origin_loss(log_h, n_0, n_t, WALK, NOW)
    rng = np.random.default_rng(pairing)
    for sample, t in enumerate(T.tolist()):
        terms = []
        forward = kernel_matrix(SHAPE, BOUNDARY, t)
        for species in range(2):
            h = log_h[sample, species].double().exp().numpy().ravel()
            law = step_law(SHAPE, BOUNDARY, h, t, 0.0)
            sites = [
                np.repeat(np.arange(12), n[sample, species].numpy().ravel().astype(int))
                for n in (n_t, n_0)
            ]
            for x, y in zip(rng.permutation(sites[0]), sites[1], strict=True):
                terms.append(-np.log(law[x, y]) + np.log(forward[x, y]))
        assert float(loss[sample]) == pytest.approx(np.mean(terms), abs=2e-5)


def test_gradient_is_expected_less_true_origins():
    n_0, n_t = noised()
    log_h = random_log_h().requires_grad_()
    (gradient,) = torch.autograd.grad(origin_loss(log_h, n_0, n_t, WALK, NOW).sum(), log_h)
    for sample, t in enumerate(T.tolist()):
        one = slice(sample, sample + 1)
        rho = expected_occupation(n_t[one], log_h.detach()[one], KERNEL, t)
        np.testing.assert_allclose(
            gradient[one], (rho - n_0[one]) / n_0[one].sum(), rtol=0, atol=1e-6
        )


def test_a_gain_is_possible():
    """A potential that is large where the material was makes the loss negative."""
    n_0, n_t = noised()
    assert (origin_loss((n_0 + 0.1).log(), n_0, n_t, WALK, NOW) < -0.05).all()


@pytest.mark.parametrize("scale", [1e2, 1e4, 1e8])
def test_extreme_potentials_stay_finite(scale):
    n_0, n_t = noised()
    log_h = (scale * random_log_h()).requires_grad_()
    loss = origin_loss(log_h, n_0, n_t, WALK, NOW)
    loss.sum().backward()
    assert torch.isfinite(loss).all()
    assert torch.isfinite(log_h.grad).all()


def test_a_sample_without_walkers():
    n_0, n_t = noised()
    n_0[0], n_t[0] = 0, 0
    loss = origin_loss(random_log_h(), n_0, n_t, WALK, NOW)
    assert loss[0] == 0
    assert torch.isfinite(loss).all()


def test_samples_do_not_mix():
    n_0, n_t = noised()
    log_h = random_log_h()
    together = origin_loss(log_h, n_0, n_t, WALK, NOW)
    for i in range(2):
        one = slice(i, i + 1)
        alone = origin_loss(log_h[one], n_0[one], n_t[one], WALK, Moment(0, T[one]))
        np.testing.assert_allclose(alone[0], together[i], rtol=1e-5)


def test_label_loss_is_the_cross_entropy():
    n_0 = torch.tensor([[[[1.0, 0.0, 0.0]], [[0.0, 0.0, 1.0]]]])  # phases 1, 0, 2
    p = torch.tensor([[0.2, 0.5, 0.1], [0.7, 0.3, 0.3], [0.1, 0.2, 0.6]]).view(1, 3, 1, 3)
    expected = -np.log([0.7, 0.5, 0.6]).mean()
    assert float(label_loss(p.log(), n_0)) == pytest.approx(expected, rel=1e-6)


def test_label_objective_adds_the_phases_and_gains_by_the_origins():
    lattice = KERNEL.lattice
    draw = torch.Generator().manual_seed(3)
    n_0 = torch.zeros(2, 2, *SHAPE)
    phase = torch.randint(0, 3, (2, 1, *SHAPE), generator=draw)
    n_0 = torch.cat([(phase == 1), (phase == 2)], 1).float()
    origins = Walkers.of(n_0, lattice)
    walkers = sample_forward(origins, KERNEL, T, [draw, draw])
    log_p = torch.randn(2, 3, *SHAPE, generator=draw).log_softmax(1)

    class Network:
        def __call__(self, *_):
            return random_log_h()

        def joint(self, *_):
            return random_log_h(), log_p

    task = (Network(), NoisedBatch(origins, walkers, WALK, T))
    plain, labelled = OriginObjective(0.3, 9.0), LabelObjective(0.3, 9.0)
    np.testing.assert_allclose(
        labelled.loss(*task), plain.loss(*task) + label_loss(log_p, n_0), rtol=1e-6
    )
    np.testing.assert_allclose(labelled.gain(*task), plain.gain(*task), rtol=1e-6)
