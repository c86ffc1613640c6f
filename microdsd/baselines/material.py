"""What a baseline knows of a material beside its statistics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from microdsd.microstructure import VoxelSize


@dataclass(frozen=True)
class KnownMaterial:
    """Hold what every request to a baseline needs of the material.

    Attributes
    ----------
    phases : dict of int to str
    fractions : tuple of float
        Mean fractions, in ascending order of the labels.
    voxel_size : VoxelSize
        Of the samples.
    shape : tuple of int
        Voxels per axis of a sample, where a request names none.
    record : dict
        Where all this comes from, for the provenance of the samples.
    """

    phases: Mapping[int, str]
    fractions: tuple[float, ...]
    voxel_size: VoxelSize
    shape: tuple[int, ...]
    record: dict[str, Any]
