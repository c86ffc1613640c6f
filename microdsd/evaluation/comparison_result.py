"""Results of a comparison of generated samples with real windows."""

from __future__ import annotations

import dataclasses
from typing import Any

from microdsd.notebooks import drawn


@dataclasses.dataclass(frozen=True)
class DescriptorComparison:
    """Hold the comparison of one descriptor of one phase; None where a value is undefined.

    Attributes
    ----------
    descriptor, units : str
        Name of the variable of `describe`, and its unit.
    phase : str or None
        Name of the phase or pair of phases; None for all phases together.
    axis : str or None
    real_mean, generated_mean, real_standard_error, generated_standard_error : float or None
        Over windows and samples.
    relative_difference : float or None
        Generated less real, over the size of real.
    distance : float or None
        Size of the difference of the two means.
    spread : float or None
        Root mean square of the same difference between two disjoint sets of real windows; for
        the share of samples that percolate, at least one window of a set.
    distance_over_spread : float or None
        About 1 or less, and seldom above 2, for samples as good as real ones. None where the
        real sets do not differ but the samples do: `distance` is then above a `spread` of zero.
    """

    descriptor: str
    units: str
    phase: str | None
    axis: str | None
    real_mean: float | None
    real_standard_error: float | None
    generated_mean: float | None
    generated_standard_error: float | None
    relative_difference: float | None
    distance: float | None
    spread: float | None
    distance_over_spread: float | None


@dataclasses.dataclass(frozen=True)
class TwoPointComparison:
    """Hold the comparison of radial S2 of a phase or a pair; None where a value is unknown.

    Attributes
    ----------
    phase, units : str
        Name of the phase, or of the pair ("pore-binder"); unit of `distance`.
    distance : tuple of float
    real_mean, real_low, real_high, generated_mean, generated_low, generated_high : tuple of float
        Means and the 5 % and 95 % quantiles of single windows and samples; of the windows at the
        fractions of the samples.
    last_lag : int
        The error sums shells 0 to this one: 3/8 (2D) or 1/2 (3D) of the shortest side, less one.
    error : float or None
        `two_point_error` of all generated samples against all real windows.
    real_real_median, real_real_low, real_real_high : float or None
        Median, 5 % and 95 % quantile of the error between two disjoint sets of real windows.
    same_size_median : float or None
        Median error between sets of generated samples and of real windows of that same number:
        the fair partner of `real_real_median` where the sets are smaller than all that was given.
    """

    phase: str
    units: str
    distance: tuple[float, ...]
    real_mean: tuple[float, ...]
    real_low: tuple[float, ...]
    real_high: tuple[float, ...]
    generated_mean: tuple[float, ...]
    generated_low: tuple[float, ...]
    generated_high: tuple[float, ...]
    last_lag: int
    error: float | None
    real_real_median: float | None
    real_real_low: float | None
    real_real_high: float | None
    same_size_median: float | None


@dataclasses.dataclass(frozen=True, repr=False)
class Comparison:
    """Hold the result of `compare`.

    Attributes
    ----------
    shape : tuple of int
        Voxels of a sample and of a window.
    voxel_size : tuple of float
    unit : {"m", "voxel"}
    periodic : bool
    n_generated, n_reference : int
    set_size : int or None
        Windows in each of the two disjoint real sets; None when there are too few.
    n_splits : int
        Random splits of the reference behind every spread.
    descriptors : tuple of DescriptorComparison
    two_point : tuple of TwoPointComparison
        Comparisons of every phase; where there are three or more, of every pair of them as well.
    notes : tuple of str
        What a reader must know to judge the figures.
    """

    shape: tuple[int, ...]
    voxel_size: tuple[float, ...]
    unit: str
    periodic: bool
    n_generated: int
    n_reference: int
    set_size: int | None
    n_splits: int
    descriptors: tuple[DescriptorComparison, ...]
    two_point: tuple[TwoPointComparison, ...]
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        shape = " x ".join(map(str, self.shape))
        return (
            f"<comparison of {self.n_generated} samples of {shape} with {self.n_reference} real "
            f"windows: {len(self.descriptors)} descriptors, {len(self.two_point)} curves>"
        )

    def _repr_html_(self) -> str:
        return drawn(self)

    def to_dict(self) -> dict[str, Any]:
        """Convert to dicts, tuples, numbers, text and None, which `json.dumps` accepts."""
        return dataclasses.asdict(self)
