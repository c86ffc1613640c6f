"""Reader of napari for HDF5 and OME-Zarr of this package: every phase is a layer.

napari finds it through the manifest ``napari.yaml``; nothing here imports napari.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from microdsd.errors import MicrodsdError
from microdsd.io import load_microstructures, open_labels
from microdsd.microstructure import phases_of, voxel_size_of

Layer = tuple[np.ndarray, dict[str, Any], str]
Reader = Callable[[str | Sequence[str]], list[Layer]]

_SUFFIXES = (".h5", ".hdf5", ".nc", ".zarr")
_MICROMETRES = 1e6


def napari_get_reader(path: str | Sequence[str]) -> Reader | None:
    """Give the reader of a file, None where it is not one that names its phases.

    Parameters
    ----------
    path : str or sequence of str
        What the user opens.

    Examples
    --------
    >>> from microdsd.io import save_microstructures
    >>> save_microstructures("eye.h5", np.eye(4, dtype=int))
    >>> reader = napari_get_reader("eye.h5")
    >>> [options["name"] for _, options, _ in reader("eye.h5")], napari_get_reader("eye.png")
    (['phase 0', 'phase 1'], None)
    """
    paths = [path] if isinstance(path, str | Path) else list(path)
    return read_phases if paths and all(_is_ours(one) for one in paths) else None


def read_phases(path: str | Sequence[str]) -> list[Layer]:
    """Read files as labels layers, one for every phase that occurs.

    A layer holds one number where the phase is, another one in each layer so that their colours
    differ, and 0 elsewhere. Samples of an ensemble are the first axis. Lengths are micrometres
    where the voxel size is known.

    Parameters
    ----------
    path : str or sequence of str

    Returns
    -------
    list of (ndarray, dict, "labels")
    """
    layers: list[Layer] = []
    for one in [path] if isinstance(path, str | Path) else path:
        ms = load_microstructures(one)
        size, unit = voxel_size_of(ms)
        scale = tuple(_MICROMETRES * edge if unit == "m" else 1.0 for edge in size)
        scale = (1.0,) * (ms.ndim - len(scale)) + scale
        for number, (label, name) in enumerate(phases_of(ms).items(), start=1):
            where = ms.values == label
            if where.any():
                options = {
                    "name": name,
                    "scale": scale,
                    "metadata": {"file": str(one), "label": label, "unit": unit},
                }
                layers.append((where.astype(np.uint8) * np.uint8(number), options, "labels"))
    return layers


def _is_ours(path: str | Path) -> bool:
    if Path(path).suffix.lower() not in _SUFFIXES:
        return False
    try:
        with open_labels(path) as source:
            return bool(source.phases)
    except (MicrodsdError, OSError):
        return False
