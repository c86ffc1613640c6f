"""The noise level of the last step, chosen on held-back material.

Assigned at a high level, walkers give interfaces that are too smooth; at a low one, speckle.
The level is chosen where generated material has as much interface as real material of the same
composition.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from microdsd.request import Fractions, GenerationRequest

if TYPE_CHECKING:
    from microdsd.model import MicrostructureModel

CANDIDATES = (0.45, 0.55, 0.65, 0.8, 1.0)
_SEED = 0


def last_level(model: MicrostructureModel, real: np.ndarray) -> float:
    """Noise level at which the model's interface density equals that of real windows.

    Parameters
    ----------
    model : MicrostructureModel
    real : ndarray, shape (n, *window)
        Labels of held-back windows; samples are generated at their exact compositions.

    Returns
    -------
    float
        Between the smallest and the largest of `CANDIDATES`, interpolated.
    """
    phases = model.card.phases
    fractions: Fractions = {
        name: [float((window == label).mean()) for window in real]
        for label, name in phases.items()
    }
    target = interface_density(real)
    candidates = [sigma for sigma in CANDIDATES if sigma >= model.card.sigma_min]
    excess = []
    for sigma in candidates:
        request = GenerationRequest.resolve(
            model.card, len(real), phase_fraction=fractions, sigma_last=sigma, rng=_SEED
        )
        made = np.stack([labels for labels, _ in model.generate(request)])
        excess.append(math.log(interface_density(made) / target))
    # More smoothing can only remove interface, whatever the sampling noise says.
    falling = np.minimum.accumulate(excess)
    return round(float(np.interp(0.0, falling[::-1], np.array(candidates)[::-1])), 3)


def interface_density(labels: np.ndarray) -> float:
    """Unlike pairs of face neighbours per pair of neighbours, over windows (n, *space)."""
    unlike = pairs = 0
    for axis in range(1, labels.ndim):
        length = labels.shape[axis]
        differ = labels.take(range(1, length), axis) != labels.take(range(length - 1), axis)
        unlike += int(differ.sum())
        pairs += differ.size
    return unlike / pairs
