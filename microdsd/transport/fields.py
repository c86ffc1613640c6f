"""Fields in one sample: concentration, flux, velocity, local thickness and local tortuosity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import xarray as xr

from microdsd.errors import InputError
from microdsd.metrics._porespy import local_thickness_field
from microdsd.microstructure import (
    LabelsLike,
    as_microstructure,
    phases_of,
    resolve_phase,
    spatial_dims,
    voxel_size_of,
)
from microdsd.transport.arguments import (
    Sides,
    check_cubic,
    check_sides,
    resolve_axes,
)
from microdsd.transport.finite_volume import conduct_with_potential

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Values = NDArray[np.float64]

Quantity = Literal["concentration", "flux", "tortuosity", "velocity", "thickness"]


def fields(
    ms: LabelsLike,
    *,
    phase: int | str,
    axis: str,
    quantities: Sequence[Quantity] = ("concentration", "flux", "tortuosity", "thickness"),
    sides: Sides = "no-flux",
    device: str | None = None,
) -> xr.Dataset:
    r"""Solve for fields in a phase, with transport along one axis.

    Parameters
    ----------
    ms : DataArray or ndarray, dims ([z,] y, x)
        One sample.
    phase : int or str
        In which matter diffuses or a fluid flows.
    axis : {"z", "y", "x"}
    quantities : sequence of str
        "concentration", "flux", "tortuosity" (of diffusion), "velocity" (of creeping flow, with
        mirrored boundaries) and "thickness".
    sides : {"no-flux", "periodic"}
        Condition of diffusion, at the sides parallel to the axis.
    device : str, optional
        Device of the creeping flow; by default a GPU where there is one.

    Returns
    -------
    Dataset, dims ([z,] y, x), and ``component`` of vectors (in the order of the dims)
        ``labels``, and float32 fields, NaN outside the phase and where no path leads through:

        - ``concentration``: 1 at the face where the axis begins and 0 at the other
        - ``flux``: of diffusion, over :math:`D_0 / L` with the length L of the box; the mean of its
          component along the axis, with 0 for NaN, is :math:`D_\mathrm{eff} / D_0`
        - ``local_tortuosity``: :math:`|J| / |J_\mathrm{axis}|`, infinite where the flux is across;
          the attribute ``flux_tortuosity`` is the mean of :math:`|J|` over that of
          :math:`J_\mathrm{axis}`
        - ``velocity``: times viscosity over the gradient of the pressure, m² (or voxel²); 0 in
          solid; the mean of its component along the axis is the permeability
        - ``local_thickness``: diameter of the largest ball in the phase that covers a voxel, m

    Raises
    ------
    InputError
        An ensemble, a phase, axis or quantity that does not exist, or voxels that are not cubes
        where they have to be.

    References
    ----------
    Duda, Koza and Matyka, Physical Review E 84 (2011) 036319, doi:10.1103/PhysRevE.84.036319:
    tortuosity from fluxes.

    Examples
    --------
    >>> channel = np.array([[1, 0, 1]] * 4)
    >>> found = fields(channel, phase=0, axis="y", quantities=["concentration", "flux"])
    >>> found.concentration.values[:, 1].tolist()
    [0.875, 0.625, 0.375, 0.125]
    >>> round(float(found.flux.sel(component="y").fillna(0).mean()), 6)
    0.333333
    """
    sample = as_microstructure(ms)
    if "sample" in sample.dims:
        raise InputError("ms: fields are of one sample; choose it with ms.isel(sample=0)")
    label = resolve_phase(sample, phase)
    (along,) = resolve_axes(sample, [axis])
    check_sides(sides)
    if unknown := [one for one in quantities if one not in get_args(Quantity)]:
        raise InputError(f"quantities: {unknown} are not among {get_args(Quantity)}")
    if {"velocity", "thickness"} & set(quantities):
        check_cubic(sample)
    mask, number = sample.values == label, spatial_dims(sample).index(along)
    result = xr.Dataset(
        {"labels": sample},
        coords={"component": list(spatial_dims(sample))},
        attrs={"phase": phases_of(sample)[label], "axis": along},
    )
    if {"concentration", "flux", "tortuosity"} & set(quantities):
        result = result.assign(_of_diffusion(sample, mask, number, sides, quantities))
    if "velocity" in quantities:
        result["velocity"] = _velocity(sample, mask, number, device)
    if "thickness" in quantities:
        result["local_thickness"] = _thickness(sample, mask)
    return result


def _of_diffusion(
    sample: xr.DataArray,
    mask: NDArray[np.bool_],
    axis: int,
    sides: Sides,
    quantities: Sequence[str],
) -> dict[str, xr.DataArray]:
    size, _ = voxel_size_of(sample)
    solution, potential = conduct_with_potential(
        mask.astype(np.float64), axis, spacing=size, periodic_sides=sides == "periodic"
    )
    flux = _flux(potential, axis, size, sides == "periodic")
    result = {}
    if "concentration" in quantities:
        result["concentration"] = _field(sample, potential, "concentration", "1")
    if "flux" in quantities:
        result["flux"] = _field(sample, flux, "diffusive flux over D0 / L", "1", vector=True)
        result["flux"].attrs["relative_diffusivity"] = solution.effective
    if "tortuosity" in quantities:
        length = np.sqrt((flux**2).sum(axis=0))
        with np.errstate(divide="ignore", invalid="ignore"):  # 0 / 0 where nothing flows
            local = length / np.abs(flux[axis])
        mean = float(np.nansum(flux[axis]))
        result["local_tortuosity"] = _field(sample, local, "local tortuosity of the flux", "1")
        result["local_tortuosity"].attrs["flux_tortuosity"] = (
            float(np.nansum(length)) / mean if mean > 0 else np.inf
        )
    return result


def _flux(potential: Values, axis: int, size: Sequence[float], periodic_sides: bool) -> Values:
    """Average the fluxes through the two faces of every voxel along each axis, times L."""
    depth = potential.shape[axis] * size[axis]
    components = []
    for along, edge in enumerate(size):
        n = potential.shape[along]
        below = (slice(None),) * along
        if along == axis:
            # Half a voxel from the faces, which are held at 1 and 0.
            first = 2 * (1 - potential.take([0], along))
            last = 2 * potential.take([-1], along)
        elif periodic_sides:
            first = potential.take([-1], along) - potential.take([0], along)
            last = first
        else:
            first = last = np.full(potential.take([0], along).shape, 0.0)
        between = potential[(*below, slice(None, n - 1))] - potential[(*below, slice(1, None))]
        faces = np.nan_to_num(np.concatenate([first, between, last], axis=along))
        centre = (faces[(*below, slice(None, n))] + faces[(*below, slice(1, None))]) / 2
        components.append(np.where(np.isnan(potential), np.nan, centre * depth / edge))
    return np.stack(components)


def _velocity(
    sample: xr.DataArray, mask: NDArray[np.bool_], axis: int, device: str | None
) -> xr.DataArray:
    from microdsd.device import resolve_device
    from microdsd.transport.lattice_boltzmann import creeping_flow
    from microdsd.transport.pathways import leads_through

    size, unit = voxel_size_of(sample)
    fluid = leads_through(mask, axis, repeats=False, periodic_sides=False)
    kept = [np.zeros((mask.ndim, *mask.shape))]
    if fluid.any():
        creeping_flow(fluid, axis, device=resolve_device(device), velocity=kept.append)
    units = "m2" if unit == "m" else f"{unit}2"
    text = "velocity times viscosity over the gradient of the pressure"
    return _field(sample, kept[-1] * size[0] ** 2, text, units, vector=True)


def _thickness(sample: xr.DataArray, mask: NDArray[np.bool_]) -> xr.DataArray:
    size, unit = voxel_size_of(sample)
    if mask.all() or not mask.any():
        values = np.full(mask.shape, np.nan)
    else:
        radius = local_thickness_field(mask)
        # As `microdsd.metrics.local_thickness` counts.
        values = np.where(mask & (radius > 0), (2 * radius - 1) * size[0], np.nan)
    return _field(sample, values, "local thickness", unit)


def _field(
    sample: xr.DataArray, values: Values, long_name: str, units: str, *, vector: bool = False
) -> xr.DataArray:
    return xr.DataArray(
        values.astype(np.float32),
        dims=("component", *sample.dims) if vector else sample.dims,
        coords={dim: sample.coords[dim] for dim in sample.dims},
        attrs={"long_name": long_name, "units": units},
    )
