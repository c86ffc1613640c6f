"""Pore networks: pores and throats by SNOW, and what flows and drains through them.

Both groups are optional: `describe` measures them where they are named, and comparisons and the
verdict take them within `microdsd.metrics.registry.included`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from microdsd.errors import InputError
from microdsd.metrics._ensembles import MaskLike, per_sample, phase_in_specimen
from microdsd.metrics._openpnm import NetworkFlow, require_openpnm
from microdsd.metrics._porespy import snow_network
from microdsd.metrics.registry import Descriptor, Group, Margin, Variables, Words
from microdsd.metrics.request import Request
from microdsd.microstructure.schema import (
    LabelsLike,
    as_ensemble,
    resolve_phase,
    voxel_size_of,
)

Network = dict[str, NDArray[Any]]


def pore_networks(
    ms: LabelsLike, *, phase: int | str, mask: MaskLike | None = None
) -> list[Network | None]:
    """Extract the pore network of a phase from every sample, by porespy's `snow2`.

    Parameters
    ----------
    ms : DataArray or ndarray
        Integer labels, dims ``([sample,] z, y, x)``. Voxels must be cubes.
    phase : int or str
        Label or name of the phase, which need not be pores.
    mask : array_like of bool, dims ``([sample,] z, y, x)``, optional
        Where the specimen is, if it does not fill the box; the phase is taken in it alone.

    Returns
    -------
    list of dict
        Arrays as porespy names them, lengths in metres or voxels, the axes of the array for x, y
        and z; None where the phase is absent or alone, or no pore is found in it.

    Raises
    ------
    InputError
        If the phase does not exist, the samples are no volumes, or voxels are not cubes.

    References
    ----------
    Gostick, Physical Review E 96 (2017) 023307, doi:10.1103/PhysRevE.96.023307.

    Examples
    --------
    >>> chambers = np.zeros((12, 12, 24), dtype=int)
    >>> chambers[2:10, 2:10, 2:10] = chambers[2:10, 2:10, 14:22] = 1
    >>> chambers[5:7, 5:7, 10:14] = 1  # one throat between them
    >>> network, = pore_networks(chambers, phase=1)
    >>> len(network["pore.coords"]), len(network["throat.conns"])
    (2, 1)
    """
    ensemble = as_ensemble(ms)
    size, unit = voxel_size_of(ensemble)
    if len(size) != 3:
        raise InputError("ms: a pore network needs volumes, dims ([sample,] z, y, x)")
    if not np.allclose(size, size[0], rtol=1e-6, atol=0):
        raise InputError(f"ms: a pore network needs voxels that are cubes, not {size} {unit}")
    return _extracted(ensemble, resolve_phase(ensemble, phase), mask, size[0])


def _extracted(
    ensemble: xr.DataArray, label: int, mask: MaskLike | None, edge: float
) -> list[Network | None]:
    result, _ = phase_in_specimen(ensemble, label, mask)
    return [
        snow_network(sample, edge) if sample.any() and not sample.all() else None
        for sample in result
    ]


def _applies(request: Request) -> bool:
    size = voxel_size_of(request.ensemble).size
    return len(size) == 3 and np.allclose(size, size[0], rtol=1e-6, atol=0)


def _networks(request: Request, phase: int) -> list[Network | None]:
    """Extract networks in voxels, so that widths are compared as whole numbers."""
    return request.once(
        ("pore networks", phase), lambda: _extracted(request.ensemble, phase, request.mask, 1.0)
    )


def _inner(network: Network) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Select the pores that do not lie in the faces of the box, and throats between them."""
    pores: NDArray[np.bool_] = ~np.asarray(network["pore.boundary"], dtype=bool)
    throats: NDArray[np.bool_] = np.all(pores[network["throat.conns"]], axis=1)
    return pores, throats


def _mean(values: NDArray[Any]) -> float:
    return float(values.mean()) if len(values) else np.nan


def _measure_network(request: Request) -> Variables:
    if not _applies(request):
        return {}
    size, unit = voxel_size_of(request.ensemble)
    volume = float(np.prod(size)) * float(np.prod(request.ensemble.shape[1:]))
    measures: dict[str, tuple[str, str, Callable[[Network], float]]] = {
        "pores_per_volume": (
            "pores per volume", f"1/{unit}^3", lambda n: _inner(n)[0].sum() / volume,
        ),
        "throats_per_volume": (
            "throats per volume", f"1/{unit}^3", lambda n: _inner(n)[1].sum() / volume,
        ),
        "coordination_number": (
            "mean coordination number",
            "1", lambda n: 2 * _inner(n)[1].sum() / max(_inner(n)[0].sum(), 1),
        ),
        "mean_pore_diameter": (
            "mean pore diameter",
            unit, lambda n: size[0] * _mean(n["pore.inscribed_diameter"][_inner(n)[0]]),
        ),
        "mean_throat_diameter": (
            "mean throat diameter",
            unit, lambda n: size[0] * _mean(n["throat.inscribed_diameter"][_inner(n)[1]]),
        ),
    }  # fmt: skip

    def measured(name: str, phase: int) -> xr.DataArray:
        long_name, units, measure = measures[name]
        values = [np.nan if n is None else measure(n) for n in _networks(request, phase)]
        return per_sample(request.ensemble, values, name=name, long_name=long_name, units=units)

    return {name: request.by_phase(partial(measured, name)) for name in measures}


