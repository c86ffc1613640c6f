"""Planes around a slice that is all there is: they agree with it as the picture does."""

import numpy as np
import pytest
import scipy.special
import torch

from microdsd.microstructure import blobs
from microdsd.process import Lattice, TransitionKernel
from microdsd.training.neighbour_planes import NeighbourPlanes, _cut, _mixed, _strata


def windows(phases=2, n=8, edge=32):
    fractions = {2: (0.3, 0.7), 3: (0.2, 0.3, 0.5)}[phases]
    picture = blobs((edge * n, edge), fractions=fractions, scale=2, rng=0).values
    cut = torch.from_numpy(picture.reshape(n, edge, edge))
    return torch.stack([cut == c for c in range(phases - 1)], dim=1).float()


@pytest.mark.parametrize("t", [0.05, 1.0, 18.0, 800.0])
def test_walkers_come_from_planes_as_the_law_of_one_axis_says(t):
    places, odds = _strata(t)
    stays = scipy.special.ive(0, 2 * t)
    assert stays + 2 * sum(odds) == pytest.approx(1, abs=2e-3)
    # On an axis as long, the kernel of the process.
    length = 401
    kernel = TransitionKernel(Lattice.box((length,), "periodic")).axis_matrix(0, t)
    if t < 1000:
        assert float(kernel[0, 0]) == pytest.approx(stays, rel=1e-3)
    variance = 2 * sum(p * place**2 for place, p in zip(places, odds, strict=True))
    assert variance == pytest.approx(2 * t, rel=0.05)


def test_nearby_planes_agree_and_far_ones_do_not():
    planes = NeighbourPlanes.of(windows())
    correlation = planes._correlation
    assert correlation[0] == 1.0
    assert correlation[1] > 0.7
    assert (np.diff(correlation[:6]) < 0).all()
    assert correlation[12] < 0.4
    assert 2 <= planes._length <= 12


@pytest.mark.parametrize("phases", [2, 3])
def test_arrivals_are_whole_and_as_many_as_there_is_material(phases):
    real = windows(phases)
    planes = NeighbourPlanes.of(real)
    for sigma in (0.3, 2.0, 20.0):
        t = torch.full((len(real),), sigma**2 / 2)
        arrived = planes.arrivals(real, t, np.random.default_rng(0))
        assert arrived.shape == real.shape
        assert torch.equal(arrived, arrived.round())
        torch.testing.assert_close(
            arrived.mean((0, 2, 3)), real.mean((0, 2, 3)), rtol=0.08, atol=0.01
        )


def test_without_noise_a_slice_is_itself():
    real = windows()
    nothing = torch.full((len(real),), 1e-9)
    arrived = NeighbourPlanes.of(real).arrivals(real, nothing, np.random.default_rng(0))
    assert torch.equal(arrived, real)


def test_noise_takes_contrast_from_a_slice():
    """What arrives agrees with the slice less, the more of it comes from elsewhere."""
    real = windows()
    planes = NeighbourPlanes.of(real)

    def covariance(sigma):
        t = torch.full((len(real),), sigma**2 / 2)
        arrived = planes.arrivals(real, t, np.random.default_rng(0))
        own = real - real.mean((2, 3), keepdim=True)
        return float((own * arrived).mean() / (own * real).mean())

    shares = [covariance(sigma) for sigma in (0.3, 1.0, 3.0, 12.0)]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > 0.9
    assert shares[-1] < 0.35


def test_mixtures_are_cut_at_counts():
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(2, 4, 3, 10, 10))
    counts = np.array([[50, 30, 20]] * 4)
    planes = _cut(_mixed(one, other, 0.5), counts)
    assert [np.bincount(plane.ravel()).tolist() for plane in planes] == counts.tolist()
