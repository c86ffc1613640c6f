"""OME-Zarr, and plain zarr arrays: the finest level of an image."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from microdsd.errors import DataFileError
from microdsd.io.arrays import described
from microdsd.io.request import ReadRequest
from microdsd.io.volume import Volume, plain_axes, with_note, with_spacing
from microdsd.microstructure.lengths import metres_per

ROOT = "image"


def read_zarr(request: ReadRequest) -> Volume:
    """Read the finest level of an image, or a plain array."""
    import zarr

    images = _images(zarr.open(str(request.path), mode="r"))
    array, statement = images[
        request.choose({name: described(array) for name, (array, _) in images.items()})
    ]
    stored = sum(file.stat().st_size for file in request.path.rglob("*") if file.is_file())
    request.check_expansion(math.prod(array.shape) * array.dtype.itemsize, stored)
    values = np.asarray(array[...])
    if statement is None:
        return Volume(values, plain_axes(values.ndim))
    axes = statement["axes"]
    letters = "".join(_letter(axis) for axis in axes)
    if len(letters) != values.ndim:
        raise DataFileError(f"{request.name}: names {len(letters)} axes of {values.ndim}")
    volume = Volume(values, letters, phases=_phases(statement))
    if (scale := _scale(statement)) is None:
        return volume
    units = [metres_per(axis.get("unit")) for axis in axes]
    space = [unit for unit, letter in zip(units, letters, strict=True) if letter in "zyx"]
    if None in space:
        text = " x ".join(f"{length:g}" for length in scale)
        return with_note(volume, f"scale {text} stated without a unit, not used; pass voxel_size")
    lengths = tuple(length * (unit or 1.0) for length, unit in zip(scale, units, strict=True))
    return with_spacing(volume, lengths, "OME-Zarr")


def _images(node: Any, path: str = "") -> dict[str, tuple[Any, dict[str, Any] | None]]:
    """Return arrays and their statements by path.

    Of an image in several levels, only the finest is returned.
    """
    if not hasattr(node, "members"):
        return {path or ROOT: (node, None)}
    attributes = dict(node.attrs)
    images: dict[str, tuple[Any, dict[str, Any] | None]] = {}
    levels: set[str] = set()
    for number, statement in enumerate(attributes.get("ome", attributes).get("multiscales") or ()):
        paths = [level["path"] for level in statement["datasets"]]
        levels.update(level.split("/")[0] for level in paths)
        images[(path or ROOT) + (f" {number}" if number else "")] = (node[paths[0]], statement)
    for name, child in node.members():
        if name not in levels:
            images |= _images(child, f"{path}/{name}".strip("/"))
    return images


def _letter(axis: Any) -> str:
    name = str(axis["name"] if isinstance(axis, dict) else axis).lower()
    kind = axis.get("type", "space") if isinstance(axis, dict) else "space"
    if kind == "space" and name in "zyx":
        return name
    return "t" if kind == "time" or name == "t" else "c"


def _phases(statement: dict[str, Any]) -> dict[int, str] | None:
    """Return the names that microdsd wrote."""
    names = (statement.get("metadata") or {}).get("phases")
    if not isinstance(names, dict):
        return None
    return {int(label): str(name) for label, name in names.items()}


def _scale(statement: dict[str, Any]) -> list[float] | None:
    steps = [
        *statement["datasets"][0].get("coordinateTransformations", ()),
        *statement.get("coordinateTransformations", ()),
    ]
    scales = [step["scale"] for step in steps if step.get("type") == "scale"]
    return np.prod(scales, axis=0).tolist() if scales else None
