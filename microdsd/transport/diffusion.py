"""Relative diffusivity, tortuosity factor and formation factor."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import xarray as xr

from microdsd.errors import InputError
from microdsd.microstructure import (
    LabelsLike,
    as_ensemble,
    phase_fractions,
    phases_of,
    spatial_dims,
    voxel_size_of,
)
from microdsd.transport._taufactor import check_cubic, check_installed, conduct_by_relaxation
from microdsd.transport.arguments import (
    Sides,
    check_sides,
    resolve_axes,
    value_of_phases,
    values_of_voxels,
)
from microdsd.transport.finite_volume import Conduction, conduct
from microdsd.transport.records import conduction_record

if TYPE_CHECKING:
    from numpy.typing import NDArray

Solver = Literal["finite-volume", "taufactor"]


def diffusivity(
    ms: LabelsLike,
    *,
    phase: int | str | Mapping[int | str, float],
    axes: Sequence[str] | None = None,
    sides: Sides = "no-flux",
    solver: Solver = "finite-volume",
    tolerance: float = 1e-8,
    device: str | None = None,
) -> xr.Dataset:
    r"""Measure the relative diffusivity along each axis, in one phase or several.

    Parameters
    ----------
    ms : DataArray or ndarray
        Integer labels, dims ``([sample,] [z,] y, x)``. Voxel edges may differ between the axes.
    phase : int, str or mapping of phase to float
        The phase in which matter diffuses; or the diffusivity of several phases relative to
        :math:`D_0`. Phases that are not named are impermeable.
    axes : sequence of {"z", "y", "x"}, optional
        Axes of the flow; all by default.
    sides : {"no-flux", "periodic"}
        What happens at the sides parallel to the flow. The two faces normal to it are held at
        concentrations 1 and 0.
    solver : {"finite-volume", "taufactor"}
        The reference, or the same equations in single precision on CPU or GPU by taufactor
        (extra ``transport``), for one phase in cubic voxels.
    tolerance : float
        Relative residual at which the reference stops.
    device : str, optional
        For taufactor; by default a GPU where there is one.

    Returns
    -------
    Dataset, dims (sample, axis)
        - ``relative_diffusivity`` :math:`D_\mathrm{eff}/D_0`, 0 where no path leads through
        - ``tortuosity_factor`` :math:`\tau = \langle D \rangle / D_\mathrm{eff}`, which is
          :math:`\phi D_0 / D_\mathrm{eff}` of one phase; infinite where no path leads through
        - ``formation_factor`` :math:`D_0 / D_\mathrm{eff}`
        - ``converged``, ``residual`` (NaN of taufactor, which has none), ``flux_mismatch``
          between the two faces (of taufactor: between any two layers), ``iterations``

    Raises
    ------
    InputError
        If a phase or axis does not exist, or taufactor cannot solve the problem.
    MicrodsdError
        If taufactor is requested and not installed.

    See Also
    --------
    microdsd.transport.finite_volume.conduct : the equations

    References
    ----------
    Epstein, Chem. Eng. Sci. 44 (1989) 777, doi:10.1016/0009-2509(89)85053-5: tortuosity factor.
    Cooper et al., SoftwareX 5 (2016) 203, doi:10.1016/j.softx.2016.09.002: taufactor.

    Examples
    --------
    >>> import numpy as np
    >>> channels = np.tile([0, 0, 0, 1], (4, 1))
    >>> result = diffusivity(channels, phase=0)
    >>> result.relative_diffusivity.values.round(9), result.tortuosity_factor.values.round(9)
    (array([[0.75, 0.  ]]), array([[ 1., inf]]))
    """
    ensemble = as_ensemble(ms)
    chosen = resolve_axes(ensemble, axes)
    check_sides(sides)
    several = phase if isinstance(phase, Mapping) else {phase: 1.0}
    local = value_of_phases(ensemble, several, "phase", default=0.0)
    solve = _solver(ensemble, local, sides, solver, tolerance, device)
    dims = spatial_dims(ensemble)
    fields = (values_of_voxels(sample, local) for sample in ensemble.values)
    results = [[solve(field, dims.index(axis)) for axis in chosen] for field in fields]
    fractions = phase_fractions(ensemble)
    mean = fractions.values @ [local[int(label)] for label in fractions["phase"]]
    record = conduction_record(ensemble, chosen, results)
    relative = record["effective"].values
    through = relative > 0
    safe = np.where(through, relative, 1.0)
    columns = {
        "relative_diffusivity": (relative, "relative diffusivity"),
        "tortuosity_factor": (
            np.where(through, mean[:, None] / safe, np.inf),
            "tortuosity factor",
        ),
        "formation_factor": (np.where(through, 1 / safe, np.inf), "formation factor"),
    }
    names = phases_of(ensemble)
    return (
        record.drop_vars("effective")
        .assign(
            {
                name: (("sample", "axis"), values, {"units": "1", "long_name": text})
                for name, (values, text) in columns.items()
            }
        )
        .assign_attrs(
            boundary=f"fixed concentrations at the faces normal to the axis, {sides} sides",
            solver=solver,
            local=", ".join(f"{names[label]} {value:g}" for label, value in local.items()),
        )
    )


def _solver(
    ensemble: xr.DataArray,
    local: Mapping[int, float],
    sides: Sides,
    solver: Solver,
    tolerance: float,
    device: str | None,
) -> Callable[[NDArray[np.float64], int], Conduction]:
    """Return the solver of a sample, which takes the number of an axis."""
    check_solver(ensemble, solver)
    periodic = sides == "periodic"
    if solver == "finite-volume":
        size = voxel_size_of(ensemble).size
        return lambda field, axis: conduct(
            field, axis, spacing=size, periodic_sides=periodic, tolerance=tolerance
        )
    if not set(local.values()) <= {0.0, 1.0}:
        raise InputError("solver='taufactor' takes one phase; use 'finite-volume' for several")
    from microdsd.device import resolve_device

    place = str(resolve_device(device))
    return lambda field, axis: conduct_by_relaxation(
        field > 0, axis, periodic_sides=periodic, device=place
    )


def check_solver(ensemble: xr.DataArray, solver: str) -> None:
    """Raise unless the solver exists, is installed, and can handle these voxels."""
    if solver not in get_args(Solver):
        raise InputError(f"solver: {solver!r} is not one of {get_args(Solver)}")
    if solver == "taufactor":
        check_installed()
        check_cubic(voxel_size_of(ensemble).size)
