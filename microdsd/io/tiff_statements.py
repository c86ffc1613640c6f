"""What a TIFF says beside its pixels: voxel size and phase names, in four dialects.

microdsd writes both as JSON into the description, OME and ImageJ give a size with its unit, and
any TIFF may hold a resolution per inch or centimetre. That last one is mostly of a printer or a
screen. It is believed where it is finer than anything that is printed, and only for images: it
says nothing about the distance of slices.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

from microdsd.io.volume import Volume, with_note, with_spacing
from microdsd.microstructure.lengths import metres_per

OME_PHASES = "microdsd/phases"
"""Namespace of the annotation that holds the names of phases."""

FINEST_PRINT = 0.0254 / 2540
RESOLUTION_UNITS = {2: 0.0254, 3: 0.01}
PRINT = "is that of a print or a screen"


def stated_phases(image: Any) -> dict[int, str] | None:
    """Return the names of the phases that microdsd wrote.

    They are in the description, or in an annotation of OME.
    """
    if image.kind == "ome":
        return _phases_of_ome(image)
    phases = _own(image).get("phases")
    names = json.loads(phases) if isinstance(phases, str) else phases
    if not isinstance(names, dict):
        return None
    return {int(label): str(name) for label, name in names.items()}


def _phases_of_ome(image: Any) -> dict[int, str] | None:
    text = image.keyframe.parent.ome_metadata or ""
    if OME_PHASES not in text or "<!ENTITY" in text:
        return None
    root = ElementTree.fromstring(text)
    for annotation in root.iterfind(".//{*}MapAnnotation"):
        if annotation.get("Namespace") == OME_PHASES:
            entries = annotation.iterfind(".//{*}M")
            return {int(entry.get("K", "")): entry.text or "" for entry in entries}
    return None


def with_stated_size(volume: Volume, tiff: Any, image: Any) -> Volume:
    """Add the voxel size that the file states, or a note of one that cannot be used."""
    own = _own(image)
    if "voxel_size" in own:
        if own.get("unit") != "m":
            return volume
        sizes = tuple(float(size) for size in own["voxel_size"])
        if len(sizes) != len(volume.axes):  # images that were joined
            return _with_lengths(volume, dict(zip("yx", sizes, strict=False)), "microdsd")
        # Only here is a first axis of length one known to be depth.
        axes = volume.axes.replace("i", "z")
        return with_spacing(replace(volume, axes=axes), sizes, "microdsd")
    if tiff.is_ome and image.kind == "ome":
        source, lengths = "OME", _of_ome(tiff, image)
    elif tiff.is_imagej:
        source, lengths = "ImageJ", _of_imagej(tiff)
    else:
        return _with_resolution(volume, image)
    return _with_lengths(volume, lengths, source)


def _with_lengths(volume: Volume, lengths: dict[str, float | None], source: str) -> Volume:
    spatial = ["z" if axis == "i" else axis for axis in volume.axes]
    stated = {axis: length for axis, length in lengths.items() if length is not None}
    if not stated:
        return volume
    needed = {
        axis
        for axis, length in zip(spatial, volume.array.shape, strict=True)
        if axis in "yx" or (axis == "z" and length > 1)
    }
    if missing := sorted(needed - set(stated)):
        text = ", ".join(f"{axis} {length:g} m" for axis, length in sorted(stated.items()))
        return with_note(
            volume,
            f"voxel size stated by {source} ({text}) not used: it says none for "
            f"{' and '.join(missing)}; pass voxel_size",
        )
    return with_spacing(volume, tuple(stated.get(axis, stated["x"]) for axis in spatial), source)


def _of_ome(tiff: Any, image: Any) -> dict[str, float | None]:
    import tifffile

    document = tifffile.xml2dict(tiff.ome_metadata)["OME"]
    entries = document["Image"]
    if isinstance(entries, list):
        entries = entries[next(i for i, one in enumerate(tiff.series) if one is image)]
    pixels = entries["Pixels"]
    lengths: dict[str, float | None] = {}
    for axis in "zyx":
        size = pixels.get(f"PhysicalSize{axis.upper()}")
        unit = metres_per(pixels.get(f"PhysicalSize{axis.upper()}Unit", "µm"))
        lengths[axis] = None if size is None or unit is None else float(size) * unit
    return lengths


def _of_imagej(tiff: Any) -> dict[str, float | None]:
    metadata = tiff.imagej_metadata or {}
    tags = tiff.pages.first.tags
    unit = metres_per(metadata.get("unit"))
    if unit is None:
        return {}
    spacing = metadata.get("spacing")
    return {
        "z": None if spacing is None else float(spacing) * unit,
        "y": _pixel(tags, "YResolution", unit),
        "x": _pixel(tags, "XResolution", unit),
    }


def _pixel(tags: Any, name: str, unit: float) -> float | None:
    if name not in tags:
        return None
    pixels, units = tags[name].value
    return unit * units / pixels if pixels else None


def _with_resolution(volume: Volume, image: Any) -> Volume:
    tags = image.keyframe.tags
    unit = RESOLUTION_UNITS.get(tags["ResolutionUnit"].value if "ResolutionUnit" in tags else 0)
    if unit is None:
        return volume
    x, y = _pixel(tags, "XResolution", unit), _pixel(tags, "YResolution", unit)
    if x is None or y is None:
        return volume
    if max(x, y) >= FINEST_PRINT:
        return with_note(volume, f"resolution of {x:g} m a pixel stated, not used: it {PRINT}")
    return _with_lengths(volume, {"y": y, "x": x}, "the resolution")


def _own(image: Any) -> dict[str, Any]:
    """Return the JSON that tifffile and microdsd keep in the description."""
    text = image.keyframe.shaped_description
    try:
        record = json.loads(text) if text and text.startswith("{") else None
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}
