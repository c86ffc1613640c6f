"""Effective conductivity and stiffness of periodic boxes of several phases."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import xarray as xr

from microdsd.errors import InputError
from microdsd.microstructure import (
    LabelsLike,
    as_ensemble,
    resolve_phase,
    spatial_dims,
    voxel_size_of,
)
from microdsd.transport.arguments import value_of_phases, values_of_voxels
from microdsd.transport.records import LONG_NAMES, sample_coordinate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from microdsd.transport.fourier import Effective

    Table = NDArray[np.float64]

BOUNDARY = "periodic"


def effective_conductivity(
    ms: LabelsLike,
    *,
    conductivity: Mapping[int | str, float],
    tolerance: float = 1e-4,
    device: str | None = None,
) -> xr.Dataset:
    r"""Compute the effective conductivity tensor of a periodic box.

    Thermal or electrical conductivity, permittivity or diffusivity alike.

    Parameters
    ----------
    ms : DataArray or ndarray
        Integer labels, dims ``([sample,] [z,] y, x)``.
    conductivity : mapping of phase to float
        Conductivity of every phase, >= 0, in any unit; the result is in the same one.
    tolerance : float
        Tolerance of the residual; the error of the result goes with its square (1e-4: some 1e-8).
    device : str, optional
        Device of torch; by default a GPU where there is one.

    Returns
    -------
    Dataset
        ``conductivity (sample, flux, gradient)``, both dims over the axes of the box, and per
        load ``converged``, ``residual`` and ``iterations`` ``(sample, gradient)``.

    Raises
    ------
    InputError
        If a phase does not exist, or has no value or one that is negative.

    Notes
    -----
    :math:`\nabla \cdot k (E + \nabla u) = 0` with u periodic, on Willot's rotated grid, is solved
    for u by conjugate gradients, preconditioned by the uniform medium in Fourier space. Layers
    normal to an axis are exact. A window of a scan is not periodic: its opposite faces do not
    match, and the result is that of the periodic medium which it would make.

    References
    ----------
    Willot, C. R. Mécanique 343 (2015) 232, doi:10.1016/j.crme.2014.12.005.
    Lucarini and Segurado, Int. J. Numer. Methods Eng. 118 (2019) 1, doi:10.1002/nme.6263:
    displacements as unknowns.

    Examples
    --------
    >>> layers = np.repeat([0, 1], 4)[:, None] * np.ones((1, 4), dtype=int)
    >>> result = effective_conductivity(layers, conductivity={0: 1.0, 1: 4.0})
    >>> result.conductivity[0].values.round(6).tolist()
    [[1.6, 0.0], [0.0, 2.5]]
    """
    ensemble = as_ensemble(ms)
    values = value_of_phases(ensemble, conductivity, "conductivity", default=None)
    from microdsd.transport.fourier import conductivity_tensor

    def solve(sample: NDArray[np.integer]) -> Effective:
        return conductivity_tensor(
            values_of_voxels(sample, values),
            spacing=voxel_size_of(ensemble).size,
            tolerance=tolerance,
            device=device,
        )

    dims = list(spatial_dims(ensemble))
    return _homogenise(ensemble, solve, "conductivity", {"flux": dims, "gradient": dims})


def effective_stiffness(
    ms: LabelsLike,
    *,
    moduli: Mapping[int | str, tuple[float, float]],
    tolerance: float = 1e-4,
    device: str | None = None,
) -> xr.Dataset:
    r"""Compute the effective elastic stiffness of a periodic box of isotropic phases.

    Parameters
    ----------
    ms : DataArray or ndarray
        Integer labels, dims ``([sample,] [z,] y, x)``. 2D means plane strain.
    moduli : mapping of phase to (float, float)
        Young's modulus >= 0, in any unit, and Poisson ratio of every phase. A pore is
        ``(0, 0)``.
    tolerance, device
        As in `effective_conductivity`.

    Returns
    -------
    Dataset
        ``stiffness (sample, stress, strain)`` in Voigt's notation with engineering shear strains,
        components named ``"zz"``, ``"yy"``, ``"xx"``, ``"yx"``, ``"zx"``, ``"zy"``; of the nearest
        isotropic stiffness ``bulk_modulus`` (in 2D that of plane strain), ``shear_modulus``,
        ``young_modulus`` and ``poisson_ratio`` ``(sample)``; per load ``converged``,
        ``residual`` and ``iterations`` ``(sample, strain)``.

    Raises
    ------
    InputError
        If a phase does not exist or has no moduli, or they are not those of a stable solid.

    Notes
    -----
    Same equations, grid and caveat as `effective_conductivity`, for displacements. The nearest
    isotropic stiffness is the mean over all orientations.

    References
    ----------
    As `effective_conductivity`.

    Examples
    --------
    >>> result = effective_stiffness(np.eye(4, dtype=int), moduli={0: (3.0, 0.2), 1: (3.0, 0.2)})
    >>> result.young_modulus.round(9).item(), result.poisson_ratio.round(9).item()
    (3.0, 0.2)
    """
    ensemble = as_ensemble(ms)
    lame = lame_parameters(ensemble, moduli)
    from microdsd.transport.fourier import stiffness_tensor

    def solve(sample: NDArray[np.integer]) -> Effective:
        return stiffness_tensor(
            *(values_of_voxels(sample, values) for values in lame),
            spacing=voxel_size_of(ensemble).size,
            tolerance=tolerance,
            device=device,
        )

    dims = spatial_dims(ensemble)
    voigt = [d + d for d in dims] + [a + b for a, b in reversed(list(combinations(dims, 2)))]
    homogenised = _homogenise(ensemble, solve, "stiffness", {"stress": voigt, "strain": voigt})
    moduli_found = isotropic_moduli(homogenised["stiffness"].values)._asdict()
    return homogenised.assign(
        {
            name: ("sample", values, {"units": units, "long_name": name.replace("_", " ")})
            for (name, values), units in zip(
                moduli_found.items(), ("as given", "as given", "as given", "1"), strict=True
            )
        }
    )


class IsotropicModuli(NamedTuple):
    """Hold the moduli of an isotropic solid; in 2D the bulk modulus is for plane strain."""

    bulk_modulus: Table
    shear_modulus: Table
    young_modulus: Table
    poisson_ratio: Table


def isotropic_moduli(stiffness: Table) -> IsotropicModuli:
    """Average a stiffness over all orientations, ``(..., 6, 6)`` or ``(..., 3, 3)`` in 2D.

    References
    ----------
    Hill, Proc. Phys. Soc. A 65 (1952) 349, doi:10.1088/0370-1298/65/5/307: Voigt's mean.

    Examples
    --------
    >>> aluminium = np.diag([111.0] * 3 + [25.0] * 3)
    >>> aluminium[:3, :3] += 61 * (1 - np.eye(3))
    >>> [round(float(value), 2) for value in isotropic_moduli(aluminium)]
    [77.67, 25.0, 67.73, 0.35]
    """
    n = 3 if stiffness.shape[-1] == 6 else 2
    normal = stiffness[..., :n, :n]
    on = np.trace(normal, axis1=-2, axis2=-1)
    off = (normal.sum((-2, -1)) - on) / 2
    shear_trace = np.trace(stiffness[..., n:, n:], axis1=-2, axis2=-1)
    bulk = (on + 2 * off) / n**2
    shear = (on - off + 3 * shear_trace) / 15 if n == 3 else (on - 2 * off + 4 * shear_trace) / 8
    with np.errstate(invalid="ignore"):
        ratio = shear / bulk
    poisson = (3 - 2 * ratio) / (6 + 2 * ratio) if n == 3 else (1 - ratio) / 2
    return IsotropicModuli(bulk, shear, np.nan_to_num(2 * shear * (1 + poisson)), poisson)


def lame_parameters(
    ensemble: xr.DataArray, moduli: Mapping[int | str, tuple[float, float]]
) -> tuple[dict[int, float], dict[int, float]]:
    """Return Lamé's first parameter and the shear modulus of every label.

    Raises
    ------
    InputError
        If a phase does not exist or has no moduli, or they are not those of a stable solid.
    """
    wrong = {phase: nu for phase, (_, nu) in moduli.items() if not -1 < nu < 0.5}
    if wrong:
        raise InputError(f"moduli: a Poisson ratio lies between -1 and 0.5, got {wrong}")
    young = value_of_phases(
        ensemble, {phase: e for phase, (e, _) in moduli.items()}, "moduli", default=None
    )
    ratio = {resolve_phase(ensemble, phase): nu for phase, (_, nu) in moduli.items()}
    shear = {label: e / (2 * (1 + ratio[label])) for label, e in young.items()}
    return {k: 2 * mu * ratio[k] / (1 - 2 * ratio[k]) for k, mu in shear.items()}, shear


def _homogenise(
    ensemble: xr.DataArray,
    solve: Callable[[NDArray[np.integer]], Effective],
    name: str,
    dims: Mapping[str, list[str]],
) -> xr.Dataset:
    """Solve for every sample; return one tensor of each, and one record per load."""
    solutions = [solve(sample) for sample in ensemble.values]
    load = list(dims)[1]
    records = {
        record: (
            ("sample", load),
            np.array([getattr(solution, record) for solution in solutions]),
            {"units": "1", "long_name": LONG_NAMES[record]},
        )
        for record in ("converged", "residual", "iterations")
    }
    tensor = (
        ("sample", *dims),
        np.array([solution.tensor for solution in solutions]),
        {"units": "as given", "long_name": f"effective {name}"},
    )
    return xr.Dataset(
        {name: tensor, **records},
        coords={**sample_coordinate(ensemble), **dims},
        attrs={"boundary": BOUNDARY},
    )
