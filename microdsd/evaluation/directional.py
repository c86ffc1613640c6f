"""Two-point probability along each axis, which shows whether directions are preserved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import xarray as xr

from microdsd.evaluation.comparison import BAND, AtFractions
from microdsd.metrics.two_point import two_point_probability
from microdsd.microstructure import phase_fractions, phases_of, spatial_dims

Curve = tuple[float, ...]


@dataclass(frozen=True)
class AxisCurves:
    """Hold S2 of one phase along one axis, of samples and of real windows.

    Attributes
    ----------
    label : int
    axis : str
    distance : tuple of float
        In the unit of the voxel size.
    real_mean, real_low, real_high, generated_mean, generated_low, generated_high : tuple of float
        Means, and the quantiles of single windows and samples that the comparison uses too; of
        the windows at the fractions of the samples.
    """

    label: int
    axis: str
    distance: Curve
    real_mean: Curve
    real_low: Curve
    real_high: Curve
    generated_mean: Curve
    generated_low: Curve
    generated_high: Curve

    def to_dict(self) -> dict[str, Any]:
        """Convert to lists and text, which JSON can hold."""
        return asdict(self)


def axis_curves(
    generated: xr.DataArray, windows: xr.DataArray, *, phases: Sequence[int], periodic: bool
) -> tuple[AxisCurves, ...]:
    """Measure S2 along every axis, up to 3/8 of the shortest side.

    With two phases only the first of `phases` is measured: the other's curve differs from it by a
    constant.

    Examples
    --------
    >>> from microdsd.microstructure import as_ensemble, blobs
    >>> rock = as_ensemble(blobs((16, 16), fractions=(0.3, 0.7), scale=1, rng=0))
    >>> [c.axis for c in axis_curves(rock, rock, phases=(0, 1), periodic=False)]
    ['y', 'x']
    """
    telling = phases[:1] if len(phases_of(windows)) == 2 else phases
    return tuple(_curves(generated, windows, telling, periodic))


def _curves(
    generated: xr.DataArray, windows: xr.DataArray, phases: Sequence[int], periodic: bool
) -> Iterator[AxisCurves]:
    at_fractions = AtFractions(*(phase_fractions(ms).values for ms in (generated, windows)))
    reach = max(1, 3 * min(windows.shape[1:]) // 8 - 1)
    for label in phases:
        for axis in spatial_dims(windows):
            new, real = (
                two_point_probability(
                    ms, phase=label, periodic=periodic, axis=axis, max_distance=reach
                )
                for ms in (generated, windows)
            )
            mean, low, high = at_fractions.mean_and_band(real.values)
            made_low, made_high = np.quantile(new.values, BAND, axis=0)
            yield AxisCurves(
                label,
                axis,
                tuple(real["distance"].values.tolist()),
                *(_tuple(mean), _tuple(low), _tuple(high)),
                _tuple(new.values.mean(axis=0)),
                *(_tuple(made_low), _tuple(made_high)),
            )


def _tuple(curve: np.ndarray) -> Curve:
    return tuple(curve.tolist())
