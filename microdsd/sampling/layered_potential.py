"""The potential of a step of a large box, a few layers at a time."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from microdsd.process.bridge import LOG_FLOOR
from microdsd.process.slabs import slabs


class LayeredPotential:
    """Compute the potential of a step by layers: positive, with maximum 1 per species.

    Log h is taken ahead of the step, on the line through what it was before, and raised to an
    exponent per species.

    Parameters
    ----------
    log_h : Tensor, shape (species, *sites)
    before : Tensor, shape (species, *sites), optional
        Log h of the evaluation before.
    weight : float
        Of the change since.
    exponents : sequence of float
        One per species.
    """

    def __init__(
        self, log_h: Tensor, before: Tensor | None, weight: float, exponents: Sequence[float]
    ) -> None:
        self._log_h, self._before, self._weight = log_h, before, weight
        self._exponents = exponents
        layers = torch.arange(log_h.shape[1], device=log_h.device)
        parts = [layers[part] for part in slabs(log_h.shape[1], math.prod(log_h.shape[2:]))]
        self._peak = [
            max(float(self._log(c, part).max()) for part in parts) for c in range(len(log_h))
        ]

    def __call__(self, c: int, layers: Tensor) -> Tensor:
        """Return the potential of a species on some layers, shape (layers, *sites)."""
        return self._log(c, layers).sub_(self._peak[c]).clamp_min_(LOG_FLOOR).exp_()

    def _log(self, c: int, layers: Tensor) -> Tensor:
        log_h = self._log_h[c].index_select(0, layers).float()
        if self._before is not None:
            change = log_h - self._before[c].index_select(0, layers)
            log_h = log_h + self._weight * change
        return log_h.mul_(self._exponents[c])
