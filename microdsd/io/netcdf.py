"""Measurements as netCDF files."""

from __future__ import annotations

from pathlib import Path

import xarray as xr

from microdsd.io.atomic import atomic_write
from microdsd.io.order import path_first


@path_first
def save_dataset(path: str | Path, dataset: xr.Dataset, *, overwrite: bool = False) -> None:
    """Write a data set of measurements as netCDF-4, which is HDF5, whole or not at all.

    Parameters
    ----------
    path : str or Path
        Opens with ``xarray.open_dataset(path, engine="h5netcdf")`` and any reader of HDF5.
    dataset : Dataset
    overwrite : bool
        Whether a file of that name may be replaced.

    Raises
    ------
    DataFileError
        As `atomic_write`.

    Examples
    --------
    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "measured.nc"
    >>> save_dataset(target, xr.Dataset({"porosity": ("sample", [0.2, 0.3])}))
    >>> xr.open_dataset(target, engine="h5netcdf").porosity.values
    array([0.2, 0.3])
    """
    with atomic_write(path, overwrite=overwrite) as temporary:
        dataset.to_netcdf(temporary, engine="h5netcdf")
