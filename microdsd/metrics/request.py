"""Requests for measurements of an ensemble, and joining measurements of its parts."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable, Sequence
from itertools import combinations
from typing import Any, TypeVar

import numpy as np
import xarray as xr

from microdsd.metrics._ensembles import MaskLike, per_sample
from microdsd.metrics.joining import concat_curves
from microdsd.microstructure.outside import material_phases
from microdsd.microstructure.schema import phases_of, spatial_dims

Measured = TypeVar("Measured")


@dataclasses.dataclass
class Request:
    """Hold an ensemble and the settings of a measurement.

    Attributes
    ----------
    ensemble : DataArray
        Labels with a sample dim.
    phases : list of int
        Labels of the phases to describe.
    periodic : bool
    mask : array_like of bool or None
    relative_error : float
        Relative error of the phase fraction, in a box of representative size.
    """

    ensemble: xr.DataArray
    phases: Sequence[int]
    periodic: bool
    mask: MaskLike | None
    relative_error: float
    _measured: dict[Hashable, Any] = dataclasses.field(default_factory=dict)

    @property
    def dims(self) -> tuple[str, ...]:
        """Return the spatial dims."""
        return spatial_dims(self.ensemble)

    @property
    def reach(self) -> int:
        """Return the longest lag, in voxels: half the shortest side."""
        return int(min(self.ensemble.shape[1:]) // 2)

    @property
    def pairs(self) -> dict[str, tuple[int, int]]:
        """Return the pairs of the phases, named such as "pore-solid"."""
        names = phases_of(self.ensemble)
        return {f"{names[a]}-{names[b]}": (a, b) for a, b in combinations(self.phases, 2)}

    @property
    def many(self) -> bool:
        """Tell whether the material has three or more phases."""
        return len(material_phases(phases_of(self.ensemble))) > 2

    def once(self, key: Hashable, measure: Callable[[], Measured]) -> Measured:
        """Measure a quantity that several groups need once, and keep it under a key."""
        if key not in self._measured:
            self._measured[key] = measure()
        kept: Measured = self._measured[key]
        return kept

    def by_phase(self, measure: Callable[[int], Any]) -> Any:
        """Join one measurement per phase, dims ``(sample, phase, ...)``."""
        stacked = concat_curves(
            [measure(phase) for phase in self.phases], xr.Variable("phase", list(self.phases))
        )
        return stacked.transpose("sample", "phase", ...)

    def by_pair(self, measure: Callable[[int, int], xr.DataArray]) -> xr.DataArray:
        """Join one measurement per pair of phases, dims ``(sample, pair, ...)``."""
        stacked = xr.concat(
            [measure(a, b) for a, b in self.pairs.values()],
            xr.Variable("pair", list(self.pairs)),
            combine_attrs="drop_conflicts",
        )
        return stacked.transpose("sample", "pair", ...)

    def by_axis(
        self, measure: Callable[[str], xr.DataArray], dim: str, first: int, long_name: str
    ) -> xr.DataArray:
        """Join curves along every axis, dims ``(sample, axis, dim)``.

        Points are counted in voxels from `first`.
        """
        curves = [measure(axis) for axis in self.dims]
        values = np.stack([curve.values for curve in curves], axis=1)
        voxels = (dim, first + np.arange(values.shape[-1]), {"units": "voxel"})
        return per_sample(
            self.ensemble,
            values,
            name=dim,
            long_name=long_name,
            units=str(curves[0].attrs["units"]),
            dims=("axis", dim),
            coords={"axis": list(self.dims), dim: voxels},
        )