def _measure_flow(request: Request) -> Variables:
    if not _applies(request):
        return {}
    require_openpnm()
    size, unit = voxel_size_of(request.ensemble)
    shape, edge = request.ensemble.shape[1:], size[0]
    diameters = np.arange(1.0, request.reach + 1)

    def permeability(phase: int) -> xr.DataArray:
        values = np.full((len(request.ensemble), 3), np.nan)
        for i, network in enumerate(_networks(request, phase)):
            if network is not None:
                for axis in range(3):
                    area = float(np.prod(shape)) / shape[axis]
                    flow = NetworkFlow(network, axis).conductance()
                    values[i, axis] = edge**2 * flow * shape[axis] / area
        return per_sample(
            request.ensemble, values, name="network_permeability",
            long_name="permeability of the pore network", units=f"{unit}^2",
            dims=("axis",), coords={"axis": list(request.dims)},
        )  # fmt: skip

    def curves(phase: int) -> xr.DataArray:
        """Average over the axes the filled share and both relative permeabilities."""
        values = np.full((len(request.ensemble), 3, len(diameters)), np.nan)
        for i, network in enumerate(_networks(request, phase)):
            if network is not None:
                along = [
                    np.stack(NetworkFlow(network, axis).drainage(diameters, relative=True))  # type: ignore[arg-type]
                    for axis in range(3)
                ]
                spans = np.isfinite(along).all(axis=(1, 2))
                values[i, 0] = np.mean([one[0] for one in along], axis=0)
                if spans.any():
                    values[i, 1:] = np.mean([along[k][1:] for k in np.flatnonzero(spans)], axis=0)
        return per_sample(
            request.ensemble, values, name="drainage", long_name="drainage", units="1",
            dims=("curve", "throat_diameter"),
            coords={"throat_diameter": ("throat_diameter", edge * diameters, {"units": unit})},
        )  # fmt: skip

    drained = request.by_phase(curves)
    names = {
        "drainage_saturation": "share of the pores filled through throats at least as wide",
        "invading_relative_permeability": "relative permeability of the invading fluid",
        "defending_relative_permeability": "relative permeability of the defending fluid",
    }
    return {
        "network_permeability": request.by_phase(permeability),
        **{
            name: drained.isel(curve=k, drop=True)
            .rename(name)
            .assign_attrs(long_name=long_name, units="1")
            for k, (name, long_name) in enumerate(names.items())
        },
    }


_SNOW = "doi:10.1103/PhysRevE.96.023307"
_OPENPNM = "doi:10.1109/MCSE.2016.49"

PORE_NETWORK = Group(
    "pore_network",
    _measure_network,
    (
        Descriptor(
            name="pores_per_volume",
            label="pores per volume",
            definition="pores of the SNOW network per volume of the box",
            explanation="How wide the passages between chambers are, which hold back a fluid that "
            "does not wet.",
            references=_SNOW,
            unit="1/length^d",
            compared=True,
            margin=Margin(0.1, "mean"),
            words=Words("the network of {phase} has", "too many pores", "too few pores"),
        ),
        Descriptor(
            name="throats_per_volume",
            label="throats per volume",
            definition="throats between pores of the SNOW network per volume of the box",
            references=_SNOW,
            unit="1/length^d",
        ),
        Descriptor(
            name="coordination_number",
            label="mean coordination number",
            definition="mean number of throats of a pore of the SNOW network, those to the faces "
            "of the box left out",
            explanation="How many other chambers a chamber is joined to by throats.",
            references=_SNOW,
            compared=True,
            margin=Margin(0.05, "mean"),
            words=Words("the coordination of the network of {phase} is", "too high", "too low"),
        ),
        Descriptor(
            name="mean_pore_diameter",
            label="mean pore diameter",
            definition="mean diameter of the largest ball in a pore of the SNOW network",
            explanation="How wide the chambers are.",
            references=_SNOW,
            unit="length",
            compared=True,
        ),
        Descriptor(
            name="mean_throat_diameter",
            label="mean throat diameter",
            definition="mean diameter of the largest ball through a throat of the SNOW network",
            explanation="How wide the passages between chambers are, which hold back a fluid that "
            "does not wet.",
            references=_SNOW,
            unit="length",
            compared=True,
        ),
    ),
    optional=True,
)

NETWORK_FLOW = Group(
    "network_flow",
    _measure_flow,
    (
        Descriptor(
            name="network_permeability",
            label="permeability of the pore network",
            definition="permeability of the SNOW network with pyramids for pores and cuboids for "
            "throats, 0 where no path spans the box; a trend, up to a factor of two from that of "
            "the volume",
            explanation="How wide the passages between chambers are, which hold back a fluid that "
            "does not wet.",
            references=_OPENPNM,
            unit="length^2",
            compared=True,
        ),
        Descriptor(
            name="drainage_saturation",
            label="share filled in drainage",
            definition="share of the pores' volume that a fluid that does not wet fills from one "
            "face through throats of at least this diameter d, at the capillary pressure "
            "4 sigma cos(theta) / d; mean over the axes",
            references=_OPENPNM,
            points="throat_diameter",
            abscissa="throat diameter",
            drawn=True,
            compared=True,
            margin=Margin(0.1, "points"),
            words=Words("drainage fills", "too much of {phase}", "too little of {phase}"),
        ),
        Descriptor(
            name="invading_relative_permeability",
            label="relative permeability of the invading fluid",
            definition="permeability of what the invading fluid fills in drainage over that of the "
            "network; mean over the axes that a path spans",
            references=_OPENPNM,
            points="throat_diameter",
            abscissa="throat diameter",
            drawn=True,
        ),
        Descriptor(
            name="defending_relative_permeability",
            label="relative permeability of the defending fluid",
            definition="permeability of what the invading fluid leaves in drainage over that of "
            "the network; mean over the axes that a path spans",
            references=_OPENPNM,
            points="throat_diameter",
            abscissa="throat diameter",
            drawn=True,
        ),
    ),
    optional=True,
)
