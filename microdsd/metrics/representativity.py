"""Integral range: correlation of a phase, and the standard error of its fraction in a box."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from microdsd.errors import InputError
from microdsd.metrics._ensembles import MaskLike, per_sample, specimen_of, voxels_of
from microdsd.metrics.correlation import Grid, Shells
from microdsd.metrics.registry import Descriptor, Group, Variables
from microdsd.metrics.request import Request
from microdsd.metrics.two_point import radial, two_point_probability
from microdsd.microstructure.schema import LabelsLike, as_ensemble, spatial_dims, voxel_size_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Values = NDArray[np.float64]

UNCORRELATED = 0.01
"""Correlation below which the integrals end: a box does not know it better."""


def representativity(
    ms: LabelsLike,
    *,
    phase: int | str,
    periodic: bool,
    relative_error: float = 0.05,
    s2: xr.DataArray | None = None,
    mask: MaskLike | None = None,
) -> xr.Dataset:
    r"""Measure correlation length, integral range, error of the fraction, representative size.

    Parameters
    ----------
    ms : DataArray or ndarray
        Integer labels, dims ``([sample,] [z,] y, x)``.
    phase : int or str
        Label or name of the phase.
    periodic : bool
        Whether the box wraps. There is no default.
    relative_error : float
        Standard error of the phase fraction over the fraction, in a box of representative size.
    s2 : DataArray, optional
        `two_point_probability` of the same phase, boundary and mask, if it is there already:
        radial, to half the shortest side.
    mask : array_like of bool, dims ``([sample,] [z,] y, x)``, optional
        Where the specimen is, if it does not fill the box: its fraction, S2 and volume are taken
        for those of the box.

    Returns
    -------
    Dataset
        float64, dim ``sample``:

        - ``correlation_length`` (m): radial integral of the correlation until it has decayed.
        - ``integral_range`` (m^3, in 2D m^2): its volume integral to there.
        - ``fraction_standard_error``: of the phase fraction of this box, as a sample of a larger
          material.
        - ``representative_size`` (m): edge of the cube (square) that knows the fraction to
          `relative_error`.

        NaN where the phase is absent or alone, or still correlated at half the shortest side: the
        box is then too small to say.

    Raises
    ------
    InputError
        If the phase does not exist, `relative_error` is not positive, or the mask does not fit.

    Notes
    -----
    With :math:`\rho(h) = (S_2(h) - \phi^2) / (\phi - \phi^2)`,

    .. math::
        \ell = \int_0^{r_0} \rho(r)\, dr, \quad A = \int_{|h| < r_0} \rho(h)\, dh, \quad
        \mathrm{Var}[\phi_V] \approx \phi (1 - \phi) \frac{A}{V}

    for boxes of volume V much larger than A. The size for a relative error :math:`\epsilon` is
    :math:`V = (1 - \phi) A / (\epsilon^2 \phi)`. The integrals end at the distance
    :math:`r_0` at which the shell means first fall to 1 %. As the fraction is the box's own, the
    correlation of a box is too low by Var/(phi - phi^2) = A/V at every lag; A is corrected for
    that, by the factor :math:`1 / (1 - V_0 / V)` with :math:`V_0` the volume within :math:`r_0`,
    and so is the length.
    A medium with negative correlation beyond :math:`r_0` knows its fraction better than stated.

    References
    ----------
    Lantuéjoul, Journal of Microscopy 161 (1991) 387, doi:10.1111/j.1365-2818.1991.tb03099.x.
    Kanit et al., International Journal of Solids and Structures 40 (2003) 3647,
    doi:10.1016/S0020-7683(03)00143-4.

    Examples
    --------
    >>> import numpy as np
    >>> noise = np.random.default_rng(0).integers(0, 2, (64, 64))
    >>> result = representativity(noise, phase=1, periodic=True)
    >>> bool(0.007 < result.fraction_standard_error.item() < 0.010)  # 0.5 / 64 without correlation
    True
    """
    if not relative_error > 0:
        raise InputError(f"relative_error: must be > 0, got {relative_error!r}")
    ensemble = as_ensemble(ms)
    size, unit = voxel_size_of(ensemble)
    ndim = len(spatial_dims(ensemble))
    if s2 is None:
        s2 = two_point_probability(ensemble, phase=phase, periodic=periodic, mask=mask)
    shells = Shells.of(Grid.of(ensemble.shape[1:], size, periodic), s2.sizes["distance"] - 1)
    voxel = float(np.prod(size))
    volume = voxel * voxels_of(ensemble, specimen_of(ensemble, mask))
    fraction = s2.values[:, 0]
    integrals = [
        radial_integrals(curve, shells, min(size), voxel, float(box))
        for curve, box in zip(s2.values, volume, strict=True)
    ]
    length, range_ = np.array(integrals).T
    variance = fraction * (1 - fraction) * range_
    known = np.where(fraction > 0, fraction, np.nan)
    results: dict[str, tuple[str, str, Any]] = {
        "correlation_length": ("correlation length", unit, length),
        "integral_range": ("integral range", f"{unit}^{ndim}", range_),
        "fraction_standard_error": (
            "standard error of the phase fraction", "1", np.sqrt(variance / volume),
        ),
        "representative_size": (
            "representative size",
            unit, (variance / (relative_error * known) ** 2) ** (1 / ndim),
        ),
    }  # fmt: skip
    return xr.Dataset(
        {
            name: per_sample(ensemble, values, name=name, long_name=long_name, units=units)
            for name, (long_name, units, values) in results.items()
        },
        attrs={"relative_error": relative_error},
    )


def radial_integrals(
    s2: Values, shells: Shells, edge: float, voxel: float, volume: float
) -> tuple[float, float]:
    """Return the correlation length and the integral range of a radial S2.

    Parameters
    ----------
    s2 : ndarray, shape (shells,)
        From distance zero, where it is the fraction of what it was measured on.
    shells : Shells
    edge, voxel, volume : float
        Shortest edge of a voxel, volume of a voxel, and volume of what S2 was measured on.
    """
    fraction = s2[0]
    variance = fraction * (1 - fraction)
    if variance <= 0:
        return np.nan, np.nan
    correlation = (s2 - fraction**2) / variance
    below = np.flatnonzero(correlation <= UNCORRELATED)
    if not len(below):
        return np.nan, np.nan
    positive = slice(below[0])
    within = float(shells.members[positive].sum()) * voxel
    if within >= volume:
        return np.nan, np.nan
    range_ = float((shells.members * correlation)[positive].sum()) * voxel
    range_ /= 1 - within / volume
    ends = slice(below[0] + 1)
    radius = shells.distance[ends] * edge
    # The last piece ends where the straight line between two shells meets the bound.
    a, b = correlation[below[0] - 1 : below[0] + 1]
    radius[-1] = radius[-2] + (radius[-1] - radius[-2]) * (a - UNCORRELATED) / (a - b)
    heights = np.append(correlation[positive], UNCORRELATED)
    length = float(np.trapezoid(heights, radius)) + range_ / volume * float(radius[-1])
    return length, range_


def _measure(request: Request) -> Variables:
    measured: xr.Dataset = request.by_phase(
        lambda phase: representativity(
            request.ensemble,
            phase=phase,
            periodic=request.periodic,
            relative_error=request.relative_error,
            s2=radial(request, phase),
            mask=request.mask,
        )
    )
    return {str(name): variable for name, variable in measured.data_vars.items()}


_TORQUATO = "doi:10.1007/978-1-4757-6355-3"
_LANTUEJOUL = "doi:10.1111/j.1365-2818.1991.tb03099.x"

REPRESENTATIVITY = Group(
    "representativity",
    _measure,
    (
        Descriptor(
            name="correlation_length",
            label="correlation length",
            definition="radial integral of (S2 - phi^2) / (phi - phi^2) until that falls to 1 %",
            references=_TORQUATO,
            unit="length",
            symbol="ℓ",
        ),
        Descriptor(
            name="integral_range",
            label="integral range",
            definition="volume integral of (S2 - phi^2) / (phi - phi^2) until that falls to 1 %",
            references=_LANTUEJOUL,
            unit="length^d",
            symbol="A",
        ),
        Descriptor(
            name="fraction_standard_error",
            label="standard error of the phase fraction",
            definition="sqrt(phi (1 - phi) A / V), with A the integral range and V the volume of "
            "the box",
            references=_LANTUEJOUL,
        ),
        Descriptor(
            name="representative_size",
            label="representative size",
            definition="edge of the box whose phase fraction has the standard error "
            "relative_error * phi",
            references="doi:10.1016/S0020-7683(03)00143-4",
            unit="length",
        ),
    ),
)
