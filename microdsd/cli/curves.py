"""What `microdsd baseline --s2` makes of a curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from microdsd.errors import InputError

if TYPE_CHECKING:
    from microdsd.baselines import GaussianField, YeongTorquato


def baseline_of_curve(
    path: Path,
    method: str,
    *,
    fraction: Mapping[int | str, float] | float | None,
    phases: Mapping[int, str] | None,
    voxel_size: Any,
    shape: Sequence[int] | None,
    tolerance: float | None,
) -> tuple[GaussianField | YeongTorquato, Mapping[int | str, float] | float | None]:
    """Read a curve and fit a baseline; return it with the request by phase.

    Parameters
    ----------
    path : Path
        CSV.
    method : {"gaussian-field", "yeong-torquato"}
    fraction : mapping or float, optional
        Without names of phases, its one phase is that of the curve.
    phases : mapping of int to str, optional
    voxel_size : optional
        Needed where the curve has a unit.
    shape : sequence of int, optional
        Two numbers are a plane, one or three a volume.
    tolerance : float, optional
    """
    from microdsd.baselines import GaussianField, YeongTorquato
    from microdsd.baselines.curve import TOLERANCE
    from microdsd.baselines.curve_file import read_curve
    from microdsd.microstructure.voxels import as_voxel_size

    distance, s2, metric = read_curve(path)
    ndim: Literal[2, 3] = 2 if shape is not None and len(shape) == 2 else 3
    if metric:
        if voxel_size is None:
            raise InputError(
                f"{path}: its distances have a unit; say with --voxel-size how large a voxel is"
            )
        distance = distance / as_voxel_size(voxel_size, ndim).size[0]
    names = _names(fraction, phases)
    asked: Mapping[int | str, float] | None = None
    if fraction is not None:
        asked = fraction if isinstance(fraction, Mapping) else {names[min(names)]: fraction}
    baseline: type[GaussianField | YeongTorquato] = (
        GaussianField if method == "gaussian-field" else YeongTorquato
    )
    model = baseline.from_curve(
        distance,
        s2,
        fraction=_of_first(asked, names),
        phases=names,
        voxel_size=voxel_size,
        ndim=ndim,
        tolerance=TOLERANCE if tolerance is None else tolerance,
    )
    return model, asked


def _names(
    fraction: Mapping[int | str, float] | float | None, phases: Mapping[int, str] | None
) -> dict[int, str]:
    """Return the names of the two phases, that of the curve first."""
    if phases is not None:
        return dict(phases)
    named = (
        [name for name in fraction if isinstance(name, str) and not name.isdecimal()]
        if (isinstance(fraction, Mapping))
        else []
    )
    if not named:
        return {0: "phase 0", 1: "phase 1"}
    return dict(enumerate([*named, f"not {named[0]}"][:2]))


def _of_first(asked: Mapping[int | str, float] | None, names: Mapping[int, str]) -> float | None:
    """Return the requested fraction of the phase of the curve."""
    if asked is None:
        return None
    first = min(names)
    by_name = {str(key): value for key, value in asked.items()}
    for key in (names[first], str(first)):
        if key in by_name:
            return by_name[key]
    return 1 - sum(by_name.values())
