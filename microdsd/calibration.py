"""The noise level of the last step, chosen on held-back material.

Assigned at a high level, walkers give interfaces that are too smooth; at a low one, speckle.
The level is chosen where generated material is as rough as real material of the same
composition: interface and number of bodies, both of which fall as the level rises.
"""

from __future__ import annotations

import bisect
import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from microdsd.metrics import connected_bodies, interface_density
from microdsd.microstructure import as_microstructure
from microdsd.microstructure.composition import Fractions
from microdsd.request import GenerationRequest

if TYPE_CHECKING:
    from microdsd.model import MicrostructureModel

CANDIDATES = (0.1, 0.15, 0.22, 0.3, 0.37, 0.45, 0.55, 0.67, 0.82, 1.0)
"""Noise levels, voxels, at which the walk may end."""

_INTERFACE_TOLERANCE, _BODIES_TOLERANCE = 0.03, 0.10
"""Relative differences that weigh the same: the interface is the sharper measure."""

_NONE = 1e-9
"""Interface density that counts as none: real windows of one phase must not divide by zero."""

_SEED = 0


def last_level(
    model: MicrostructureModel,
    real: np.ndarray,
    class_name: Sequence[str] | None = None,
    evaluations: int | None = None,
) -> float:
    """Noise level at which the model's samples are as rough as real windows.

    Parameters
    ----------
    model : MicrostructureModel
    real : ndarray, shape (n, *window)
        Labels of held-back windows; samples are generated at their exact compositions, from the
        same seed at every candidate.
    class_name : sequence of str, optional
        Class of every window, where the model knows classes.
    evaluations : int, optional
        Network evaluations per sample; by default the model's own.

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

    real_interface, real_bodies = _interface_and_bodies(real)

    @functools.cache
    def excess(k: int) -> float:
        """Roughness beyond that of the real windows when walks end at level k."""
        request = GenerationRequest.resolve(
            model.card,
            len(real),
            phase_fraction=fractions,
            class_name=class_name,
            evaluations=evaluations,
            sigma_last=levels[k],
            rng=_SEED,
        )
        made = np.stack([labels for labels, _ in model.generate(request)])
        interface, bodies = _interface_and_bodies(made)
        rougher = (interface - real_interface) / max(real_interface, _NONE)
        more = (bodies - real_bodies) / real_bodies
        return rougher / _INTERFACE_TOLERANCE + more / _BODIES_TOLERANCE

    # Bisect for the first level that leaves no excess, then interpolate from the one below.
    above = bisect.bisect_left(range(len(levels)), True, key=lambda k: excess(k) <= 0)
    if above in (0, len(levels)):
        return levels[min(above, len(levels) - 1)]
    share = excess(above - 1) / (excess(above - 1) - excess(above))
    return round(levels[above - 1] + share * (levels[above] - levels[above - 1]), 3)


def _interface_and_bodies(labels: np.ndarray) -> tuple[float, float]:
    """Interface density, and number of connected bodies of all phases, means over the windows."""
    ensemble = as_microstructure(labels, ensemble=True)
    interface = float(interface_density(ensemble, periodic=False).mean())
    bodies = sum(
        float(connected_bodies(ensemble, phase=label).number.mean()) for label in np.unique(labels)
    )
    return interface, bodies
