"""Labels with fields of numbers: VTI for ParaView, or HDF5."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import xarray as xr

from microdsd.errors import InputError
from microdsd.io.atomic import atomic_write
from microdsd.io.order import path_first
from microdsd.io.vtk_xml import Array, write_vtk
from microdsd.microstructure import phases_of, spatial_dims, voxel_size_of

FIELD_SUFFIXES = (".vti", ".h5", ".nc")
"""Formats of fields."""


def check_field_format(path: str | Path) -> None:
    """Refuse a name that asks for no format of fields.

    Raises
    ------
    InputError

    Examples
    --------
    >>> check_field_format("fields.vti")
    """
    if Path(path).suffix.lower() not in FIELD_SUFFIXES:
        raise InputError(f"output: {path} ends in none of {', '.join(FIELD_SUFFIXES)}; name it so")


@path_first
def save_fields(path: str | Path, fields: xr.Dataset, *, overwrite: bool = False) -> None:
    """Write labels and fields of one sample.

    Parameters
    ----------
    path : str or Path
        ``.vti``: a cell per voxel, vectors as (x, y, z); ``.h5`` or ``.nc``: netCDF.
    fields : Dataset
        As `microdsd.transport.fields` gives it: ``labels``, scalars with the same dims, and
        vectors with ``component`` before them.
    overwrite : bool

    Raises
    ------
    InputError
        An unknown suffix.
    DataFileError
        The file exists, or the disk refused the data.
    """
    check_field_format(path)
    if Path(path).suffix.lower() != ".vti":
        with atomic_write(path, overwrite=overwrite) as temporary:
            fields.to_netcdf(temporary, engine="h5netcdf")
        return
    labels = fields["labels"]
    size, unit = voxel_size_of(labels)
    starts = [float(labels.coords[d][0]) - s / 2 for d, s in zip(labels.dims, size, strict=True)]
    shape = labels.shape
    if labels.ndim == 2:  # one layer of cells
        shape, size, starts = (1, *shape), (min(size), *size), [0.0, *starts]
    extent = " ".join(f"0 {n}" for n in reversed(shape))
    arrays = [
        Array.of("CellData", str(name), _cells(variable, spatial_dims(labels)))
        for name, variable in fields.data_vars.items()
    ]
    texts = {
        "phases": json.dumps({str(label): name for label, name in phases_of(labels).items()}),
        "unit": unit,
    }
    grid = {
        "WholeExtent": extent,
        "Origin": " ".join(repr(start) for start in reversed(starts)),
        "Spacing": " ".join(repr(edge) for edge in reversed(size)),
    }
    write_vtk(path, "ImageData", {"Extent": extent}, arrays, texts, grid=grid, overwrite=overwrite)


def _cells(variable: xr.DataArray, dims: tuple[str, ...]) -> np.ndarray:
    """Return values by cell, x fastest; of vectors (n, 3), x first."""
    values = variable.values
    if "component" in variable.dims:
        parts = [variable.sel(component=dim).values.ravel() for dim in reversed(dims)]
        parts += [np.zeros_like(parts[0])] * (3 - len(parts))
        values = np.stack(parts, axis=1)
        return values.astype(values.dtype.newbyteorder("<"))
    return values.ravel().astype(values.dtype.newbyteorder("<"))
