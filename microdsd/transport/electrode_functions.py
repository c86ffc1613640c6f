"""Electrodes as functions of depth: a Python file for PyBaMM and other battery models."""

from __future__ import annotations

import numpy as np
import xarray as xr

from microdsd.errors import InputError
from microdsd.transport.electrode_profiles import bruggeman_exponent

_TEMPLATE = '''"""Volume fractions through the thickness of electrodes, {samples} in number.

Written by microdsd{source}. Layers lie from separator to current collector and
were counted voxel by voxel; counts add to VOXELS_PER_LAYER in every layer. Fractions run on
straight lines through the middles of the layers and are level in the outer halves of the outermost,
so that their means are those of the layers; together they are exactly 1 at every depth.

    import pybamm
    import {module}

    values = pybamm.ParameterValues("Xu2019")
    face = values["Negative electrode thickness [m]"] + values["Separator thickness [m]"]
    values.update({module}.pybamm_parameters(face), check_already_exists=False)
"""

import numpy as np

THICKNESS = {thickness!r}  # m
VOXELS_PER_LAYER = {voxels}

# By sample, then by layer.
PORE = {pore}
ACTIVE = {active}
BINDER = {binder}
{extra}

def _points(counts, fraction_of=VOXELS_PER_LAYER):
    values = np.array(counts) / fraction_of
    depth = np.concatenate([[0.0], (np.arange(len(values)) + 0.5) / len(values), [1.0]])
    return THICKNESS * depth, np.pad(values, 1, mode="edge")


def porosity(depth, sample=0):
    """Return the volume fraction of pores at depths in m from the separator."""
    return np.interp(depth, *_points(PORE[sample]))


def active_fraction(depth, sample=0):
    """Return the volume fraction of active material."""
    {active_body}


def binder_fraction(depth, sample=0):
    """Return the volume fraction of binder: all that is neither pore nor active material."""
    return 1 - (porosity(depth, sample) + active_fraction(depth, sample))

{functions}
def pybamm_parameters(separator_face, sample=0):
    """Return parameters of a positive electrode, as functions of PyBaMM's through-cell distance.

    The separator meets the electrode at separator_face, in m. Use the option
    {{"transport efficiency": "Bruggeman"}}, which is PyBaMM's default.
    """
    import pybamm

    def along(counts):
        depth, values = _points(counts)
        return lambda x, *others: pybamm.Interpolant(separator_face + depth, values, x)

    return {{
        "Positive electrode thickness [m]": THICKNESS,
        "Positive electrode porosity": along(PORE[sample]),
        "Positive electrode active material volume fraction": along(ACTIVE[sample]),
{parameters}    }}
'''

_MEASURED = """
# Measured of the whole: radius of spheres with the surface of the active material (m), exponent of
# the electrolyte's transport, conductivity of electrons (S/m).
PARTICLE_RADIUS = {radius}
BRUGGEMAN = {exponent}
CONDUCTIVITY = {conductivity}
"""

_OF_MEASURED = """\
        "Positive particle radius [m]": PARTICLE_RADIUS[sample],
        "Positive electrode Bruggeman coefficient (electrolyte)": BRUGGEMAN[sample],
        "Positive electrode conductivity [S.m-1]": CONDUCTIVITY[sample],
        "Positive electrode Bruggeman coefficient (electrode)": 0.0,
"""

_LAYERS = """
# Of every layer by itself: relative diffusivity of ions.
RELATIVE_DIFFUSIVITY = {relative}
"""

_OF_LAYERS = '''
def relative_diffusivity(depth, sample=0):
    """Return D_eff / D_0 of ions in the layers, measured of each by itself."""
    return np.interp(depth, *_points(RELATIVE_DIFFUSIVITY[sample], 1))


def tortuosity_factor(depth, sample=0):
    """Return porosity over relative diffusivity, of the layers."""
    return porosity(depth, sample) / relative_diffusivity(depth, sample)

'''


def electrode_functions(
    profiles: xr.Dataset,
    electrodes: xr.Dataset | None = None,
    *,
    thickness: float = 100e-6,
    source: str = "",
    module: str = "electrode",
) -> str:
    """Write electrodes as Python functions of depth, which need numpy and, on demand, PyBaMM.

    Parameters
    ----------
    profiles : Dataset
        Result of `electrode_profiles`.
    electrodes : Dataset, optional
        Result of `electrode_parameters` of the same samples: particle radius, Bruggeman's exponent
        and conductivity come with the functions.
    thickness : float
        Of the electrode, m; profiles are stretched to it.
    source : str
        What the electrodes were read from.
    module : str
        Name of the file, without ``.py``.

    Raises
    ------
    InputError
        If the thickness is not positive, or the samples are not the same.

    Examples
    --------
    >>> from microdsd.microstructure import as_microstructure
    >>> from microdsd.transport.electrode_profiles import electrode_profiles
    >>> labels = as_microstructure(np.tile([0, 1], (4, 2, 2)), phases={0: "pore", 1: "active"})
    >>> functions: dict = {}
    >>> exec(electrode_functions(electrode_profiles(labels, active=1, pore=0)), functions)
    >>> float(functions["porosity"](20e-6)), float(functions["binder_fraction"](20e-6))
    (0.5, 0.0)
    """
    if not thickness > 0:
        raise InputError(f"thickness={thickness}: must be positive, in metres")
    measured = ""
    if electrodes is not None:
        if electrodes.sizes["sample"] != profiles.sizes["sample"]:
            raise InputError("electrodes: give those of the samples of the profiles")
        relative = electrodes.relative_diffusivity.values
        exponents = [
            bruggeman_exponent(porosity, share) if share > 0 else float("inf")
            for porosity, share in zip(profiles.porosity.values, relative, strict=True)
        ]
        measured = _MEASURED.format(
            radius=_numbers(electrodes.particle_radius.values),
            exponent=_numbers(np.array(exponents)),
            conductivity=_numbers(electrodes.electronic_conductivity.values),
        )
    by_layer = "relative_diffusivity" in profiles
    if by_layer:
        measured += _LAYERS.format(relative=_table(profiles.relative_diffusivity.values))
    no_binder = not profiles.binder_voxels.values.any()
    return _TEMPLATE.format(
        samples=profiles.sizes["sample"],
        source=f" from {source}" if source else "",
        module=module,
        thickness=float(thickness),
        voxels=profiles.attrs["voxels_per_layer"],
        pore=_table(profiles.pore_voxels.values),
        active=_table(profiles.active_voxels.values),
        binder=_table(profiles.binder_voxels.values),
        extra=measured,
        active_body="return 1 - porosity(depth, sample)"
        if no_binder
        else "return np.interp(depth, *_points(ACTIVE[sample]))",
        functions=_OF_LAYERS if by_layer else "",
        parameters="" if electrodes is None else _OF_MEASURED,
    )


def _numbers(values: np.ndarray) -> str:
    """Return numbers as Python reads them; what is not finite by its name."""
    return "[" + ", ".join(_number(value) for value in values.tolist()) + "]"


def _number(value: float) -> str:
    return repr(value) if np.isfinite(value) else f'float("{value}")'


def _table(values: np.ndarray) -> str:
    rows = (f"    {_numbers(row)}," for row in values)
    return "\n".join(["[", *rows, "]"])
