"""The record of a solver beside its result: convergence and residual."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

if TYPE_CHECKING:
    from microdsd.transport.finite_volume import Conduction

LONG_NAMES = {
    "converged": "solver converged",
    "residual": "relative residual",
    "flux_mismatch": "relative difference of the flows through the two faces",
    "iterations": "iterations of the solver",
}


def sample_coordinate(ensemble: xr.DataArray | xr.Dataset) -> dict[str, Any]:
    """Return the coordinate of the samples, if the ensemble has one."""
    return {"sample": ensemble["sample"]} if "sample" in ensemble.coords else {}


def conduction_record(
    ensemble: xr.DataArray, axes: Sequence[str], results: Sequence[Sequence[Conduction]]
) -> xr.Dataset:
    """Convert results per sample and axis into a Dataset of their fields."""
    columns = zip(*(zip(*row, strict=True) for row in results), strict=True)
    fields = dict(zip(results[0][0]._fields, columns, strict=True))
    return xr.Dataset(
        {
            name: (
                ("sample", "axis"),
                np.array(values),
                {"units": "1", "long_name": LONG_NAMES.get(name, name)},
            )
            for name, values in fields.items()
        },
        coords={**sample_coordinate(ensemble), "axis": list(axes)},
    )
