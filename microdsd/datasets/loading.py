"""Data sets as microstructures: labels 0, 1, ..., named phases, voxel size where it is stated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy.typing as npt
import xarray as xr

from microdsd.datasets.fetching import fetch
from microdsd.datasets.registry import DatasetInfo, dataset_info
from microdsd.errors import DataFileError
from microdsd.io import load_microstructures, open_labels, read_image_stack
from microdsd.microstructure import as_microstructure, relabel


def load_dataset(name: str) -> xr.DataArray:
    """Load a data set, fetched if need be.

    Parameters
    ----------
    name : str
        See `list_datasets`.

    Returns
    -------
    DataArray
        Labels 0, 1, ... in the order of the registry, with phase names, coordinates in metres
        where the voxel size is stated, and provenance.

    Raises
    ------
    InputError
        There is no set of that name.
    DataFileError
        The file cannot be fetched or is not the published one.

    Examples
    --------
    >>> load_dataset("synthetic_blobs").sizes["z"]
    64
    """
    info = dataset_info(name)
    path = fetch(name)
    provenance = {
        "dataset": name,
        "file": info.file,
        "sha256": info.sha256,
        "url": info.url,
        "doi": info.doi,
        "licence": info.licence,
    }
    if info.url is None:
        return load_microstructures(f"{path}:{info.member}")
    with open_labels(
        _stored(path, info),
        phases=info.labels,
        voxel_size=info.voxel_size,
        region={axis: slice(*ends) for axis, ends in info.region.items()},
        ensemble=info.stack,
    ) as labels:
        ms = labels.load()
    order = {label: number for number, label in enumerate(info.labels)}
    phases = {order[label]: phase for label, phase in info.labels.items()}
    return as_microstructure(relabel(ms, order, phases=phases), provenance=provenance)


def _stored(path: Path, info: DatasetInfo) -> npt.NDArray[Any]:
    array = read_image_stack(
        path if info.member is None else f"{path}:/{info.member}",
        shape=info.shape,
        dtype=info.dtype,
        axis_order=info.axis_order[-len(info.shape) :],
    )
    if array.shape != info.shape:
        raise DataFileError(f"{path}: has shape {array.shape}, the registry says {info.shape}")
    return array
