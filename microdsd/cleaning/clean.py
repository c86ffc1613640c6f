"""Specks and floating components removed; every phase keeps its count to the voxel."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import ndimage

from microdsd.cleaning.exchange import Exchange
from microdsd.cleaning.specks import Components, filled, unwanted
from microdsd.errors import InputError
from microdsd.microstructure import (
    LabelsLike,
    as_ensemble,
    as_microstructure,
    derived_provenance,
    label_counts,
    phases_of,
    resolve_phase,
)
from microdsd.microstructure.outside import material_phases
from microdsd.progress import stage

Scores = dict[int, NDArray[np.floating]]

_SMOOTH = 1.0
"""Standard deviation, in voxels, of the mean that stands for log p where there is no model."""

_FLOOR = 1e-6

_ROUNDS = 50
"""Most rounds of removing and giving back; the first one is nearly always enough."""


class Cleaned(NamedTuple):
    """Hold samples without unwanted components, and what that took.

    Attributes
    ----------
    labels : DataArray
    components, voxels, exchanged : list of int
        Per sample: components removed, their voxels, and voxels that changed sides to keep the
        counts.
    """

    labels: xr.DataArray
    components: list[int]
    voxels: list[int]
    exchanged: list[int]


def clean(
    ms: LabelsLike,
    *,
    min_size: int,
    periodic: bool,
    phases: Sequence[int | str] | None = None,
    floating: bool = False,
    log_p: xr.DataArray | None = None,
) -> Cleaned:
    """Remove components that are too small or float freely; every count stays exact.

    A component, voxels of one phase joined through faces, goes to the phase around it that fits
    best. Voxels in the faces between phases then change sides, best ones first, until every phase
    has as many voxels as before; none of them cuts a component in two or makes one too small.

    Parameters
    ----------
    ms : DataArray or ndarray
        Integer labels, dims ``([sample,] [z,] y, x)``. What is named "outside" stays.
    min_size : int
        Fewest voxels that a component may have.
    periodic : bool
        Whether the box wraps. There is no default.
    phases : sequence of int or str, optional
        Phases whose components may go; by default all.
    floating : bool
        Whether components go, whatever their size, that touch no face of the box.
    log_p : DataArray, dims (sample, phase, [z,] y, x), optional
        Log probability of every phase on every voxel, such as
        `microdsd.generation.log_probability` has from a model: what fits best. By default the log
        of the smoothed indicator of every phase, so that voxels change sides where the interface
        is roughest.

    Returns
    -------
    Cleaned

    Raises
    ------
    InputError
        If a size or phase makes no sense, nothing would be left of a sample, or the counts cannot
        be kept.

    Examples
    --------
    >>> labels = np.zeros((8, 8), dtype=int)
    >>> labels[2:7, 2:7] = 1
    >>> labels[0, 0] = 1  # a speck
    >>> cleaned = clean(labels, min_size=4, periodic=False)
    >>> cleaned.components, label_counts(cleaned.labels.values), int(cleaned.labels[0, 0])
    ([1], {0: 38, 1: 26}, 0)
    """
    if min_size < 1:
        raise InputError(f"min_size: must be at least 1, got {min_size}")
    if floating and periodic:
        raise InputError("floating: a box that wraps has no faces; leave one of both out")
    whole = as_microstructure(ms)
    ensemble = as_ensemble(whole)
    names = phases_of(ensemble)
    material = sorted(material_phases(names))
    chosen = material if phases is None else [resolve_phase(ensemble, one) for one in phases]
    if left := [names[label] for label in chosen if label not in material]:
        raise InputError(f"phases: {left[0]!r} is no material; leave it out")
    if log_p is not None:
        _check_log_p(log_p, ensemble, material)
    cleaned: list[NDArray[Any]] = []
    numbers: list[tuple[int, int, int]] = []
    with stage("cleaning", total=ensemble.sizes["sample"]) as progress:
        for i, sample in enumerate(ensemble.values):
            scores = (
                _smoothness(sample, material, periodic)
                if log_p is None
                else {k: log_p[i].sel(phase=k).values for k in material}
            )
            labels, *taken = _cleaned(
                sample, material, chosen, scores, min_size, floating, periodic
            )
            cleaned.append(labels)
            numbers.append((taken[0], taken[1], taken[2]))
            progress.advance(1)
    components, voxels, exchanged = (list(column) for column in zip(*numbers, strict=True))
    record = derived_provenance(
        whole,
        "clean",
        min_size=min_size,
        floating=floating,
        periodic=periodic,
        phases=[names[label] for label in chosen],
        score="smoothness" if log_p is None else log_p.attrs.get("source", "log p"),
        components=components,
        voxels=voxels,
        exchanged=exchanged,
    )
    values = np.stack(cleaned) if "sample" in whole.dims else cleaned[0]
    result = whole.copy(data=values.astype(whole.dtype, copy=False))
    result.attrs["provenance"] = json.dumps(record)
    return Cleaned(result, components, voxels, exchanged)


def _cleaned(
    before: NDArray[Any],
    material: Sequence[int],
    chosen: Sequence[int],
    scores: Scores,
    min_size: int,
    floating: bool,
    periodic: bool,
) -> tuple[NDArray[Any], int, int, int]:
    """Clean one sample; count the components removed, their voxels and the exchanged voxels."""
    counts = label_counts(before)
    wanted = {phase: counts.get(phase, 0) for phase in material}
    removed = components = moved = 0
    for phase in chosen:
        if 0 < wanted[phase] < min_size:
            raise InputError(
                f"min_size={min_size}: phase {phase} has {wanted[phase]} voxels in all; give a "
                "smaller size, or leave the phase out"
            )
    labels = before.copy()
    for _ in range(_ROUNDS):
        components_before = Components.of(labels, material, periodic)
        goes = unwanted(components_before, chosen, min_size, floating)
        if not goes.any():
            return labels, components, removed, moved
        components += int(goes.sum())
        removed += int(components_before.voxels[goes].sum())
        rules = {"min_size": min_size, "floating": floating, "periodic": periodic}
        labels = filled(labels, material, chosen, scores, **rules)  # type: ignore[arg-type]
        exchange = Exchange(labels, material, chosen, scores, **rules)  # type: ignore[arg-type]
        moved += exchange.balance(wanted)
    raise InputError(
        f"min_size={min_size}: components keep coming back while counts are kept; give a smaller "
        "size"
    )


def _smoothness(labels: NDArray[Any], phases: Sequence[int], periodic: bool) -> Scores:
    """Return the log of the share of every phase around every voxel."""
    mode: Literal["wrap", "nearest"] = "wrap" if periodic else "nearest"
    return {
        phase: np.log(
            ndimage.gaussian_filter((labels == phase).astype(np.float32), _SMOOTH, mode=mode)
            + _FLOOR
        )
        for phase in phases
    }


def _check_log_p(log_p: xr.DataArray, ensemble: xr.DataArray, phases: Sequence[int]) -> None:
    space = ensemble.shape[1:]
    expected = ("sample", "phase", *ensemble.dims[1:])
    if log_p.dims != expected or log_p.shape[2:] != space or len(log_p) != len(ensemble):
        raise InputError(
            f"log_p: expected dims {expected} over {len(ensemble)} samples of {space} voxels, got "
            f"{log_p.dims} of {log_p.shape}"
        )
    if missing := sorted(set(phases) - set(log_p.phase.values.tolist())):
        raise InputError(f"log_p: the phases {missing} are not in it")
    if not np.isfinite(log_p.values).all():
        raise InputError("log_p: holds values that are not finite; give logs of probabilities > 0")
