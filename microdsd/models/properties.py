"""Properties that a model was conditioned on: their scale, and what is attainable of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.special import ndtri

from microdsd.models.contents import CONFIG

_OFTEN_NAN = Annotated[float, Field(allow_inf_nan=True)]

PROPERTY_WINDOWS = 256
"""Training windows of which a card keeps the properties."""

_NEAREST = 48
"""Samples that a range is taken from, those whose composition is nearest."""

_WIDEST_SCORE = 4.0
"""Score beyond which the network is told no more: training has one in 30 000 there."""


@dataclass(frozen=True)
class Attainable:
    """Hold what samples of one composition have of a property.

    Attributes
    ----------
    low, high : float
        The least and the largest of the samples whose composition is nearest.
    usual : (float, float)
        Between which nine in ten of them lie.
    samples : int
        Their number.
    """

    low: float
    high: float
    usual: tuple[float, float]
    samples: int

    def holds(self, value: float) -> bool:
        """Tell whether a value is within the range."""
        return self.low <= value <= self.high


@dataclass(frozen=True)
class PropertySamples:
    """List compositions and properties of samples.

    Attributes
    ----------
    fractions : tuple of tuple of float
        Per sample the fraction of every phase, in the order of the labels.
    values : tuple of tuple of float
        Per sample every property; NaN where it has none.
    """

    __pydantic_config__: ClassVar = CONFIG

    fractions: tuple[tuple[float, ...], ...] = ()
    values: tuple[tuple[_OFTEN_NAN, ...], ...] = ()

    @classmethod
    def of(cls, fractions: NDArray[np.float64], values: NDArray[np.float64]) -> PropertySamples:
        """Convert arrays, rounded to what a card needs."""
        return cls(_rows(fractions), _rows(values))

    def attainable(self, column: int, fractions: Sequence[float]) -> Attainable | None:
        """Return what samples of a composition have of a property; None where too few have it.

        Of the samples whose composition is nearest a linear trend is taken out, so that a range at
        the edge of what was seen is not that of its middle.

        Examples
        --------
        >>> porosity = np.linspace(0.1, 0.3, 200)
        >>> surface = 0.5 * porosity + 0.01 * np.sin(np.arange(200))
        >>> rows = np.stack([porosity, 1 - porosity], 1)
        >>> range_ = PropertySamples.of(rows, surface[:, None]).attainable(0, (0.3, 0.7))
        >>> round(range_.low, 2), round(range_.high, 2)
        (0.14, 0.16)
        """
        if not self.values:
            return None
        value = np.array(self.values)[:, column]
        present = np.isfinite(value)
        if present.sum() < _NEAREST // 4:
            return None
        value = value[present]
        offset, distance = self._offsets(fractions, present)
        near = np.argsort(distance, kind="stable")[:_NEAREST]
        design = np.column_stack([np.ones(len(near)), offset[near]])
        trend, *_ = np.linalg.lstsq(design, value[near], rcond=1e-6)
        values = value[near] - offset[near] @ trend[1:]
        low, high = np.quantile(values, [0.05, 0.95])
        return Attainable(
            float(values.min()), float(values.max()), (float(low), float(high)), len(near)
        )

    def nearest(self, fractions: Sequence[float], n: int) -> NDArray[np.float64]:
        """Return the properties (n, properties) of the samples whose composition is nearest.

        Where there are fewer than n, they come again.
        """
        _, distance = self._offsets(fractions, np.ones(len(self.values), dtype=bool))
        near = np.argsort(distance, kind="stable")[:n]
        return np.array(self.values)[np.resize(near, n)]

    def _offsets(
        self, fractions: Sequence[float], chosen: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return how far compositions are off, and that as one distance in standard deviations."""
        rows = np.array(self.fractions)[chosen, :-1]  # the last fraction follows
        offset = rows - np.asarray(fractions, dtype=float)[:-1]
        spread = rows.std(axis=0)
        return offset, np.linalg.norm(offset / np.where(spread > 0, spread, 1.0), axis=1)


def _rows(table: NDArray[np.float64]) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(float(f"{value:.5g}") for value in row) for row in table)


@dataclass(frozen=True)
class TrainedProperties:
    """Hold the properties that a network is conditioned on.

    Attributes
    ----------
    names : tuple of str
        As `microdsd.properties.Property` writes them, in the network's order.
    quantiles : tuple of tuple of float
        Per property its values in training windows, ascending, at equal steps of probability.
    windows : PropertySamples
        Some of the training windows.
    free : PropertySamples
        Samples of the model with no property asked for; none where there was no time.
    """

    __pydantic_config__: ClassVar = CONFIG

    names: tuple[str, ...]
    quantiles: tuple[tuple[float, ...], ...]
    windows: PropertySamples
    free: PropertySamples = PropertySamples()

    @classmethod
    def of(
        cls,
        names: Sequence[str],
        fractions: NDArray[np.float64],
        values: NDArray[np.float64],
    ) -> TrainedProperties:
        """Take quantiles from the values of windows, and keep the first ones with fractions."""
        probability = np.linspace(0, 1, 33)
        quantiles = [np.nanquantile(column, probability) for column in values.T]
        windows = PropertySamples.of(fractions, values[: len(fractions)])
        return cls(tuple(names), _rows(np.array(quantiles)), windows)

    def scores(self, values: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return normal scores (n, properties) of values: their quantile, as of a normal law.

        What a network is told is then spread alike, whatever the law of a property: tortuosity
        factors near the percolation threshold are ten times the others. Beyond the windows the
        scores go on along a straight line. NaN stays NaN.

        Examples
        --------
        >>> table = np.linspace(0.0, 1.0, 101)[:, None]
        >>> known = TrainedProperties.of(["surface"], np.ones((101, 1)), table)
        >>> known.scores(np.array([[0.5], [0.841], [np.nan]])).round(2).tolist()
        [[0.0], [1.0], [nan]]
        """
        columns = [
            _normal_scores(column, np.array(quantiles))
            for column, quantiles in zip(values.T, self.quantiles, strict=True)
        ]
        return np.stack(columns, axis=1).astype(np.float32)


def _normal_scores(
    values: NDArray[np.float64], quantiles: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return normal scores of one property."""
    steps = len(quantiles) - 1
    probability = np.clip(np.arange(steps + 1) / steps, 0.25 / steps, 1 - 0.25 / steps)
    score = ndtri(probability)
    scored: NDArray[np.float64] = np.interp(values, quantiles, score)
    spread = (quantiles[-1] - quantiles[0]) / (score[-1] - score[0])
    if spread > 0:
        beyond = np.clip(values, quantiles[0], quantiles[-1])
        scored = scored + (values - beyond) / spread
    return np.clip(scored, -_WIDEST_SCORE, _WIDEST_SCORE)
