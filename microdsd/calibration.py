"""The noise level of the last step, chosen on held-back material.

Assigned at a high level, walkers give interfaces that are too smooth; at a low one, speckle.
The level is chosen where generated material has as much interface as real material of the same
composition.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from microdsd.metrics import interface_density
from microdsd.microstructure import as_microstructure
from microdsd.request import Fractions, GenerationRequest

if TYPE_CHECKING:
    from microdsd.model import MicrostructureModel

LOWEST, HIGHEST = 0.45, 1.0
"""Noise levels, voxels, between which the walk may end."""

_SEED = 0


def last_level(model: MicrostructureModel, real: np.ndarray) -> float:
    """Noise level at which the model's interface density equals that of real windows.

    Samples are made once and read out at every level of their grid that is a candidate.

    Parameters
    ----------
    model : MicrostructureModel
    real : ndarray, shape (n, *window)
        Labels of held-back windows; samples are generated at their exact compositions.

    Returns
    -------
    float
        From `LOWEST` to `HIGHEST`, interpolated between the levels of the grid.
    """
    fractions: Fractions = {
        name: [float((window == label).mean()) for window in real]
        for label, name in model.card.phases.items()
    }
    request = GenerationRequest.resolve(
        model.card,
        len(real),
        phase_fraction=fractions,
        sigma_last=max(LOWEST, model.card.sigma_min),
        rng=_SEED,
    )
    endings = model.endings(request, below=HIGHEST)
    levels = sorted(endings)
    excess = np.array([_mean_interface(endings[level]) for level in levels])
    # More smoothing can only remove interface, whatever the sampling noise says.
    falling = np.minimum.accumulate(excess)
    level = np.interp(-_mean_interface(real), -falling, levels)
    return round(float(level), 3)


def _mean_interface(labels: np.ndarray) -> float:
    ensemble = as_microstructure(labels, ensemble=True)
    return float(interface_density(ensemble, periodic=False).mean())
