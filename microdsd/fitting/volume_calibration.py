"""How volumes walk back, chosen so that their slices measure as the pictures' windows do.

Nothing of a volume is used but its slices, for pictures are all that there is. The search is that
of `microdsd.fitting.calibration`, over the weights of the slices, the sharpness of the potential
and the level that the walk ends at.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from microdsd.errors import InputError
from microdsd.fitting.calibration import (
    _NONE,
    _SHARPNESS,
    _fitted,
    _measured,
    _OutOfTimeError,
    _residuals,
    _tolerances,
)
from microdsd.fitting.calibration import _Settings as _WalkSettings
from microdsd.generation.microstructure_model import MicrostructureModel
from microdsd.generation.request import GenerationRequest
from microdsd.metrics import connected_components, euler_characteristic
from microdsd.microstructure import as_microstructure, phases_of
from microdsd.microstructure.composition import Fractions
from microdsd.models.contents import Contents
from microdsd.models.volume_walk import VolumeWalk, uncalibrated
from microdsd.models.volumes import AXES
from microdsd.models.walk_back import WalkBack
from microdsd.progress import stage

Array = np.ndarray

_WEIGHTS, _LAST, _LAST_IN_PASSES = (0.25, 1.2), (0.3, 1.2), (0.7, 1.3)
"""Bounds of weights, from slices that all say the same to such as say nothing of one another and
too little, and of the last level in voxels, also where phases are drawn in passes."""

_WEIGHT_STEP, _LAST_STEP, _SHARPNESS_STEP = math.log(1.12), math.log(1.33), math.log(1.12)
"""Steps of the search, in logarithms: clear of the noise of samples."""

_SPACING = 6
"""Voxels between the slices of a volume that are measured: nearer ones say the same."""

_SMALLEST, _LARGEST = 24, 64
"""Edges of the volumes of trials, voxels."""

_OF_SLICES = ("euler_characteristic", "largest_component_share")
"""What is measured of slices besides what is measured of the windows of any calibration."""

_SHARE = 0.05
"""Tolerance of the share of a phase in its largest component."""

_REHEARSED = 16
"""Edge of the volume by which the pace is measured, voxels."""

_ROUNDS_AND_START = 5
"""Trials besides one per setting."""


@dataclass(frozen=True)
class VolumeCalibration:
    """Hold what calibration of volumes found, and what it had time for.

    Attributes
    ----------
    walk : VolumeWalk
    edge : int
        Voxels per axis of the volumes that were compared.
    whole : bool
        Whether there was time for all trials.
    misfit : float
        Root mean square of what slices and windows differ in, in tolerances.
    """

    walk: VolumeWalk
    edge: int
    whole: bool
    misfit: float


class _Settings:
    """Represent the settings of volumes as a point of logarithms, with bounds."""

    def __init__(self, start: VolumeWalk, species: int) -> None:
        self._like = start
        sharpness = start.sharpness or (1.0,) * species
        last = _LAST_IN_PASSES if start.passes else _LAST
        weights = () if start.reading.fused else start.reading.weights
        bounds = (*[_WEIGHTS] * len(weights), last, *[_SHARPNESS] * species)
        self.low, self.high = np.log(np.array(bounds)).T
        self.steps = np.array(
            [*[_WEIGHT_STEP] * len(weights), _LAST_STEP, *[_SHARPNESS_STEP] * species]
        )
        point = np.log([*weights, start.last, *sharpness])
        self.start = point.clip(self.low, self.high)
        self.trials = _ROUNDS_AND_START + len(self.steps)

    def walk(self, point: Array) -> VolumeWalk:
        """Return the walk of a point."""
        values, reading = np.exp(point).round(4).tolist(), self._like.reading
        if not reading.fused:
            fine, coarse, *values = values
            reading = replace(reading, weights=(fine, coarse))
        last, *sharpness = values
        return replace(self._like, last=last, sharpness=tuple(sharpness), reading=reading)


def calibrated_volumes(
    models: Mapping[str, MicrostructureModel],
    pictures: Mapping[str, Array],
    begin: VolumeWalk | None = None,
    left: Callable[[], float] | None = None,
) -> VolumeCalibration:
    """Search the settings with which slices of volumes measure most like real windows.

    Parameters
    ----------
    models : mapping of str to MicrostructureModel
        Of the slices normal to every axis, "z", "y" and "x": one and the same where a material is
        alike in all directions.
    pictures : mapping of str to ndarray, shape (n, rows, columns)
        Windows of cuts normal to every axis that training has not seen. Slices normal to axes that
        share an array are compared with it together.
    begin : VolumeWalk, optional
        Where the search begins, by default at `uncalibrated`; its number of evaluations, the first
        level and the levels of slices are kept.
    left : callable, optional
        Says how many seconds are left; without, the volumes are as large as windows allow.

    Returns
    -------
    VolumeCalibration

    Raises
    ------
    InputError
        For windows that hold no volume of a useful size.
    """
    largest = _largest_edge(pictures)
    contents = models[AXES[0]].card.contents
    last_draw = all(models[axis].card.last_draw is not None for axis in AXES)
    start = begin or uncalibrated(last_draw=last_draw)
    settings = _Settings(start, models[AXES[0]].card.network.species)
    edge = largest
    if left is not None:
        affordable = left() / settings.trials / _seconds_per_voxel(models, start)
        edge = int(min(largest, max(_SMALLEST, affordable ** (1 / 3))))
        edge = min(edge, largest)
    cuts = _Cuts(pictures, edge, contents, volumes=1)
    lowest = math.inf

    with stage("calibration of volumes", total=settings.trials) as progress:

        def residual(x: Array) -> Array:
            nonlocal lowest
            if left is not None and left() <= 0:
                raise _OutOfTimeError
            residuals = cuts.residuals([_trial(models, settings.walk(x), edge, cuts.fractions)])
            lowest = min(lowest, float(np.sqrt(np.square(residuals).sum() / cuts.measured)))
            progress.advance(1)
            return residuals

        x, whole = _fitted(residual, settings.start, settings.low, settings.high, settings.steps)
    return VolumeCalibration(settings.walk(x), edge, whole, lowest)


def volume_calibration_seconds(
    models: Mapping[str, MicrostructureModel], window: Sequence[int], begin: VolumeWalk
) -> float:
    """Return the time that `calibrated_volumes` takes with volumes as large as windows allow."""
    settings = _Settings(begin, models[AXES[0]].card.network.species)
    edge = min(_LARGEST, *window)
    return float(settings.trials * edge ** len(AXES) * _seconds_per_voxel(models, begin))


def calibrated_on_pictures(
    model: MicrostructureModel, pictures: Mapping[str, Array], volumes: int = 3
) -> WalkBack:
    """Search the walk with which slices of a 3D model's samples measure most like real windows.

    For a model that has learned from volumes which were made of slices: it makes volumes faster,
    and what is wrong with theirs need not be wrong with its own.

    Parameters
    ----------
    model : MicrostructureModel
        Of three axes. Its own number of evaluations is calibrated.
    pictures : mapping of str to ndarray, shape (n, rows, columns)
        As of `calibrated_volumes`.
    volumes : int
        Made in every trial.

    Returns
    -------
    WalkBack

    Raises
    ------
    InputError
        As `calibrated_volumes`.
    """
    card = model.card
    edge = _largest_edge(pictures)
    cuts = _Cuts(pictures, edge, card.contents, volumes)
    settings = _WalkSettings(card)

    with stage("calibration on pictures", total=settings.trials) as progress:

        def residual(x: Array) -> Array:
            request = GenerationRequest.resolve(
                replace(card, walks=(settings.walk(card.evaluations, x),)),
                volumes,
                phase_fraction=cuts.fractions,
                shape=(edge,) * len(AXES),
                rng=0,
            )
            residuals = cuts.residuals([labels for labels, _ in model.generate(request)])
            progress.advance(1)
            return residuals

        start = settings.start(card.evaluations)
        x, _ = _fitted(residual, start, settings.low, settings.high, settings.steps)
    return settings.walk(card.evaluations, x)


def _largest_edge(pictures: Mapping[str, Array]) -> int:
    """Return the edge of the largest volumes whose slices can be compared with windows."""
    shapes = [windows.shape[1:] for windows in pictures.values()]
    largest: int = min(_LARGEST, *map(min, shapes))
    if largest < _REHEARSED:
        raise InputError(
            f"window={min(shapes)}: volumes are calibrated on windows of {_REHEARSED} or more"
        )
    return largest


class _Cuts:
    """Compare slices of volumes with windows of pictures, all that there is of a material.

    Slices normal to axes that share an array of windows are compared with it together.
    """

    def __init__(
        self, pictures: Mapping[str, Array], edge: int, contents: Contents, volumes: int
    ) -> None:
        self._contents = contents
        distinct = {id(windows): windows for windows in pictures.values()}.values()
        self._axes = [
            [k for k, axis in enumerate(AXES) if pictures[axis] is windows] for windows in distinct
        ]
        parts = [windows[:, :edge, :edge] for windows in distinct]
        self.fractions: dict[int | str, float | Sequence[float]] = {
            name: float(np.mean([(part == label).mean() for part in parts]))
            for label, name in contents.phases.items()
        }
        self._targets = [_of_slices(part, contents) for part in parts]
        slices = volumes * len(_places(edge))
        self._tolerances = [
            _of_slices_tolerances(target, slices * len(axes))
            for axes, target in zip(self._axes, self._targets, strict=True)
        ]
        self.measured = sum(map(len, self._targets))

    def residuals(self, volumes: Sequence[Array]) -> Array:
        """Return what the slices of volumes are off, in tolerances."""
        rows = []
        for axes, target, tolerance in zip(
            self._axes, self._targets, self._tolerances, strict=True
        ):
            slices = np.concatenate([slices_of(volume, axes) for volume in volumes])
            rows.append(_residuals(_of_slices(slices, self._contents), target, tolerance))
        return np.concatenate(rows)


def slices_of(volume: Array, axes: Sequence[int] = (0, 1, 2)) -> Array:
    """Return slices of a cube normal to some axes, some voxels apart, (n, edge, edge)."""
    return np.stack([np.take(volume, k, axis) for axis in axes for k in _places(len(volume))])


def _places(edge: int) -> range:
    return range(_SPACING // 2, edge, _SPACING)


def _trial(
    models: Mapping[str, MicrostructureModel], walk: VolumeWalk, edge: int, fractions: Fractions
) -> Array:
    first = models[AXES[0]]
    volumes = MicrostructureModel.from_slices(
        models, walk=walk, device=first.device, precision=first.precision
    )
    request = GenerationRequest.resolve(
        volumes.card, 1, phase_fraction=fractions, shape=(edge,) * len(AXES), rng=0
    )
    ((labels, _),) = volumes.generate(request)
    return labels


def _seconds_per_voxel(models: Mapping[str, MicrostructureModel], walk: VolumeWalk) -> float:
    """Measure the time that a small volume takes, per voxel."""
    fractions: Fractions = dict(models[AXES[0]].card.fraction_mean.items())
    for _ in range(2):  # the first also warms up
        begun = time.monotonic()
        _trial(models, walk, _REHEARSED, fractions)
        seconds = time.monotonic() - begun
    return float(seconds / _REHEARSED ** len(AXES))


def _of_slices(stack: Array, contents: Contents) -> dict[str, Array]:
    """Measure slices or windows: what calibration in 2D compares, and how they are connected."""
    windows = as_microstructure(stack, phases=contents.phases, ensemble=True)
    measured = _measured(stack, contents)
    for label in phases_of(windows):
        measured[f"euler_characteristic {label}"] = _column(
            euler_characteristic(windows, phase=label, periodic=False)
        )
        components = connected_components(windows, phase=label, periodic=False)
        measured[f"largest_component_share {label}"] = _column(components.largest_share.fillna(0.0))
    return measured


def _column(values: xr.DataArray) -> Array:
    return np.asarray(values.values, dtype=float).reshape(-1, 1)


def _of_slices_tolerances(target: dict[str, Array], slices: int) -> dict[str, Array]:
    """Return the difference of means that counts as one, of so many slices of one volume.

    Their scatter is part of it. Without it the search follows what happens to change from one
    volume to the next, and takes settings that decide for such as change nothing.
    """
    usual = {
        name: values for name, values in target.items() if name.partition(" ")[0] not in _OF_SLICES
    }
    tolerances = _tolerances(usual)
    for name in target:
        kind, _, label = name.partition(" ")
        if kind == "largest_component_share":
            tolerances[name] = np.array([_SHARE])
        elif kind == "euler_characteristic":  # of about as many things as there are components
            tolerances[name] = tolerances[f"component_count {label}"] + _NONE
    return {
        name: np.hypot(
            tolerances[name], np.sqrt(values.var(0) / slices * values.shape[1])
        )  # all lags of a curve together count as one number
        for name, values in target.items()
    }
