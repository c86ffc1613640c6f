"""Parameters of a porous electrode for a battery model, measured on its voxels."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from microdsd.errors import InputError
from microdsd.metrics import specific_surface_area
from microdsd.microstructure import (
    LabelsLike,
    as_ensemble,
    phase_fractions,
    phases_of,
    resolve_phase,
    spatial_dims,
    voxel_size_of,
)
from microdsd.microstructure.outside import material_phases
from microdsd.progress import Progress, stage
from microdsd.transport.arguments import resolve_axes
from microdsd.transport.diffusion import diffusivity
from microdsd.transport.records import sample_coordinate


def electrode_parameters(
    ms: LabelsLike,
    *,
    active: int | str,
    pore: int | str,
    binder: int | str | None = None,
    axis: str = "z",
    binder_diffusivity: float = 0.05,
    active_conductivity: float = 0.1,
    binder_conductivity: float = 300.0,
    progress: Progress | None = None,
) -> xr.Dataset:
    r"""Measure fractions, surface, and transport of ions and electrons through an electrode.

    Parameters
    ----------
    ms : DataArray
        Labels of two or three phases, dims ``([sample,] z, y, x)``, voxel size in metres.
    active, pore, binder : int or str
        Active material, pores full of electrolyte, and the carbon-binder domain, if there is one.
    axis : {"z", "y", "x"}
        From separator to current collector.
    binder_diffusivity : float
        Diffusivity of ions in the nanopores of the carbon-binder domain, over that in the
        electrolyte.
    active_conductivity, binder_conductivity : float
        Conductivity of electrons, S/m.
    progress : Progress, optional
        Receives how many samples are done, and of how many.

    Returns
    -------
    Dataset, dims (sample)
        ``active_fraction``, ``porosity``, ``binder_fraction``; ``surface_area`` of the active
        material per volume of electrode (1/m), under binder or not; ``particle_radius`` (m)
        :math:`3 \varepsilon_a / a` of spheres of that surface; ``relative_diffusivity`` of ions
        and their ``tortuosity_factor`` :math:`\varepsilon D_0 / D_\mathrm{eff}`;
        ``electronic_conductivity`` (S/m);
        ``converged``, of both solutions.

    Notes
    -----
    What voxels do not tell are the three coefficients; their defaults are orders of magnitude
    chosen here, the same for real and generated electrodes. State your own where the capacity
    itself, not a comparison, matters.

    Raises
    ------
    InputError
        If a phase does not exist or is named twice, a phase has no part, or the voxel size is not
        known.

    Examples
    --------
    >>> from microdsd.microstructure import as_microstructure, layers
    >>> sheets = as_microstructure(
    ...     layers((6, 6, 6), widths=(2, 1), axis=2).values,
    ...     phases={0: "pore", 1: "active"},
    ...     voxel_size=1e-6,
    ... )
    >>> result = electrode_parameters(sheets, active="active", pore="pore", active_conductivity=3)
    >>> result.tortuosity_factor.values.round(6), result.electronic_conductivity.values.round(6)
    (array([1.]), array([1.]))
    """
    ensemble = as_ensemble(ms)
    labels = labels_of_parts(ensemble, active, pore, binder)
    fractions = phase_fractions(ensemble)
    if voxel_size_of(ensemble).unit != "m" or len(spatial_dims(ensemble)) != 3:
        raise InputError("ms: an electrode needs a volume with a voxel size in metres")
    resolve_axes(ensemble, [axis])

    ions = relative_ion_diffusivities(labels, binder_diffusivity)
    electrons: dict[int | str, float] = {labels["active"]: active_conductivity}
    if "binder" in labels:
        electrons[labels["binder"]] = binder_conductivity
    rows = []
    with stage("measuring electrodes", ensemble.sizes["sample"], progress) as measuring:
        for index in range(ensemble.sizes["sample"]):
            sample = ensemble.isel(sample=[index])
            rows.append(
                [diffusivity(sample, phase=local, axes=[axis]) for local in (ions, electrons)]
            )
            measuring.advance()
    of_ions, of_electrons = (xr.concat(column, "sample") for column in zip(*rows, strict=True))

    share = {part: fractions.sel(phase=label).values for part, label in labels.items()}
    area = specific_surface_area(ensemble, phase=labels["active"], periodic=False).values
    relative = of_ions["relative_diffusivity"].values[:, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        columns = {
            "active_fraction": (share["active"], "1"),
            "porosity": (share["pore"], "1"),
            "binder_fraction": (share.get("binder", np.zeros(len(area))), "1"),
            "surface_area": (area, "1/m"),
            "particle_radius": (3 * share["active"] / area, "m"),
            "relative_diffusivity": (relative, "1"),
            "tortuosity_factor": (
                np.where(relative > 0, share["pore"] / relative, np.inf),
                "1",
            ),
            "electronic_conductivity": (of_electrons["relative_diffusivity"].values[:, 0], "S/m"),
            "converged": ((of_ions["converged"] & of_electrons["converged"]).values[:, 0], "1"),
        }
    return xr.Dataset(
        {
            name: ("sample", values, {"units": units, "long_name": name.replace("_", " ")})
            for name, (values, units) in columns.items()
        },
        coords=sample_coordinate(ensemble),
        attrs={
            "axis": axis,
            "boundary": of_ions.attrs["boundary"],
            "binder_diffusivity": binder_diffusivity,
            "active_conductivity": active_conductivity,
            "binder_conductivity": binder_conductivity,
        },
    )


def labels_of_parts(
    ensemble: xr.DataArray, active: int | str, pore: int | str, binder: int | str | None
) -> dict[str, int]:
    """Return the label of every part of an electrode.

    Raises
    ------
    InputError
        If a phase does not exist, is named twice, or has no part.
    """
    parts = {"active": active, "pore": pore} | ({} if binder is None else {"binder": binder})
    labels = {part: resolve_phase(ensemble, phase) for part, phase in parts.items()}
    if len(set(labels.values())) < len(labels):
        raise InputError(f"active, pore, binder: name different phases, got {parts}")
    without = {*material_phases(phases_of(ensemble))} - {*labels.values()}
    if without:
        raise InputError(f"ms: the labels {sorted(without)} have no part; name or relabel them")
    return labels


def relative_ion_diffusivities(
    labels: Mapping[str, int], binder_diffusivity: float
) -> dict[int | str, float]:
    """Return the diffusivity of ions in every part that lets them through, over that in pores."""
    ions: dict[int | str, float] = {labels["pore"]: 1.0}
    if "binder" in labels:
        ions[labels["binder"]] = binder_diffusivity
    return ions
