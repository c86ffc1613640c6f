"""Measured descriptors as arrays, in the groups that are tested together."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from microdsd.metrics.registry import Descriptor, descriptors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Block:
    """Hold one descriptor of all samples.

    Attributes
    ----------
    descriptor, units : str
    values : ndarray, shape (samples, parts, points)
        One part for every phase or pair and axis; one point for scalars.
    phase, axis : tuple of (str or None), length parts
    points : tuple of float
        Distances or lengths of the points of a curve; empty for scalars.
    step : float
        Least difference of two samples where values are whole numbers of something; else 0.
    """

    descriptor: str
    units: str
    values: Numbers
    phase: tuple[str | None, ...]
    axis: tuple[str | None, ...]
    points: tuple[float, ...]
    step: float

    @property
    def curve(self) -> bool:
        """Tell whether there is a value for every distance."""
        return bool(self.points)


def feature_blocks(described: xr.Dataset, *, last_lag: int) -> list[Block]:
    """Make arrays of all measured descriptors that are tested.

    The fractions are not among them: samples and windows are paired by those.

    Parameters
    ----------
    described : Dataset
        Result of `describe`.
    last_lag : int
        Last point of a curve, in voxels.

    Examples
    --------
    >>> from microdsd.metrics import describe
    >>> from microdsd.metrics.registry import judged_groups
    >>> described = describe(np.eye(8, dtype=int), periodic=False, descriptors=judged_groups())
    >>> result = feature_blocks(described, last_lag=3)
    >>> [block.descriptor for block in result][:3]
    ['two_point_probability', 'anisotropy', 'two_point_cluster']
    >>> result[0].values.shape
    (1, 1, 4)
    """
    two_phases = described.sizes["phase"] == 2
    blocks = []
    for record in descriptors():
        source = record.derived_from or record.name
        if not record.tested or source not in described:
            continue
        if two_phases and record.repeats_for_two_phases:
            continue
        variable = described[source]
        if record.derive is not None:
            variable = record.derive(variable, last_lag)
        if two_phases and record.same_for_both_phases:
            variable = variable.isel(phase=slice(1))
        blocks.append(_block(record, variable, last_lag))
    return blocks


def _block(record: Descriptor, variable: xr.DataArray, last_lag: int) -> Block:
    along = record.points
    dims = [str(dim) for dim in variable.dims if dim not in ("sample", along)]
    if along:
        variable = variable.isel({along: slice(last_lag + 1)}).transpose("sample", ..., along)
    values = variable.values.astype(float).reshape(
        len(variable), -1, variable.sizes[along] if along else 1
    )
    parts = list(_parts(variable, dims))
    # Two samples differ by one component at least, and by all where the answer is yes or no.
    step = 1.0 if record.whole_numbers or variable.dtype == bool else 0.0
    return Block(
        record.name,
        str(variable.attrs.get("units", "1")),
        values,
        tuple(part.get("phase", part.get("pair")) for part in parts),
        tuple(part.get("axis") for part in parts),
        tuple(variable[along].values.astype(float).tolist()) if along else (),
        step,
    )


def _parts(variable: xr.DataArray, dims: list[str]) -> Iterator[dict[str, str]]:
    for index in np.ndindex(*(variable.sizes[dim] for dim in dims)):
        yield {
            dim: str(variable["phase_name" if dim == "phase" else dim].values[i])
            for dim, i in zip(dims, index, strict=True)
        }
