"""What a design may vary: fractions, and their change along an axis; and requests of that."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Unpack

import numpy as np

from microdsd.errors import InputError
from microdsd.generation.options import SharedOptions
from microdsd.generation.regional import regional_request
from microdsd.generation.request import GenerationRequest, box_of
from microdsd.microstructure.arguments import by_phase
from microdsd.microstructure.axes import SPATIAL_DIMS
from microdsd.microstructure.labels import find_phase
from microdsd.models.card import ModelCard

Range = Sequence[float] | float

_MOST_LAYERS, _THINNEST = 8, 2
"""Of a gradient: layers, and voxels of one."""


@dataclass(frozen=True)
class Variable:
    """Name a number that varies, with its bounds.

    Attributes
    ----------
    name : str
        Phase, or phase and axis of a gradient, as "pore" and "pore:z".
    low, high : float
    """

    name: str
    low: float
    high: float


@dataclass(frozen=True)
class DesignSpace:
    """Hold all compositions that a design chooses from.

    Attributes
    ----------
    card : ModelCard
    shape : tuple of int
        Of the samples.
    variables : tuple of Variable
    fixed : dict of str to float
        Fractions that do not vary, by phase.
    gradients : dict of str to str
        Axis by phase, of fractions that change along it.
    layers : int
        Of a gradient.
    options : dict
        Of every sample, as `SharedOptions`.
    """

    card: ModelCard
    shape: tuple[int, ...]
    variables: tuple[Variable, ...]
    fixed: Mapping[str, float]
    gradients: Mapping[str, str]
    layers: int
    options: SharedOptions

    @classmethod
    def of(
        cls,
        card: ModelCard,
        fraction: Mapping[int | str, Range] | Range | None,
        gradient: Mapping[str, Sequence[float]] | None,
        shape: int | Sequence[int] | None,
        force: bool,
        **options: Unpack[SharedOptions],
    ) -> DesignSpace:
        """Check ranges against a model's card.

        Raises
        ------
        InputError
            For ranges that no composition has, or, without `force`, that training windows never
            had.
        """
        card.contents.require_phases("fraction", "designs")
        box = box_of(card, shape)
        named = {} if fraction is None else by_phase(fraction, card.phases)
        variables, fixed = [], {}
        for key, value in named.items():
            phase = card.phases[find_phase(card.phases, key)]
            low, high = _range(f"fraction[{phase!r}]", value)
            if not 0 <= low <= high <= 1:
                raise InputError(f"fraction[{phase!r}]={value}: give numbers from 0 to 1")
            _require_trained(card, phase, low, high, force)
            if low == high:
                fixed[phase] = low
            else:
                variables.append(Variable(phase, low, high))
        spans = {one.name: (one.low, one.high) for one in variables}
        spans |= {phase: (share, share) for phase, share in fixed.items()}
        if len(spans) < len(named):
            raise InputError(f"fraction={dict(named)}: a phase is given twice")
        names = card.contents.names
        least = sum(low for low, _ in spans.values())
        most = sum(high for _, high in spans.values())
        if most > 1:
            raise InputError(
                f"fraction={dict(named)}: at their highest they add to {most:g}; lower them to at "
                "most 1 in sum"
            )
        if len(spans) == len(names) and (variables or not math.isclose(least, 1, abs_tol=1e-6)):
            raise InputError(f"fraction={dict(named)}: leave one phase out, it takes the rest")
        axes = {}
        for key, value in (gradient or {}).items():
            phase_key, _, axis = str(key).rpartition(":")
            if not phase_key:
                raise InputError(f"gradient={key!r}: give phase and axis, as pore:z=-0.1:0.1")
            phase = card.phases[find_phase(card.phases, phase_key)]
            dims = SPATIAL_DIMS[-len(box) :]
            if axis not in dims:
                raise InputError(f"gradient={key!r}: the axes of samples are {', '.join(dims)}")
            if phase in axes:
                raise InputError(f"gradient: that of {phase} is given twice")
            axes[phase] = axis
            low, high = _range(f"gradient[{key!r}]", value)
            if low == high:
                raise InputError(f"gradient[{key!r}]={value}: give a range, as -0.1:0.1")
            if phase not in spans:
                mean = card.fraction_mean[phase]
                spans[phase] = (mean, mean)
                fixed[phase] = mean
            steepest = max(abs(low), abs(high)) / 2
            bottom, top = spans[phase][0] - steepest, spans[phase][1] + steepest
            if bottom < 0 or top > 1:
                raise InputError(
                    f"gradient[{key!r}]={value}: layers would have fractions of {phase} from "
                    f"{bottom:.3g} to {top:.3g}; keep them from 0 to 1"
                )
            variables.append(Variable(f"{phase}:{axis}", low, high))
        if len({*axes.values()}) > 1:
            raise InputError("gradient: give gradients along one axis only")
        if not variables:
            raise InputError(
                "fraction: nothing varies; give a range, as pore=0.2:0.3, or a gradient"
            )
        layers = 1
        if axes:
            length = box[SPATIAL_DIMS[-len(box) :].index(next(iter(axes.values())))]
            layers = min(_MOST_LAYERS, length // _THINNEST)
            if layers < 2:
                raise InputError(f"gradient: {length} voxels along its axis are no two layers")
        return cls(card, box, tuple(variables), fixed, axes, layers, options)

    def request(
        self, values: Sequence[float], seed: int, streams: Sequence[int]
    ) -> GenerationRequest:
        """Return the request for samples at a point, in the order of the variables."""
        given = dict(zip((one.name for one in self.variables), values, strict=True))
        fractions = {**self.fixed, **{k: v for k, v in given.items() if ":" not in k}}
        if not self.gradients:
            return GenerationRequest.resolve(
                self.card,
                len(streams),
                phase_fraction=self._with_rest(fractions),
                shape=self.shape,
                streams=streams,
                rng=seed,
                **self.options,
            )
        places = (np.arange(self.layers) + 0.5) / self.layers - 0.5
        columns: dict[str, Any] = {}
        for phase, share in fractions.items():
            axis = self.gradients.get(phase)
            change = given[f"{phase}:{axis}"] if axis else 0.0
            columns[phase] = share + change * places
        axis = next(iter(self.gradients.values()))
        grid = [1] * len(self.shape)
        grid[SPATIAL_DIMS[-len(self.shape) :].index(axis)] = self.layers
        request = regional_request(
            self.card,
            len(streams),
            {k: np.reshape(v, grid) for k, v in self._with_rest(columns).items()},
            shape=self.shape,
            rng=seed,
            **self.options,
        )
        return replace(request, streams=tuple(streams))

    def _with_rest(self, fractions: Mapping[str, Any]) -> dict[str, Any]:
        """Let phases that are not named share the rest as they do in training windows."""
        left = [name for name in self.card.contents.names if name not in fractions]
        if len(left) < 2:
            return dict(fractions)
        rest = 1 - sum(fractions.values())
        means = {name: self.card.fraction_mean[name] for name in left}
        total = sum(means.values())
        return {**fractions, **{name: rest * mean / total for name, mean in means.items()}}

    def record(self) -> dict[str, Any]:
        """Return the space as JSON can hold it."""
        return {
            "shape": list(self.shape),
            "variables": [[one.name, one.low, one.high] for one in self.variables],
            "fixed": dict(self.fixed),
            "layers": self.layers,
            "options": {k: v for k, v in self.options.items() if v is not None},
        }


def _range(argument: str, value: Any) -> tuple[float, float]:
    """Return the bounds of a range; one number stands for both."""
    try:
        numbers = np.atleast_1d(np.asarray(value, dtype=float))
    except (TypeError, ValueError):
        numbers = np.empty(0)
    if numbers.shape not in ((1,), (2,)) or not np.isfinite(numbers).all():
        raise InputError(f"{argument}={value!r}: give a number, or the two bounds of a range")
    low, high = float(numbers[0]), float(numbers[-1])
    if low > high:
        raise InputError(f"{argument}={value!r}: the lower bound comes first")
    return low, high


def _require_trained(card: ModelCard, phase: str, low: float, high: float, force: bool) -> None:
    least, most = card.fraction_range[phase]
    if (low < least or high > most) and not force:
        raise InputError(
            f"fraction[{phase!r}]: {low:g} to {high:g} reaches beyond the {least:.3g} to "
            f"{most:.3g} of the training windows; stay within, or pass force=True (--force): "
            "counts are exact all the same, but structures are an extrapolation"
        )
