import math

import numpy as np
import pytest
import torch
from tiny_models import tiny_network

from microdsd.networks import PotentialUNet, UNetConfig
from microdsd.networks.unet import n_parameters
from microdsd.process import Lattice, TransitionKernel
from microdsd.process.octaves import Moment, Octaves
from microdsd.training import origin_loss


def occupation(shape, batch=1, species=1, high=1, seed=0):
    draw = torch.Generator().manual_seed(seed)
    return torch.randint(0, high + 1, (batch, species, *shape), generator=draw).float()


def times(*t):
    return torch.tensor(t, dtype=torch.float64)


def kernel_of(shape, boundary):
    return TransitionKernel(Lattice.box(shape, boundary))


def spread(log_h):
    """Range of a field: what is left of it when a factor of h does not matter."""
    return float(log_h.detach().max() - log_h.detach().min())


@pytest.mark.parametrize("boundary", ["no-flux", "periodic"])
@pytest.mark.parametrize(
    "shape", [(4, 4), (7, 9), (16, 5), (1, 6), (33, 2), (5, 6, 7), (8, 4, 12), (4, 1, 3)]
)
@pytest.mark.parametrize("widths", [(4,), (4, 8), (4, 6, 8)])
def test_any_box_will_do(shape, boundary, widths):
    network = tiny_network(len(shape), species=2, widths=widths)
    n_t = occupation(shape, batch=2, species=2)
    log_h = network(n_t, times(0.5, 3.0), kernel_of(shape, boundary))
    assert log_h.shape == n_t.shape
    assert log_h.dtype == torch.float32
    assert torch.isfinite(log_h).all()


def test_mixed_boundaries():
    network = tiny_network()
    n_t = occupation((7, 8))
    kernel = kernel_of((7, 8), ("periodic", "no-flux"))
    assert network(n_t, times(1.0), kernel).shape == n_t.shape


@pytest.mark.parametrize("ndim", [2, 3])
def test_an_untrained_network_knows_nothing(ndim):
    """h is flat, so the loss is zero, whatever the input."""
    network = PotentialUNet(UNetConfig(ndim, 2, (4, 8), (1, 1), 8))
    shape = (5, 6, 4)[:ndim]
    n_0, kernel = occupation(shape, species=2), kernel_of(shape, "no-flux")
    n_t = n_0.roll(1, -1)
    log_h = network(n_t, times(0.7), kernel)
    flat = log_h.flatten(2)
    assert torch.equal(flat, flat[..., :1].expand_as(flat))
    now = Moment(0, times(0.7))
    loss = origin_loss(log_h, n_0, n_t, Octaves(kernel.lattice), now).detach()
    np.testing.assert_allclose(loss, 0, atol=1e-5)


@pytest.mark.parametrize(
    ("shape", "widths"), [((8, 12), (4, 8)), ((8, 16), (4, 6, 8)), ((4, 6, 8), (4, 8))]
)
def test_periodic_boxes_have_no_edge(shape, widths):
    """Shifts by the coarsest voxel commute with the network."""
    network, multiple = tiny_network(len(shape), widths=widths), 2 ** (len(widths) - 1)
    n_t, kernel = occupation(shape), kernel_of(shape, "periodic")
    log_h = network(n_t, times(0.8), kernel)
    for axis, length in enumerate(shape):
        for shift in range(multiple, length, multiple):
            shifted = network(n_t.roll(shift, 2 + axis), times(0.8), kernel)
            np.testing.assert_allclose(
                shifted.detach(), log_h.detach().roll(shift, 2 + axis), atol=2e-5
            )


def test_walls_are_seen():
    """The same shift in a box with walls changes what the network says."""
    network, n_t, kernel = tiny_network(), occupation((8, 12)), kernel_of((8, 12), "no-flux")
    shifted = network(n_t.roll(2, 2), times(0.8), kernel)
    assert (shifted - network(n_t, times(0.8), kernel).roll(2, 2)).abs().max() > 1e-3


def test_periodic_boxes_of_odd_length_have_almost_no_edge():
    """Unrolled by a margin, an odd box is periodic as far as the margin reaches."""
    network, n_t, kernel = tiny_network(), occupation((16, 9)), kernel_of((16, 9), "periodic")
    log_h = network(n_t, times(0.8), kernel).detach()
    shifted = network(n_t.roll(2, 3), times(0.8), kernel).detach()
    walled = network(n_t, times(0.8), kernel_of((16, 9), "no-flux")).detach()
    off = (shifted - log_h.roll(2, 3)).abs()[..., 2:].mean()
    assert off < 0.5 * (walled - log_h).abs().mean()


@pytest.mark.parametrize("shape", [(64, 12), (61, 9)])
def test_the_network_is_local(shape):
    """At low noise nothing beyond the receptive field matters: large boxes are safe."""
    network, kernel, t = tiny_network(), kernel_of(shape, "no-flux"), times(0.01)
    n_t = occupation(shape)
    changed = n_t.clone()
    changed[:, :, :6] = 1 - changed[:, :, :6]
    difference = (network(n_t, t, kernel) - network(changed, t, kernel)).detach()
    assert spread(difference[:, :, :6]) > 1e-3
    assert spread(difference[:, :, 36:]) < 1e-5


