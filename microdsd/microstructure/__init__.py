"""Microstructures: the array contract, phases, windows, coarsening, synthetic media."""

from microdsd.microstructure.coarsening import coarsen
from microdsd.microstructure.counting import label_counts
from microdsd.microstructure.intensity import as_images, intensity_totals, is_images, quantise
from microdsd.microstructure.phases import (
    phase_counts,
    phase_fractions,
    porosity,
    relabel,
    resolve_phases,
)
from microdsd.microstructure.schema import (
    LabelsLike,
    PhaseNames,
    VoxelSize,
    VoxelSizeLike,
    as_ensemble,
    as_microstructure,
    check_microstructure,
    derived_provenance,
    phases_of,
    provenance_of,
    resolve_phase,
    spatial_dims,
    voxel_size_of,
)
from microdsd.microstructure.synthetic import blobs, checkerboard, layers, overlapping_spheres
from microdsd.microstructure.windows import crop, cut_windows

__all__ = [
    "LabelsLike",
    "PhaseNames",
    "VoxelSize",
    "VoxelSizeLike",
    "as_ensemble",
    "as_images",
    "as_microstructure",
    "blobs",
    "check_microstructure",
    "checkerboard",
    "coarsen",
    "crop",
    "cut_windows",
    "derived_provenance",
    "intensity_totals",
    "is_images",
    "label_counts",
    "layers",
    "overlapping_spheres",
    "phase_counts",
    "phase_fractions",
    "phases_of",
    "porosity",
    "provenance_of",
    "quantise",
    "relabel",
    "resolve_phase",
    "resolve_phases",
    "spatial_dims",
    "voxel_size_of",
]
