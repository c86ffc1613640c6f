import numpy as np
import pytest
import torch
from scipy.stats import norm

from microdsd.networks.walls import free_share
from microdsd.process import Lattice


@pytest.mark.parametrize("sigma", [0.3, 2.0, 40.0])
def test_equals_the_mass_of_the_free_gaussian_inside(sigma):
    share = free_share(
        Lattice.box((7, 5), "no-flux"), torch.tensor([sigma**2 / 2]), torch.empty(())
    )
    y, x = np.arange(7) + 0.5, np.arange(5) + 0.5
    inside = [norm.cdf((n - at) / sigma) - norm.cdf(-at / sigma) for at, n in ((y, 7), (x, 5))]
    np.testing.assert_allclose(share[0, 0], np.outer(*inside), rtol=1e-5)


def test_periodic_axes_have_no_walls():
    share = free_share(Lattice.box((4, 6, 5), "periodic"), torch.ones(2), torch.empty(()))
    assert share.shape == (2, 1, 4, 6, 5)
    assert bool((share == 1).all())


def test_each_sample_has_its_own_level():
    lattice = Lattice.box((8, 8, 8), ("no-flux", "periodic", "no-flux"))
    t = torch.tensor([0.1, 3.0])
    both = free_share(lattice, t, torch.empty(()))
    alone = [free_share(lattice, t[i : i + 1], torch.empty(())) for i in range(2)]
    assert torch.equal(both, torch.cat(alone))
    assert bool((both[0] >= both[1]).all())
