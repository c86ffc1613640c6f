"""Options that every way to generate has, whatever composition it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

import numpy as np

from microdsd.generation.targets import Targets
from microdsd.process import Boundary
from microdsd.sampling.guidance import Guide


class SharedOptions(TypedDict, total=False):
    """List options of `MicrostructureModel.sample` that do not determine the composition."""

    class_name: str | Sequence[str] | None
    guidance: float
    targets: Targets | None
    particles: int
    extrapolate: bool
    boundary: Boundary | Sequence[Boundary]
    evaluations: int | None
    sigma_last: float | None
    guide: Guide | None
    rng: int | np.random.Generator | None
    seed: int | None


SHARED_OPTIONS = tuple(SharedOptions.__annotations__)
