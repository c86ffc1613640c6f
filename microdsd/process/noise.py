"""Noise levels: sigma = sqrt(2 t) voxels, the scale on which a level has blurred the material."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from scipy.integrate import cumulative_trapezoid
from torch import Tensor

from microdsd.errors import InputError


def noise_level(t: float) -> float:
    """Displacement per axis, in voxels (standard deviation), after time ``t``.

    A walker hops to each neighbour at rate 1, so its variance along one axis grows as 2 t.
    """
    return math.sqrt(2.0 * t)


def time_of(sigma: Tensor | float) -> Tensor:
    """Time t = sigma^2 / 2 at which the noise level ``sigma`` (voxels) is reached; float64."""
    return torch.as_tensor(sigma, dtype=torch.float64) ** 2 / 2


def level_grid(
    sigma_max: float,
    sigma_last: float,
    evaluations: int,
    gain: tuple[Sequence[float], Sequence[float]] | None = None,
    gain_share: float = 0.7,
) -> list[float]:
    """Noise levels at which the network is evaluated, from the horizon down to the last step.

    Parameters
    ----------
    sigma_max, sigma_last : float
        First and last level, voxels; the network is evaluated at both.
    evaluations : int
        Number of levels, at least 2.
    gain : (levels, gains), optional
        Information gained by the model, nats per walker, at increasing noise levels, as
        measured on validation windows. Where the model knows nothing the potential is flat
        and a step of any length is exact, so ``gain_share`` of the grid's density per log
        sigma follows the gain; the rest is even. Without it the grid is logarithmic.
    gain_share : float
        In [0, 1].

    Returns
    -------
    list of float
        Decreasing levels.

    Examples
    --------
    >>> [round(s, 3) for s in level_grid(8.0, 1.0, 4)]
    [8.0, 4.0, 2.0, 1.0]
    """
    if evaluations < 2:
        raise InputError(f"evaluations={evaluations}: at least 2 are needed")
    if not 0 < sigma_last < sigma_max:
        raise InputError(
            f"sigma_last={sigma_last}: choose a level between 0 and the horizon's {sigma_max:g}"
        )
    log_sigma = np.linspace(math.log(sigma_last), math.log(sigma_max), 512)
    density = np.ones_like(log_sigma)
    if gain is not None:
        gained = np.interp(log_sigma, np.log(gain[0]), gain[1]).clip(min=0)
        if gained.any():
            density = gain_share * gained / gained.mean() + (1 - gain_share)
    progress = cumulative_trapezoid(density, log_sigma, initial=0)
    progress /= progress[-1]
    nodes = np.interp(np.linspace(1.0, 0.0, evaluations), progress, log_sigma)
    return [sigma_max, *np.exp(nodes[1:-1]).tolist(), sigma_last]
