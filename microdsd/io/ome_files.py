"""OME-TIFF and OME-Zarr, which Fiji, napari and QuPath open with their voxel size."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from microdsd.errors import DataFileError, InputError
from microdsd.io.atomic import atomic_write, ensure_writable, temporary_beside
from microdsd.io.order import path_first
from microdsd.io.single_sample import single_sample
from microdsd.io.tiff_statements import OME_PHASES
from microdsd.microstructure import LabelsLike, phases_of, voxel_size_of

_MICROMETRES = 1e6
_CHUNK = 64
"""Voxels per axis of a piece of OME-Zarr."""


@path_first
def save_ome_tiff(path: str | Path, ms: LabelsLike, *, overwrite: bool = False) -> None:
    """Write one sample as OME-TIFF, with its voxel size and the phase names as annotation.

    Parameters
    ----------
    path : str or Path
    ms : ndarray or DataArray
        One sample; choose from an ensemble with ``ms.isel(sample=0)``.
    overwrite : bool

    Raises
    ------
    InputError
        An ensemble, or labels that need more than 32 bits.
    DataFileError
        The file exists, or the disk refused the data.
    """
    import tifffile

    ms = single_sample(ms)
    if ms.dtype.itemsize > 4:
        raise InputError(f"ms: OME-TIFF holds no labels of type {ms.dtype}; write .h5 or .nrrd")
    size, unit = voxel_size_of(ms)
    metadata: dict[str, Any] = {
        "axes": "".join(str(dim) for dim in ms.dims).upper(),
        "MapAnnotation": {
            "Namespace": OME_PHASES,
            **{str(label): name for label, name in phases_of(ms).items()},
        },
    }
    if unit == "m":
        for dim, edge in zip(ms.dims, size, strict=True):
            metadata[f"PhysicalSize{str(dim).upper()}"] = float(f"{_MICROMETRES * edge:.12g}")
            metadata[f"PhysicalSize{str(dim).upper()}Unit"] = "µm"
    with atomic_write(path, overwrite=overwrite) as temporary:
        tifffile.imwrite(
            temporary,
            ms.values,
            ome=True,
            compression="zlib",
            photometric="minisblack",
            metadata=metadata,
        )


@path_first
def save_ome_zarr(path: str | Path, ms: LabelsLike, *, overwrite: bool = False) -> None:
    """Write one sample as OME-Zarr 0.4, a folder; needs the extra ``zarr``.

    The metadata of the image hold the phase names. The folder takes its name when it is whole.

    Parameters
    ----------
    path : str or Path
    ms : ndarray or DataArray
        One sample; choose from an ensemble with ``ms.isel(sample=0)``.
    overwrite : bool
        Whether a Zarr folder of that name may be replaced; anything else is never.

    Raises
    ------
    InputError
        An ensemble.
    DataFileError
        Something exists there, the extra is missing, or the disk refused the data.

    References
    ----------
    OME-Zarr 0.4, https://ngff.openmicroscopy.org/0.4/
    """
    path = ensure_folder_writable(path, overwrite=overwrite)
    ms = single_sample(ms)
    size, unit = voxel_size_of(ms)
    factor = _MICROMETRES if unit == "m" else 1.0
    axes = [
        {"name": str(dim), "type": "space", **({"unit": "micrometer"} if unit == "m" else {})}
        for dim in ms.dims
    ]
    scale = [float(f"{factor * edge:.12g}") for edge in size]
    names = {str(label): name for label, name in phases_of(ms).items()}
    image = {
        "version": "0.4",
        "name": "labels",
        "axes": axes,
        "datasets": [
            {"path": "0", "coordinateTransformations": [{"type": "scale", "scale": scale}]}
        ],
        "metadata": {"phases": names},
    }
    label_names = [{"label-value": int(label), "name": name} for label, name in names.items()]
    attributes = {
        "multiscales": [image],
        "image-label": {"version": "0.4", "properties": label_names},
    }
    values = np.ascontiguousarray(ms.values, dtype=ms.dtype.newbyteorder("="))
    temporary = temporary_beside(path)
    try:
        _write_group(temporary, values, attributes)
        if path.exists():
            old = temporary_beside(path)
            path.rename(old)
            temporary.rename(path)
            shutil.rmtree(old)
        else:
            temporary.rename(path)
    except OSError as error:
        raise DataFileError(
            f"{path}: cannot be written ({error.strerror or error}); "
            "free disk space, check permissions, or choose another folder"
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def ensure_folder_writable(path: str | Path, *, overwrite: bool) -> Path:
    """Refuse a name that `save_ome_zarr` would refuse, before long work.

    Raises
    ------
    DataFileError
        Something exists there that is no Zarr folder, or that is one and may not be replaced; or
        the extra is missing.
    """
    try:
        import zarr  # noqa: F401
    except ImportError as error:
        raise DataFileError(f'{path}: needs zarr; pip install "microdsd[zarr]"') from error
    path = Path(path)
    if not path.is_dir():
        return ensure_writable(path, overwrite=False)
    if not any((path / name).is_file() for name in (".zgroup", ".zarray", "zarr.json")):
        raise DataFileError(f"{path}: is a folder and holds no Zarr; give another name")
    if not overwrite:
        raise DataFileError(f"{path}: exists; pass overwrite=True (--force) or another name")
    ensure_writable(path.with_name(f"{path.name}.probe"), overwrite=False)
    return path


def _write_group(folder: Path, values: Any, attributes: dict[str, Any]) -> None:
    import zarr

    # As JSON has it: zarr would store tuples and numpy's numbers as something else.
    group = zarr.create_group(folder, zarr_format=2, attributes=json.loads(json.dumps(attributes)))
    array = group.create_array(
        "0",
        shape=values.shape,
        dtype=values.dtype,
        chunks=tuple(min(_CHUNK, n) for n in values.shape),
        chunk_key_encoding={"name": "v2", "separator": "/"},
    )
    array[...] = values
