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

from microdsd.errors import CheckpointError, InputError
from microdsd.models.card import FORMAT_VERSION, ModelCard
from microdsd.models.methods import METHODS
from microdsd.networks.unet import UNetConfig

_FEW_EVALUATIONS = 8
"""For which earlier files give a last level, besides that for their own number."""

_WIDEST, _DEEPEST = 1 << 16, 16
"""Channels, and resolutions, beyond which no file is believed."""

_ROUNDING = 1e-9

_CONTENTS = ("phases", "background", "grey_levels")
"""Entries of a file that say what the model is of."""


def card_from_json(text: str) -> ModelCard:
    """Read a card from its JSON document.

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
    lacking = {
        "method": "bridges",
        "grey_levels": 0,
        "classes": [],
        "octaves": [],
        "volumes": None,
        "last_draw": None,
        "properties": None,
        "spectrum": None,
        "scan_fractions": {},
    }
    raw = {**lacking, **raw}
    if "sigma_last" in raw:
        raw["walks"] = _walks_of_earlier_files(raw)
    known = {f.name for f in fields(ModelCard)} - {"contents"} | set(_CONTENTS)
    if set(raw) != known:
        raise CheckpointError(
            f"model card: missing {sorted(known - set(raw))}, unknown "
            f"{sorted(set(raw) - known)}; the file was written by another microdsd"
        )
    raw["contents"] = _contents(*(raw.pop(key) for key in _CONTENTS))
    pairs = raw["classes"]  # in an order, which JSON objects have not
    if isinstance(pairs, list) and all(_is_named(pair) for pair in pairs):
        raw["classes"] = dict(pairs)
    return _checked(raw)


def _contents(phases: Any, background: Any, grey_levels: Any) -> dict[str, Any]:
    """Return the fields of `Phases` or `Channels`, which files have in the same three entries."""
    if grey_levels == 0:
        return {"phases": phases, "background": background}
    numbers = [str(k) for k in range(len(phases))] if isinstance(phases, dict) else []
    if not numbers or {*numbers} != {*phases} or background != -1:
        raise CheckpointError(
            f"model card: phases={_brief(phases)}, background={_brief(background)} are no numbered "
            f"channels of grey_levels={_brief(grey_levels)}; the file is damaged"
        )
    return {"names": [phases[k] for k in numbers], "levels": grey_levels}


def document(text: str) -> dict[str, Any]:
    """Read the JSON object of a header.

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
    """Take the walks of an earlier file out of it, from the horizon to the last levels it names."""
    own, last, few = raw.get("evaluations"), raw.pop("sigma_last"), raw.pop("sigma_last_few", None)
    ends = [(own, last)]
    if few is not None and own != _FEW_EVALUATIONS:
        ends.insert(0, (_FEW_EVALUATIONS, few))
    first = raw.get("sigma_max")
    return [{"evaluations": n, "first": first, "last": end, "sharpness": ()} for n, end in ends]


def _checked(raw: Mapping[str, Any]) -> ModelCard:
    """Build the card of a document of this version; an error names the first invalid field."""
    try:
        card = TypeAdapter(ModelCard).validate_json(json.dumps(raw))
    except ValidationError as error:
        kind = "Channels" if "levels" in raw["contents"] else "Phases"
        errors = error.errors(include_url=False)  # of contents, those of both kinds
        first = next(e for e in errors if e["loc"][:1] != ("contents",) or e["loc"][1] == kind)
        place = ".".join(map(str, first["loc"])).removeprefix(f"contents.{kind}.") or "document"
        reason = f"{place}: {first['msg']}, got {_brief(first['input'])}"
        raise CheckpointError(
            f"model card: {first.get('ctx', {}).get('error', reason)}; the file is damaged, or of "
            "another microdsd"
        ) from error
    for reason in _contradictions(card):
        raise CheckpointError(f"model card: {reason}; the file is damaged, or of another microdsd")
    return card


