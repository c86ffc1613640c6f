"""Noise levels: sigma = sqrt(2 t) voxels, the scale on which a level has blurred the material."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from microdsd.errors import InputError


def noise_level(t: float) -> float:
    """Return the displacement per axis, in voxels (standard deviation), after time ``t``.

    A walker hops to each neighbour at rate 1, so its variance along one axis grows as 2 t.
    """
    return math.sqrt(2.0 * t)


def time_of(sigma: Tensor | float) -> Tensor:
    """Return the time t = sigma^2 / 2 at which the noise level is ``sigma`` (voxels); float64."""
    return torch.as_tensor(sigma, dtype=torch.float64) ** 2 / 2


Spacing = Literal["log", "sqrt"]


def level_grid(
    sigma_max: float,
    sigma_last: float,
    evaluations: int,
    spacing: Spacing = "sqrt",
    log_above: float = math.inf,
) -> list[float]:
    """Return the noise levels at which the network is evaluated, down to the last step.

    The levels are even in the square root of sigma unless asked otherwise: between a logarithmic
    grid, whose long steps at high levels lose the layout, and one even in sigma, whose long steps
    at low levels leave rough surfaces (docs/decisions/0006).

    Parameters
    ----------
    sigma_max, sigma_last : float
        First and last level, voxels; the network is evaluated at both.
    evaluations : int
        Number of levels, at least 2.
    spacing : {"log", "sqrt"}
        In what the levels are even.
    log_above : float
        Level, voxels, above which levels even in the square root are even in log sigma instead,
        as dense as below where the two meet: on lattices that grow with sigma the task is the same
        at every level.

    Returns
    -------
    list of float
        Decreasing levels.

    Examples
    --------
    >>> [round(s, 3) for s in level_grid(9.0, 1.0, 5)]
    [9.0, 6.25, 4.0, 2.25, 1.0]
    >>> [round(s, 2) for s in level_grid(64.0, 1.0, 5, log_above=4.0)]
    [64.0, 24.92, 9.7, 3.78, 1.0]
    """
    if evaluations < 2:
        raise InputError(f"evaluations={evaluations}: at least 2 are needed")
    if not 0 < sigma_last < sigma_max:
        raise InputError(
            f"sigma_last={sigma_last}: choose a level between 0 and the first one's {sigma_max:g}"
        )
    if spacing == "log":
        levels = np.geomspace(sigma_max, sigma_last, evaluations)
    elif spacing == "sqrt":
        bend = math.sqrt(log_above)

        def place(sigma: float) -> float:
            root = math.sqrt(sigma)
            return root if root <= bend else bend * (1 + math.log(root / bend))

        even = np.linspace(place(sigma_max), place(sigma_last), evaluations)
        levels = even**2
        above = even > bend
        levels[above] = log_above * np.exp(2 * (even[above] / bend - 1))
    else:
        raise InputError(f"spacing={spacing!r}: choose 'log' or 'sqrt'")
    return [sigma_max, *levels[1:-1].tolist(), sigma_last]
