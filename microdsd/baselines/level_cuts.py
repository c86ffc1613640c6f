"""Level cuts of random fields: the S2 that each phase is to have among what is left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from microdsd.baselines.covariance import nearest_radial_map, nearest_spectrum
from microdsd.baselines.material import KnownMaterial
from microdsd.baselines.orthant import correlation_of_exceedance, exceedance_probability
from microdsd.baselines.reference import ReferenceWindows
from microdsd.errors import InputError
from microdsd.microstructure.labels import find_phase

Array = NDArray[np.float64]


@dataclass(frozen=True)
class LevelCut:
    """Hold one field, which gives a phase its voxels among those that no earlier phase has.

    Attributes
    ----------
    phase : int
        Position among the phases.
    fraction : float
        Of what no earlier phase has.
    two_point : ndarray, shape (2 reach + 1, ...)
        S2 that is aimed at.
    correlation : ndarray, shape (2 reach + 1, ...)
        Of the field that has it.
    radial : bool
        Whether both depend on the distance alone.
    """

    phase: int
    fraction: float
    two_point: Array
    correlation: Array
    radial: bool = False

    def spectrum(self, torus: tuple[int, ...]) -> tuple[Array, Array]:
        """Return the spectrum of the field on a torus, and the correlation that it has."""
        if self.radial:
            return nearest_spectrum(self.correlation, torus, iterations=1)
        return nearest_spectrum(self.correlation, torus)


def level_cuts(
    material: KnownMaterial,
    order: Sequence[int | str] | None,
    lift: Callable[[Callable[[ReferenceWindows], Array]], Array],
    *,
    radial: bool = False,
) -> list[LevelCut]:
    """Find the cuts of all phases but the last.

    Parameters
    ----------
    lift : callable
        From a measurement of windows to the correlation in the samples' dimensions.
    radial : bool
        Whether that depends on the distance alone.
    """
    left = list(range(len(material.phases)))
    cuts = []
    for phase in _ordered(material, order)[:-1]:
        share = material.fractions[phase] / sum(material.fractions[k] for k in left)
        remaining = tuple(left)

        def correlation(
            windows: ReferenceWindows, phase: int = phase, remaining: tuple[int, ...] = remaining
        ) -> Array:
            return _conditional_correlation(windows, phase, remaining)

        cuts.append(level_cut(phase, share, lift(correlation), radial=radial))
        left.remove(phase)
    return cuts


def _conditional_correlation(
    windows: ReferenceWindows, phase: int, remaining: Sequence[int]
) -> Array:
    """Return the correlation of a phase among what no earlier phase has taken."""
    left, taken = np.isin(windows.phase, remaining), windows.phase == phase
    of_left = windows.two_point_map(left)
    conditional = windows.two_point_map(taken) / np.where(of_left > 0, of_left, np.inf)
    share = float(taken.mean() / left.mean())
    return np.asarray((conditional - share**2) / (share - share**2))


def level_cut(phase: int, share: float, correlation: Array, *, radial: bool) -> LevelCut:
    """Find the field of one cut from the correlation of the phase that it cuts out."""
    two_point = share**2 + (share - share**2) * correlation
    field = correlation_of_exceedance(two_point, share)
    field[(field.shape[0] // 2,) * field.ndim] = 1.0
    return LevelCut(phase, share, two_point, nearest_radial_map(field) if radial else field, radial)


def _ordered(material: KnownMaterial, order: Sequence[int | str] | None) -> list[int]:
    if order is None:
        return sorted(range(len(material.fractions)), key=lambda phase: material.fractions[phase])
    labels = list(material.phases)
    chosen = [labels.index(find_phase(material.phases, phase)) for phase in order]
    if sorted(chosen) != list(range(len(labels))):
        raise InputError(
            f"order={list(order)}: name each of {', '.join(material.phases.values())} once"
        )
    return chosen


def misfit(cut: LevelCut, achieved: Array) -> float:
    """Sum ``|S2 - measured|`` over the lags, relative to the decay of the measured curve.

    Of what depends on the distance alone, over the distances: most lags of a volume are long.
    """
    two_point, measured = exceedance_probability(achieved, cut.fraction), cut.two_point
    if cut.radial:
        two_point, measured = _by_distance(two_point), _by_distance(measured)
    scale = np.abs(measured - cut.fraction**2).sum()
    return float(np.abs(two_point - measured).sum() / scale)


def _by_distance(lag_map: Array) -> Array:
    """Average a map over the lags of each distance, rounded to voxels, up to the reach."""
    reach = lag_map.shape[0] // 2
    lags = np.arange(-reach, reach + 1.0)
    length = np.sqrt(sum(lag**2 for lag in np.ix_(*[lags] * lag_map.ndim)))
    shell = np.rint(length).astype(int).ravel()
    return np.asarray(np.bincount(shell, lag_map.ravel()) / np.bincount(shell))[: reach + 1]
