"""Samples in the array contract, which says what they are of and how they were made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from microdsd.generation.request import GenerationRequest
from microdsd.microstructure import as_images, as_microstructure
from microdsd.models.card import ModelCard


def dress(
    card: ModelCard,
    request: GenerationRequest,
    samples: Sequence[np.ndarray],
    record: Mapping[str, Any],
) -> xr.DataArray:
    """Array of samples, with phases, voxel size, classes and regions.

    Parameters
    ----------
    card : ModelCard
        Of the model that made them.
    request : GenerationRequest
    samples : sequence of ndarray
        Labels; of a model of images, intensities with a channel axis in front.
    record : mapping
        Becomes the provenance.
    """
    voxel_size = None if card.unit == "voxel" else list(card.voxel_size)
    if card.grey_levels:
        return _images(card, request, np.stack(samples), voxel_size, record)
    made = as_microstructure(
        np.stack(samples),
        phases=dict(card.phases),
        voxel_size=voxel_size,
        ensemble=True,
        provenance=record,
    )
    if request.classes:
        made = made.assign_coords({"class": ("sample", list(request.classes))})
    if request.layout is None:
        return made
    return made.assign_coords(region=(made.dims[1:], request.layout.index.astype(np.int32)))


def _images(
    card: ModelCard,
    request: GenerationRequest,
    intensity: np.ndarray,
    voxel_size: list[float] | None,
    record: Mapping[str, Any],
) -> xr.DataArray:
    """Images, (sample, channel, y, x); one channel needs no axis."""
    channels = tuple(card.phases.values())
    single = len(channels) == 1
    return as_images(
        intensity[:, 0] if single else intensity,
        levels=card.grey_levels,
        channels=None if single else channels,
        classes=request.classes or None,
        voxel_size=voxel_size,
        provenance=record,
    )
