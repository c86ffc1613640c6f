"""Properties of windows and samples, as targets and conditions name them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from microdsd.microstructure import as_microstructure
from microdsd.microstructure.voxels import VoxelSize
from microdsd.models.contents import Contents
from microdsd.properties import Property, measure


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
