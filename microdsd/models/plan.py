"""The plan of a walk: at which noise levels a network is asked, and how steps are made of it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import Any

from microdsd.models.card import ModelCard
from microdsd.models.methods import METHODS
from microdsd.models.walk_back import uniform_start
from microdsd.networks.last_draw import HIGHEST_LEVEL

FEWEST_WITH_REDRAW = 6
"""Evaluations from which on the last of them is better spent on a redraw than on the walk."""

_REDRAWN_IN_PASSES = 0.6
"""Noise level, voxels, at which samples are drawn again in passes, wherever the walk ends.

At lower ones less of a surface is drawn anew, at higher ones more loose voxels are drawn
(docs/decisions/0029 and 0032)."""

_REPEATED = (1.0, 8.0)
"""Lowest and highest noise level, voxels, from which steps are repeated."""


@dataclass(frozen=True)
class WalkPlan:
    """Plan the walk of a sample from noise to material, settled before it begins.

    Attributes
    ----------
    levels : tuple of float
        Decreasing noise levels of the network's evaluations, voxels; with ``epsilon`` the first
        one alone.
    sharpness : tuple of float
        Exponent of every species' potential in steps, 1 if not given; see
        `microdsd.models.WalkBack`.
    temperature : float
        Of the last assignment of phases; see there.
    passes : int
        In which phases are drawn; see there.
    repeats : int
        How often steps from 8 to 1 voxels are made: the walkers walk forward over the step, by the
        exact kernel, and it is made again, so that they and known material agree better
        (RePaint: Lugmayr et al. 2022, doi:10.1109/CVPR52688.2022.01117).
    redraws : tuple of float
        Noise levels, voxels, at which samples are drawn again after the walk, one evaluation each.
    spectral : bool
        Whether walkers start with the spectrum of the material, see `ModelCard.spectrum`.
    epsilon : float, optional
        For tau-leaping: share of a voxel's walkers that may leave in one leap, where that and not a
        list of levels decides on the evaluations.

    Examples
    --------
    >>> plan = WalkPlan((20.0, 5.0, 2.0, 0.5), repeats=2, redraws=(0.5,))
    >>> plan.steps()
    [(20.0, 5.0), (5.0, 2.0), (5.0, 2.0), (2.0, 0.5), (2.0, 0.5)]
    >>> plan.evaluations, plan.network_calls
    (5, 7)
    """

    levels: tuple[float, ...]
    sharpness: tuple[float, ...] = ()
    temperature: float = 0.0
    passes: int = 0
    repeats: int = 1
    redraws: tuple[float, ...] = ()
    epsilon: float | None = None
    spectral: bool = False

    @classmethod
    def of(
        cls,
        card: ModelCard,
        evaluations: int,
        sigma_last: float | None = None,
        epsilon: float | None = None,
        *,
        spectral: bool = False,
    ) -> WalkPlan:
        """Plan the walk of a model in some number of network evaluations.

        One evaluation is left for a redraw, at the last level of the walk: a lower one brings back
        the speckle of the draw (docs/decisions/0010); with passes, at 0.6 voxels.
        Networks that do not read out phases make none, nor do walks that need all evaluations,
        whose phases are then drawn at once.

        Parameters
        ----------
        card : ModelCard
        evaluations : int
        sigma_last : float, optional
            Last level, voxels, in place of the calibrated one.
        epsilon : float, optional
            Of tau-leaping, in place of the levels after the first.
        spectral : bool
            Whether the sample's start may have the spectrum of the material. One that may not
            starts uniform, nearer to the horizon.

        Raises
        ------
        InputError
            For fewer than two evaluations, or a last level that is not below the first.
        """
        walk = card.walk(evaluations, sigma_last)
        if card.spectrum is None:
            spectral = False
        elif not spectral:
            walk = replace(walk, first=max(walk.first, uniform_start(card.sigma_max, evaluations)))
        method = METHODS[card.method]
        reads_out = method.potential and card.network.read_out
        redrawn = reads_out and evaluations >= FEWEST_WITH_REDRAW
        # The network of the last draw knows no more noise, nor walkers on blocks of voxels. Without
        # a redraw the end of a walk is not what it has learned.
        known = min((HIGHEST_LEVEL, *card.octaves))
        passes = walk.passes if card.last_draw and redrawn and walk.last <= known else 0
        redraw = min(_REDRAWN_IN_PASSES, known) if passes else walk.last
        redraws = (redraw,) if redrawn else ()
        number = evaluations - len(redraws)
        levels = tuple(method.levels(walk.first, walk.last, number, card.octaves))
        if epsilon is not None:
            levels = levels[:1]
        return cls(
            levels,
            walk.sharpness,
            walk.temperature,
            passes,
            redraws=redraws,
            epsilon=epsilon,
            spectral=spectral,
        )

    def steps(self) -> list[tuple[float, float]]:
        """Return the noise levels at both ends of every step, repeated steps in a row."""
        low, high = _REPEATED
        return [
            step
            for step in itertools.pairwise(self.levels)
            for _ in range(self.repeats if low <= step[0] <= high else 1)
        ]

    @property
    def evaluations(self) -> int:
        """Return the network evaluations of a sample, without those of repeated steps."""
        return len(self.levels) + len(self.redraws)

    @property
    def network_calls(self) -> int | None:
        """Return how often a sample evaluates the network; None where ``epsilon`` decides."""
        if self.epsilon is not None:
            return None
        return len(self.steps()) + 1 + len(self.redraws)

    def record(self) -> dict[str, Any]:
        """Return the plan as JSON can hold it."""
        return {
            "evaluations": self.evaluations if self.epsilon is None else None,
            "epsilon": self.epsilon,
            "levels": list(self.levels),
            **({"redraws": list(self.redraws)} if self.redraws else {}),
            **({"sharpness": list(self.sharpness)} if self.sharpness else {}),
            **({"temperature": self.temperature} if self.temperature else {}),
            **({"passes": self.passes} if self.passes else {}),
            **({"spectral": True} if self.spectral else {}),
            **({} if self.repeats == 1 else {"repeats": self.repeats}),
        }
