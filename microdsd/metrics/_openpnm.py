"""The one place that imports OpenPNM, which the extra ``networks`` brings."""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from microdsd.errors import InputError

Values = NDArray[np.float64]
Network = Mapping[str, NDArray[Any]]

ENDS = (("xmin", "xmax"), ("ymin", "ymax"), ("zmin", "zmax"))
"""Names that porespy gives the faces of the box, by axis of the array."""

_CLOSED = 1e-6
"""Share of its conductance that is left of what the other fluid fills."""


def require_openpnm() -> None:
    """Refuse where OpenPNM is not installed.

    Raises
    ------
    InputError
    """
    if find_spec("openpnm") is None:
        raise InputError(
            'descriptors: flow in pore networks needs OpenPNM; pip install "microdsd[networks]"'
        )


class NetworkFlow:
    """Simulate flow and drainage through a pore network between opposite faces.

    Conduits are those of OpenPNM's collection for extracted networks: pyramids as wide as the
    pores' equivalent diameter, and cuboids as wide as the throats' inscribed diameter.

    Parameters
    ----------
    network : mapping
        Result of porespy's `snow2`, as `microdsd.metrics._porespy.snow_network` returns it.
    axis : int
        Axis of the array that the network was made from.
    """

    def __init__(self, network: Network, axis: int) -> None:
        self._ends = ENDS[axis]
        self._network = dict(network)
        self._spanning = _spanning(network, self._ends)

    @property
    def spans(self) -> bool:
        """Tell whether a path of throats leads from one face to the other."""
        return bool(self._spanning.any())

    def conductance(self) -> float:
        """Return the volume flow for a viscosity and a pressure difference of one."""
        if not self.spans:
            return 0.0
        with self._openpnm() as (openpnm, pores, fluid):
            return self._rate(openpnm, pores, fluid, "throat.hydraulic_conductance")

    def drainage(
        self, diameters: Values, *, relative: bool = False
    ) -> tuple[Values, Values | None, Values | None]:
        """Return the share that a non-wetting fluid fills through throats of some width.

        Parameters
        ----------
        diameters : ndarray
        relative : bool
            Whether to solve the flow of both fluids, too.

        Returns
        -------
        filled : ndarray
            Share of the pores' volume, at every diameter.
        invading, defending : ndarray or None
            Permeability of each fluid over that of the network; NaN where no path spans the box.
        """
        filled = np.zeros(len(diameters))
        both = np.full((2, len(diameters)), np.nan) if relative else None
        with self._openpnm(whole=True) as (openpnm, pores, fluid):
            # Widest first; a pressure of one over the diameter stands for 4 sigma cos(theta) / d.
            fluid["throat.entry_pressure"] = 1 / pores["throat.diameter"]
            drainage = openpnm.algorithms.Drainage(network=pores, phase=fluid)
            drainage.set_inlet_BC(pores=pores.pores(self._ends[0]))
            with contextlib.redirect_stderr(io.StringIO()):
                drainage.run(pressures=np.sort(1 / diameters))
            at_pore = drainage["pore.invasion_pressure"]
            at_throat = drainage["throat.invasion_pressure"]
        inner = ~np.asarray(self._network["pore.boundary"], dtype=bool)
        volume = np.where(inner, self._network["pore.volume"], 0.0)
        for i, diameter in enumerate(diameters):
            pressure = (1 / diameter) * (1 + 1e-12)
            filled[i] = volume[at_pore <= pressure].sum() / volume.sum()
            if both is not None and self.spans:
                both[:, i] = self._relative(at_pore <= pressure, at_throat <= pressure)
        return (filled, None, None) if both is None else (filled, both[0], both[1])

    def _relative(self, pore: NDArray[np.bool_], throat: NDArray[np.bool_]) -> Values:
        """Return the permeability of both fluids over that of the network."""
        with self._openpnm() as (openpnm, pores, fluid):
            whole = self._rate(openpnm, pores, fluid, "throat.hydraulic_conductance")
            # Pores in the faces belong to whichever fluid comes to them.
            inner = ~pores["pore.boundary"]
            result = []
            for invading in (True, False):
                fluid["pore.occupancy"] = np.where(
                    inner, pore[self._spanning] == invading, True
                ).astype(float)
                kept = self._spanning[self._network["throat.conns"]].all(axis=1)
                fluid["throat.occupancy"] = (throat[kept] == invading).astype(float)
                fluid["throat.conduit"] = openpnm.models.physics.multiphase.conduit_conductance(
                    fluid, "throat.hydraulic_conductance", factor=_CLOSED
                )
                share = self._rate(openpnm, pores, fluid, "throat.conduit") / whole
                result.append(share if share > 10 * _CLOSED else 0.0)
        return np.array(result)

    def _rate(self, openpnm: Any, pores: Any, fluid: Any, conductance: str) -> float:
        flow = openpnm.algorithms.StokesFlow(network=pores, phase=fluid)
        flow.settings["conductance"] = conductance
        inlet, outlet = (pores.pores(end) for end in self._ends)
        flow.set_value_BC(pores=inlet, values=1.0)
        flow.set_value_BC(pores=outlet, values=0.0)
        flow.run(solver=openpnm.solvers.ScipySpsolve())
        return float(np.abs(flow.rate(pores=inlet, mode="group")[0]))

    @contextlib.contextmanager
    def _openpnm(self, *, whole: bool = False) -> Iterator[tuple[Any, Any, Any]]:
        """Import OpenPNM; return it, the network (by default its spanning part) and a fluid."""
        require_openpnm()
        logger = logging.getLogger()
        handlers, level = list(logger.handlers), logger.level
        # It takes logarithms of residuals, and those may be 0.
        with np.errstate(divide="ignore", invalid="ignore"):
            import openpnm

            pores = openpnm.io.network_from_porespy(self._network)
            try:
                pores["pore.diameter"] = pores["pore.equivalent_diameter"]
                pores["throat.diameter"] = pores["throat.inscribed_diameter"]
                pores["throat.volume"] = np.zeros(pores.Nt)
                if not whole:
                    openpnm.topotools.trim(pores, pores=np.flatnonzero(~self._spanning))
                fluid = openpnm.phase.Phase(network=pores)
                fluid["pore.viscosity"] = 1.0
                if not whole:
                    pores.add_model(
                        propname="throat.hydraulic_size_factors",
                        model=openpnm.models.geometry.hydraulic_size_factors.pyramids_and_cuboids,
                    )
                    fluid.add_model(
                        propname="throat.hydraulic_conductance",
                        model=openpnm.models.physics.hydraulic_conductance.generic_hydraulic,
                    )
                yield openpnm, pores, fluid
            finally:
                openpnm.Workspace().close_project(pores.project)
                logger.handlers[:] = handlers
                logger.setLevel(level)


def _spanning(network: Network, ends: tuple[str, str]) -> NDArray[np.bool_]:
    """Return the pores of the clusters that reach both faces."""
    links, n = network["throat.conns"], len(network["pore.coords"])
    graph = coo_array((np.ones(len(links)), (links[:, 0], links[:, 1])), shape=(n, n))
    cluster = connected_components(graph, directed=False)[1]
    reached = [set(cluster[network[f"pore.{end}"]].tolist()) for end in ends]
    return np.isin(cluster, list(reached[0] & reached[1]))
