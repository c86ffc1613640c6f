"""Samples in the array contract, which says what they are of and how they were made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from microdsd.encoding import encoding_of
from microdsd.errors import MicrodsdError
from microdsd.generation.request import GenerationRequest
from microdsd.microstructure import VoxelSize
from microdsd.models.card import ModelCard


def dress(
    card: ModelCard,
    request: GenerationRequest,
    samples: Sequence[np.ndarray],
    record: Mapping[str, Any],
) -> xr.DataArray:
    """Build the array of samples, with phases, voxel size, classes and regions.

    Parameters
    ----------
    card : ModelCard
        Card of the model that made the samples.
    request : GenerationRequest
    samples : sequence of ndarray
        Labels; of a model of images, intensities with a channel axis in front.
    record : mapping
        Becomes the provenance.
    """
    encoding = encoding_of(card.contents)
    voxel_size = None if card.unit == "voxel" else VoxelSize(tuple(card.voxel_size), "m")
    array = encoding.array(np.stack(samples), voxel_size, request.classes, record)
    _require_counts(encoding.counted(array), request)
    if request.layout is None:
        return array
    return array.assign_coords(region=(array.dims[1:], request.layout.index.astype(np.int32)))


def _require_counts(counts: np.ndarray, request: GenerationRequest) -> None:
    """Recount samples before they are handed out: what is promised is their counts."""
    wanted = request.composition.whole
    if not np.array_equal(counts, wanted):
        raise MicrodsdError(
            f"samples: hold the counts {counts.tolist()}, {wanted.tolist()} were requested; "
            "this is a fault of microdsd, please report it"
        )
