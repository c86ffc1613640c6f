"""Topology of a phase: Euler characteristic, connected components, percolation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import xarray as xr
from scipy import ndimage, sparse

from microdsd.errors import InputError
from microdsd.metrics._ensembles import (
    MaskLike,
    per_sample,
    phase_in_specimen,
    specimen_of,
    voxels_of,
)
from microdsd.metrics.registry import Descriptor, Group, Margin, Variables, Words
from microdsd.metrics.request import Request
from microdsd.microstructure.schema import (
    LabelsLike,
    as_ensemble,
    resolve_phase,
    spatial_dims,
    voxel_size_of,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]

Connectivity = Literal["face", "full"]


def euler_characteristic(
    ms: LabelsLike,
    *,
    phase: int | str,
    connectivity: Connectivity = "face",
    periodic: bool,
    mask: MaskLike | None = None,
) -> xr.DataArray:
    r"""Measure the Euler characteristic of one phase.

    2D: components less holes. 3D: components less tunnels plus cavities.

    Parameters
    ----------
    ms : DataArray or ndarray
        Integer labels, dims ``([sample,] [z,] y, x)``.
    phase : int or str
        Label or name of the phase.
    connectivity : {"face", "full"}
        Voxels of the phase are joined across faces (edges in 2D) only, or also across edges
        and corners.
    periodic : bool
        Required. True wraps the box. False treats the outside of the box as another phase.
    mask : array_like of bool, dims ``([sample,] [z,] y, x)``, optional
        Where the specimen is, if it does not fill the box: the world outside it does
        not hold the phase either.

    Returns
    -------
    DataArray
        int64, dim ``sample``.

    Raises
    ------
    InputError
        If the phase or the connectivity does not exist, or the mask does not fit.

    Notes
    -----
    The alternating sum of the number of cells by dimension,
    :math:`\chi = \sum_k (-1)^k N_k`. "full" counts vertices, edges, faces and interiors of the
    closed voxels; "face" counts voxels, pairs, squares of 4 and cubes of 8 neighbours.

    References
    ----------
    Ohser and Schladitz, 3D Images of Materials Structures, Wiley (2009),
    doi:10.1002/9783527628308.

    Examples
    --------
    >>> import numpy as np
    >>> ring = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]])
    >>> euler_characteristic(ring, phase=1, periodic=False).item()
    0
    """
    ensemble, of_phase = _phase_of(ms, phase, connectivity, mask)
    cells = _closed_cells if connectivity == "full" else _neighbour_cells
    return per_sample(
        ensemble,
        cells(of_phase, 1, periodic),
        name="euler_characteristic",
        long_name="Euler characteristic",
        connectivity=connectivity,
    )


def connected_components(
    ms: LabelsLike,
    *,
    phase: int | str,
    connectivity: Connectivity = "face",
    periodic: bool,
    mask: MaskLike | None = None,
) -> xr.Dataset:
    """Count the connected components of a phase and measure the share of the largest.

    Parameters
    ----------
    ms, phase, connectivity, periodic, mask
        As in `euler_characteristic`. A periodic box joins components across its faces. Components
        that the faces of the box or the specimen cut count as whole.

    Returns
    -------
    Dataset
        ``number`` (int64) and ``largest_share`` (float64, NaN where the phase is absent), dim
        ``sample``.

    Raises
    ------
    InputError
        As in `euler_characteristic`.

    Examples
    --------
    >>> import numpy as np
    >>> stripes = np.array([[1, 0, 1, 1]] * 2)
    >>> components = connected_components(stripes, phase=1, periodic=False)
    >>> components.number.item(), round(components.largest_share.item(), 3)
    (2, 0.667)
    >>> connected_components(stripes, phase=1, periodic=True).number.item()
    1
    """
    ensemble, of_phase = _phase_of(ms, phase, connectivity, mask)
    volumes = [
        np.bincount(label_components(sample, connectivity, periodic).ravel())[1:]
        for sample in of_phase
    ]
    return xr.Dataset(
        {
            "number": per_sample(
                ensemble,
                [len(v) for v in volumes],
                name="number",
                long_name="number of connected components",
                connectivity=connectivity,
            ),
            "largest_share": per_sample(
                ensemble,
                [v.max() / v.sum() if len(v) else np.nan for v in volumes],
                name="largest_share",
                long_name="share of the phase in its largest component",
                connectivity=connectivity,
            ),
        }
    )


def percolates(
    ms: LabelsLike,
    *,
    phase: int | str,
    connectivity: Connectivity = "face",
    mask: MaskLike | None = None,
) -> xr.DataArray:
    """Tell whether one component of the phase touches both opposite faces, for each axis.

    Parameters
    ----------
    ms, phase, connectivity
        As in `euler_characteristic`; the box does not wrap.
    mask : array_like of bool, dims ``([sample,] [z,] y, x)``, optional
        Where the specimen is, if it does not fill the box: then components of the phase in
        it, from its first layer along the axis to its last.

    Returns
    -------
    DataArray
        bool, dims ``(sample, axis)``; ``axis`` holds the names ``z``, ``y``, ``x``.

    Raises
    ------
    InputError
        As in `euler_characteristic`.

    References
    ----------
    Stauffer and Aharony, Introduction to Percolation Theory, Taylor & Francis (1994),
    doi:10.1201/9781315274386.

    Examples
    --------
    >>> import numpy as np
    >>> percolates(np.array([[1, 0, 1]] * 2), phase=1).values
    array([[ True, False]])
    """
    ensemble, of_phase = _phase_of(ms, phase, connectivity, mask)
    inside = specimen_of(ensemble, mask)
    spans = []
    for i, sample in enumerate(of_phase):
        box = ... if inside is None else ndimage.find_objects(inside[i].astype(np.uint8))[0]
        components = label_components(sample[box], connectivity, periodic=False)
        faces = (
            (components.take(0, axis), components.take(-1, axis)) for axis in range(components.ndim)
        )
        spans.append([bool(np.intersect1d(first, last).any()) for first, last in faces])
    dims = spatial_dims(ensemble)
    return per_sample(
        ensemble,
        spans,
        name="percolates",
        long_name="percolates",
        dims=("axis",),
        coords={"axis": list(dims)},
        connectivity=connectivity,
    )


def _neighbour_cells(mask: Mask, axis: int, periodic: bool) -> NDArray[np.int64]:
    """Count voxels - pairs + squares - cubes of the phase, from `axis` on."""
    if axis == mask.ndim:
        return _count(mask)
    behind, ahead = _neighbours(mask, axis, periodic)
    pairs = behind & ahead
    return _neighbour_cells(mask, axis + 1, periodic) - _neighbour_cells(pairs, axis + 1, periodic)


def _closed_cells(mask: Mask, axis: int, periodic: bool) -> NDArray[np.int64]:
    """Count vertices - edges + faces - interiors of the closed voxels, from `axis` on."""
    if axis == mask.ndim:
        return _count(mask)
    padding = [(int(i == axis),) * 2 for i in range(mask.ndim)]
    behind, ahead = _neighbours(mask if periodic else np.pad(mask, padding), axis, periodic)
    sides = behind | ahead
    return _closed_cells(sides, axis + 1, periodic) - _closed_cells(mask, axis + 1, periodic)


def _neighbours(mask: Mask, axis: int, periodic: bool) -> tuple[Mask, Mask]:
    if periodic:
        return mask, np.roll(mask, -1, axis)
    before = (slice(None),) * axis
    return mask[(*before, slice(None, -1))], mask[(*before, slice(1, None))]


def _count(mask: Mask) -> NDArray[np.int64]:
    return np.array([np.count_nonzero(sample) for sample in mask], dtype=np.int64)


def label_components(mask: Mask, connectivity: Connectivity, periodic: bool) -> NDArray[np.int32]:
    """Label each voxel with the number of its component, from 1; 0 is outside the phase."""
    structure = ndimage.generate_binary_structure(mask.ndim, 1 if connectivity == "face" else 3)
    if not periodic:
        return np.asarray(ndimage.label(mask, structure)[0])
    # A copy of the first face beyond the last carries every bond across the faces of the box.
    components, number = ndimage.label(np.pad(mask, (0, 1), mode="wrap"), structure)
    bonds = [(components.take(0, axis), components.take(-1, axis)) for axis in range(mask.ndim)]
    first, copy = (
        np.concatenate([face[face > 0] for face in side]) - 1 for side in zip(*bonds, strict=True)
    )
    graph = sparse.coo_array((np.ones(len(first)), (first, copy)), shape=(number, number))
    joined = 1 + sparse.csgraph.connected_components(graph, directed=False)[1]
    return np.asarray(np.concatenate([[0], joined])[components[(slice(None, -1),) * mask.ndim]])


def checked_connectivity(connectivity: str) -> None:
    """Raise InputError for a connectivity that does not exist."""
    if connectivity not in get_args(Connectivity):
        raise InputError(f"connectivity: {connectivity!r} is not one of {get_args(Connectivity)}")


def _phase_of(
    ms: LabelsLike, phase: int | str, connectivity: str, mask: MaskLike | None
) -> tuple[xr.DataArray, Mask]:
    checked_connectivity(connectivity)
    ensemble = as_ensemble(ms)
    return ensemble, phase_in_specimen(ensemble, resolve_phase(ensemble, phase), mask)[0]


def _measure_euler(request: Request) -> Variables:
    size, unit = voxel_size_of(request.ensemble)
    voxels = voxels_of(request.ensemble, specimen_of(request.ensemble, request.mask))
    volume = xr.DataArray(voxels * np.prod(size), dims="sample")
    euler = request.by_phase(
        lambda phase: euler_characteristic(
            request.ensemble, phase=phase, periodic=request.periodic, mask=request.mask
        )
    )
    density = (euler / volume).assign_attrs(
        long_name="Euler characteristic per volume", units=f"1/{unit}^{len(request.dims)}"
    )
    return {"euler_characteristic": euler, "euler_density": density}


def _measure_components(request: Request) -> Variables:
    components = request.by_phase(
        lambda phase: connected_components(
            request.ensemble, phase=phase, periodic=request.periodic, mask=request.mask
        )
    )
    return {
        "component_count": components["number"],
        "largest_component_share": components["largest_share"],
    }


def _measure_percolation(request: Request) -> Variables:
    return {
        "percolates": request.by_phase(
            lambda phase: percolates(request.ensemble, phase=phase, mask=request.mask)
        )
    }


_OHSER = "doi:10.1002/9783527628308"

EULER = Group(
    "euler",
    _measure_euler,
    (
        Descriptor(
            name="euler_characteristic",
            label="Euler characteristic",
            definition="components less tunnels plus cavities (2D: components less holes), "
            "connected across faces; outside a box that does not wrap there is no phase",
            references=_OHSER,
            symbol="χ",
        ),
        Descriptor(
            name="euler_density",
            label="Euler characteristic per volume",
            definition="euler_characteristic over the volume of the box",
            references=_OHSER,
            unit="1/length^d",
            symbol="χ_V",
            explanation="Components less tunnels plus cavities (in a plane: components less "
            "holes), per volume; voxels of the phase are joined across faces.",
            compared=True,
            margin=Margin(0.10, "size"),
            words=Words("the Euler characteristic of {phase} is", "too high", "too low"),
            rank=13,
        ),
    ),
)

COMPONENTS = Group(
    "components",
    _measure_components,
    (
        Descriptor(
            name="component_count",
            label="connected components per sample",
            definition="connected components, across faces; cut ones count as whole",
            references=_OHSER,
            explanation="Connected components of the phase, joined across voxel faces, including "
            "those that the box cuts.",
            compared=True,
            margin=Margin(0.10, "mean"),
            words=Words("{phase} components are", "too many", "too few"),
            whole_numbers=True,
            tolerance=0.1,
            rank=14,
        ),
        Descriptor(
            name="largest_component_share",
            label="share of the largest component",
            definition="voxels of the largest component over those of the phase",
            references=_OHSER,
            explanation="Part of the phase that lies in its largest component.",
            compared=True,
            margin=Margin(0.05, "points"),
            words=Words("the largest {phase} component is", "too large", "too small"),
            tolerance=0.03,
            rank=15,
        ),
    ),
)

PERCOLATION = Group(
    "percolation",
    _measure_percolation,
    (
        Descriptor(
            name="percolates",
            label="samples that percolate",
            definition="one component touches both faces of the box normal to the axis; the box "
            "never wraps",
            references="doi:10.1201/9781315274386",
            explanation="Share of the samples in which one component of the phase touches both "
            "opposite sides of the box.",
            compared=True,
            margin=Margin(0.10, "points"),
            words=Words("{phase} percolates along {axis}", "too often", "too seldom"),
            tolerance=0.05,
            rank=16,
        ),
    ),
)
