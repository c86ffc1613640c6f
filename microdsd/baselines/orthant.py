"""Probability that two Gaussian numbers exceed one level, and its inverse."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

Array = NDArray[np.float64]

_NODES = 4097


def exceedance_probability(correlation: ArrayLike, fraction: float) -> Array:
    r"""Return the probability that two Gaussian numbers exceed the level of a fraction.

    Parameters
    ----------
    correlation : array_like
        In [-1, 1].
    fraction : float
        Probability that one of them exceeds the level a, in (0, 1).

    Notes
    -----
    .. math:: P(\rho) = \phi^2 + \frac{1}{2\pi}\int_0^{\arcsin\rho}
        \exp\left(-\frac{a^2}{1 + \sin\theta}\right) d\theta

    At :math:`\phi = 1/2` this is the arcsine law, :math:`1/4 + \arcsin(\rho) / 2\pi`.

    References
    ----------
    Quiblier, J. Colloid Interface Sci. 98 (1984) 84, doi:10.1016/0021-9797(84)90481-8.

    Examples
    --------
    >>> exceedance_probability([-1.0, 0.0, 0.5, 1.0], 0.5).round(6)
    array([0.      , 0.25    , 0.333333, 0.5     ])
    """
    angle, probability = _table(float(fraction))
    return np.asarray(np.interp(np.arcsin(np.clip(correlation, -1, 1)), angle, probability))


def correlation_of_exceedance(probability: ArrayLike, fraction: float) -> Array:
    """Return the correlation at which two numbers exceed a level with a probability.

    Probabilities beyond those of the correlations -1 and 1 give these.

    Examples
    --------
    >>> correlation_of_exceedance([1 / 3, 0.25, 0.9], 0.5).round(6).tolist()
    [0.5, 0.0, 1.0]
    """
    angle, known = _table(float(fraction))
    rising = np.concatenate([[True], np.diff(known) > 0])
    angles = np.interp(np.asarray(probability), known[rising], angle[rising])
    return np.asarray(np.sin(angles))


@lru_cache(maxsize=16)
def _table(fraction: float) -> tuple[Array, Array]:
    """Return angles from -pi/2 to pi/2 and the probability at each, by Simpson's rule."""
    angle = np.linspace(-np.pi / 2, np.pi / 2, _NODES)
    level = ndtri(1 - fraction)

    def density(theta: Array) -> Array:
        with np.errstate(divide="ignore"):
            return np.asarray(np.exp(-(level**2) / (1 + np.sin(theta))))

    # At -pi/2 the integrand is 1 where the level is zero, and 0 elsewhere.
    ends = density(angle) if level else np.ones(_NODES)
    middles = density((angle[1:] + angle[:-1]) / 2) if level else np.ones(_NODES - 1)
    panels = (ends[1:] + ends[:-1] + 4 * middles) * (angle[1] - angle[0]) / 12 / np.pi
    integral = np.concatenate([[0.0], np.cumsum(panels)])
    return angle, np.maximum(integral - integral[-1] + fraction, 0.0)
