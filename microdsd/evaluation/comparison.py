"""Comparison of generated samples with real windows, on the scale of the spread of real windows."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from microdsd.errors import InputError
from microdsd.evaluation.comparison_result import (
    Comparison,
    DescriptorComparison,
    TwoPointComparison,
)
from microdsd.evaluation.fraction_trend import FractionTrend
from microdsd.metrics.descriptors import describe, scalar_columns
from microdsd.metrics.registry import compared_groups
from microdsd.microstructure.schema import (
    LabelsLike,
    as_ensemble,
    as_microstructure,
    phases_of,
    voxel_size_of,
)

__all__ = [
    "Comparison",
    "DescriptorComparison",
    "TwoPointComparison",
    "compare",
    "two_point_error",
]

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Values = NDArray[np.float64]
    Masked = np.ma.MaskedArray[Any, np.dtype[np.float64]]

SPLITS = 200
BAND = (0.05, 0.95)
FEWEST_REFERENCES = 4


def compare(
    generated: LabelsLike,
    reference: LabelsLike,
    *,
    periodic: bool,
    rng: int | np.random.Generator | None = 0,
    described: tuple[xr.Dataset, xr.Dataset] | None = None,
) -> Comparison:
    """Compare generated samples with windows of real material, descriptor by descriptor.

    Parameters
    ----------
    generated : DataArray
        Generated samples, dims ``(sample, [z,] y, x)``.
    reference : DataArray
        Windows of real material of the same shape and labels (`cut_windows`), disjoint if the
        spreads are to be trusted.
    periodic : bool
        Whether the boxes of *both* wrap; windows cut from a scan do not. There is no default.
    rng : None, int or numpy Generator
        Draws the random splits of the reference.
    described : pair of Dataset, optional
        Results of `describe` for the generated and the reference, if these are at hand.

    Returns
    -------
    Comparison

    Raises
    ------
    InputError
        If shapes, labels or voxel sizes of the two differ.

    Notes
    -----
    Every distance is set against the same distance between two disjoint random sets of real
    windows, as many as there are generated samples in each, or half of the windows if those are
    too few; ``set_size`` says how many. Fewer than 4 windows give no spread.

    Scalar descriptors are compared as they are. Curves are compared with what the windows would
    give at the fractions of the samples, by a trend that is found from the windows alone.

    Examples
    --------
    >>> from microdsd.microstructure import blobs, cut_windows
    >>> big = blobs((96, 96), fractions=(0.3, 0.7), scale=2, rng=0)
    >>> real = cut_windows(big, (24, 24), n=12, rng=1)
    >>> result = compare(real[:4], real[4:], periodic=False, rng=2)
    >>> result.n_generated, result.set_size, len(result.two_point)
    (4, 4, 2)
    """
    generated, reference, notes = _matched(as_ensemble(generated), as_ensemble(reference))
    n_generated, n_reference = len(generated), len(reference)
    set_size = min(n_generated, n_reference // 2)
    if n_reference < FEWEST_REFERENCES:
        set_size = 0
        notes.append(
            f"Too few reference windows ({n_reference}) to estimate how much real sets differ; "
            f"give at least {FEWEST_REFERENCES}."
        )
    elif set_size < n_generated:
        notes.append(
            f"The spread is between two sets of {set_size} real windows, fewer than the "
            f"{n_generated} generated samples: larger real sets would differ less."
        )
    splits = _Splits.draw(n_generated, n_reference, set_size, np.random.default_rng(rng))
    new, real = described or (
        describe(generated, periodic=periodic, descriptors=compared_groups()),
        describe(reference, periodic=periodic, descriptors=compared_groups()),
    )
    size, unit = voxel_size_of(reference)
    return Comparison(
        shape=reference.shape[1:],
        voxel_size=size,
        unit=unit,
        periodic=periodic,
        n_generated=n_generated,
        n_reference=n_reference,
        set_size=set_size or None,
        n_splits=len(splits.real),
        descriptors=tuple(_compared_scalars(new, real, splits)),
        two_point=tuple(_compared_curves(new, real, splits, last_judged_lag(reference.shape[1:]))),
        notes=tuple(notes),
    )


def two_point_error(s2: ArrayLike, real: ArrayLike) -> float:
    """Return the relative error of a mean S2 curve, or NaN if the real curve is flat.

    Parameters
    ----------
    s2, real : array_like, shape (lags,)
        Means over samples and over real windows, from lag zero to the last lag to be judged.

    Notes
    -----
    Sum of ``|s2 - real|`` over the lags, divided by the sum of ``|real - real[-1]|``.

    Examples
    --------
    >>> round(two_point_error([0.5, 0.4, 0.25], [0.5, 0.3, 0.25]), 3)
    0.333
    """
    s2, real = np.asarray(s2), np.asarray(real)
    scale = np.abs(real - real[-1]).sum()
    return float(np.abs(s2 - real).sum() / scale) if scale > 0 else float("nan")


@dataclasses.dataclass(frozen=True)
class _Splits:
    """Hold random sets of sample numbers, ``(splits, set size)``: two real ones, one generated."""

    real: NDArray[np.intp]
    other_real: NDArray[np.intp]
    generated: NDArray[np.intp]

    @classmethod
    def draw(
        cls, n_generated: int, n_reference: int, set_size: int, rng: np.random.Generator
    ) -> _Splits:
        splits = SPLITS if set_size else 0

        def shuffled(n: int) -> NDArray[np.intp]:
            return rng.permuted(np.tile(np.arange(n), (splits, 1)), axis=1)

        real = shuffled(n_reference)
        return cls(
            real[:, :set_size],
            real[:, set_size : 2 * set_size],
            shuffled(n_generated)[:, :set_size],
        )


def _compared_scalars(
    generated: xr.Dataset, real: xr.Dataset, splits: _Splits
) -> Iterator[DescriptorComparison]:
    for real_column, new_column in zip(
        scalar_columns(real), scalar_columns(generated), strict=True
    ):
        yield _compared_scalar(
            real_column,
            _where_defined(new_column.values),
            _where_defined(real_column.values),
            splits,
        )


def _compared_scalar(
    column: xr.DataArray, new: Masked, real: Masked, splits: _Splits
) -> DescriptorComparison:
    real_mean, made_mean = _number(real.mean()), _number(new.mean())
    distance = relative = spread = ratio = None
    if real_mean is not None and made_mean is not None:
        difference = _without_rounding(made_mean - real_mean, real_mean)
        distance = abs(difference)
        relative = difference / abs(real_mean) if real_mean else None
    differences = _between_real_sets(real, splits)
    if real_mean is not None and differences.size:
        spread = _without_rounding(float(np.sqrt((differences**2).mean())), real_mean)
        if column.dtype == bool:
            # No share is known more finely than to one window of a set.
            spread = max(spread, 1 / splits.real.shape[1])
    if distance is not None and spread:
        ratio = distance / spread
    elif distance == 0 and spread == 0:
        ratio = 0.0
    phases = [str(column[c].item()) for c in ("phase_name", "pair") if c in column.coords]
    return DescriptorComparison(
        descriptor=str(column.name),
        units=column.attrs["units"],
        phase=phases[0] if phases else None,
        axis=str(column["axis"].item()) if "axis" in column.coords else None,
        real_mean=real_mean,
        real_standard_error=_standard_error(real),
        generated_mean=made_mean,
        generated_standard_error=_standard_error(new),
        relative_difference=relative,
        distance=distance,
        spread=spread,
        distance_over_spread=ratio,
    )


def _between_real_sets(real: Masked, splits: _Splits) -> Values:
    """Subtract the means of the two real sets, for the splits where both are defined."""
    if not len(splits.real):
        return np.empty(0)
    means = (real[sets].mean(axis=1) for sets in (splits.real, splits.other_real))
    difference: Masked = next(means) - next(means)
    return difference.compressed()


def _compared_curves(
    generated: xr.Dataset, real: xr.Dataset, splits: _Splits, last_lag: int
) -> Iterator[TwoPointComparison]:
    judged = slice(last_lag + 1)
    at_fractions = AtFractions(
        *(side["phase_fraction"].values.astype(float) for side in (generated, real))
    )
    of_phases = ("two_point_probability", "phase_name")
    of_pairs = ("cross_two_point_probability", "pair")
    for name, variable, i in [
        (name, variable, i)
        for variable, names in (of_phases, of_pairs)
        if variable in real
        for i, name in enumerate(real[names].values)
    ]:
        made_s2 = generated[variable].values[:, i]
        real_s2 = real[variable].values[:, i]
        mean, low, high = at_fractions.mean_and_band(real_s2)
        alike_made, alike_real = at_fractions.alike(made_s2, real_s2)
        real_sets, other_sets, made_sets = (
            curves[numbers][..., judged].mean(axis=1) if len(numbers) else ()
            for curves, numbers in [
                (alike_real, splits.real),
                (alike_real, splits.other_real),
                (alike_made, splits.generated),
            ]
        )
        real_real = _quantiles(other_sets, real_sets)
        same_size = _quantiles(made_sets, real_sets)
        yield TwoPointComparison(
            phase=str(name),
            units=real["distance"].attrs["units"],
            distance=_curve(real["distance"].values),
            real_mean=_curve(mean),
            real_low=_curve(low),
            real_high=_curve(high),
            generated_mean=_curve(made_s2.mean(axis=0)),
            generated_low=_curve(np.quantile(made_s2, BAND[0], axis=0)),
            generated_high=_curve(np.quantile(made_s2, BAND[1], axis=0)),
            last_lag=last_lag,
            error=_number(two_point_error(made_s2[:, judged].mean(axis=0), mean[judged])),
            real_real_low=real_real[0],
            real_real_median=real_real[1],
            real_real_high=real_real[2],
            same_size_median=same_size[1],
        )


class AtFractions:
    """Transform curves of real windows to the phase fractions of samples.

    Parameters
    ----------
    generated, real : ndarray, shape (samples, phases) and (windows, phases)
        Phase fractions. Samples beyond the reach of the windows are set against their mean.
    """

    def __init__(self, generated: Values, real: Values) -> None:
        self._trend = FractionTrend(real)
        self._weights = self._trend.weights(generated)
        self._weights[~self._trend.reaches(generated)] = 1 / len(real)

    def mean_and_band(self, real: Values) -> tuple[Values, Values, Values]:
        """Return the mean of curves ``(windows, points)``, and their 5 % and 95 % quantiles."""
        expected = self._weights @ real
        single = expected[:, np.newaxis] + self._trend.residuals(real)
        low, high = np.quantile(single, BAND, axis=(0, 1))
        return expected.mean(axis=0), low, high

    def alike(self, generated: Values, real: Values) -> tuple[Values, Values]:
        """Transform curves of samples and of windows to the mean fractions of the samples."""
        expected = self._weights @ real
        mean = expected.mean(axis=0)
        return generated - expected + mean, self._trend.residuals(real) + mean


def last_judged_lag(shape: Sequence[int]) -> int:
    """Return the longest judged lag: 3/8 (2D) or 1/2 (3D) of the shortest side, less one."""
    share = {2: 3 / 8, 3: 1 / 2}[len(shape)]
    return max(1, int(share * min(shape)) - 1)


def _quantiles(
    sets: Sequence[Values], real_sets: Sequence[Values]
) -> tuple[float | None, float | None, float | None]:
    """Return the 5 %, 50 % and 95 % quantiles of the error between paired means."""
    if not len(sets):
        return None, None, None
    errors = [two_point_error(s2, real) for s2, real in zip(sets, real_sets, strict=True)]
    low, median, high = np.quantile(errors, (BAND[0], 0.5, BAND[1]))
    return _number(low), _number(median), _number(high)


def _where_defined(values: ArrayLike) -> Masked:
    """Mask the values that a sample does not have, such as those of an absent phase."""
    masked: Masked = np.ma.masked_invalid(np.asarray(values, dtype=np.float64))
    return masked


def _standard_error(values: Masked) -> float | None:
    n = int(values.count())
    return _number(values.std(ddof=1) / np.sqrt(n)) if n > 1 else None


def _number(value: Any) -> float | None:
    """Convert a masked or infinite result into None, which JSON can hold."""
    return None if value is np.ma.masked or not np.isfinite(value) else float(value)


def _without_rounding(difference: float, scale: float) -> float:
    """Replace the rounding error of means over equal values by zero."""
    return 0.0 if abs(difference) <= 1e-12 * abs(scale) else difference


def _curve(values: ArrayLike) -> tuple[float, ...]:
    return tuple(np.asarray(values, dtype=np.float64).tolist())


def _matched(
    generated: xr.DataArray, reference: xr.DataArray
) -> tuple[xr.DataArray, xr.DataArray, list[str]]:
    """Give both ensembles the names and the voxel size of the reference, or refuse them."""
    if generated.shape[1:] != reference.shape[1:]:
        raise InputError(
            f"reference: its windows of {reference.shape[1:]} voxels differ from the generated "
            f"samples of {generated.shape[1:]}; cut windows of that shape with cut_windows"
        )
    names, generated_names = phases_of(reference), phases_of(generated)
    if set(names) != set(generated_names):
        raise InputError(
            f"generated: its phases {generated_names} are not those of the reference {names}; "
            "map the labels of one to those of the other with "
            "microdsd.microstructure.relabel"
        )
    new_size, real_size = voxel_size_of(generated), voxel_size_of(reference)
    notes = []
    if new_size.unit == real_size.unit:
        if not np.allclose(new_size.size, real_size.size, rtol=1e-6, atol=0):
            raise InputError(
                f"generated: its voxels of {new_size.size} {new_size.unit} differ from those of "
                f"the reference, {real_size.size}; coarsen one of them, or correct the voxel size"
            )
    else:
        known = "generated samples" if new_size.unit == "m" else "reference"
        notes.append(f"Only the {known} state a voxel size; it is taken for both.")
    size = next((s for s in (real_size, new_size) if s.unit == "m"), None)
    return (
        as_microstructure(generated, phases=names, voxel_size=size),
        as_microstructure(reference, phases=names, voxel_size=size),
        notes,
    )
