"""Permeability of a phase."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import xarray as xr

from microdsd.errors import InputError
from microdsd.microstructure import (
    LabelsLike,
    as_ensemble,
    phases_of,
    resolve_phase,
    spatial_dims,
    voxel_size_of,
)
from microdsd.progress import Progress, part_of, stage
from microdsd.transport.arguments import Ends, Walls, check_cubic, resolve_axes
from microdsd.transport.pathways import leads_through
from microdsd.transport.records import sample_coordinate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from microdsd.transport.lattice_boltzmann import Flow

Precision = Literal["float32", "float64"]

LONG_NAMES = {
    "permeability": "permeability",
    "lattice_error": "relative difference of the lattice of the voxels from the extrapolation",
    "pore_width": "gap, in voxels, between parallel walls of this permeability and porosity",
    "converged": "flow is steady",
    "residual": "relative change of the permeability in the last characteristic time",
    "iterations": "time steps",
}

COARSE = (
    "on a lattice of the voxels walls that are not along the axes leave the permeability too "
    "large, in rock and level cuts by 0.5 to 1.2 over pore_width; extrapolate=True measures it"
)


def permeability(
    ms: LabelsLike,
    *,
    phase: int | str,
    axes: Sequence[str] | None = None,
    ends: Ends = "mirrored",
    sides: Walls = "mirrored",
    extrapolate: bool = False,
    tolerance: float = 1e-4,
    max_iterations: int = 100_000,
    precision: Precision = "float32",
    device: str | None = None,
    progress: Progress | None = None,
) -> xr.Dataset:
    r"""Measure the permeability of one phase along each axis by creeping flow.

    Parameters
    ----------
    ms : DataArray or ndarray
        Integer labels, dims ``([sample,] [z,] y, x)``, cubic voxels.
    phase : int or str
        The phase that the fluid fills; all others are solid.
    axes : sequence of {"z", "y", "x"}, optional
        Axes of the flow; all by default.
    ends : {"mirrored", "periodic"}
        Beyond the two faces normal to the axis lies the mirror image of the sample (uniform
        pressure, no transverse flow), or the sample again, which suits periodic samples only.
    sides : {"mirrored", "no-slip", "periodic"}
        At the other faces: mirror image (the fluid slips along), wall, or the sample again.
    extrapolate : bool
        Solve on a lattice twice as fine too and extrapolate to an infinitely fine one; about
        forty times the work in 3D.
    tolerance : float
        Relative change of the permeability within a characteristic time at which to stop.
    max_iterations : int
        Time steps of one solution after which to stop in any case.
    precision : {"float32", "float64"}
    device : str, optional
        Device of torch; by default a GPU where there is one.
    progress : Progress, optional
        Receives now and then how many solutions are done, of how many, and in words how the one at
        work changes. What it raises ends the computation.

    Returns
    -------
    Dataset, dims (sample, axis)
        - ``permeability`` in m², or in voxel² where the voxel size is unknown; 0 where no path
          leads through
        - ``lattice_error`` if extrapolated; if not, the attribute ``caution`` says how large it may
          be
        - ``pore_width``: gap between parallel walls of this permeability and porosity, in voxels
        - ``converged``, ``residual``, ``iterations``

    Raises
    ------
    InputError
        If a phase, axis or boundary does not exist, or voxels are not cubic.

    See Also
    --------
    microdsd.transport.lattice_boltzmann.creeping_flow : the method

    Notes
    -----
    Darcy's law :math:`U = -\frac{k}{\mu} \nabla p`, with the mean U over the whole box. The error
    of the lattice is of first order in the voxel edge, because of the edges of the voxels: with
    :math:`k_1` and :math:`k_2` on lattices of the voxels and of their halves, the extrapolation
    is :math:`2 k_2 - k_1`, and the lattice error :math:`k_1 / (2 k_2 - k_1) - 1`. The shape of
    the pores is that of the voxels in both. The pore width is :math:`\sqrt{12 k_1 / \phi}`.

    Examples
    --------
    >>> channel = np.array([[0, 0, 0, 1]] * 3)
    >>> result = permeability(channel, phase=0, sides="no-slip")
    >>> result.permeability.values.round(4).tolist()  # (3 / 4) 3^2 / 12
    [[0.5625, 0.0]]
    """
    ensemble = as_ensemble(ms)
    label = resolve_phase(ensemble, phase)
    chosen = resolve_axes(ensemble, axes)
    for name, value, kind in (("ends", ends, Ends), ("sides", sides, Walls)):
        if value not in get_args(kind):
            raise InputError(f"{name}: {value!r} is not one of {get_args(kind)}")
    if precision not in get_args(Precision):
        raise InputError(f"precision: {precision!r} is not one of {get_args(Precision)}")
    if not tolerance > 0 or max_iterations < 1:
        raise InputError(
            f"tolerance and max_iterations: must be positive, got {tolerance} and {max_iterations}"
        )
    check_cubic(ensemble)
    size, unit = voxel_size_of(ensemble)
    from microdsd.device import resolve_device
    from microdsd.transport.lattice_boltzmann import BLOCKED, creeping_flow

    place, dims = resolve_device(device), spatial_dims(ensemble)

    def solve(sample: int, axis: str, progress: Progress) -> list[Flow]:
        along = dims.index(axis)
        fluid = leads_through(
            ensemble.values[sample] == label,
            along,
            repeats=ends == "periodic",
            periodic_sides=sides == "periodic",
        )
        flows = []
        for fineness in (1, 2) if extrapolate else (1,):
            if not fluid.any():
                flows.append(BLOCKED)
                continue
            flow = creeping_flow(
                _refined(fluid, fineness),
                along,
                ends=ends,
                sides=sides,
                tolerance=tolerance,
                max_iterations=max_iterations,
                precision=precision,
                device=place,
                progress=progress,
            )
            flows.append(flow._replace(permeability=flow.permeability / fineness**2))
        return flows

    rows: list[list[dict[str, float]]] = []
    n = ensemble.sizes["sample"]
    with stage("solving for the flow", n * len(chosen), progress) as solving:
        for sample in range(n):
            rows.append([])
            for axis in chosen:
                done = sample * len(chosen) + len(rows[-1])
                words = f"sample {sample}, axis {axis}"
                rows[-1].append(_columns(solve(sample, axis, part_of(solving, done, words))))
                solving.update(done + 1)
    columns = {
        name: np.array([[cell[name] for cell in row] for row in rows]) for name in rows[0][0]
    }
    porosity = (ensemble == label).mean(spatial_dims(ensemble)).values[:, np.newaxis]
    on_voxels = columns["permeability"] * (1 + columns.get("lattice_error", np.zeros(1)))
    columns["pore_width"] = np.sqrt(12 * on_voxels / np.maximum(porosity, 1e-300))
    columns["permeability"] = columns["permeability"] * size[0] ** 2
    units = {"permeability": "m2" if unit == "m" else f"{unit}2", "pore_width": "voxel"}
    return xr.Dataset(
        {
            name: (
                ("sample", "axis"),
                values,
                {"units": units.get(name, "1"), "long_name": LONG_NAMES[name]},
            )
            for name, values in columns.items()
        },
        coords={**sample_coordinate(ensemble), "axis": chosen},
        attrs={
            "phase": phases_of(ensemble)[label],
            "boundary": f"{ends} ends, {sides} sides, driven by a body force",
            "method": "lattice Boltzmann, two relaxation times, half-way bounce-back"
            + (", extrapolated from two lattices" if extrapolate else ""),
            "tolerance": tolerance,
            **({} if extrapolate else {"caution": COARSE}),
        },
    )


def _columns(flows: list[Flow]) -> dict[str, float]:
    """Return one cell of the table from the flow on the voxels and, if any, on their halves."""
    values = [flow.permeability for flow in flows]
    cell: dict[str, float] = {"permeability": _without_lattice(values[0], values[-1])}
    if len(flows) == 2:
        limit = cell["permeability"]
        cell["lattice_error"] = values[0] / limit - 1 if limit > 0 else 0.0
    return cell | {
        "converged": all(flow.converged for flow in flows),
        "residual": max(flow.residual for flow in flows),
        "iterations": sum(flow.iterations for flow in flows),
    }


def _without_lattice(on_voxels: float, on_halves: float) -> float:
    """Return the permeability on no lattice at all: the error falls with the length of an edge.

    In throats a voxel wide the flow on voxels can be more than twice that on their halves, and the
    line through both leads below zero: there it is the ratio that is extrapolated.

    Examples
    --------
    >>> round(_without_lattice(1.2, 1.1), 9), round(_without_lattice(1.0, 0.4), 9)
    (1.0, 0.16)
    """
    on_line = 2 * on_halves - on_voxels
    if on_line > 0 or on_voxels <= 0:
        return max(on_line, 0.0)
    return on_halves**2 / on_voxels if on_halves > 0 else 0.0


def _refined(fluid: NDArray[np.bool_], fineness: int) -> NDArray[np.bool_]:
    for along in range(fluid.ndim):
        fluid = fluid.repeat(fineness, along)
    return fluid
