"""Composition of an electrode through its thickness: counts per layer, and what they add to."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.optimize import brentq

from microdsd.errors import InputError
from microdsd.microstructure import LabelsLike, as_ensemble, spatial_dims
from microdsd.progress import Progress, stage
from microdsd.transport.arguments import resolve_axes
from microdsd.transport.diffusion import diffusivity
from microdsd.transport.electrodes import labels_of_parts, relative_ion_diffusivities
from microdsd.transport.records import sample_coordinate

_STEEPEST = 60.0


def electrode_profiles(
    ms: LabelsLike,
    *,
    active: int | str,
    pore: int | str,
    binder: int | str | None = None,
    axis: str = "z",
    layers: int | None = None,
    transport: bool = False,
    binder_diffusivity: float = 0.05,
    progress: Progress | None = None,
) -> xr.Dataset:
    r"""Measure volume fractions in layers of an electrode, which add to one exactly.

    Parameters
    ----------
    ms : DataArray
        Labels of two or three phases, dims ``([sample,] z, y, x)``.
    active, pore, binder : int or str
        As of `electrode_parameters`.
    axis : {"z", "y", "x"}
        From separator to current collector.
    layers : int, optional
        Number of layers, each of as many voxels; by default those that the electrode was generated
        with, where they are equally thick, else one layer.
    transport : bool
        Also solve for diffusion through every layer by itself.
    binder_diffusivity : float
        As of `electrode_parameters`.
    progress : Progress, optional
        Receives how many layers are solved for, and of how many.

    Returns
    -------
    Dataset, dims (sample, layer)
        ``pore_voxels``, ``active_voxels``, ``binder_voxels`` (counts); ``porosity``,
        ``active_fraction`` and ``binder_fraction``: in floating point, too, they add to exactly 1,
        as ``(porosity + active_fraction) + binder_fraction``. ``depth`` is the middle of every
        layer, as a share of the thickness, from the separator. With `transport`, also
        ``relative_diffusivity`` and ``tortuosity_factor`` of the layers.

    Raises
    ------
    InputError
        If a phase does not exist or has no part, or the voxels do not divide into the layers.

    Examples
    --------
    >>> from microdsd.microstructure import as_microstructure
    >>> labels = np.zeros((4, 5, 3), int)
    >>> labels[:2, 0] = 1
    >>> electrode = as_microstructure(labels, phases={0: "pore", 1: "active"})
    >>> electrode_profiles(electrode, active=1, pore=0, layers=2).active_fraction.values
    array([[0.2, 0. ]])
    """
    ensemble = as_ensemble(ms)
    labels = labels_of_parts(ensemble, active, pore, binder)
    resolve_axes(ensemble, [axis])
    along = ensemble.transpose("sample", axis, ...)
    length = along.sizes[axis]
    number = _layers_of(ensemble, axis) if layers is None else layers
    if not 1 <= number <= length or length % number:
        possible = ", ".join(str(n) for n in range(1, length + 1) if length % n == 0)
        raise InputError(
            f"layers={number}: the {length} voxels along {axis} do not divide into so many equal "
            f"layers; give one of {possible}"
        )
    thick = length // number
    blocks = along.values.reshape(along.sizes["sample"], number, -1)
    counts = {part: np.count_nonzero(blocks == k, axis=2) for part, k in labels.items()}
    counts.setdefault("binder", np.zeros_like(counts["pore"]))
    voxels = blocks.shape[2]
    porosity, of_active = counts["pore"] / voxels, counts["active"] / voxels
    if "binder" not in labels:
        of_active = 1 - porosity
    columns: dict[str, NDArray[np.float64] | NDArray[np.int64]] = {
        **{f"{part}_voxels": values for part, values in counts.items()},
        "porosity": porosity,
        "active_fraction": of_active,
        # What is left of one: rounding makes the sum of three quotients another number.
        "binder_fraction": 1 - (porosity + of_active),
    }
    if transport:
        ions = relative_ion_diffusivities(labels, binder_diffusivity)
        relative = np.empty(porosity.shape)
        with stage("solving for layers", relative.size, progress) as solving:
            for i, k in np.ndindex(relative.shape):
                layer = along[i : i + 1, k * thick : (k + 1) * thick]
                solved = diffusivity(
                    layer.transpose("sample", *spatial_dims(ensemble)), phase=ions, axes=[axis]
                )
                relative[i, k] = solved.relative_diffusivity.item()
                solving.advance()
        columns["relative_diffusivity"] = relative
        with np.errstate(divide="ignore", invalid="ignore"):
            columns["tortuosity_factor"] = np.where(relative > 0, porosity / relative, np.inf)
    return xr.Dataset(
        {
            name: (("sample", "layer"), values, {"units": "1", "long_name": name.replace("_", " ")})
            for name, values in columns.items()
        },
        coords={
            **sample_coordinate(ensemble),
            "depth": ("layer", (np.arange(number) + 0.5) / number),
        },
        attrs={"axis": axis, "voxels_per_layer": voxels, "voxels_along": length},
    )


def _layers_of(ensemble: xr.DataArray, axis: str) -> int:
    """Return the number of layers that an electrode was generated with; 1 where there are none."""
    if "region" not in ensemble.coords:
        return 1
    region = ensemble["region"].transpose(axis, ...).values
    planes = region.reshape(len(region), -1)
    if (planes != planes[:, :1]).any():
        return 1
    runs = np.diff(np.flatnonzero(np.diff(planes[:, 0], prepend=-2, append=-2)))
    return len(runs) if len({*runs.tolist()}) == 1 else len(region)


def bruggeman_exponent(porosity: NDArray[np.float64], relative_diffusivity: float) -> float:
    r"""Return the exponent with which layers in series conduct as the whole does.

    Parameters
    ----------
    porosity : ndarray
        Of layers of one thickness.
    relative_diffusivity : float
        Measured of the whole, above 0.

    Returns
    -------
    float
        The b of :math:`\langle \varepsilon^{-b} \rangle = D_0 / D_\mathrm{eff}`; inf where a layer
        without pores lets none of it be told.

    Examples
    --------
    >>> round(bruggeman_exponent(np.array([0.4]), 0.4**1.5), 9)
    1.5
    """
    resistance = 1 / relative_diffusivity
    if porosity.min() <= 0 or np.mean(porosity**-_STEEPEST) <= resistance:
        return float("inf")
    return float(brentq(lambda b: np.mean(porosity**-b) - resistance, 0, _STEEPEST, xtol=1e-12))


def interpolation_points(
    values: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return places from 0 to 1, and values, whose straight lines have the mean of the layers.

    They run through the middle of every layer, and are level in the outer halves of the outermost.

    Examples
    --------
    >>> places, heights = interpolation_points(np.array([0.2, 0.4]))
    >>> places.tolist(), heights.tolist(), round(float(np.trapezoid(heights, places)), 12)
    ([0.0, 0.25, 0.75, 1.0], [0.2, 0.2, 0.4, 0.4], 0.3)
    """
    middles = (np.arange(len(values)) + 0.5) / len(values)
    return np.concatenate([[0.0], middles, [1.0]]), np.pad(values, 1, mode="edge")
