"""Labels of any source opened, to be read where and when they are needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from microdsd.errors import InputError
from microdsd.io.discovery import locate, split_spec
from microdsd.io.formats import is_volume, read_volume
from microdsd.io.hdf5 import provenance_in, statement_of
from microdsd.io.hdf5_access import open_hdf5
from microdsd.io.label_source import LabelSource
from microdsd.io.stored import StoredLabels
from microdsd.io.volume import Volume
from microdsd.microstructure import (
    LabelsLike,
    PhaseNames,
    VoxelSize,
    VoxelSizeLike,
    as_microstructure,
    phases_of,
    provenance_of,
    voxel_size_of,
)
from microdsd.microstructure.axes import SPATIAL_DIMS, array_of, dims_of_ndarray
from microdsd.microstructure.labels import (
    check_integers,
    lawful_labels,
    name_phases,
    unsigned_dtype,
)
from microdsd.microstructure.voxels import as_voxel_size

Region = Sequence[slice] | Mapping[str, slice]


def open_labels(
    source: str | Path | LabelsLike | Volume,
    *,
    phases: PhaseNames | None = None,
    voxel_size: VoxelSizeLike | None = None,
    region: Region | None = None,
    ensemble: bool = False,
    check: bool = True,
    axis_order: str | None = None,
    external: bool = False,
    fill_unwritten: bool = False,
) -> LabelSource:
    """Open labels for reading in windows.

    Labels are checked once: those of native files were when they were written, arrays in other
    files are counted here, slab by slab, within the region.

    Parameters
    ----------
    source : str, Path, Volume, ndarray or DataArray
        ``file.h5``, ``file.h5:/path/in/file``, a file, folder or pattern of files that
        `read_volume` reads, what it returned, or labels in memory.
    phases, voxel_size
        As in `microdsd.microstructure.as_microstructure`; None takes what the source states.
    region : sequence of slice or mapping of str to slice, optional
        Part of the volume, per spatial axis or by dim; what is outside does not exist for the
        reader.
    ensemble : bool
        Whether the first axis of a plain 3D array or image stack counts samples.
    check : bool
        Whether to count labels that `phases` names; False where they will be when they are read.
    axis_order, external, fill_unwritten
        Of files, see `load_microstructures`.

    Raises
    ------
    DataFileError
        A missing, truncated or foreign file, or nothing at the path.
    InputError
        Not labels, labels without a name, or a region outside the volume.

    Examples
    --------
    >>> with open_labels(np.eye(8, dtype=int), region=(slice(4, 8), slice(0, 8))) as labels:
    ...     labels.shape, labels.read(0, start=(0, 4), size=(1, 2)).tolist()
    ((4, 8), [[1, 0]])
    """
    if isinstance(source, str | Path) and is_volume(source):
        source, axis_order = read_volume(source, axis_order=axis_order, ensemble=ensemble), None
    if isinstance(source, Volume):
        return _open_volume(source, phases, voxel_size, region, check)
    if isinstance(source, str | Path):
        path, inner = split_spec(source)
        file = open_hdf5(path)
        try:
            array = locate(
                file,
                inner,
                ensemble=ensemble,
                axis_order=axis_order,
                external=external,
                fill_unwritten=fill_unwritten,
            )
            labels = _open(
                array.labels,
                statement_of(array, sized=voxel_size is None),
                phases,
                voxel_size,
                region,
                check,
                file.close,
            )
            labels.notes = (array.note,) if array.note else ()
            labels.provenance = provenance_in(array)
            return labels
        except BaseException:
            file.close()
            raise
    if axis_order is not None:
        raise InputError(f"axis_order: is for files, got {axis_order!r} for an array in memory")
    statement = provenance = None
    if isinstance(source, xr.DataArray):
        source = as_microstructure(source)
        statement = phases_of(source), voxel_size_of(source)
        provenance = provenance_of(source)
        stored = StoredLabels((source.values,), has_samples="sample" in source.dims)
    else:
        arrays: Any = source
        values = array_of(arrays, ensemble=ensemble, named=phases is not None)
        dims_of_ndarray(values.ndim, ensemble)
        stored = StoredLabels((check_integers(values),), has_samples=ensemble)
    labels = _open(stored, statement, phases, voxel_size, region, check, lambda: None)
    labels.provenance = provenance
    return labels


def read_sample(
    source: str | Path, sample: int = 0, *, region: Region | None = None
) -> npt.NDArray[Any]:
    """Read one sample of a file as it is stored, and nothing else of an HDF5 file.

    Its labels are neither counted nor named: `microdsd.microstructure.as_microstructure` does
    both, with the phases that `open_labels` found.

    Parameters
    ----------
    source, region
        As in `open_labels`.
    sample : int

    Returns
    -------
    ndarray of integers, axes ``([z,] y, x)``

    Raises
    ------
    DataFileError, InputError
        As `open_labels` and `LabelSource.read`.

    Examples
    --------
    >>> from microdsd.io import save_microstructures
    >>> save_microstructures("eye.h5", np.eye(4, dtype=int))
    >>> read_sample("eye.h5", region={"x": slice(0, 2)}).tolist()
    [[1, 0], [0, 1], [0, 0], [0, 0]]
    """
    if is_volume(source):
        return _read(_stored(read_volume(source)), sample, region)
    path, inner = split_spec(source)
    with open_hdf5(path) as file:
        return _read(locate(file, inner, sample=sample).labels, sample, region)


def _stored(volume: Volume) -> StoredLabels:
    return StoredLabels((check_integers(volume.array),), has_samples=volume.is_ensemble)


def _open_volume(
    volume: Volume,
    phases: PhaseNames | None,
    voxel_size: VoxelSizeLike | None,
    region: Region | None,
    check: bool,
) -> LabelSource:
    """Open what a reader returned; what the user says overrules what the file states."""
    names = volume.phases if phases is None else phases
    size = volume.voxel_size if voxel_size is None else voxel_size
    check = check or phases is None
    labels = _open(_stored(volume), None, names, size, region, check, lambda: None)
    labels.notes = volume.notes
    return labels


def _read(stored: StoredLabels, sample: int, region: Region | None) -> npt.NDArray[Any]:
    if not 0 <= sample < stored.n_samples:
        raise InputError(f"sample: there are {stored.n_samples} samples, got {sample}")
    return stored.read(sample, _checked_region(region, stored.shape))


def _open(
    stored: StoredLabels,
    statement: tuple[dict[int, str] | None, VoxelSize | None] | None,
    phases: PhaseNames | None,
    voxel_size: VoxelSizeLike | None,
    region: Region | None,
    check: bool,
    close: Callable[[], None],
) -> LabelSource:
    parts = _checked_region(region, stored.shape)
    stated_names, stated_size = statement or (None, None)
    size = as_voxel_size(voxel_size, len(stored.shape))
    if stated_size is not None and voxel_size is None:
        size = stated_size
    dtype, mapping = stored.dtype, None
    if stated_names is not None and phases is None:
        names = stated_names
    else:
        present = stored.counts(parts) if phases is None or check else {}
        if phases is None:
            stored.refuse_missing(present)
        names = name_phases(present, phases)
        lawful = lawful_labels(names)
        if any(old != new for old, new in lawful.items()):
            mapping = lawful
            names = {lawful[label]: names[label] for label in sorted(names, key=lawful.__getitem__)}
            dtype = np.min_scalar_type(max(names))
        elif present:
            dtype = unsigned_dtype(dtype, max(present))
    return LabelSource(
        stored,
        parts,
        phases=names,
        voxel_size=size,
        dtype=dtype,
        mapping=mapping,
        close=close,
    )


def _checked_region(region: Region | None, shape: tuple[int, ...]) -> tuple[slice, ...]:
    dims = SPATIAL_DIMS[-len(shape) :]
    if region is None:
        region = {}
    elif not isinstance(region, Mapping):
        if len(region) != len(shape):
            raise InputError(f"region: needs one slice per axis of {dims}, got {len(region)}")
        region = dict(zip(dims, region, strict=True))
    unknown = sorted(set(region) - set(dims))
    if unknown:
        raise InputError(f"region: there is no axis {unknown}; the axes are {dims}")
    parts = []
    for dim, length in zip(dims, shape, strict=True):
        given = region.get(dim, slice(None))
        start, stop, step = given.indices(length)
        if step != 1 or stop <= start or max(given.start or 0, given.stop or 0) > length:
            raise InputError(
                f"region: {dim} from {given.start} to {given.stop} must be a range without step "
                f"inside 0..{length}"
            )
        parts.append(slice(start, stop))
    return tuple(parts)
