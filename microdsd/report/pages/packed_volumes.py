"""Two volumes of labels inside a page, packed for the scripts that turn and cut them."""

from __future__ import annotations

import base64
import gzip
from typing import Any

import numpy as np
import xarray as xr
from markupsafe import Markup
from numpy.typing import NDArray

from microdsd.microstructure import phases_of, voxel_size_of
from microdsd.report.pages.inline_figure import json_block
from microdsd.report.pictures.style import LengthScale, phase_colours

MOST_VOXELS = 128
"""Per axis: what any graphics unit holds, and any reader downloads."""
MOST_CHARACTERS = 600_000
"""Of one packed volume, so that a page with two of them stays below 3 MB."""


def packed_pair(
    generated: xr.DataArray, real: xr.DataArray, focus: int
) -> tuple[Markup | None, int]:
    """Return two volumes as data of the page, and the stride in voxels with which they were taken.

    A volume too large is thinned by taking every second, third, ... voxel along every axis. Labels
    are never averaged: what is shown is a voxel of the file.

    Parameters
    ----------
    generated, real : DataArray, dims (z, y, x)
        Alike in shape, phases and voxel size.
    focus : int
        Label of the phase that the page shows first.

    Returns
    -------
    data : Markup or None
        None if the labels do not fit into a byte.
    stride : int
    """
    phases = phases_of(generated)
    if min(phases) < 0 or max(phases) > 255:
        return None, 1
    stride = max(-(-max(generated.shape) // MOST_VOXELS), 1)
    while True:
        volumes = {
            side: _packed(volume.values[::stride, ::stride, ::stride])
            for side, volume in (("real", real), ("generated", generated))
        }
        if all(len(volume["labels"]) <= MOST_CHARACTERS for volume in volumes.values()):
            break
        stride += 1
    length = LengthScale.of(generated)
    edges = [edge * length.factor * stride for edge in voxel_size_of(generated).size]
    colours = phase_colours(phases, focus)
    content = {
        "edges": edges,
        "unit": length.symbol,
        "stride": stride,
        "phases": [
            {
                "label": label,
                "name": phases[label],
                "fill": colours[label].fill,
                "solid": colours[label].solid,
                "cut": colours[label].cut,
                "visible": (label == focus) == (len(phases) == 2),
            }
            for label in colours
        ],
        **volumes,
    }
    return json_block(content, kind="volumes"), stride


def _packed(labels: NDArray[Any]) -> dict[str, Any]:
    data = gzip.compress(np.ascontiguousarray(labels, dtype=np.uint8).tobytes(), mtime=0)
    return {"shape": list(labels.shape), "labels": base64.b64encode(data).decode("ascii")}
