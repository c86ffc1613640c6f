"""What the card of a model file must be: types, ranges, and what must agree.

A card comes with a file from anywhere. It is checked here once, so that nothing behind it meets a
value that it does not expect.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from pydantic import TypeAdapter, ValidationError

from microdsd.errors import CheckpointError
from microdsd.models.card import FORMAT_VERSION, ModelCard

_FEW_EVALUATIONS = 8
"""For which earlier files give a last level, besides that for their own number."""

_WIDEST, _DEEPEST = 1 << 16, 16
"""Channels, and resolutions, beyond which no file is believed."""

_ROUNDING = 1e-9


def card_from_json(text: str) -> ModelCard:
    """Card from its JSON document.

    Raises
    ------
    CheckpointError
        If the document is of another version or lacks something.
    """
    raw = document(text)
    version = raw.pop("format_version", None)
    if version != FORMAT_VERSION:
        raise CheckpointError(
            f"format_version={version}: this microdsd reads version {FORMAT_VERSION}; "
            "install the microdsd that wrote the file, or train again"
        )
    raw = {"method": "bridges", "grey_levels": 0, "classes": [], "octaves": [], **raw}
    if "sigma_last" in raw:
        raw["walks"] = _walks_of_earlier_files(raw)
    known = {f.name for f in fields(ModelCard)}
    if set(raw) != known:
        raise CheckpointError(
            f"model card: missing {sorted(known - set(raw))}, unknown "
            f"{sorted(set(raw) - known)}; the file was written by another microdsd"
        )
    pairs = raw["classes"]  # in an order, which JSON objects have not
    if isinstance(pairs, list) and all(_is_named(pair) for pair in pairs):
        raw["classes"] = dict(pairs)
    return _checked(json.dumps(raw))


def document(text: str) -> dict[str, Any]:
    """JSON object of a header.

    Raises
    ------
    CheckpointError
        If the text is not one.
    """
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"model card: not JSON ({error}); the file is damaged") from error
    if not isinstance(raw, dict):
        raise CheckpointError("model card: is not a JSON object; the file is damaged")
    return raw


def _is_named(pair: object) -> bool:
    return isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str)


def _walks_of_earlier_files(raw: dict[str, Any]) -> list[dict[str, Any]]:
    """Walks from the horizon to the last levels that such a file names; these are taken out."""
    own, last, few = raw.get("evaluations"), raw.pop("sigma_last"), raw.pop("sigma_last_few", None)
    ends = [(own, last)]
    if few is not None and own != _FEW_EVALUATIONS:
        ends.insert(0, (_FEW_EVALUATIONS, few))
    first = raw.get("sigma_max")
    return [{"evaluations": n, "first": first, "last": end, "sharpness": ()} for n, end in ends]


def _checked(text: str) -> ModelCard:
    """Card of a document of this version; an error names the first field that cannot be."""
    try:
        card = TypeAdapter(ModelCard).validate_json(text)
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
    ascending = (0.0, *card.octaves, card.sigma_max)
    if list(ascending) != sorted(set(ascending)) or len(card.octaves) > _DEEPEST:
        yield f"octaves={_brief(card.octaves)} do not ascend to sigma_max={card.sigma_max:g}"
    if card.octaves and (card.method == "tau-leaping" or card.grey_levels):
        yield f"octaves={_brief(card.octaves)} are of bridges between phases alone"
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