def _brief(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _contradictions(card: ModelCard) -> Iterator[str]:
    """Yield what types alone do not say, the fields by name."""
    yield from _of_network(card)
    yield from _of_material(card)
    yield from _of_scan(card)
    yield from _of_walks(card)
    yield from _of_volumes(card)
    yield from _of_properties(card)
    yield from _of_last_draw(card)
    yield from _of_spectrum(card)
    start = card.provenance.get("start")
    if start is not None and not (isinstance(start, Mapping) and "digest" in start):
        yield f"provenance.start={_brief(start)} does not say which model it was"


def _of_network(card: ModelCard) -> Iterator[str]:
    network = card.network
    axes = len(card.window)
    if network.ndim not in (2, 3) or network.ndim != axes:
        yield f"network.ndim={network.ndim}, with a window of {axes} axes"
    yield from _of_stages("network", network)
    if not _all_within((network.embedding, network.top), 1, _WIDEST):
        yield f"network.embedding={network.embedding}, network.top={network.top}"
    if network.species != len(card.contents.species):
        yield f"network.species={network.species}, with phases={_brief(dict(card.phases))}"
    if network.classes != len(card.classes):
        yield f"network.classes={network.classes}, with {len(card.classes)} classes"
    if network.top != card.contents.top:
        yield f"network.top={network.top}, with {card.contents.noun} up to {card.contents.top}"
    ascending = (0.0, *card.octaves, card.sigma_max)
    if list(ascending) != sorted(set(ascending)) or len(card.octaves) > _DEEPEST:
        yield f"octaves={_brief(card.octaves)} do not ascend to sigma_max={card.sigma_max:g}"
    method = METHODS[card.method]
    if card.octaves and not (method.potential and card.contents.assigned):
        yield f"octaves={_brief(card.octaves)} are of bridges between phases alone"
    try:
        method.require_learnable(card.contents, classes=bool(card.classes))
    except InputError as error:
        yield str(error)


def _of_stages(name: str, network: UNetConfig) -> Iterator[str]:
    if not 1 <= len(network.widths) <= _DEEPEST or not _all_within(network.widths, 1, _WIDEST):
        yield f"{name}.widths={_brief(network.widths)} are no channels per resolution"
    if len(network.blocks) != len(network.widths) or not _all_within(network.blocks, 0, _WIDEST):
        yield f"{name}.blocks={_brief(network.blocks)} are not one number per resolution"


def _of_last_draw(card: ModelCard) -> Iterator[str]:
    network, most = card.last_draw, 1 << len(card.window)
    for walk in card.walks:
        if not 0 <= walk.passes <= (most if network else 0):
            yield f"walks: passes={walk.passes}, with last_draw={_brief(network)}"
    if network is None:
        return
    if not card.network.read_out:
        yield "last_draw is of a network that reads out phases, and this one does not"
    yield from _of_stages("last_draw", network)
    if not 1 <= network.embedding <= _WIDEST:
        yield f"last_draw.embedding={network.embedding}"
    same = ("ndim", "species", "classes")
    if any(getattr(network, name) != getattr(card.network, name) for name in same):
        yield f"last_draw={_brief(network)} is not of network={_brief(card.network)}"


def _of_material(card: ModelCard) -> Iterator[str]:
    if not _all_within(card.window, 1, _WIDEST):
        yield f"window={_brief(card.window)} is no box"
    if len(card.voxel_size) != len(card.window) or min(card.voxel_size) <= 0:
        yield f"voxel_size={_brief(card.voxel_size)} is not one length per axis of the window"
    names = card.contents.names
    if len(set(names)) < len(names) or not all(names):
        yield f"phases={_brief(dict(card.phases))} have no names of their own"
    means = card.fraction_mean
    spans: dict[str, Mapping[str, tuple[float, float, float]]] = {
        "fraction_range": {
            name: (means.get(name, math.nan), *ends) for name, ends in card.fraction_range.items()
        },
        **{f"classes.{name}": span for name, span in card.classes.items()},
    }
    for field, span in spans.items():
        if {*span} != {*names} or {*means} != {*names}:
            yield f"{field}={_brief(dict(span))} and phases={_brief(dict(card.phases))} differ"
        for mean, low, high in span.values():
            if not 0 <= low <= mean + _ROUNDING <= high + 2 * _ROUNDING:
                yield f"{field}: the mean {mean:g} is not within {low:g} to {high:g}"
            if high > card.network.top + _ROUNDING:
                yield f"{field}: {high:g} is above {card.network.top}"


def _of_scan(card: ModelCard) -> Iterator[str]:
    for name, measured in card.scan_fractions.items():
        if name not in (card.classes or ("",)):
            yield f"scan_fractions: {name!r} is none of the classes {', '.join(card.classes)}"
        unknown = sorted({*measured} - {*card.contents.names})
        if unknown or not card.contents.assigned:
            phases = _brief(dict(card.phases))
            yield f"scan_fractions: {_brief(dict(measured))} with phases={phases}"
        for phase, (mean, error) in measured.items():
            if not (0 < mean < 1 and 0 <= error < 1):
                yield f"scan_fractions: {mean:g} of {phase}, with a standard error of {error:g}"


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
        if not 0 <= walk.temperature <= 1:
            yield f"walks: temperature={walk.temperature:g} is not between 0 and 1"
        if any(one <= 0 for one in walk.sharpness):
            yield f"walks: sharpness={_brief(walk.sharpness)} is not positive"


def _of_volumes(card: ModelCard) -> Iterator[str]:
    volumes = card.volumes
    if volumes is None:
        return
    if len(card.window) != 2 or not card.network.read_out:
        yield "volumes are made of slices with a read-out, and the model has none"
    if not 0 < volumes.last < volumes.first:
        yield f"volumes: from {volumes.first:g} to {volumes.last:g}"
    if len(volumes.sharpness) not in (0, card.network.species):
        yield f"volumes: sharpness={_brief(volumes.sharpness)} is not one exponent per species"
    reading = volumes.reading
    numbers = (*volumes.sharpness, *reading.weights, reading.level)
    if any(not 0 < number < math.inf for number in numbers):
        yield f"volumes: {_brief(numbers)} are not all positive"


def _of_properties(card: ModelCard) -> Iterator[str]:
    known = card.properties
    number = 0 if known is None else len(known.names)
    if card.network.properties != number:
        yield f"network.properties={card.network.properties}, with {number} properties"
    if known is None:
        return
    if not known.names or len(set(known.names)) < number or len(known.quantiles) != number:
        yield f"properties.names={_brief(known.names)} are not one per property"
    for quantiles in known.quantiles:
        if len(quantiles) < 2 or list(quantiles) != sorted(quantiles):
            yield f"properties.quantiles={_brief(quantiles)} do not ascend"
    for table in (known.windows, known.free):
        rows = {len(table.fractions), len(table.values)}
        widths = {len(row) for row in table.fractions} | {-len(row) for row in table.values}
        if len(rows) > 1 or not widths <= {len(card.phases), -number}:
            yield "properties: samples are not one fraction per phase and one value per property"


def _of_spectrum(card: ModelCard) -> Iterator[str]:
    spectrum = card.spectrum
    if spectrum is None:
        return
    if card.classes or not (METHODS[card.method].potential and card.contents.assigned):
        yield "spectrum is of bridges between the phases of one material alone"
    axes = spectrum.wavenumbers
    if len(axes) != len(card.window) or not all(axes):
        yield f"spectrum.wavenumbers={_brief(axes)} are not one list per axis"
        return
    for axis in axes:
        if axis[0] != 0 or list(axis) != sorted(set(axis)):
            yield f"spectrum.wavenumbers={_brief(axis)} do not ascend from 0"
    expected = len(card.contents.species) ** 2 * math.prod(map(len, axes))
    if len(spectrum.power) != expected:
        yield f"spectrum.power has {len(spectrum.power)} numbers, not {expected}"


def _all_within(numbers: Any, low: float, high: float) -> bool:
    return all(low <= n <= high for n in numbers)
