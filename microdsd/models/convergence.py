"""How far a model's training is from its end: what its gains and its calibration give away."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from microdsd.models.card import ModelCard
from microdsd.models.plan import WalkPlan

SHARPEST = 1.15
"""Exponent of a potential beyond which it makes up for what the network does not know."""

FEW_MINUTES = 10
"""Minutes below which a training is a trial, unless its gains were measured often enough."""

_FEWEST_GAINS = 5
_SETTLED = 0.2
"""Share of the training time whose gains, still far from their law, are left out."""

_EXPONENTS = np.linspace(0.25, 1.5, 26)


@dataclass(frozen=True)
class Convergence:
    """Hold what is known of how far a training came.

    Attributes
    ----------
    gain : float or None
        Nats per walker gained on held-back windows, the mean over noise levels.
    minutes : float
        Time of the training.
    more : dict of int to float
        Gain to be expected after 2 and after 4 times as long, extrapolated from the course of the
        gains; empty where too few were measured.
    too_sharp : dict of str to float
        Exponents above 1.15 that calibration took for the walk, by phase. The network's potential
        was then too flat: it knows less than could be known, or the steps of the walk are too long.
    starts_within : float or None
        Distance, voxels, over which the material is correlated, where the calibrated walk starts
        from less noise than that: its layout is then left to chance.
    """

    gain: float | None
    minutes: float
    more: Mapping[int, float]
    too_sharp: Mapping[str, float]
    starts_within: float | None

    @classmethod
    def of(cls, card: ModelCard, plan: WalkPlan | None = None) -> Convergence:
        """Read it off a card; models of version 0.1 lack the course of the gains.

        Parameters
        ----------
        card : ModelCard
        plan : WalkPlan, optional
            Walk that is looked at; by default that of the model's own number of evaluations.
        """
        levels = [gain for gain in card.validation_gains if math.isfinite(gain)]
        gain = sum(levels) / len(levels) if levels else None
        if plan is None:
            walk = card.walk(card.evaluations)
            sharpness, first, spectral = walk.sharpness, walk.first, card.spectrum is not None
        else:
            # Rounded: grids of levels do not return their first level to the last bit.
            first = round(plan.levels[0], 9)
            sharpness, spectral = plan.sharpness, plan.spectral
        # Walks that were never calibrated have no exponents.
        too_sharp = {
            card.phases[label]: exponent
            for label, exponent in zip(card.contents.species, sharpness, strict=False)
            if exponent > SHARPEST
        }
        reach = (card.provenance.get("calibration") or {}).get("correlated_over")
        return cls(
            gain,
            float(card.provenance.get("minutes") or 0.0),
            extrapolated(card.provenance.get("gains_by_minute") or ()),
            too_sharp,
            reach if not spectral and reach is not None and first < reach else None,
        )

    @property
    def trained_too_little(self) -> bool:
        """Tell whether calibration had to make up for what the network does not know."""
        return bool(self.too_sharp) or self.starts_within is not None

    @property
    def is_trial(self) -> bool:
        """Tell whether the training was too short to say how far it came."""
        return 0.0 < self.minutes < FEW_MINUTES and self.gain is not None and not self.more

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as JSON can hold them."""
        return {
            "gain": self.gain,
            "gain_expected_after": {str(times): gain for times, gain in self.more.items()},
            "trained_too_little": self.trained_too_little,
            "too_sharp": dict(self.too_sharp),
            "starts_within": self.starts_within,
        }


def extrapolated(course: Sequence[Sequence[float]]) -> dict[int, float]:
    """Return the gains expected after 2 and 4 times the time, by a power law of what is missing.

    The law is g(t) = G - b t^-c with b >= 0 and c between 0.25 and 1.5, by least squares; the
    first fifth of the time is left out, and what is expected is counted from the last gain.

    Parameters
    ----------
    course : sequence of (minutes, gain)

    Returns
    -------
    dict of int to float
        Empty for fewer than five gains.

    Examples
    --------
    >>> course = [(t, 0.5 - 0.2 * t**-0.5) for t in (2, 4, 5, 6, 8, 10)]
    >>> {times: round(gain, 3) for times, gain in extrapolated(course).items()}
    {2: 0.455, 4: 0.468}
    """
    points = np.array([row for row in course if np.isfinite(row).all()], dtype=float)
    if len(points):
        points = points[points[:, 0] > _SETTLED * points[-1, 0]]
    if len({minutes for minutes, *_ in points.tolist()}) < _FEWEST_GAINS:
        return {}
    time, gain = points.T / np.array([[points[-1, 0]], [1.0]])
    laws = []
    for exponent in _EXPONENTS:
        missing = time**-exponent - 1.0
        slope = max(0.0, -float(np.polyfit(missing, gain, 1)[0]))
        level = float((gain + slope * missing).mean())
        laws.append((float(((level - slope * missing - gain) ** 2).sum()), exponent, slope))
    _, exponent, slope = min(laws)
    return {times: float(gain[-1] + slope * (1.0 - float(times) ** -exponent)) for times in (2, 4)}
