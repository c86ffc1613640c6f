"""What the card of a model file must be: types, ranges, and what must agree.

A card comes with a file from anywhere. It is checked here once, so that nothing behind it meets a
value that it does not expect.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import ConfigDict, TypeAdapter, ValidationError

from microdsd.errors import CheckpointError

if TYPE_CHECKING:
    from microdsd.training.checkpoint import ModelCard

CONFIG = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)
"""No text for numbers, no fields that nobody knows, no NaN."""

_WIDEST, _DEEPEST = 1 << 16, 16
"""Channels, and resolutions, beyond which no file is believed."""

_ROUNDING = 1e-9


def card_of(kind: type[ModelCard], document: str) -> ModelCard:
    """Card of a JSON document.

    Raises
    ------
    CheckpointError
        Names the first field that cannot be, and its value.
    """
    try:
        card = TypeAdapter(kind).validate_json(document)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "document"
        raise CheckpointError(
            f"model card: {place}: {first['msg']}, got {_brief(first['input'])}; the file is "
            "damaged, or of another microdsd"
        ) from error
    for reason in _contradictions(card):
        raise CheckpointError(f"model card: {reason}; the file is damaged, or of another microdsd")
    return card


def _brief(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _contradictions(card: ModelCard) -> Iterator[str]:
    """What types alone do not say, the fields by name."""
    yield from _of_network(card)
    yield from _of_material(card)
    yield from _of_walks(card)
    start = card.provenance.get("start")
    if start is not None and not (isinstance(start, Mapping) and "digest" in start):
        yield f"provenance.start={_brief(start)} does not say which model it was"


def _of_network(card: ModelCard) -> Iterator[str]:
    network = card.network
    axes = len(card.window)
    if network.ndim not in (2, 3) or network.ndim != axes:
        yield f"network.ndim={network.ndim}, with a window of {axes} axes"
    if not 1 <= len(network.widths) <= _DEEPEST or not _all_within(network.widths, 1, _WIDEST):
        yield f"network.widths={_brief(network.widths)} are no channels per resolution"
    if len(network.blocks) != len(network.widths) or not _all_within(network.blocks, 0, _WIDEST):
        yield f"network.blocks={_brief(network.blocks)} are not one number per resolution"
    if not _all_within((network.embedding, network.top), 1, _WIDEST):
        yield f"network.embedding={network.embedding}, network.top={network.top}"
    species = len(card.phases) - (0 if card.grey_levels else 1)
    if network.species != species or species < 1:
        yield f"network.species={network.species}, with phases={_brief(dict(card.phases))}"
    if network.classes != len(card.classes):
        yield f"network.classes={network.classes}, with {len(card.classes)} classes"
    if network.top != max(1, card.grey_levels - 1):
        yield f"network.top={network.top}, with grey_levels={card.grey_levels}"
    if card.method == "tau-leaping" and (card.grey_levels or card.classes):
        yield "method='tau-leaping' is for phases of one material"


def _of_material(card: ModelCard) -> Iterator[str]:
    if not _all_within(card.window, 1, _WIDEST):
        yield f"window={_brief(card.window)} is no box"
    if len(card.voxel_size) != len(card.window) or min(card.voxel_size) <= 0:
        yield f"voxel_size={_brief(card.voxel_size)} is not one length per axis of the window"
    names = list(card.phases.values())
    if len(set(names)) < len(names) or not all(names):
        yield f"phases={_brief(dict(card.phases))} have no names of their own"
    if card.grey_levels == 1:
        yield "grey_levels=1; an image needs at least two"
    if card.grey_levels and list(card.phases) != list(range(len(names))):
        yield f"phases={_brief(dict(card.phases))} are no numbered channels"
    if (card.background != -1) if card.grey_levels else (card.background not in card.phases):
        yield f"background={card.background} is none of phases={_brief(dict(card.phases))}"
    spans = {"": {k: (card.fraction_mean.get(k, math.nan), *v) for k, v in _ranges(card)}}
    spans |= card.classes  # type: ignore[arg-type]
    for of, span in spans.items():
        field = f"classes.{of}" if of else "fraction_range"
        if {*span} != {*names} or {*card.fraction_mean} != {*names}:
            yield f"{field}={_brief(dict(span))} and phases={_brief(dict(card.phases))} differ"
        for mean, low, high in span.values():
            if not 0 <= low <= mean + _ROUNDING <= high + 2 * _ROUNDING:
                yield f"{field}: the mean {mean:g} is not within {low:g} to {high:g}"
            if high > card.network.top + _ROUNDING:
                yield f"{field}: {high:g} is above {card.network.top}"


def _ranges(card: ModelCard) -> list[tuple[str, tuple[float, float]]]:
    return list(card.fraction_range.items())


def _of_walks(card: ModelCard) -> Iterator[str]:
    if not 0 < card.sigma_min < card.sigma_max:
        yield f"sigma_min={card.sigma_min:g}, sigma_max={card.sigma_max:g}"
    if not card.walks:
        yield "walks=() are none"
    numbers = [walk.evaluations for walk in card.walks]
    if numbers != sorted(set(numbers)) or not _all_within(numbers, 1, math.inf):
        yield f"walks: evaluations={_brief(numbers)} do not ascend"
    for walk in card.walks:
        if not 0 < walk.last < walk.first <= card.sigma_max * (1 + _ROUNDING):
            yield f"walks: from {walk.first:g} to {walk.last:g}, with sigma_max={card.sigma_max:g}"
        sharpness = len(card.walks[0].sharpness)
        if len(walk.sharpness) != sharpness or sharpness not in (0, card.network.species):
            yield f"walks: sharpness={_brief(walk.sharpness)} is not one exponent per species"
        if any(one <= 0 for one in walk.sharpness):
            yield f"walks: sharpness={_brief(walk.sharpness)} is not positive"


def _all_within(numbers: Any, low: float, high: float) -> bool:
    return all(low <= n <= high for n in numbers)
