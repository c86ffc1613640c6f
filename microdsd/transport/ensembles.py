"""Several transport properties of many samples in one Dataset."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Literal, get_args

import xarray as xr

from microdsd.errors import InputError
from microdsd.microstructure import LabelsLike, as_ensemble, phases_of, resolve_phases
from microdsd.progress import Progress, stage
from microdsd.transport.arguments import (
    Sides,
    check_cubic,
    check_sides,
    resolve_axes,
    value_of_phases,
)
from microdsd.transport.diffusion import Solver, check_solver, diffusivity
from microdsd.transport.homogenisation import (
    effective_conductivity,
    effective_stiffness,
    lame_parameters,
)
from microdsd.transport.permeability import permeability
from microdsd.transport.records import LONG_NAMES, sample_coordinate

Property = Literal["diffusivity", "permeability", "conductivity", "stiffness"]
Measure = Callable[[xr.DataArray], xr.Dataset]


def describe_transport(
    ms: LabelsLike,
    *,
    properties: Sequence[Property] = ("diffusivity",),
    phase: int | str | Sequence[int | str] | None = None,
    axes: Sequence[str] | None = None,
    conductivity: Mapping[int | str, float] | None = None,
    moduli: Mapping[int | str, tuple[float, float]] | None = None,
    sides: Sides = "no-flux",
    solver: Solver = "finite-volume",
    device: str | None = None,
    progress: Progress | None = None,
) -> xr.Dataset:
    """Measure transport through every sample, one solution at a time.

    Parameters
    ----------
    ms : DataArray or ndarray
        Integer labels, dims ``([sample,] [z,] y, x)``.
    properties : sequence of {"diffusivity", "permeability", "conductivity", "stiffness"}
        The first two are measured in every phase along every axis, the others of the whole box.
    phase : int or str, or sequence of them, optional
        Phase or phases in which matter diffuses or flows; all by default.
    axes : sequence of {"z", "y", "x"}, optional
        Axes of diffusion and flow; all by default.
    conductivity, moduli : mapping, optional
        Values of every phase; see `effective_conductivity` and `effective_stiffness`.
    sides, solver
        Options of diffusion; see `diffusivity`.
    device : str, optional
        Where torch works; by default a GPU where there is one.
    progress : Progress, optional
        Receives how many solutions are done, and of how many.

    Returns
    -------
    Dataset
        Dims ``sample``, ``phase`` (with ``phase_name``), ``axis``, and those of the tensors. The
        variables are those of the single functions; what a solver says of itself is named after
        the property, as ``diffusivity_converged``, and so is ``diffusivity_boundary`` among the
        attributes. A sample that is blocked, or whose solution did not converge, stops nothing.

    Raises
    ------
    InputError
        Before anything is solved, for arguments that cannot be used.

    See Also
    --------
    diffusivity, permeability, effective_conductivity, effective_stiffness

    Examples
    --------
    >>> import numpy as np
    >>> from microdsd.microstructure import as_microstructure
    >>> stack = as_microstructure(np.tile([0, 1], (2, 4, 2)), ensemble=True)
    >>> result = describe_transport(stack, phase=1)
    >>> result.relative_diffusivity.sel(phase=1, axis="y").values.round(9)
    array([0.5, 0.5])
    """
    ensemble = as_ensemble(ms)
    names = phases_of(ensemble)
    labels = list(resolve_phases(ensemble, phase))
    chosen = resolve_axes(ensemble, axes)
    unknown = [p for p in properties if p not in get_args(Property)]
    if unknown or not properties:
        raise InputError(
            f"properties: {unknown or properties}; ask for some of {get_args(Property)}"
        )
    check_sides(sides)
    check_solver(ensemble, solver)
    plan: list[tuple[Property, Measure]] = []
    if "diffusivity" in properties:
        solve = partial(diffusivity, sides=sides, solver=solver, device=device)
        plan += [
            ("diffusivity", partial(_in_phase, partial(solve, phase=label, axes=[axis]), label))
            for label in labels
            for axis in chosen
        ]
    if "permeability" in properties:
        check_cubic(ensemble)
        flow = partial(permeability, device=device)
        plan += [
            ("permeability", partial(_in_phase, partial(flow, phase=label, axes=[axis]), label))
            for label in labels
            for axis in chosen
        ]
    if "conductivity" in properties:
        given = conductivity or {}
        value_of_phases(ensemble, given, "conductivity", default=None)
        plan.append(
            ("conductivity", partial(effective_conductivity, conductivity=given, device=device))
        )
    if "stiffness" in properties:
        lame_parameters(ensemble, moduli or {})
        plan.append(("stiffness", partial(effective_stiffness, moduli=moduli or {}, device=device)))

    pieces: list[xr.Dataset] = []
    number = len(plan) * ensemble.sizes["sample"]
    with stage("solving for transport", number, progress) as solving:
        for index in range(ensemble.sizes["sample"]):
            sample = ensemble.isel(sample=[index]).assign_coords(sample=[index])
            for property_, measure in plan:
                pieces.append(_named_after(property_, measure(sample)))
                solving.update(len(pieces), status=f"{len(pieces)} of {number} solutions")
    joined = xr.combine_by_coords(
        pieces, data_vars="all", join="outer", combine_attrs="drop_conflicts"
    )
    assert isinstance(joined, xr.Dataset)
    order = {"axis": chosen, "phase": labels} if "axis" in joined.dims else {}
    joined = joined.sel(order).assign_coords(sample_coordinate(ensemble))
    if order:
        joined = joined.assign_coords(phase_name=("phase", [names[label] for label in labels]))
    return joined


def _in_phase(measure: Measure, label: int, sample: xr.DataArray) -> xr.Dataset:
    """Measure in one phase, with a dim for it."""
    measured = measure(sample)
    measured.attrs.pop("local", None)
    return measured.expand_dims(phase=[label], axis=1)


def _named_after(property_: str, measured: xr.Dataset) -> xr.Dataset:
    """Put the property before the names that the results of all solvers share."""
    shared = {name: f"{property_}_{name}" for name in LONG_NAMES if name in measured}
    attrs = {f"{property_}_{name}": value for name, value in measured.attrs.items()}
    return measured.rename(shared).drop_attrs(deep=False).assign_attrs(attrs)
