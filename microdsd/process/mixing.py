"""What noise still holds of the material it was made from: closed forms, no walker is drawn."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from microdsd.process.kernel import MIXED, TransitionKernel
from microdsd.process.noise import noise_level, time_of

LAYOUT = 0.05
"""Nats per window that the noise of the recommended horizon may hold on its source."""


@dataclass(frozen=True)
class Horizon:
    """Describe a noise level at which walks may start from uniform walkers, and what that omits.

    Attributes
    ----------
    sigma : float
        Noise level, voxels.
    residual : float
        Amplitude that the slowest mode of the box keeps.
    information : float
        Nats per window that the noise holds on its source, at most; see `layout_information`.
    """

    sigma: float
    residual: float
    information: float

    @property
    def sufficient(self) -> bool:
        """Return whether both are within what the recommended horizon leaves."""
        return self.residual <= MIXED * (1 + 1e-6) and self.information <= LAYOUT


def horizon_at(occupation: Tensor, kernel: TransitionKernel, sigma: float) -> Horizon:
    """Measure what windows (batch, species, *space) leave in noise of level ``sigma``."""
    t = float(time_of(sigma))
    information = float(layout_information(occupation, kernel, t).mean())
    return Horizon(sigma, kernel.mixing_residual(t), information)


def recommend_horizon(occupation: Tensor, kernel: TransitionKernel) -> Horizon:
    """Return the smallest horizon whose noise may be taken for uniform.

    The slowest mode must keep no more than `MIXED`, and the noise hold no more than `LAYOUT` nats
    per window on its source. For even material the first decides; a large window of graded or
    layered material needs more.

    Parameters
    ----------
    occupation : Tensor, shape (batch, species, *space)
        Windows of the material.
    kernel : TransitionKernel
        Law of the window.
    """
    horizon = horizon_at(occupation, kernel, kernel.mixed_level())
    decay = -math.log(kernel.mixing_residual(1.0))
    while horizon.information > LAYOUT:
        # So near to uniform, information falls as the square of the slowest amplitude.
        longer = math.log(horizon.information / LAYOUT) / (2 * decay)
        t = float(time_of(horizon.sigma)) + longer * (1 + 1e-6)
        horizon = horizon_at(occupation, kernel, noise_level(t))
    return horizon


def layout_information(occupation: Tensor, kernel: TransitionKernel, t: float) -> Tensor:
    """Bound the nats that noise of time ``t`` holds on the window it came from.

    The bound is the divergence of the walkers' law from the uniform one,

        sum_x m(x) log(m(x) V / N),   m = K_t n_0,

    summed over species. Occupation numbers say less than walkers with names do, and a mixture
    of windows less than one of them, so this bounds what a uniform start gets wrong: it is off
    by at most sqrt(information / 2) in total variation (Pinsker).

    Parameters
    ----------
    occupation : Tensor, shape (batch, species, *space)
    kernel : TransitionKernel
    t : float

    Returns
    -------
    Tensor of float64, shape (batch,)

    Examples
    --------
    >>> from microdsd.process.lattice import Lattice
    >>> kernel = TransitionKernel(Lattice.box((8,), "no-flux"))
    >>> one_walker = torch.eye(8).view(8, 1, 8)
    >>> round(float(layout_information(one_walker, kernel, 0.0)[0]), 4)  # log 8
    2.0794
    """
    mean = kernel.apply(occupation, t).double().flatten(2)
    uniform = occupation.double().flatten(2).mean(2, keepdim=True)
    excess = mean / uniform.clamp_min(1e-300) - 1
    # Non-negative term by term, so that rounding of the kernel's columns does not add up.
    term = torch.special.xlogy(1 + excess, 1 + excess) - excess
    information: Tensor = (uniform * term).sum((1, 2))
    return information


def layout_correlation(occupation: Tensor, kernel: TransitionKernel, t: float) -> Tensor:
    """Return the correlation over voxels of n_0 with n_t, expected of a walk of time ``t``.

    Parameters
    ----------
    occupation : Tensor, shape (batch, species, *space)
        n_0.
    kernel : TransitionKernel
    t : float

    Returns
    -------
    Tensor of float64, shape (batch, species)
        Ratio of the expected covariance to the expected variances; NaN for an even n_0.

    Notes
    -----
    With m = K_t n_0 the covariance is that of n_0 with m. Walkers are independent, so n_t has the
    variance m less the squared probabilities of each of them, which sum to K_2t(x0, x0).
    """
    n = occupation.double().flatten(2)
    m = kernel.apply(occupation, t).double().flatten(2)
    average = n.mean(2)
    twice = staying_probability(kernel, 2 * t).double().reshape(-1)
    covariance = (n * m).mean(2) - average**2
    variance_0 = (n * n).mean(2) - average**2
    variance_t = (m * m).mean(2) - average**2 + average - (n * twice).mean(2)
    return covariance / torch.sqrt(variance_0 * variance_t)


def staying_probability(kernel: TransitionKernel, t: float) -> Tensor:
    """Return the probability K_t(x, x) that a walker is where it was; shape (*space)."""
    stays = torch.ones((), device=kernel.device)
    for axis in range(kernel.lattice.ndim):
        stays = stays[..., None] * kernel.axis_matrix(axis, t).diagonal()
    return stays


def displaced_share(occupation: Tensor, kernel: TransitionKernel, t: float) -> float:
    """Return the share of the walkers that are expected elsewhere after time ``t``."""
    stays = (occupation * staying_probability(kernel, t)).sum()
    return 1 - float(stays / occupation.sum())


def crowded_share(occupation: Tensor) -> float:
    """Return the share of the walkers, of any species, that share their voxel with another.

    Examples
    --------
    >>> crowded_share(torch.tensor([[[2.0, 1.0, 1.0, 0.0]]]))
    0.5
    """
    together = occupation.sum(1)
    return float(together[together > 1].sum() / together.sum())


def tau_leaping_evaluations(ndim: int, sigma_max: float, epsilon: float) -> float:
    """Return the least number of network evaluations of tau-leaping: 2 D T / epsilon.

    A step is epsilon over the largest total rate of an occupied voxel, and the mean total rate
    of a walker is 2 D at every time.

    Examples
    --------
    >>> round(tau_leaping_evaluations(2, noise_level(250), 0.1))  # the paper's rocks
    10000
    """
    return 2 * ndim * float(time_of(sigma_max)) / epsilon
