"""How walkers are led back from noise to material in a given number of network evaluations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_FROM_HORIZON = 16
"""Evaluations from which on walkers that start uniform start at the horizon.

Below it they lack what varies on long scales for good; but the fewer evaluations there are, the
more are missed further down (docs/decisions/0033)."""

JOINT_TEMPERATURE = 1.0
"""Of draws in passes, unless calibrated: the draws are from the joint law."""


@dataclass(frozen=True)
class WalkBack:
    """Hold the settings of the walk back, for one number of network evaluations.

    Attributes
    ----------
    evaluations : int
    first, last : float
        Noise levels, voxels: where walkers start, and where they are assigned to voxels.
    sharpness : tuple of float
        Exponent of every species' potential; 1 where there is none. A network that knows less
        than could be known makes the potential too flat, and material gathers too little; an
        exponent above 1 makes up for it.
    temperature : float
        Of the last assignment: 0 takes the most probable phases, 1 draws phases from their
        probabilities, and what is between from their powers 1 / temperature. The most probable
        phases make surfaces flatter than real ones are; drawn ones are speckled, for voxels are
        drawn independently.
    passes : int
        In which phases are drawn, each given those drawn before, by models that have learned it
        (`ModelCard.last_draw`): at most 4 in 2D and 8 in 3D. 0 draws all voxels at once, as walks
        of fewer than six evaluations do in any case, which have none left for a redraw.
    """

    evaluations: int
    first: float
    last: float
    sharpness: tuple[float, ...] = ()
    temperature: float = 0.0
    passes: int = 0

    @classmethod
    def between(cls, calibrated: Sequence[WalkBack], evaluations: int) -> WalkBack:
        """Return settings for any number of evaluations, on straight lines in logarithms.

        Temperatures, which may be 0, are on lines over the logarithm of the evaluations; passes
        are the most of any.

        Parameters
        ----------
        calibrated : sequence of WalkBack
            In ascending order of their evaluations, for as many species each; beyond the outermost
            nothing changes.
        evaluations : int

        Examples
        --------
        >>> few, many = WalkBack(4, 10.0, 0.8, (1.2,)), WalkBack(16, 40.0, 0.2, (1.2,))
        >>> WalkBack.between([few, many], 8)
        WalkBack(evaluations=8, first=20.0, last=0.4, sharpness=(1.2,), temperature=0.0, passes=0)
        """
        numbers = [math.log(walk.evaluations) for walk in calibrated]
        settings = np.log([(walk.first, walk.last, *walk.sharpness) for walk in calibrated]).T
        # Rounded: exp(log(x)) is not x to the last bit, and a calibrated level must be.
        first, last, *sharpness = (
            float(f"{math.exp(np.interp(math.log(evaluations), numbers, column)):.12g}")
            for column in settings
        )
        temperatures = [walk.temperature for walk in calibrated]
        temperature = float(np.interp(math.log(evaluations), numbers, temperatures))
        passes = max(walk.passes for walk in calibrated)
        return cls(evaluations, first, last, tuple(sharpness), round(temperature, 12), passes)


def uniform_start(horizon: float, evaluations: int) -> float:
    """Return the noise level from which walkers that start uniform are best led back.

    Examples
    --------
    >>> uniform_start(40.0, 32), uniform_start(40.0, 8)
    (40.0, 20.0)
    """
    return horizon * min(1.0, evaluations / _FROM_HORIZON)
