"""Properties of many samples, in one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from microdsd.errors import InputError, MicrodsdError
from microdsd.metrics import describe
from microdsd.microstructure import (
    LabelsLike,
    VoxelSizeLike,
    as_ensemble,
    as_microstructure,
    blobs,
    phases_of,
)
from microdsd.properties.property import Property
from microdsd.transport import describe_transport

_TRIAL_EDGE = 12
"""Voxels per axis of the sample that shows whether a property can be measured."""


def measure(
    ms: LabelsLike, properties: Sequence[Property | str], *, periodic: bool = False
) -> np.ndarray:
    """Measure some properties of every sample.

    Parameters
    ----------
    ms : DataArray or ndarray
        Labels, dims ``([sample,] [z,] y, x)``.
    properties : sequence of Property or str
        See `Property.parse`.
    periodic : bool
        Whether the boxes wrap; of descriptors. Transport is always from face to face.

    Returns
    -------
    ndarray of float64, shape (samples, properties)
        NaN where a sample has no such number: the tortuosity factor of a phase that does not
        percolate, the chords of one that is not there.

    Raises
    ------
    InputError
        If there is no such property, or it has no number of its own.

    Examples
    --------
    >>> from microdsd.microstructure import as_microstructure
    >>> names = {0: "pore", 1: "solid"}
    >>> stripes = as_microstructure(np.tile([0, 1], (1, 4, 2)), phases=names, ensemble=True)
    >>> measure(stripes, ["phase_fraction:solid", "percolates:pore:y", "percolates:pore:x"])
    array([[0.5, 1. , 0. ]])
    """
    ensemble = as_ensemble(ms)
    names = phases_of(ensemble)
    ndim = ensemble.ndim - 1
    wanted = [
        one if isinstance(one, Property) else Property.parse(one, names, ndim) for one in properties
    ]
    described = _described(ensemble, [one for one in wanted if not one.transport], periodic)
    table = np.empty((len(ensemble), len(wanted)))
    for column, one in enumerate(wanted):
        variables = _solved(ensemble, one) if one.transport else described
        if variables is None or one.name not in variables:
            raise InputError(
                f"property {str(one)!r}: is not measured in {ndim}D for the phases "
                f"{', '.join(names.values())}"
            )
        table[:, column] = _number(variables[one.name], one, names)
    table[~np.isfinite(table)] = np.nan
    return table


def require_measurable(
    properties: Sequence[Property],
    phases: Mapping[int, str],
    ndim: int,
    voxel_size: VoxelSizeLike | None = None,
    *,
    periodic: bool = False,
) -> None:
    """Measure each property of a small artificial sample, to refuse it before any long work.

    Parameters
    ----------
    properties : sequence of Property
    phases : mapping of int to str
        Label and name of every phase.
    ndim : int
        Space axes.
    voxel_size : float or sequence of float, optional
    periodic : bool

    Raises
    ------
    InputError
        If samples of such phases have no such property.

    Examples
    --------
    >>> phases = {0: "pore", 1: "solid"}
    >>> require_measurable([Property("triple_phase_boundary")], phases, 2)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    microdsd.errors.InputError: triple_phase_boundary: samples of this model have none (property ...
    """
    trial = blobs(
        (_TRIAL_EDGE,) * ndim, fractions=(1 / len(phases),) * len(phases), scale=1.5, rng=0
    )
    labels = np.array(list(phases))[trial.values]
    sample = as_microstructure(labels, phases=dict(phases), voxel_size=voxel_size)
    for one in properties:
        try:
            measure(sample, [one], periodic=periodic)
        except MicrodsdError as error:
            raise InputError(f"{one}: samples of this model have none ({error})") from error


def _described(
    ensemble: xr.DataArray, properties: Sequence[Property], periodic: bool
) -> xr.Dataset | None:
    if not properties:
        return None
    return describe(
        ensemble, periodic=periodic, descriptors=list({one.group for one in properties})
    )


def _solved(ensemble: xr.DataArray, one: Property) -> xr.Dataset:
    """Solve along the axis of a property, or along all."""
    return describe_transport(
        ensemble,
        properties=[one.group],  # type: ignore[list-item]
        phase=one.phase,
        axes=[one.axis] if one.axis else None,
    )


def _number(variable: xr.DataArray, one: Property, names: dict[int, str]) -> np.ndarray:
    """Return the number of every sample of a variable (sample[, phase | pair][, axis])."""
    if "phase" in variable.dims:
        labels = [label for label, name in names.items() if one.phase in ("", name)]
        if not labels:
            raise InputError(f"property {str(one)!r}: is of a phase, not of a pair; name one")
        variable = variable.sel(phase=labels[0])
    if "pair" in variable.dims:
        if one.phase not in variable["pair"].values:
            raise InputError(
                f"property {str(one)!r}: is of a pair of phases, one of "
                f"{', '.join(map(str, variable['pair'].values))}"
            )
        variable = variable.sel(pair=one.phase)
    if "axis" in variable.dims:
        variable = variable.sel(axis=one.axis) if one.axis else variable.mean("axis", skipna=False)
    elif one.axis:
        raise InputError(f"property {str(one)!r}: has no axes; leave out {one.axis!r}")
    return np.asarray(variable.values, dtype=np.float64)
