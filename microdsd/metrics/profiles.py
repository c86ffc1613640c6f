"""Phase fractions of specimens, and of layers along an axis."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from microdsd.errors import InputError
from microdsd.metrics._ensembles import MaskLike, per_sample, specimen_of
from microdsd.metrics.registry import Descriptor, Group, Variables
from microdsd.metrics.request import Request
from microdsd.microstructure.outside import material_phases
from microdsd.microstructure.schema import LabelsLike, as_ensemble, phases_of, spatial_dims


def fraction_profile(ms: LabelsLike, *, axis: str, mask: MaskLike | None = None) -> xr.DataArray:
    """Measure the fraction of every phase in each layer of voxels normal to an axis.

    Parameters
    ----------
    ms : DataArray or ndarray
        Integer labels, dims ``([sample,] [z,] y, x)``.
    axis : {"z", "y", "x"}
        Axis that the layers are normal to.
    mask : array_like of bool, dims ``([sample,] [z,] y, x)``, optional
        Where the specimen is, if it does not fill the box.

    Returns
    -------
    DataArray
        float64, dims ``(sample, phase, axis)``, with the coordinate of the axis and
        ``phase_name``; NaN in layers without specimen.

    Raises
    ------
    InputError
        If the axis does not exist or the mask does not fit.

    Examples
    --------
    >>> import numpy as np
    >>> fraction_profile(np.array([[0, 1], [0, 0]]), axis="x").sel(phase=1).values
    array([[0. , 0.5]])
    """
    ensemble = as_ensemble(ms)
    dims = spatial_dims(ensemble)
    if axis not in dims:
        raise InputError(f"axis: {axis!r} is not one of {dims}")
    return _fractions(ensemble, mask, axis)


def specimen_fractions(ms: LabelsLike, *, mask: MaskLike | None = None) -> xr.DataArray:
    """Measure the fraction of every phase in the specimen.

    Parameters
    ----------
    ms, mask
        As in `fraction_profile`.

    Returns
    -------
    DataArray
        float64, dims ``(sample, phase)``, with ``phase_name``.

    Examples
    --------
    >>> import numpy as np
    >>> labels = np.array([[0, 1], [2, 2]])
    >>> specimen_fractions(labels, mask=labels != 2).values
    array([[0.5, 0.5, 0. ]])
    """
    return _fractions(as_ensemble(ms), mask, None)


def _fractions(ensemble: xr.DataArray, mask: MaskLike | None, axis: str | None) -> xr.DataArray:
    labels, inside = ensemble.values, specimen_of(ensemble, mask)
    kept = () if axis is None else (ensemble.dims.index(axis),)
    summed = tuple(i for i in range(1, labels.ndim) if i not in kept)
    places = np.prod([labels.shape[i] for i in summed])
    voxels = np.asarray(places if inside is None else np.count_nonzero(inside, axis=summed))
    names = material_phases(phases_of(ensemble))
    fractions = []
    for label in names:
        in_phase = labels == label
        counts = np.count_nonzero(in_phase if inside is None else in_phase & inside, axis=summed)
        share = np.full(np.shape(counts), np.nan)
        fractions.append(np.divide(counts, voxels, out=share, where=voxels > 0))
    coords: dict[str, Any] = {"phase": list(names), "phase_name": ("phase", list(names.values()))}
    if axis is not None:
        coords[axis] = ensemble[axis]
    return per_sample(
        ensemble,
        np.stack(fractions, axis=1),
        name="phase_fraction" if axis is None else "fraction_profile",
        long_name="phase fraction",
        dims=("phase",) if axis is None else ("phase", axis),
        coords=coords,
    )


def _measure_fractions(request: Request) -> Variables:
    fractions = specimen_fractions(request.ensemble, mask=request.mask)
    return {"phase_fraction": fractions.sel(phase=list(request.phases))}


def _measure_profiles(request: Request) -> Variables:
    return {
        f"fraction_profile_{axis}": fraction_profile(
            request.ensemble, axis=axis, mask=request.mask
        ).sel(phase=list(request.phases))
        for axis in request.dims
    }


_TORQUATO = "doi:10.1007/978-1-4757-6355-3"

FRACTIONS = Group(
    "fractions",
    _measure_fractions,
    (
        Descriptor(
            name="phase_fraction",
            label="phase fraction",
            definition="voxels of the phase over all voxels",
            references=_TORQUATO,
            symbol="φ",
            explanation="Voxels of the phase over all voxels of the sample.",
            compared=True,
            rank=1,
        ),
    ),
)

PROFILES = Group(
    "profiles",
    _measure_profiles,
    (
        Descriptor(
            name="fraction_profile",
            label="phase-fraction profile",
            definition="phase fraction in each layer of voxels normal to the axis",
            references=_TORQUATO,
            symbol="φ",
            per_axis=True,
            drawn=True,
        ),
    ),
)