def test_a_larger_box_is_seen_as_the_window_was():
    """Deep inside, the prediction does not depend on the size of the box."""
    network, t = tiny_network(), times(0.01)
    large = occupation((80, 80))
    small = large[:, :, 8:72, 8:72]
    in_large = network(large, t, kernel_of((80, 80), "no-flux"))[:, :, 8:72, 8:72]
    in_small = network(small, t, kernel_of((64, 64), "no-flux"))
    inner = (..., slice(28, 36), slice(28, 36))
    assert spread(in_large[inner]) > 0.1
    assert spread((in_large - in_small)[inner]) < 1e-4


def test_unknown_fractions_are_no_fractions():
    network, n_t, kernel = (
        tiny_network(species=2),
        occupation((6, 6), species=2),
        kernel_of((6, 6), "no-flux"),
    )
    nothing = network(n_t, times(1.0), kernel)
    assert torch.equal(network(n_t, times(1.0), kernel, torch.full((1, 2), math.nan)), nothing)
    told = network(n_t, times(1.0), kernel, torch.tensor([[0.25, 0.25]]))
    assert (told - nothing).abs().max() > 1e-4
    other = network(n_t, times(1.0), kernel, torch.tensor([[0.25, 0.5]]))
    assert (other - told).abs().max() > 1e-4


def test_rows_are_conditioned_one_by_one():
    network, kernel = tiny_network(), kernel_of((6, 6), "no-flux")
    n_t = occupation((6, 6), batch=3)
    fractions = torch.tensor([[0.2], [math.nan], [0.7]])
    t = times(0.4, 2.0, 9.0)
    together = network(n_t, t, kernel, fractions).detach()
    for i in range(3):
        one = slice(i, i + 1)
        alone = network(n_t[one], t[one], kernel, fractions[one]).detach()
        np.testing.assert_allclose(alone[0], together[i], atol=1e-5)


def test_the_free_factor_is_fixed():
    """The mean of log h is zero, per sample and species: no drift that nothing holds."""
    network, kernel = tiny_network(species=2), kernel_of((7, 6), "no-flux")
    log_h = network(occupation((7, 6), batch=2, species=2), times(0.4, 3.0), kernel).detach()
    np.testing.assert_allclose(log_h.mean((2, 3)), 0, atol=1e-5)


@pytest.mark.parametrize("ndim", [2, 3])
def test_under_bfloat16_the_potential_is_float32(ndim):
    """As fine as float32 can tell, and close to what float32 throughout gives."""
    shape = (8, 9, 6)[:ndim]
    network, kernel, n_t = tiny_network(ndim), kernel_of(shape, "no-flux"), occupation(shape)
    exact = network(n_t, times(0.4), kernel).detach()
    with torch.autocast("cpu", torch.bfloat16):
        rough = network(n_t, times(0.4), kernel).detach()
    assert rough.dtype == torch.float32
    assert (rough != rough.bfloat16().float()).float().mean() > 0.9
    assert (rough - exact).std() < 0.1 * exact.std()


def test_the_noise_level_is_seen():
    network, n_t, kernel = tiny_network(), occupation((6, 6)), kernel_of((6, 6), "no-flux")
    assert (network(n_t, times(0.1), kernel) - network(n_t, times(9.0), kernel)).abs().max() > 1e-3


def test_every_weight_learns():
    network, kernel = tiny_network(species=2), kernel_of((6, 6), "no-flux")
    n_0 = occupation((6, 6), species=2)
    log_h = network(n_0, times(0.7), kernel, torch.tensor([[0.5, 0.5]]))
    now = Moment(0, times(0.7))
    origin_loss(log_h, n_0.roll(1, 3), n_0, Octaves(kernel.lattice), now).sum().backward()
    dead = [name for name, p in network.named_parameters() if not p.grad.any()]
    assert not dead
    assert n_parameters(network) == sum(p.numel() for p in network.parameters())


def test_phases_are_read_out_beside_the_potential():
    """One pass gives the same log h, and a probability of every phase."""
    network, n_t, kernel = (
        tiny_network(species=2),
        occupation((9, 8), 3, 2),
        kernel_of((9, 8), "no-flux"),
    )
    log_h, log_p = network.joint(n_t, times(0.2, 1.0, 4.0), kernel)
    assert torch.equal(log_h, network(n_t, times(0.2, 1.0, 4.0), kernel))
    assert log_p.shape == (3, 3, 9, 8)
    np.testing.assert_allclose(log_p.exp().sum(1).detach(), 1, rtol=1e-6)
    assert spread(log_p[:, 1]) > 0.1


def test_an_untrained_read_out_has_no_favourite():
    network = PotentialUNet(UNetConfig(2, 2, (4, 8), (1, 1), 8, read_out=True))
    _, log_p = network.joint(occupation((5, 6), 1, 2), times(0.7), kernel_of((5, 6), "no-flux"))
    np.testing.assert_allclose(log_p.detach(), -math.log(3), rtol=1e-6)
