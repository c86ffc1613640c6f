"""Properties of windows and samples, as targets and conditions name them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from microdsd.generation.request import GenerationRequest
from microdsd.microstructure import as_microstructure
from microdsd.microstructure.voxels import VoxelSize
from microdsd.models.card import ModelCard
from microdsd.models.contents import Contents
from microdsd.properties import Property, measure

MEASURED_VOXELS = 1 << 22
"""Voxels of a box beyond which what was made is not measured: it can take longer than making it."""

_FAR = 0.25
"""Share of the usual range by which a sample is far from its target."""

_SAME = 1e-9
"""Relative difference of numbers that are the same."""


def measure_windows(
    labels: np.ndarray,
    contents: Contents,
    voxel_size: VoxelSize,
    properties: Sequence[Property],
) -> np.ndarray:
    """Measure properties (n, properties) of boxes of labels (n, *space), as not periodic.

    Raises
    ------
    InputError
        If the material has no such properties.
    """
    phases = contents.require_phases("properties", "properties of the material").phases
    size = None if voxel_size.unit == "voxel" else voxel_size
    return measure(
        as_microstructure(labels, phases=dict(phases), voxel_size=size, ensemble=True), properties
    )


def measure_targets(card: ModelCard, request: GenerationRequest, labels: np.ndarray) -> np.ndarray:
    """Measure the properties (n, targets) that a request has targets for."""
    phases = card.contents.phases
    properties = [Property.parse(name, phases, request.lattice.ndim) for name in request.targets]
    size = VoxelSize(tuple(card.voxel_size), card.unit)
    return measure_windows(labels, card.contents, size, properties)


def achieved(
    card: ModelCard, request: GenerationRequest, labels: Sequence[np.ndarray]
) -> dict[str, list[float | None]]:
    """Return what samples have of the properties that they were asked for, by name.

    None stands for no such number. Nothing is returned where nothing was asked for, nor for boxes
    too large to be measured on the way.
    """
    if not request.targets or request.lattice.n_sites > MEASURED_VOXELS:
        return {}
    columns = measure_targets(card, request, np.stack(labels)).T.tolist()
    return {
        name: [value if math.isfinite(value) else None for value in column]
        for name, column in zip(request.targets, columns, strict=True)
    }


def remarks_at_the_end(
    request: GenerationRequest, properties: Mapping[str, Sequence[float | None]]
) -> list[str]:
    """Say which targets samples ended far from, and that large boxes are not measured.

    Parameters
    ----------
    request : GenerationRequest
    properties : mapping
        As `achieved` returns it.
    """
    if request.targets and not properties:
        return [
            f"boxes of more than {MEASURED_VOXELS:,} voxels are not measured: whether samples "
            f"have the {', '.join(request.targets)} asked for, describe and transport can say"
        ]
    remarks = []
    for name, column in properties.items():
        ranges = request.usual.get(name, ())
        far = [
            abs(value - target) > _FAR * (high - low) + _SAME * abs(target)
            for value, target, (low, high) in zip(
                column, request.targets[name], ranges, strict=bool(ranges)
            )
            if value is not None
        ]
        if any(far):
            share = f"{sum(far)} of {len(column)} samples" if len(column) > 1 else "the sample"
            remarks.append(
                f"{name}: {share} ended far from the target, by more than a quarter of the range "
                "in which nine in ten lie; more particles or evaluations come nearer, where the "
                "model can at all"
            )
    return remarks
