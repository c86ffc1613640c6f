"""Arguments of the solvers of this package: axes, sides of the box, values per phase."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, get_args

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from microdsd.errors import InputError
from microdsd.microstructure import phases_of, resolve_phase, spatial_dims, voxel_size_of
from microdsd.microstructure.labels import label_ranks
from microdsd.microstructure.outside import outside_label
from microdsd.microstructure.schema import stated_phases

Sides = Literal["no-flux", "periodic"]
Ends = Literal["mirrored", "periodic"]
Walls = Literal["mirrored", "no-slip", "periodic"]


def resolve_axes(ms: xr.DataArray, axes: Sequence[str] | str | None) -> list[str]:
    """Return the requested axes; the default is all axes.

    Raises
    ------
    InputError
        If there is no such axis, or the specimen does not fill the box.

    Examples
    --------
    >>> from microdsd.microstructure import as_ensemble
    >>> resolve_axes(as_ensemble(np.eye(3, dtype=int)), "x"), resolve_axes(np.eye(3), None)
    (['x'], ['y', 'x'])
    """
    _refuse_outside(ms)
    dims = spatial_dims(ms)
    chosen = list(dims) if axes is None else list(axes)
    unknown = [axis for axis in chosen if axis not in dims]
    if unknown or not chosen:
        raise InputError(f"axes: {unknown or axes} is not among the axes of the box, {dims}")
    return chosen


def check_sides(sides: str) -> None:
    """Raise unless the sides of the box are "no-flux" or "periodic"."""
    if sides not in get_args(Sides):
        raise InputError(f"sides: {sides!r} is not one of {get_args(Sides)}")


def value_of_phases(
    ms: xr.DataArray, values: Mapping[int | str, float], argument: str, *, default: float | None
) -> dict[int, float]:
    """Return one value >= 0 for every label, from values by label or by name.

    Parameters
    ----------
    ms : DataArray
    values : mapping of phase to float
    argument : str
        Name of the argument, for messages.
    default : float or None
        Value of phases that are not named; None refuses to guess.

    Raises
    ------
    InputError
        A phase that does not exist, one without a value, a value that is negative or not finite,
        or a specimen that does not fill the box.
    """
    _refuse_outside(ms)
    given = {resolve_phase(ms, phase): float(value) for phase, value in values.items()}
    names = phases_of(ms)
    missing = [names[label] for label in names if label not in given]
    if missing and default is None:
        raise InputError(f"{argument}: has no value for {missing}; give one for each phase")
    wrong = {names[label]: v for label, v in given.items() if not (np.isfinite(v) and v >= 0)}
    if wrong:
        raise InputError(f"{argument}: must be finite and not negative, got {wrong}")
    return {label: given.get(label, default) for label in names}  # type: ignore[misc]


def _refuse_outside(ms: xr.DataArray) -> None:
    """Refuse boxes that are partly empty: effective properties are those of a full box."""
    outside = outside_label(stated_phases(ms) or {})
    if outside is not None and (np.asarray(ms) == outside).any():
        raise InputError(
            "ms: holds voxels outside of the specimen, and effective properties are those of a "
            "full box; crop one, or take windows with cut_windows"
        )


def values_of_voxels(
    labels: NDArray[np.integer], values: Mapping[int, float]
) -> NDArray[np.float64]:
    """Return for every voxel the value of its phase.

    Examples
    --------
    >>> values_of_voxels(np.array([7, 2**32 - 1]), {7: 0.5, 2**32 - 1: 2.0}).tolist()
    [0.5, 2.0]
    """
    column = np.array([values[label] for label in sorted(values)], dtype=np.float64)
    per_voxel: NDArray[np.float64] = column[label_ranks(labels, values)]
    return per_voxel


def check_cubic(ensemble: xr.DataArray) -> None:
    """Refuse voxels of unequal edges."""
    size, _ = voxel_size_of(ensemble)
    if not np.allclose(size, size[0], rtol=1e-6):
        raise InputError(f"ms: voxels must be cubic, got edges {size}; resample the labels")
