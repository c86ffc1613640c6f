"""Discharge of a measured electrode against lithium, by a Doyle-Fuller-Newman model of PyBaMM."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from scipy.optimize import brentq

from microdsd.errors import InputError, MicrodsdError
from microdsd.progress import Progress, stage
from microdsd.transport.electrode_profiles import bruggeman_exponent, interpolation_points
from microdsd.transport.records import sample_coordinate

PARAMETER_SET = "Xu2019"
FARADAY = 96485.33212
STEPS = 101
OPTIONS = {"working electrode": "positive", "transport efficiency": "tortuosity factor"}
GRADED = {"working electrode": "positive", "transport efficiency": "Bruggeman"}
_FEWEST_CELLS = 20
"""Of a mesh along the thickness of the electrode."""


class Discharge(NamedTuple):
    """Hold one discharge at constant current.

    Attributes
    ----------
    discharged, voltage : ndarray of float
        Charge per area (A h/m^2) and cell voltage (V) at times apart by equal charges.
    converged : bool
        Whether it came to the lower voltage limit.
    """

    discharged: np.ndarray
    voltage: np.ndarray
    converged: bool


def rate_capability(
    electrodes: xr.Dataset,
    profiles: xr.Dataset | None = None,
    *,
    rates: Sequence[float] = (0.1, 0.2, 0.5, 1.0, 2.0, 4.0),
    thickness: float = 100e-6,
    parameters: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> xr.Dataset:
    r"""Discharge every electrode at several rates; return capacity and voltage.

    Parameters
    ----------
    electrodes : Dataset
        Result of `electrode_parameters`.
    profiles : Dataset, optional
        Result of `electrode_profiles` of the same samples: porosity and active material vary
        through the thickness accordingly. By default they are the same everywhere.
    rates : sequence of float
        C-rates: 1 is the current that would empty this electrode in one hour at equilibrium.
    thickness : float
        Thickness of the electrode, m. The window measured is taken as typical of all of it.
    parameters : mapping, optional
        PyBaMM's parameters to replace after those measured.
    progress : Progress, optional
        Receives how many discharges are done, and of how many.

    Returns
    -------
    Dataset, dims (sample, rate, step)
        - ``equilibrium_capacity (sample)`` between the voltage limits at no current, A h/m^2
        - ``capacity (sample, rate)``, A h/m^2; 10 A h/m^2 are 1 mA h/cm^2
        - ``discharged`` (A h/m^2) and ``voltage (sample, rate, step)`` (V)
        - ``converged (sample, rate)``: the discharge ended at the lower voltage limit. Otherwise
          the capacity is NaN; of an electrode without active material, or that lets no ions or
          electrons through, it is 0.

    Raises
    ------
    MicrodsdError
        If PyBaMM is not installed.
    InputError
        If rates or thickness are not positive.

    Notes
    -----
    PyBaMM's half cell: the measured cathode, a separator and a foil of lithium, with the
    parameters of NMC 532 by Xu et al., in which fractions, reacting surface (as the radius of
    spheres), :math:`D_\mathrm{eff}/D_0` of the electrolyte and the electronic conductivity are
    those measured. Diffusivity in the particles, kinetics and open-circuit voltage are not.

    Of profiles, straight lines run through the middles of the layers, with the capacity of the
    layers. Ions pass with :math:`\varepsilon(x)^b`; the exponent b is that with which the layers in
    series are as resistive as the whole was measured to be (`bruggeman_exponent`). Surface of the
    active material per its volume, and the conductivity of electrons, are those of the whole.

    References
    ----------
    Doyle, Fuller and Newman, J. Electrochem. Soc. 140 (1993) 1526, doi:10.1149/1.2221597.
    Xu et al., J. Electrochem. Soc. 166 (2019) A3456, doi:10.1149/2.0671914jes.
    Sulzer et al., J. Open Res. Softw. 9 (2021) 14, doi:10.5334/jors.309: PyBaMM.
    """
    if not rates or min(rates) <= 0 or thickness <= 0:
        raise InputError(f"rates={rates}, thickness={thickness}: must be positive")
    if profiles is not None and profiles.sizes["sample"] != electrodes.sizes["sample"]:
        raise InputError(
            f"profiles: are of {profiles.sizes['sample']} samples, electrodes of "
            f"{electrodes.sizes['sample']}; give those of the same samples"
        )
    pybamm = _pybamm()
    samples, discharges, equilibrium = electrodes.sizes["sample"], [], []
    with stage("discharging", samples * len(rates), progress) as discharging:
        for index in range(samples):
            electrode = electrodes.isel(sample=index)
            profile = None if profiles is None else profiles.isel(sample=index)
            graded, cells = _graded(pybamm, electrode, profile, thickness)
            values = _parameter_values(
                pybamm, electrode, thickness, {**graded, **(parameters or {})}
            )
            full = _equilibrium_capacity(values, electrode, thickness)
            equilibrium.append(full)
            needed = ("active_fraction", "relative_diffusivity", "electronic_conductivity")
            simulation = None
            if min(float(electrode[name]) for name in needed) > 0 and cells is not None:
                model = pybamm.lithium_ion.DFN(GRADED if graded else OPTIONS)
                simulation = pybamm.Simulation(
                    model,
                    parameter_values=values,
                    var_pts={**model.default_var_pts, "x_p": cells},
                )
            for rate in rates:
                discharges.append(
                    _blocked() if simulation is None else _discharge(pybamm, simulation, rate, full)
                )
                discharging.advance()
    shape = (samples, len(rates))
    curves = {
        name: np.reshape([getattr(discharge, name) for discharge in discharges], (*shape, STEPS))
        for name in ("discharged", "voltage")
    }
    axes = ("sample", "rate")
    return xr.Dataset(
        {
            "equilibrium_capacity": ("sample", equilibrium, {"units": "A h/m^2"}),
            "capacity": (axes, curves["discharged"][..., -1], {"units": "A h/m^2"}),
            "discharged": ((*axes, "step"), curves["discharged"], {"units": "A h/m^2"}),
            "voltage": ((*axes, "step"), curves["voltage"], {"units": "V"}),
            "converged": (
                axes,
                np.reshape([discharge.converged for discharge in discharges], shape),
            ),
        },
        coords={
            **sample_coordinate(electrodes),
            "rate": ("rate", list(rates), {"units": "1/h", "long_name": "C-rate"}),
        },
        attrs={
            "model": "DFN half cell",
            "parameter_set": PARAMETER_SET,
            "pybamm": pybamm.__version__,
            "thickness": thickness,
        },
    )


def require_pybamm() -> None:
    """Refuse to begin where PyBaMM is not installed.

    Raises
    ------
    MicrodsdError
        Names the extra.
    """
    _pybamm()


def _pybamm() -> Any:
    """Import PyBaMM, which must not report its use to anyone."""
    os.environ["PYBAMM_DISABLE_TELEMETRY"] = "true"
    try:
        import pybamm
    except ImportError as error:
        raise MicrodsdError('discharge needs PyBaMM: pip install "microdsd[battery]"') from error
    return pybamm


def _parameter_values(
    pybamm: Any, electrode: xr.Dataset, thickness: float, replaced: Mapping[str, Any]
) -> Any:
    values = pybamm.ParameterValues(PARAMETER_SET)
    porosity = float(electrode.porosity)
    separator = values["Separator porosity"]
    bruggeman = values["Separator Bruggeman coefficient (electrolyte)"]
    relative = float(electrode.relative_diffusivity) or 1.0
    measured = {
        "Positive electrode thickness [m]": thickness,
        "Positive electrode porosity": porosity,
        "Positive electrode active material volume fraction": float(electrode.active_fraction),
        # Of spheres PyBaMM takes the surface to be 3 times the fraction over the radius.
        "Positive particle radius [m]": float(electrode.particle_radius),
        "Positive electrode conductivity [S.m-1]": float(electrode.electronic_conductivity),
        # PyBaMM multiplies the electrolyte's coefficients by porosity over tortuosity factor, and
        # the solid's by the rest of the volume over it; what was measured is effective already.
        "Positive electrode tortuosity factor (electrolyte)": porosity / relative,
        "Positive electrode tortuosity factor (electrode)": 1 - porosity,
        "Separator tortuosity factor (electrolyte)": separator ** (1 - bruggeman),
        "Electrode height [m]": 1.0,
        "Electrode width [m]": 1.0,
        "Current function [A]": "[input]",
    }
    values.update({**measured, **replaced}, check_already_exists=False)
    return values


def _graded(
    pybamm: Any, electrode: xr.Dataset, profile: xr.Dataset | None, thickness: float
) -> tuple[dict[str, Any], int | None]:
    """Return what a profile replaces, and the cells of the mesh; None where it lets no ions by."""
    if profile is None or profile.sizes["layer"] < 2:
        return {}, _FEWEST_CELLS
    relative = float(electrode.relative_diffusivity)
    exponent = bruggeman_exponent(profile.porosity.values, relative) if relative > 0 else np.inf
    if not np.isfinite(exponent):
        return {"Positive electrode Bruggeman coefficient (electrolyte)": 1.0}, None
    values = pybamm.ParameterValues(PARAMETER_SET)
    face = values["Negative electrode thickness [m]"] + values["Separator thickness [m]"]

    def along(name: str) -> Callable[..., Any]:
        places, heights = interpolation_points(profile[name].values)

        def value(x: Any, *_others: Any) -> Any:
            return pybamm.Interpolant(face + thickness * places, heights, x)

        return value

    layers = profile.sizes["layer"]
    return {
        "Positive electrode porosity": along("porosity"),
        "Positive electrode active material volume fraction": along("active_fraction"),
        "Positive electrode Bruggeman coefficient (electrolyte)": exponent,
        # The conductivity of electrons was measured as it is.
        "Positive electrode Bruggeman coefficient (electrode)": 0.0,
    }, layers * -(-_FEWEST_CELLS // layers)


def _equilibrium_capacity(values: Any, electrode: xr.Dataset, thickness: float) -> float:
    """Return the charge per area down to the lower voltage limit, A h/m^2."""
    largest = values["Maximum concentration in positive electrode [mol.m-3]"]
    start = values["Initial concentration in positive electrode [mol.m-3]"] / largest
    potential, limit = values["Positive electrode OCP [V]"], values["Lower voltage cut-off [V]"]

    def above(filling: float) -> float:
        return float(values.evaluate(potential(filling)) - limit)

    end = brentq(above, start, 1 - 1e-6) if above(1 - 1e-6) < 0 else 1.0
    active = float(electrode.active_fraction)
    return float(FARADAY * largest * active * thickness * (end - start) / 3600)


def _discharge(pybamm: Any, simulation: Any, rate: float, full: float) -> Discharge:
    """Discharge from the initial state at a constant current to the lower voltage limit."""
    hour = 3600.0
    try:
        solution = simulation.solve(
            [0, 1.1 * hour / rate], inputs={"Current function [A]": rate * full}
        )
    except pybamm.SolverError as error:
        if "non-positive at initial conditions" in str(error):
            return _blocked()
        return Discharge(np.full(STEPS, np.nan), np.full(STEPS, np.nan), False)
    times = np.linspace(0, solution.t[-1], STEPS)
    return Discharge(
        discharged=solution["Discharge capacity [A.h]"](times),
        voltage=solution["Voltage [V]"](times),
        converged="Minimum voltage" in solution.termination,
    )


def _blocked() -> Discharge:
    """Return a discharge without charge: the voltage falls below its limit at once."""
    return Discharge(np.zeros(STEPS), np.full(STEPS, np.nan), True)
