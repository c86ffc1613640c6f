"""Voxels that touch along an edge alone: the roughness of surfaces on the scale of voxels."""

from __future__ import annotations

import numpy as np
import xarray as xr

from microdsd.metrics._ensembles import MaskLike, per_sample, specimen_of
from microdsd.metrics._figures import corners_of, mean_of_cells, squares, whole_figures
from microdsd.metrics.registry import Descriptor, Group, Margin, Variables, Words
from microdsd.metrics.request import Request
from microdsd.metrics.surface import check_thickness
from microdsd.microstructure.schema import LabelsLike, as_ensemble, resolve_phase, spatial_dims


def edge_contacts(
    ms: LabelsLike, *, phase: int | str, periodic: bool, mask: MaskLike | None = None
) -> xr.DataArray:
    """Count the voxel edges (3D) or corners (2D) along which voxels of a phase touch alone.

    Of the four voxels around such an edge the two of one diagonal are of the phase, and the two of
    the other are not.

    Parameters
    ----------
    ms : DataArray or ndarray
        Integer labels, dims ``([sample,] [z,] y, x)``.
    phase : int or str
        Label or name of the phase.
    periodic : bool
        True counts across the faces of the box too. There is no default.
    mask : array_like of bool, dims ``([sample,] [z,] y, x)``, optional
        Where the specimen is, if it does not fill the box: only edges whose voxels are all in it
        count.

    Returns
    -------
    DataArray
        float64, dim ``sample``: contacts per voxel, the sum over the axes of the share of such
        edges.

    Raises
    ------
    InputError
        If the phase does not exist, or the box is one voxel thick and not periodic.

    Notes
    -----
    Of two phases both have the same. A surface that is flat along the lattice, or stepped, has
    none; scans have them wherever noise and partial volume blur a surface. Generators that take
    the most probable phase of every voxel make too few, although interface and S2 are right.

    Examples
    --------
    >>> import numpy as np
    >>> edge_contacts(np.indices((4, 4)).sum(axis=0) % 2, phase=1, periodic=True).item()
    1.0
    """
    ensemble = as_ensemble(ms)
    check_thickness(ensemble, periodic)
    inside = specimen_of(ensemble, mask)
    field = ensemble.values == resolve_phase(ensemble, phase)
    contacts = np.zeros(len(field))
    for square in squares(len(spatial_dims(ensemble))):
        a, b, c, d = corners_of(field, square, periodic)
        alone = (a == d) & (b == c) & (a != b)
        contacts += mean_of_cells(alone, whole_figures(inside, square, periodic))
    return per_sample(ensemble, contacts, name="edge_contacts", long_name="edge contacts per voxel")


def _measure(request: Request) -> Variables:
    return {
        "edge_contacts": request.by_phase(
            lambda phase: edge_contacts(
                request.ensemble, phase=phase, periodic=request.periodic, mask=request.mask
            )
        )
    }


EDGE_CONTACTS = Group(
    "edge_contacts",
    _measure,
    (
        Descriptor(
            name="edge_contacts",
            label="edge contacts",
            definition="voxel edges (2D: corners) along which voxels of the phase touch alone, per "
            "voxel",
            references="doi:10.1002/9783527628308",
            explanation="Places per voxel in which two voxels of the phase touch along an edge "
            "only (in a plane: at a corner): the roughness of surfaces on the scale of voxels.",
            compared=True,
            margin=Margin(0.10, "mean"),
            words=Words(
                "voxels of {phase} that touch along edges alone are",
                "too many",
                "too few",
                "voxels that touch along edges alone are",
            ),
            same_for_both_phases=True,
            tolerance=0.1,
            rank=13,
        ),
    ),
)
