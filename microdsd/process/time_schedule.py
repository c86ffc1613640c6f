"""Time schedules of the paper: where between the data and the horizon training looks.

A schedule is an increasing function s -> t / T from (0, 1] to (0, 1]; the paper puts its 2000
observation times at s = k / 2000. In the paper T = 1 and hops have rate r; here hops have rate
1, so the paper's r is our horizon T, and sigma = sqrt(2 r) voxels.
"""

from __future__ import annotations

import math
import re

import numpy as np

from microdsd.errors import InputError
from microdsd.process.noise import Spacing, level_grid

OBSERVATIONS = 2000
"""Observation times of the paper."""

_TAU_1, _TAU_2 = 7.5, 2.5
"""The logit schedule starts at e^-tau_1 / tau_2 of the horizon, and keeps e^-tau_2 at its end."""


def schedule_times(schedule: str, observations: int = OBSERVATIONS) -> np.ndarray:
    """Return observation times t_1 < ... < t_n = 1 in units of the horizon.

    Parameters
    ----------
    schedule : str
        "logit", the paper's own: -log(sigmoid(l)) / tau_2 with l even between
        logit(1 - e^-tau_1) and logit(e^-tau_2); "t^n" for a power n of at least 1, "t^4" for
        instance; or "cosine", sin^2(pi s / 2).
    observations : int

    Raises
    ------
    InputError
        For any other name.

    References
    ----------
    Santos et al., Discrete Spatial Diffusion, arXiv:2505.01917 (2025), eq. 2.

    Examples
    --------
    >>> schedule_times("t^2", 4).tolist()
    [0.0625, 0.25, 0.5625, 1.0]
    >>> schedule_times("logit")[[0, -1]].round(6).tolist()
    [0.000221, 1.0]
    """
    s = np.arange(1, observations + 1) / observations
    power = re.fullmatch(r"t\^(\d+(?:\.\d+)?)", schedule)
    if power and float(power[1]) >= 1:
        times: np.ndarray = s ** float(power[1])
    elif schedule == "cosine":
        times = np.sin(math.pi / 2 * s) ** 2
    elif schedule == "logit":
        first, last = _logit(-math.expm1(-_TAU_1)), _logit(math.exp(-_TAU_2))
        times = np.logaddexp(0.0, -np.linspace(first, last, observations)) / _TAU_2
    else:
        raise InputError(
            f"time_schedule={schedule!r}: choose 'logit', 'cosine', or a power of "
            "at least 1 as 't^4'"
        )
    return times


def _logit(p: float) -> float:
    return math.log(p / (1 - p))


def leap_grid(
    sigma_max: float, sigma_last: float, evaluations: int, spacing: Spacing = "log"
) -> list[float]:
    """Return noise levels at which tau-leaping evaluates the network when their number is given.

    Rates grow as 1 / t towards the data, so a grid even in log sigma has leaps that move a
    like share of the walkers: it is the default. "sqrt" is the grid of the bridges.

    Parameters
    ----------
    sigma_max, sigma_last : float
        First and last level, voxels; the last leap goes from there to the data.
    evaluations : int
        Number of levels, at least 2.
    spacing : {"log", "sqrt"}

    Examples
    --------
    >>> [round(sigma, 3) for sigma in leap_grid(8.0, 1.0, 4)]
    [8.0, 4.0, 2.0, 1.0]
    """
    return level_grid(sigma_max, sigma_last, evaluations, spacing)
