"""Images in HDF5: the same layout as microstructures, with a dataset ``intensity``.

``xarray.open_dataset(path, group="images", engine="h5netcdf")`` opens it.
"""

from __future__ import annotations

from pathlib import Path

import h5py
import xarray as xr

from microdsd.errors import DataFileError
from microdsd.io.discovery import split_spec
from microdsd.io.hdf5_access import open_hdf5, reading, text_attribute
from microdsd.io.links import Contents, contents
from microdsd.io.native import native_coords, write_group
from microdsd.io.order import path_first
from microdsd.io.storage import check_storage
from microdsd.microstructure.intensity import as_images

IMAGES_GROUP = "images"


@path_first
def save_images(
    path: str | Path, images: xr.DataArray, *, group: str = IMAGES_GROUP, overwrite: bool = False
) -> None:
    """Write images as one group of an HDF5 file.

    Parameters
    ----------
    path : str or Path
        A new file, or an HDF5 file that gains the group and keeps all it has.
    images : DataArray
        See `microdsd.microstructure.as_images`.
    group : str
    overwrite : bool
        Whether a group of that name may be replaced.

    Raises
    ------
    DataFileError
        The group exists, the file is not HDF5, or the disk refused the data.
    InputError
        `images` breaks the array contract.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> file = Path(tempfile.mkdtemp()) / "new.h5"
    >>> save_images(file, as_images(np.eye(4, dtype=np.uint8)[None], classes=["one"]))
    >>> load_images(file)["class"].item()
    'one'
    """
    write_group(Path(path), group, as_images(images), overwrite=overwrite)


def load_images(spec: str | Path) -> xr.DataArray:
    """Read images written by `save_images`.

    Parameters
    ----------
    spec : str or Path
        ``file.h5``, or ``file.h5:/group``.

    Raises
    ------
    DataFileError
        A missing, truncated or foreign file, or one that holds no images there, or several.
    """
    path, inner = split_spec(spec)
    with open_hdf5(path) as file:
        everything = _images(contents(file))
        matching = [dataset for dataset in everything if _is_at(dataset, inner)]
        if len(matching) != 1:
            listing = ", ".join(dataset.parent.name for dataset in everything) or "none"
            raise DataFileError(
                f"{spec}: expected one set of images, found {len(matching)}; "
                f"those in the file: {listing}"
            )
        check_storage(matching[0])
        with reading(str(matching[0].name)):
            images = _read(matching[0])
        return as_images(images)


def holds_images(spec: str | Path) -> bool:
    """Return whether a path names a file with images rather than labels.

    Examples
    --------
    >>> holds_images("scan.tif")
    False
    """
    path, inner = split_spec(spec)
    if path.suffix.lower() not in (".h5", ".hdf5", ".nc") or not path.is_file():
        return False
    with open_hdf5(path) as file:
        inside = contents(file)
        labels = any(str(d.name).rpartition("/")[2] == "labels" for d in inside.datasets)
        chosen = any(_is_at(dataset, inner) for dataset in _images(inside))
        # Where there is a native microstructure beside the images, the path must say.
        return chosen and not (inner is None and labels)


def _images(inside: Contents) -> list[h5py.Dataset]:
    """Return the datasets with images, in the order of their paths."""
    images = []
    for dataset in inside.datasets:
        with reading(str(dataset.name)):
            if str(dataset.name).rpartition("/")[2] == "intensity" and "levels" in dataset.attrs:
                images.append(dataset)
    return sorted(images, key=lambda dataset: str(dataset.name))


def _is_at(dataset: h5py.Dataset, inner: str | None) -> bool:
    return inner in (None, dataset.name, dataset.parent.name)


def _read(stored: h5py.Dataset) -> xr.DataArray:
    dims, coords = native_coords(stored)
    kept = {"levels": stored.attrs["levels"]}
    if "provenance" in stored.attrs:
        kept["provenance"] = text_attribute(stored.attrs, "provenance")
    return xr.DataArray(stored[()], dims=dims, coords=coords, attrs=kept)
