"""All descriptors of an ensemble in one data set."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import xarray as xr

from microdsd.errors import InputError
from microdsd.metrics._ensembles import MaskLike
from microdsd.metrics.definitions import with_definitions
from microdsd.metrics.descriptor_groups import GROUPS, Request
from microdsd.microstructure.outside import material_phases
from microdsd.microstructure.schema import (
    LabelsLike,
    as_ensemble,
    phases_of,
    resolve_phase,
    voxel_size_of,
)
from microdsd.progress import stage

SCALARS = (
    "phase_fraction",
    "specific_surface_area",
    "pair_surface_area",
    "triple_phase_boundary",
    "interface_density",
    "euler_density",
    "body_count",
    "largest_body_share",
    "percolates",
)
"""Variables with one number per sample and phase, pair or axis, for comparisons."""

COMPARED = (
    "fractions",
    "two_point",
    "two_point_along",
    "cross_two_point",
    "surface",
    "euler",
    "bodies",
    "percolation",
    "triple_lines",
)
"""Groups of descriptors that comparisons of ensembles need."""

JUDGED = (*COMPARED, "cluster", "lineal_path", "chords", "local_thickness")
"""Groups that the verdict needs."""


def describe(
    ms: LabelsLike,
    *,
    periodic: bool,
    phases: Sequence[int | str] | None = None,
    descriptors: Sequence[str] | None = None,
    mask: MaskLike | None = None,
    relative_error: float = 0.05,
    progress: Callable[[str], None] | None = None,
) -> xr.Dataset:
    """Measure an ensemble with every descriptor of this package, or with those that are named.

    Parameters
    ----------
    ms : DataArray or ndarray
        Integer labels, dims ``([sample,] [z,] y, x)``.
    periodic : bool
        Whether the boxes wrap. There is no default.
    phases : sequence of int or str, optional
        Phases to describe; all by default.
    descriptors : sequence of str, optional
        Groups to measure, all by default: "fractions", "profiles", "two_point",
        "two_point_along", "cross_two_point", "cluster", "lineal_path", "chords",
        "local_thickness", "surface", "minkowski", "euler", "bodies", "percolation",
        "triple_lines", "anisotropy", "representativity".
    mask : array_like of bool, dims ``([sample,] [z,] y, x)``, optional
        Where the specimen is, if it does not fill the box; what lies outside is of no account, nor
        is the phase named "outside".
    relative_error : float
        Standard error of the phase fraction, over the fraction, that ``representative_size`` is
        for.
    progress : callable, optional
        Called with the name of each group before it is measured.

    Returns
    -------
    Dataset
        Dims ``sample``; ``phase`` (labels, with ``phase_name``); ``pair`` of phases
        ("pore-solid"); ``axis`` ("z", "y", "x"); ``distance`` (metres or voxels); ``lag``,
        ``chord`` (voxels); ``diameter`` (metres or voxels). Every variable has its ``units``,
        ``definition`` and ``reference`` as attributes; docs/reference/descriptors.md lists all.
        Cross-S2 and triple lines are there for three phases and more, the curvature in 3D, the
        local thickness where voxels are cubes.

    Raises
    ------
    InputError
        If a phase or group does not exist, the mask does not fit, or the boxes are one voxel
        thick and not periodic.

    Examples
    --------
    >>> import numpy as np
    >>> stripes = np.tile(np.repeat([0, 1], 4), (16, 2))
    >>> found = describe(stripes, periodic=True, descriptors=["bodies", "percolation"])
    >>> found.body_count.sel(phase=1).item(), found.percolates.sel(phase=1).values.tolist()
    (2, [[True, False]])
    """
    ensemble = as_ensemble(ms)
    names = material_phases(phases_of(ensemble))
    labels = list(names) if phases is None else [resolve_phase(ensemble, p) for p in phases]
    request = Request(ensemble, labels, periodic, mask, relative_error)
    size, unit = voxel_size_of(ensemble)
    described = xr.Dataset(
        coords={"phase": labels, "phase_name": ("phase", [names[label] for label in labels])},
        attrs={"periodic": int(periodic), "voxel_size": list(size), "unit": unit},
    )
    chosen = _chosen(descriptors)
    if "representativity" in chosen:
        described.attrs["relative_error"] = relative_error
    n = ensemble.sizes["sample"]
    with stage(f"describing {n} samples" if n > 1 else "describing", len(chosen)) as describing:
        for done, group in enumerate(chosen):
            describing.update(done, group.replace("_", " "))
            if progress is not None:
                progress(group)
            described = described.assign(GROUPS[group](request))
    return with_definitions(described)


def _chosen(descriptors: Sequence[str] | None) -> list[str]:
    if descriptors is None:
        return list(GROUPS)
    named = [descriptors] if isinstance(descriptors, str) else list(descriptors)
    for group in named:
        if group not in GROUPS:
            raise InputError(f"descriptors: no group {group!r}; there are {', '.join(GROUPS)}")
    return [group for group in GROUPS if group in named]


def scalar_columns(described: xr.Dataset) -> Iterator[xr.DataArray]:
    """Columns (sample) of all scalar descriptors, without those that repeat another.

    Each is named after its variable and has its phase, pair or axis as a coordinate.

    Examples
    --------
    >>> import numpy as np
    >>> found = describe(np.eye(4, dtype=int), periodic=True, descriptors=COMPARED)
    >>> [column.name for column in scalar_columns(found)][:3]
    ['phase_fraction', 'phase_fraction', 'specific_surface_area']
    """
    two_phases = described.sizes["phase"] == 2
    for name in SCALARS:
        if name not in described or (two_phases and name == "pair_surface_area"):
            continue
        found = described[name]
        if two_phases and name == "specific_surface_area":
            # Both phases have the one interface as their boundary.
            found = found.isel(phase=0, drop=True)
        for index in np.ndindex(*found.shape[1:]):
            yield found[(slice(None), *index)]
