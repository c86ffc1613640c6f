"""All descriptors of an ensemble in one data set."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import xarray as xr

from microdsd.errors import InputError
from microdsd.metrics._ensembles import MaskLike
from microdsd.metrics.anisotropy import ANISOTROPY
from microdsd.metrics.chords import CHORDS
from microdsd.metrics.cluster_function import CLUSTER
from microdsd.metrics.edge_contacts import EDGE_CONTACTS
from microdsd.metrics.lineal_path import LINEAL_PATH
from microdsd.metrics.local_thickness import LOCAL_THICKNESS
from microdsd.metrics.minkowski import MINKOWSKI
from microdsd.metrics.pore_network import NETWORK_FLOW, PORE_NETWORK
from microdsd.metrics.profiles import FRACTIONS, PROFILES
from microdsd.metrics.registry import descriptors as records
from microdsd.metrics.registry import groups, register
from microdsd.metrics.representativity import REPRESENTATIVITY
from microdsd.metrics.request import Request
from microdsd.metrics.surface import SURFACE
from microdsd.metrics.topology import COMPONENTS, EULER, PERCOLATION
from microdsd.metrics.triple_lines import TRIPLE_LINES
from microdsd.metrics.two_point import CROSS_TWO_POINT, TWO_POINT, TWO_POINT_ALONG
from microdsd.microstructure.outside import material_phases
from microdsd.microstructure.phases import resolve_phases
from microdsd.microstructure.schema import (
    LabelsLike,
    as_ensemble,
    phases_of,
    voxel_size_of,
)
from microdsd.progress import Progress, stage

for _group in (
    FRACTIONS,
    PROFILES,
    TWO_POINT,
    TWO_POINT_ALONG,
    CROSS_TWO_POINT,
    CLUSTER,
    LINEAL_PATH,
    CHORDS,
    LOCAL_THICKNESS,
    SURFACE,
    MINKOWSKI,
    EULER,
    COMPONENTS,
    PERCOLATION,
    TRIPLE_LINES,
    EDGE_CONTACTS,
    ANISOTROPY,
    REPRESENTATIVITY,
    PORE_NETWORK,
    NETWORK_FLOW,
):
    register(_group)


def describe(
    ms: LabelsLike,
    *,
    periodic: bool,
    phase: int | str | Sequence[int | str] | None = None,
    descriptors: Sequence[str] | None = None,
    mask: MaskLike | None = None,
    relative_error: float = 0.05,
    progress: Progress | None = None,
) -> xr.Dataset:
    """Measure an ensemble with every descriptor of this package, or with the chosen ones.

    Parameters
    ----------
    ms : DataArray or ndarray
        Integer labels, dims ``([sample,] [z,] y, x)``.
    periodic : bool
        Whether the boxes wrap. There is no default.
    phase : int or str, or sequence of them, optional
        Phase or phases to describe; all by default.
    descriptors : sequence of str, optional
        Groups to measure, by default all that are not optional;
        `microdsd.metrics.registry.groups` names them.
    mask : array_like of bool, dims ``([sample,] [z,] y, x)``, optional
        Where the specimen is, if it does not fill the box; what lies outside is of no account, nor
        is the phase named "outside".
    relative_error : float
        Standard error of the phase fraction, over the fraction, that ``representative_size`` is
        for.
    progress : Progress, optional
        Receives before each group how many are measured, of how many, and its name.

    Returns
    -------
    Dataset
        Dims ``sample``; ``phase`` (labels, with ``phase_name``); ``pair`` of phases
        ("pore-solid"); ``axis`` ("z", "y", "x"); ``distance`` (metres or voxels); ``lag``,
        ``chord`` (voxels); ``diameter`` (metres or voxels). Every variable has its ``units``,
        ``definition`` and ``references`` as attributes; docs/reference/descriptors.md lists all.
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
    >>> result = describe(stripes, periodic=True, descriptors=["components", "percolation"])
    >>> result.component_count.sel(phase=1).item(), result.percolates.sel(phase=1).values.tolist()
    (2, [[True, False]])
    """
    ensemble = as_ensemble(ms)
    names = material_phases(phases_of(ensemble))
    labels = list(resolve_phases(ensemble, phase))
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
    what = f"describing {n} samples" if n > 1 else "describing"
    with stage(what, len(chosen), progress) as describing:
        for done, group in enumerate(chosen):
            describing.update(done, status=group.replace("_", " "))
            described = described.assign(groups()[group].measured(request))
    return described


def _chosen(descriptors: Sequence[str] | None) -> list[str]:
    known = list(groups())
    if descriptors is None:
        return [name for name, group in groups().items() if not group.optional]
    named = [descriptors] if isinstance(descriptors, str) else list(descriptors)
    for group in named:
        if group not in known:
            raise InputError(f"descriptors: no group {group!r}; there are {', '.join(known)}")
    return [group for group in known if group in named]


def scalar_columns(described: xr.Dataset) -> Iterator[xr.DataArray]:
    """Return the columns (sample) of all compared scalars, without those that repeat another.

    Each is named after its variable and has its phase, pair or axis as a coordinate.

    Examples
    --------
    >>> import numpy as np
    >>> result = describe(np.eye(4, dtype=int), periodic=True, descriptors=["fractions", "surface"])
    >>> [column.name for column in scalar_columns(result)][:3]
    ['phase_fraction', 'phase_fraction', 'specific_surface_area']
    """
    two_phases = described.sizes["phase"] == 2
    for record in records():
        if not record.compared or record.kind == "curve" or record.name not in described:
            continue
        if two_phases and record.repeats_for_two_phases:
            continue
        variable = described[record.name]
        if two_phases and record.same_for_both_phases:
            variable = variable.isel(phase=0, drop=True)
        for index in np.ndindex(*variable.shape[1:]):
            yield variable[(slice(None), *index)]
