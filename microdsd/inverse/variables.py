"""What a design may vary: fractions, their change along an axis, targets; and requests of that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Unpack

import numpy as np

from microdsd.errors import InputError
from microdsd.generation.options import SharedOptions
from microdsd.generation.regional import regional_request
from microdsd.generation.request import GenerationRequest, box_of
from microdsd.microstructure.arguments import by_phase
from microdsd.microstructure.axes import SPATIAL_DIMS
from microdsd.microstructure.labels import find_phase
from microdsd.models.card import ModelCard
from microdsd.properties import Property

Range = Sequence[float] | float

_MOST_LAYERS, _THINNEST = 8, 2
"""Of a gradient: layers, and voxels of one."""


@dataclass(frozen=True)
class Variable:
    """Name a number that varies, with its bounds.

    Attributes
    ----------
    name : str
        Phase of a fraction, phase and axis of a gradient as "pore:z", property of a target.
    low, high : float
    kind : {"fraction", "gradient", "target"}
    """

    name: str
    low: float
    high: float
    kind: Literal["fraction", "gradient", "target"] = "fraction"

    def __str__(self) -> str:
        return self.name if self.kind == "fraction" else f"{self.kind} {self.name}"


@dataclass(frozen=True)
class DesignSpace:
    """Hold all compositions, and targets, that a design chooses from.

    Attributes
    ----------
    card : ModelCard
    shape : tuple of int
        Of the samples.
    variables : tuple of Variable
    fixed : dict of str to float
        Fractions that do not vary, by phase.
    axis : str
        Along which fractions change, where they do.
    layers : int
        Of a gradient.
    options : dict
        Of every sample, as `SharedOptions`.
    """

    card: ModelCard
    shape: tuple[int, ...]
    variables: tuple[Variable, ...]
    fixed: Mapping[str, float]
    axis: str
    layers: int
    options: SharedOptions

    @classmethod
    def of(
        cls,
        card: ModelCard,
        fraction: Mapping[int | str, Range] | Range | None,
        gradient: Mapping[str, Sequence[float]] | None,
        target: Mapping[str, Sequence[float]] | None,
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
        spans = _fractions(card, fraction, force)
        axis, slopes = _gradients(card, gradient, box, spans)
        variables = (
            *(Variable(name, *span) for name, span in spans.items() if span[0] < span[1]),
            *(Variable(f"{name}:{axis}", *span, "gradient") for name, span in slopes.items()),
            *(Variable(n, *span, "target") for n, span in _targets(card, target, force).items()),
        )
        if not variables:
            raise InputError(
                "fraction: nothing varies; give a range, as pore=0.2:0.3, or a gradient"
            )
        fixed = {name: low for name, (low, high) in spans.items() if low == high}
        return cls(card, box, variables, fixed, axis, _layers(box, axis), options)

    def request(
        self, values: Sequence[float], seed: int, streams: Sequence[int]
    ) -> GenerationRequest:
        """Return the request for samples at a point, in the order of the variables."""
        given: dict[str, dict[str, float]] = {"fraction": {}, "gradient": {}, "target": {}}
        for one, value in zip(self.variables, values, strict=True):
            given[one.kind][one.name] = value
        options: SharedOptions = {**self.options, "rng": seed}
        if given["target"]:
            # What is attainable depends on the composition; how near samples come is measured.
            options |= {"targets": given["target"], "extrapolate": True}
        fractions = {**self.fixed, **given["fraction"]}
        if not self.axis:
            return GenerationRequest.resolve(
                self.card,
                len(streams),
                phase_fraction=self._with_rest(fractions),
                shape=self.shape,
                streams=streams,
                **options,
            )
        places = (np.arange(self.layers) + 0.5) / self.layers - 0.5
        columns = {
            phase: share + given["gradient"].get(f"{phase}:{self.axis}", 0.0) * places
            for phase, share in fractions.items()
        }
        grid = [1] * len(self.shape)
        grid[_dims(self.shape).index(self.axis)] = self.layers
        request = regional_request(
            self.card,
            len(streams),
            {phase: np.reshape(v, grid) for phase, v in self._with_rest(columns).items()},
            shape=self.shape,
            **options,
        )
        return replace(request, streams=tuple(streams))

    def _with_rest(self, fractions: Mapping[str, Any]) -> dict[int | str, Any]:
        """Add phases that are not named, which share the rest as they do in training windows."""
        left = [name for name in self.card.contents.names if name not in fractions]
        every: dict[int | str, Any] = {}
        every.update(fractions.items())
        if len(left) > 1:
            rest = 1 - sum(fractions.values())
            means = {name: self.card.fraction_mean[name] for name in left}
            total = sum(means.values())
            every.update((name, rest * mean / total) for name, mean in means.items())
        return every

    def record(self) -> dict[str, Any]:
        """Return the space as JSON can hold it."""
        return {
            "shape": list(self.shape),
            "variables": [[str(one), one.low, one.high] for one in self.variables],
            "fixed": dict(self.fixed),
            "axis": self.axis,
            "layers": self.layers,
            "options": {k: v for k, v in self.options.items() if v is not None},
        }


def _dims(shape: Sequence[int]) -> tuple[str, ...]:
    return tuple(SPATIAL_DIMS[-len(shape) :])


def _fractions(
    card: ModelCard, fraction: Mapping[int | str, Range] | Range | None, force: bool
) -> dict[str, tuple[float, float]]:
    """Return the ranges of fractions by phase."""
    named = {} if fraction is None else by_phase(fraction, card.phases)
    spans: dict[str, tuple[float, float]] = {}
    for key, value in named.items():
        phase = card.phases[find_phase(card.phases, key)]
        low, high = _range(f"fraction[{phase!r}]", value)
        if phase in spans:
            raise InputError(f"fraction[{key!r}]: {phase} is given twice")
        if not 0 <= low <= high <= 1:
            raise InputError(f"fraction[{phase!r}]={value}: give numbers from 0 to 1")
        least, most = card.fraction_range[phase]
        _require_trained(f"fraction[{phase!r}]", (low, high), (least, most), force)
        spans[phase] = low, high
    highest = sum(high for _, high in spans.values())
    if highest > 1:
        raise InputError(
            f"fraction={dict(named)}: at their highest they add to {highest:g}; lower them to at "
            "most 1 in sum"
        )
    if len(spans) == len(card.contents.names):
        raise InputError(f"fraction={dict(named)}: leave one phase out, it takes the rest")
    return spans


def _gradients(
    card: ModelCard,
    gradient: Mapping[str, Sequence[float]] | None,
    box: Sequence[int],
    spans: dict[str, tuple[float, float]],
) -> tuple[str, dict[str, tuple[float, float]]]:
    """Return axis and ranges of gradients; fractions that these lack go into `spans`."""
    axes: dict[str, str] = {}
    slopes: dict[str, tuple[float, float]] = {}
    for key, value in (gradient or {}).items():
        name, _, axis = str(key).rpartition(":")
        if not name:
            raise InputError(f"gradient={key!r}: give phase and axis, as pore:z=-0.1:0.1")
        phase = card.phases[find_phase(card.phases, name)]
        if axis not in _dims(box):
            raise InputError(f"gradient={key!r}: the axes of samples are {', '.join(_dims(box))}")
        if phase in axes:
            raise InputError(f"gradient={key!r}: that of {phase} is given twice")
        low, high = _range(f"gradient[{key!r}]", value)
        if low == high:
            raise InputError(f"gradient[{key!r}]={value}: give a range, as -0.1:0.1")
        if phase not in spans:
            spans[phase] = (card.fraction_mean[phase],) * 2
        steepest = max(abs(low), abs(high)) / 2
        bottom, top = spans[phase][0] - steepest, spans[phase][1] + steepest
        if bottom < 0 or top > 1:
            raise InputError(
                f"gradient[{key!r}]={value}: layers would have fractions of {phase} from "
                f"{bottom:.3g} to {top:.3g}; keep them from 0 to 1"
            )
        axes[phase], slopes[phase] = axis, (low, high)
    highest = sum(high + max(map(abs, slopes.get(p, (0,)))) / 2 for p, (_, high) in spans.items())
    if len(spans) == len(card.contents.names) or (slopes and highest > 1):
        raise InputError(
            f"gradient={dict(gradient or {})}: layers leave no room for the other phases; lower "
            "fractions or gradients, and leave one phase out"
        )
    if len({*axes.values()}) > 1:
        raise InputError("gradient: give gradients along one axis only")
    return next(iter(axes.values()), ""), slopes


def _layers(box: Sequence[int], axis: str) -> int:
    """Return the number of layers of a gradient; 1 where there is none."""
    if not axis:
        return 1
    return min(_MOST_LAYERS, box[_dims(box).index(axis)] // _THINNEST)


def _targets(
    card: ModelCard, target: Mapping[str, Sequence[float]] | None, force: bool
) -> dict[str, tuple[float, float]]:
    """Return the ranges of targets by the full name of each property."""
    spans: dict[str, tuple[float, float]] = {}
    known = card.properties
    for text, value in (target or {}).items():
        name = str(Property.parse(text, card.phases, len(card.window)))
        if known is None or name not in known.names:
            knowledge = (
                f"knows {', '.join(known.names)}" if known else "was trained without conditions"
            )
            raise InputError(
                f"target={text!r}: the model {knowledge}; train one with --condition {name}"
            )
        if name in spans:
            raise InputError(f"target={text!r}: {name} is given twice")
        low, high = _range(f"target[{name!r}]", value)
        if low == high:
            raise InputError(f"target[{name!r}]={value}: give a range, as 0.1:0.2")
        quantiles = known.quantiles[known.names.index(name)]
        _require_trained(f"target[{name!r}]", (low, high), (quantiles[0], quantiles[-1]), force)
        spans[name] = low, high
    return spans


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


def _require_trained(
    argument: str, span: tuple[float, float], trained: tuple[float, float], force: bool
) -> None:
    """Refuse, without force, what training windows never had."""
    if (span[0] < trained[0] or span[1] > trained[1]) and not force:
        raise InputError(
            f"{argument}: {span[0]:g} to {span[1]:g} reaches beyond the {trained[0]:.3g} to "
            f"{trained[1]:.3g} of the training windows; stay within, or pass force=True (--force): "
            "counts are exact all the same, but structures are an extrapolation"
        )
