"""What the methods of a model differ in, besides their networks and objectives."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from microdsd.errors import InputError
from microdsd.models.contents import Contents
from microdsd.process.noise import level_grid
from microdsd.process.time_schedule import leap_grid


class Bridges:
    """Define exact steps of a bridge under a potential, which can be sharpened and read out."""

    potential = True

    def levels(
        self, first: float, last: float, evaluations: int, octaves: Sequence[float] = ()
    ) -> list[float]:
        """Return the noise levels of a walk, voxels, decreasing."""
        return level_grid(first, last, evaluations, log_above=min(octaves, default=math.inf))

    def usual_walk(self, evaluations: int, last: float) -> tuple[int, float]:
        """Return evaluations and last noise level unless asked otherwise, given the material's."""
        return evaluations, last

    def require_learnable(self, contents: Contents, *, classes: bool) -> None:
        """Accept all materials, which bridges can learn."""

    def require_potential(self, what: str) -> None:
        """Accept what needs a potential, which bridges have."""

    def check_epsilon(self, epsilon: float, evaluations: int | None) -> None:
        """Refuse any epsilon: the steps of bridges have none."""
        raise InputError(
            f"epsilon={epsilon}: is for tau-leaping, and the model's method is bridges; "
            "give evaluations"
        )


class TauLeaping:
    """Define the paper's own method: hop rates, and leaps in which they stay as they are."""

    potential = False

    def levels(
        self, first: float, last: float, evaluations: int, octaves: Sequence[float] = ()
    ) -> list[float]:
        """Return the noise levels of a walk, voxels, decreasing."""
        return leap_grid(first, last, evaluations)

    def usual_walk(self, evaluations: int, last: float) -> tuple[int, float]:
        """Return the many leaps that any material takes, down to a lower level."""
        return 256, 0.1

    def require_learnable(self, contents: Contents, *, classes: bool) -> None:
        """Refuse images and classes, with an InputError."""
        if classes or not contents.assigned:
            raise InputError(
                "method='tau-leaping': is for phases of one material; images and classes are "
                "learned with bridges"
            )

    def require_potential(self, what: str) -> None:
        """Refuse what needs a potential, with an InputError."""
        raise InputError(
            f"method=tau-leaping: {what} need a model of bridges; train one with --method bridges"
        )

    def check_epsilon(self, epsilon: float, evaluations: int | None) -> None:
        """Refuse an epsilon that is no probability, or comes with a number of evaluations."""
        if evaluations is not None:
            raise InputError(
                f"epsilon={epsilon}: sets the number of evaluations; give one of the two"
            )
        if not 0 < epsilon < 1:
            raise InputError(f"epsilon={epsilon}: give a probability between 0 and 1")


METHODS: Mapping[str, Bridges | TauLeaping] = {"bridges": Bridges(), "tau-leaping": TauLeaping()}
"""Every method, by the name that model cards have for it."""
