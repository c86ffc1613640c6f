"""What the rate network adds to the trunk, which test_unet.py tests through the potential."""

import numpy as np
import pytest
import torch

from microdsd.networks import PotentialRates, PotentialUNet, RateUNet, UNetConfig, build_network
from microdsd.process import Lattice, TransitionKernel
from microdsd.process.rates import open_faces


def network_of(ndim=2, species=1, widths=(4, 8), trained=True):
    with torch.random.fork_rng(devices=[]):
        torch.random.default_generator.manual_seed(0)
        network = RateUNet(UNetConfig(ndim, species, widths, (1,) * len(widths), 8))
        if trained:
            with torch.no_grad():
                for weight in network.parameters():
                    if not weight.any():
                        weight.normal_(0, 0.3)
    return network


def occupation(shape, batch=2, species=1):
    draw = torch.Generator().manual_seed(0)
    return torch.randint(0, 3, (batch, species, *shape), generator=draw).float()


def times(*t):
    return torch.tensor(t, dtype=torch.float64)


@pytest.mark.parametrize("boundary", ["no-flux", "periodic"])
@pytest.mark.parametrize("shape", [(4, 4), (7, 9), (1, 6), (5, 6, 7), (8, 4, 12)])
def test_any_box_will_do(shape, boundary):
    network = network_of(len(shape), species=2)
    kernel = TransitionKernel(Lattice.box(shape, boundary))
    rates = network(occupation(shape, species=2), times(1e-3, 300.0), kernel)
    assert rates.shape == (2, 2, 2 * len(shape), *shape)
    assert rates.dtype == torch.float32
    assert torch.isfinite(rates).all()
    assert (rates >= 0).all()


@pytest.mark.parametrize("ndim", [2, 3])
def test_an_untrained_network_has_the_rates_of_the_forward_walk(ndim):
    shape = (5, 6, 4)[:ndim]
    kernel = TransitionKernel(Lattice.box(shape, "no-flux"))
    rates = network_of(ndim, trained=False)(occupation(shape), times(0.01, 50.0), kernel)
    np.testing.assert_allclose(rates.detach(), 1.0, rtol=1e-6)


def test_periodic_boxes_have_no_edge():
    network, n_t = network_of(), occupation((8, 12))
    kernel = TransitionKernel(Lattice.box((8, 12), "periodic"))
    rates = network(n_t, times(0.8, 3.0), kernel)
    for axis in (0, 1):
        shifted = network(n_t.roll(2, 2 + axis), times(0.8, 3.0), kernel)
        np.testing.assert_allclose(
            shifted.detach(), rates.detach().roll(2, 3 + axis), atol=1e-4, rtol=1e-4
        )


def test_species_and_directions_are_told_apart():
    """Channels are the 2 D directions of the first species, then those of the second."""
    network, n_t = network_of(species=2), occupation((6, 6), species=2)
    kernel = TransitionKernel(Lattice.box((6, 6), "no-flux"))
    raw = network.output(n_t, times(0.5, 0.5), kernel)
    rates = network(n_t, times(0.5, 0.5), kernel)  # sigma is 1
    one = np.log(np.e - 1)
    for species in (0, 1):
        for direction in range(4):
            expected = torch.nn.functional.softplus(raw[:, 4 * species + direction] + one)
            assert torch.allclose(rates[:, species, direction], expected)


def test_networks_by_the_name_of_their_method():
    config = UNetConfig(2, 1, (4, 8), (1, 1), 8)
    assert isinstance(build_network("bridges", config), PotentialUNet)
    assert isinstance(build_network("tau-leaping", config), RateUNet)


def test_the_trunk_is_the_same():
    """The weights of one network fit the other, but for the head."""
    config = UNetConfig(2, 1, (4, 8), (1, 1), 8)
    potential, rates = PotentialUNet(config).state_dict(), RateUNet(config).state_dict()
    assert list(potential) == list(rates)
    differing = [name for name in potential if potential[name].shape != rates[name].shape]
    assert differing == ["head.conv.weight"]


@pytest.mark.parametrize("boundary", ["no-flux", "periodic"])
def test_a_flat_potential_implies_the_forward_rates(boundary):
    kernel = TransitionKernel(Lattice.box((5, 6), boundary))
    potential = PotentialUNet(UNetConfig(2, 2, (4, 8), (1, 1), 8))
    rates = PotentialRates(potential)(occupation((5, 6), species=2), times(0.5, 9.0), kernel)
    expected = open_faces(kernel.lattice).float().expand(2, 2, -1, -1, -1)
    np.testing.assert_allclose(rates.detach(), expected, rtol=1e-5)
