"""Descriptors of pairs at equal fractions, in standard deviations, and their mean differences."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.stats

from microdsd.evaluation.bootstrap import mean_band
from microdsd.evaluation.verdict.features import Block
from microdsd.evaluation.verdict.matching import Pairs, fraction_trend
from microdsd.evaluation.verdict.permutation import random_swaps
from microdsd.evaluation.verdict.result import DescriptorDifference, Difference

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Numbers = NDArray[np.float64]

POWER = 0.8
SPLITS = 200
FEWEST_REAL = 4


@dataclasses.dataclass(frozen=True)
class Setting:
    """What all descriptors share.

    Attributes
    ----------
    pairs : Pairs
    phi : ndarray, shape (2 pairs, phases)
        Fractions of the generated members, then of the real.
    real_phi : ndarray, shape (windows, phases)
        Of all real windows.
    signs : ndarray, shape (swaps, pairs)
        Of `random_swaps`.
    splits : ndarray, shape (splits, windows)
        Weights of the difference of the means of two disjoint random real sets.
    rng : numpy Generator
    """

    pairs: Pairs
    phi: Numbers
    real_phi: Numbers
    signs: Numbers
    splits: Numbers
    rng: np.random.Generator

    @classmethod
    def of(
        cls, pairs: Pairs, made_phi: Numbers, real_phi: Numbers, rng: np.random.Generator
    ) -> Setting:
        """Draw swaps and splits."""
        return cls(
            pairs,
            np.concatenate([made_phi[pairs.generated], real_phi[pairs.real]]),
            real_phi,
            random_swaps(len(pairs), rng),
            _splits(len(real_phi), len(pairs), rng),
            rng,
        )


class Adjusted:
    """One descriptor of both members of every pair, and of all real windows.

    Attributes
    ----------
    features : ndarray, shape (2 pairs, components)
        Deviations from the trend with the fractions, over their standard deviation.
    """

    def __init__(self, setting: Setting, made: Block, real: Block) -> None:
        pairs = setting.pairs
        self.setting, self.block = setting, real
        ours, theirs = made.values[pairs.generated], real.values[pairs.real]
        self.means = _means(ours), _means(theirs)
        raw, every = np.concatenate([_flat(ours), _flat(theirs)]), _flat(real.values)
        centre = _means(raw)
        raw, every = (np.where(np.isfinite(values), values, centre) for values in (raw, every))
        left, every_left = raw - centre, every - centre
        if real.trend:
            left = raw - fraction_trend(setting.phi, raw, setting.phi)
            every_left = every - fraction_trend(setting.phi, raw, setting.real_phi)
        deviation = left.std(axis=0)
        # What is left of a constant or of the fraction itself is rounding.
        known = deviation > 1e-9 * np.abs(raw).max(axis=0, initial=0)
        self._deviation = np.where(known, deviation, 0.0)
        scale = np.where(known, deviation, np.inf)
        self.features: Numbers = left / scale
        self._components = max(int(known.sum()), 1)
        self._between = self.features[: len(pairs)] - self.features[len(pairs) :]
        self._real_sets = setting.splits @ (every_left / scale)

    @property
    def weighed(self) -> Numbers:
        """Features that count as one, however many they are."""
        weighed: Numbers = self.features / np.sqrt(self._components)
        return weighed

    def difference(self, energy: float, level: float) -> DescriptorDifference:
        """Mean differences; `level` is the chance of a false alarm of one test of the family."""
        over = _in_spreads(self._between, self._real_sets)
        parts = tuple(self._part(k, level) for k in range(len(self.block.phase)))
        return DescriptorDifference(self.block.descriptor, self.block.units, energy, over, parts)

    def _part(self, k: int, level: float) -> Difference:
        block = self.block
        points = block.values.shape[2]
        here = slice(k * points, (k + 1) * points)
        made, real = (side[k] for side in self.means)
        between = self._between[:, here] * self._deviation[here]
        shift = between.mean(axis=0)
        scale = float(np.abs(real - real[-1] if block.curve else real).sum())
        detectable = None
        if not block.curve and scale > 0 and len(self._real_sets):
            spread = float(_rms(self._real_sets[:, here]) * self._deviation[here][0])
            quantiles = np.asarray(scipy.stats.norm.ppf([1 - level / 2, POWER]))
            detectable = float(quantiles.sum() * spread / scale) or None
        low, high = mean_band(between, rng=self.setting.rng) if block.curve else ((), ())
        return Difference(
            phase=block.phase[k],
            axis=block.axis[k],
            real=float(real.sum()),
            generated=float(made.sum()),
            shift=float(shift.sum()),
            relative=float(shift.sum() / scale) if scale > 0 else None,
            in_spreads=_in_spreads(self._between[:, here], self._real_sets[:, here]),
            detectable=detectable,
            points=block.points,
            difference=_tuple(shift) if block.curve else (),
            low=_tuple(low),
            high=_tuple(high),
        )


def _splits(n_real: int, size: int, rng: np.random.Generator) -> Numbers:
    """Rows of weights; sets hold half the windows at most, and count as if of `size`."""
    if n_real < FEWEST_REAL:
        return np.empty((0, n_real))
    half = min(size, n_real // 2)
    weights = np.zeros(n_real)
    weights[:half], weights[half : 2 * half] = 1 / half, -1 / half
    return rng.permuted(np.tile(weights * np.sqrt(half / size), (SPLITS, 1)), axis=1)


def _in_spreads(between: Numbers, real_sets: Numbers) -> float | None:
    """Root mean square of a mean difference over that of real sets, if these differ."""
    spread = _rms(real_sets) if len(real_sets) else 0.0
    return _rms(between.mean(axis=0)) / spread if spread > 0 else None


def _rms(values: Numbers) -> float:
    return float(np.sqrt((values**2).mean()))


def _means(values: Numbers) -> Numbers:
    """Mean over the samples where it is defined, 0 where it never is."""
    masked: np.ma.MaskedArray[Any, Any] = np.ma.masked_invalid(values).mean(axis=0)
    found: Numbers = np.ma.filled(masked, 0.0)
    return found


def _flat(values: Numbers) -> Numbers:
    return values.reshape(len(values), -1)


def _tuple(values: ArrayLike) -> tuple[float, ...]:
    return tuple(np.asarray(values, dtype=float).tolist())
