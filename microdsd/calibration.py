"""The noise level of the last step, chosen on held-back material.

Assigned at a high level, walkers give interfaces that are too smooth; at a low one, speckle.
The level is chosen where generated material has as much interface as real material of the same
composition.
"""

from __future__ import annotations

import bisect
import functools
from typing import TYPE_CHECKING

import numpy as np

from microdsd.metrics import interface_density
from microdsd.microstructure import as_microstructure
from microdsd.request import Fractions, GenerationRequest

if TYPE_CHECKING:
    from microdsd.model import MicrostructureModel

CANDIDATES = (0.3, 0.37, 0.45, 0.55, 0.67, 0.82, 1.0)
"""Noise levels, voxels, at which the walk may end."""

_SEED = 0


def last_level(model: MicrostructureModel, real: np.ndarray) -> float:
    """Noise level at which the model's interface density equals that of real windows.

    Parameters
    ----------
    model : MicrostructureModel
    real : ndarray, shape (n, *window)
        Labels of held-back windows; samples are generated at their exact compositions, from the
        same seed at every candidate.

    Returns
    -------
    float
        From the lowest to the highest of `CANDIDATES`, interpolated between them.
    """
    fractions: Fractions = {
        name: [float((window == label).mean()) for window in real]
        for label, name in model.card.phases.items()
    }
    # A network is not asked about levels below those that it was trained on.
    levels = [level for level in CANDIDATES if level >= model.card.sigma_min]

    @functools.cache
    def interface(k: int) -> float:
        request = GenerationRequest.resolve(
            model.card, len(real), phase_fraction=fractions, sigma_last=levels[k], rng=_SEED
        )
        return _mean_interface(np.stack([labels for labels, _ in model.generate(request)]))

    # The higher the level, the smoother the interface: bisect for where it falls below the real.
    target = _mean_interface(real)
    above = bisect.bisect_left(range(len(levels)), True, key=lambda k: interface(k) <= target)
    if above in (0, len(levels)):
        return levels[min(above, len(levels) - 1)]
    left, right = interface(above - 1), interface(above)
    share = (left - target) / (left - right)
    return round(levels[above - 1] + share * (levels[above] - levels[above - 1]), 3)


def _mean_interface(labels: np.ndarray) -> float:
    ensemble = as_microstructure(labels, ensemble=True)
    return float(interface_density(ensemble, periodic=False).mean())
