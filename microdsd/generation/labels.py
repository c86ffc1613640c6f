"""Samples in the array contract, which says what they are of and how they were made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from microdsd.errors import MicrodsdError
from microdsd.generation.request import GenerationRequest
from microdsd.microstructure import VoxelSize, as_images, as_microstructure, phase_counts
from microdsd.microstructure.axes import SPATIAL_DIMS
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
    voxel_size = None if card.unit == "voxel" else VoxelSize(tuple(card.voxel_size), "m")
    if card.grey_levels:
        return _images(card, request, np.stack(samples), voxel_size, record)
    stack = np.stack(samples)
    made = as_microstructure(
        xr.DataArray(stack, dims=("sample", *SPATIAL_DIMS[1 - stack.ndim :])),
        phases=dict(card.phases),
        voxel_size=voxel_size,
        provenance=record,
    )
    _require_counts(made, request)
    if request.classes:
        made = made.assign_coords({"class": ("sample", list(request.classes))})
    if request.layout is None:
        return made
    return made.assign_coords(region=(made.dims[1:], request.layout.index.astype(np.int32)))


def _require_counts(made: xr.DataArray, request: GenerationRequest) -> None:
    """Recount samples before they are handed out: what is promised is their counts."""
    counts = phase_counts(made).values
    wanted = request.composition.whole
    if not np.array_equal(counts, wanted):
        raise MicrodsdError(
            f"samples: hold {counts.tolist()} voxels of each phase, {wanted.tolist()} were "
            "requested; this is a fault of microdsd, please report it"
        )


def _images(
    card: ModelCard,
    request: GenerationRequest,
    intensity: np.ndarray,
    voxel_size: VoxelSize | None,
    record: Mapping[str, Any],
) -> xr.DataArray:
    """Images, (sample, channel, y, x); one channel needs no axis."""
    channels = tuple(card.phases.values())
    single = len(channels) == 1
    return as_images(
        intensity[:, 0] if single else intensity,
        grey_levels=card.grey_levels,
        channels=None if single else channels,
        classes=request.classes or None,
        voxel_size=voxel_size,
        provenance=record,
    )
