"""Differences of descriptors at equal fractions, with their errors and answers."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.stats

from microdsd.evaluation.bootstrap import simultaneous_band
from microdsd.evaluation.fraction_trend import FractionTrend
from microdsd.evaluation.verdict.features import Block
from microdsd.evaluation.verdict.needed import Needed, factors_differs, factors_within
from microdsd.evaluation.verdict.permutation import SHUFFLES, Shuffles, mean_square, p_value
from microdsd.evaluation.verdict.result import DescriptorDifference, Difference, Test
from microdsd.metrics.registry import Margin

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Numbers = NDArray[np.float64]

NOT_DEFINED = 0.5
"""Share of the samples without a value from which a descriptor is not judged."""


@dataclasses.dataclass(frozen=True)
class Setting:
    """Hold the settings that all descriptors share.

    Attributes
    ----------
    trend : FractionTrend
        Trend of the real windows alone.
    pooled : FractionTrend
        Trend of samples and windows together, for what is shuffled.
    made_weights : ndarray, shape (samples, windows)
        Weights of the windows in the value expected at the fractions of each sample.
    shuffles : Shuffles
    alpha : float
        Level of the verdict.
    tests : int
        Number of tests that share it.
    rng : numpy Generator
    outside : int
        Further samples, whose fractions no window comes near: advice on how many to make counts
        them, as the same share of any more would be.
    """

    trend: FractionTrend
    pooled: FractionTrend
    made_weights: Numbers
    shuffles: Shuffles
    alpha: float
    tests: int
    rng: np.random.Generator
    outside: int = 0

    @classmethod
    def of(
        cls,
        made_phi: Numbers,
        real_phi: Numbers,
        *,
        alpha: float,
        tests: int,
        rng: np.random.Generator,
        outside: int = 0,
        shuffles: int = SHUFFLES,
    ) -> Setting:
        """Fit the trends and draw the permutations."""
        trend = FractionTrend(real_phi)
        weights = trend.weights(made_phi)
        mean = weights.mean(axis=0)
        drawn = Shuffles(len(made_phi), len(real_phi), mean, rng, number=shuffles)
        pooled = FractionTrend(np.concatenate([made_phi, real_phi]))
        return cls(trend, pooled, weights, drawn, alpha, tests, rng, outside)

    @property
    def sizes(self) -> tuple[int, int]:
        """Return the numbers of samples and of windows."""
        samples, windows = self.made_weights.shape
        return samples, windows


class Adjusted:
    """Hold one descriptor of all samples and windows, as deviations from the trend.

    Attributes
    ----------
    residuals : ndarray, shape (samples + windows, components)
        Deviations over their standard deviation among the windows.
    """

    def __init__(self, setting: Setting, generated: Block, real: Block, margin: Margin) -> None:
        self.setting, self.block, self.margin = setting, real, margin
        new, reference = _flat(generated.values), _flat(real.values)
        self._known = (np.isfinite(new).mean(axis=0) > NOT_DEFINED) & (
            np.isfinite(reference).mean(axis=0) > NOT_DEFINED
        )
        self.means = _means(new), _means(reference)
        new, reference = (
            np.where(np.isfinite(side), side, mean)
            for side, mean in zip((new, reference), self.means, strict=True)
        )
        self._size = np.abs(reference).mean(axis=0)
        rounding = 1e-10 * np.maximum(self._size, np.abs(new).mean(axis=0))
        self._made = _without(new - setting.made_weights @ reference, rounding)
        self._real = _without(setting.trend.residuals(reference), rounding)
        self._pooled = _without(
            setting.pooled.residuals(np.concatenate([new, reference])), rounding
        )
        self.shift: Numbers = self._made.mean(axis=0)
        self.expected: Numbers = self.means[0] - self.shift
        self._weights = setting.made_weights.mean(axis=0)
        self._variance, self._freedom = self._error(np.eye(new.shape[1]))
        points = real.values.shape[2]
        self._places = [slice(k * points, (k + 1) * points) for k in range(len(real.phase))]
        self._readings = [self._read(place) for place in self._places]
        deviation = self._real.std(axis=0)
        scale = np.where(deviation > 0, deviation, np.inf)
        self.residuals: Numbers = np.concatenate([self._made, self._real]) / scale
        self._components = max(int((deviation > 0).sum()), 1)

    @property
    def inside(self) -> bool:
        """Tell whether all parts were shown to be within the margin."""
        return all(reading is not None and reading.inside for reading in self._readings)

    @property
    def weighed(self) -> Numbers:
        """Return residuals that count as one, however many they are."""
        weighed: Numbers = self.residuals / np.sqrt(self._components)
        return weighed

    def squares(self) -> tuple[float, Numbers]:
        """Return the mean squared difference in standard errors: observed, and permuted."""
        samples, _ = self.setting.sizes
        within = self._made.var(axis=0, ddof=1) / samples
        observed = mean_square(self.shift, within + self._weights**2 @ self._real**2)
        return float(observed), self.setting.shuffles.squares(self._pooled)

    def test(self, squares: tuple[float, Numbers], parts: tuple[Difference, ...]) -> Test:
        """Return the answer of this descriptor, before correction for the number of tests."""
        worst = max(parts, key=lambda part: part.bound)
        return Test(
            name=self.block.descriptor,
            p_value=p_value(*squares),
            difference=worst.relative,
            interval=worst.interval,
            margin=self.margin.value,
            inside=self.inside,
            needed=self._needed(self._readings),
        )

    def difference(self, squares: tuple[float, Numbers]) -> DescriptorDifference:
        """Return the mean differences of all phases and axes."""
        parts = tuple(self._part(k) for k in range(len(self.block.phase)))
        return DescriptorDifference(
            self.block.descriptor, self.block.units, float(np.sqrt(squares[0])), parts
        )

    def _part(self, k: int) -> Difference:
        block, place, reading = self.block, self._places[k], self._readings[k]
        low, high = self._band(place) if block.curve else ((), ())
        return Difference(
            phase=block.phase[k],
            axis=block.axis[k],
            real=float(self.expected[place].sum()),
            generated=float(self.means[0][place].sum()),
            relative=None if reading is None else reading.difference,
            interval=None if reading is None else reading.interval,
            margin=self.margin.value,
            inside=reading is not None and reading.inside,
            at=None if reading is None or reading.at is None else block.points[reading.at],
            needed=self._needed([reading]),
            points=block.points,
            difference=_tuple(self.shift[place]) if block.curve else (),
            low=_tuple(low),
            high=_tuple(high),
        )

    def _needed(self, readings: list[Reading | None]) -> Needed | None:
        """Estimate how many samples and windows would decide if this were the difference.

        All parts have to be within the margin; one that differs is enough for the other answer.
        """
        known = [reading for reading in readings if reading is not None]
        if len(known) < len(readings) or all(reading.inside for reading in known):
            return None
        level = self.setting.alpha / self.setting.tests
        alpha, margin = self.setting.alpha, self.margin.value
        within = max(factors_within(r.shift, r.error, margin, alpha).max() for r in known)
        differs = min(factors_differs(r.shift, r.error, level).min() for r in known)
        samples, windows = self.setting.sizes
        factor = float(min(within, differs))
        return Needed.times(factor, samples + self.setting.outside, windows)

    def _read(self, chosen: slice) -> Reading | None:
        """Return differences and errors of one part in margins; None without a scale."""
        real = self.expected[chosen]
        if not self._known[chosen].all():
            return None
        kind = self.margin.kind
        columns = np.zeros((len(self.shift), 1))
        columns[chosen] = 1.0
        if not self.block.curve or kind == "mean":
            # A curve that is the share of at least each length has the mean as its sum.
            scale = {
                "mean": abs(float(real.sum())),
                "size": float(self._size[chosen].sum()),
            }.get(kind, 1.0)
            variance, freedom = self._error(columns)
            shift = np.array([self.shift[chosen].sum()])
        else:
            scale = float(np.ptp(real)) if kind == "fall" else 1.0
            variance, freedom = self._variance[chosen], self._freedom[chosen]
            shift = self.shift[chosen]
        if not scale > 0:
            return None
        error = np.sqrt(variance) / scale
        return Reading(shift / scale, error, freedom, self.setting.alpha, self.margin.value)

    def _error(self, columns: Numbers) -> tuple[Numbers, Numbers]:
        """Return squared standard errors of sums of components, and their degrees of freedom."""
        samples, windows = self.setting.sizes
        new, real = self._made @ columns, self._real @ columns
        new_error = new.var(axis=0, ddof=1) if samples > 1 else np.full(new.shape[1], np.inf)
        new_error = np.maximum(new_error, self.block.step**2 * _unseen(samples)) / samples
        # Deviations of windows far from the others are reduced most by the fit (HC3).
        squared = real**2 / (1 - self.setting.trend.leverage)[:, np.newaxis]
        effective = 1 / (self._weights**2).sum()
        least = self.block.step**2 * _unseen(effective) / effective
        real_error = np.maximum(self._weights**2 @ squared, least)
        total = new_error + real_error
        freedom = min(windows - self.setting.trend.coefficients, effective)
        parts = new_error**2 / max(samples - 1, 1) + real_error**2 / max(freedom, 1)
        return total, np.divide(total**2, parts, out=np.full_like(total, 1e6), where=parts > 0)

    def _band(self, chosen: slice) -> tuple[Numbers, Numbers]:
        """Compute a simultaneous band of the difference by resampling samples and windows."""
        samples, _ = self.setting.sizes
        shift = self.shift[chosen]
        new = (self._made[:, chosen] - shift) / samples
        real = self._weights[:, np.newaxis] * self._real[:, chosen]
        return simultaneous_band(shift, np.concatenate([new, real]), rng=self.setting.rng)


@dataclasses.dataclass(frozen=True)
class Reading:
    """Hold the differences of one part, in margins, and their answers.

    Attributes
    ----------
    shift, error, freedom : ndarray, shape (points,)
        Differences, their standard errors and degrees of freedom: of every point of a curve whose
        margin holds at every distance, else one.
    alpha : float
        Level of each of the two one-sided tests.
    margin : float
    """

    shift: Numbers
    error: Numbers
    freedom: Numbers
    alpha: float
    margin: float

    @property
    def _bounds(self) -> tuple[Numbers, Numbers]:
        width = scipy.stats.t.ppf(1 - self.alpha, self.freedom) * self.error
        return self.shift - width, self.shift + width

    @property
    def _worst(self) -> int:
        low, high = self._bounds
        return int(np.maximum(-low, high).argmax())

    @property
    def at(self) -> int | None:
        """Return the number of the point that may deviate most; None if there is only one."""
        return self._worst if len(self.shift) > 1 else None

    @property
    def difference(self) -> float:
        """Return the difference at this point."""
        return float(self.shift[self._worst])

    @property
    def interval(self) -> tuple[float, float]:
        """Return the interval of the true difference with the confidence 1 - 2 alpha."""
        low, high = self._bounds
        return float(low[self._worst]), float(high[self._worst])

    @property
    def inside(self) -> bool:
        """Tell whether two one-sided tests show every difference to be within the margin.

        All of them have to, so that none needs to be corrected for the others.
        """
        low, high = self._bounds
        return bool((low > -self.margin).all() and (high < self.margin).all())


def _unseen(n: float) -> float:
    """Return the variance of yes and no of which n samples saw only one (Agresti and Coull)."""
    share = 2 / (n + 4)
    return share * (1 - share)


def _means(values: Numbers) -> Numbers:
    """Average over the samples where values are defined; 0 where they never are."""
    masked: np.ma.MaskedArray[Any, Any] = np.ma.masked_invalid(values).mean(axis=0)
    means: Numbers = np.ma.filled(masked, 0.0)
    return means


def _without(values: Numbers, rounding: Numbers) -> Numbers:
    return np.where(np.abs(values) <= rounding, 0.0, values)


def _flat(values: Numbers) -> Numbers:
    return values.reshape(len(values), -1)


def _tuple(values: ArrayLike) -> tuple[float, ...]:
    return tuple(np.asarray(values, dtype=float).tolist())
