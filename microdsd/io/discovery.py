"""What an HDF5 file holds: microstructures in the native layout and label arrays in any other."""

from __future__ import annotations

import fnmatch
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np

from microdsd.errors import DataFileError, InputError
from microdsd.io.stored import StoredLabels
from microdsd.microstructure.labels import OTSU

Kind = Literal["native", "stack", "per-sample", "dream3d", "plain"]

NATIVE_DIMS = {("sample", "z", "y", "x"), ("sample", "y", "x"), ("z", "y", "x"), ("y", "x")}
CELL_GROUPS = {"CellData", "Cell Data"}
CHUNK_CACHE_BYTES = 64 << 20


@dataclass(frozen=True)
class FoundArray:
    """One array of labels in an HDF5 file, ready to be read in part.

    Attributes
    ----------
    path : str
        Path in the file; ``*`` stands for the number of one-dataset-per-sample layouts.
    kind : str
        ``"native"``, ``"stack"`` (4D), ``"per-sample"``, ``"dream3d"`` or ``"plain"``.
    labels : StoredLabels
    note : str
        What the file says and this package does not act upon.
    """

    path: str
    kind: Kind
    labels: StoredLabels
    note: str = ""

    @property
    def dataset(self) -> Any:
        """The dataset, the first one of a per-sample layout."""
        return self.labels.datasets[0]


def split_spec(spec: str | Path) -> tuple[Path, str | None]:
    """Split ``file.h5:/path/in/file`` into the file and the path inside it, if any.

    Examples
    --------
    >>> split_spec("scans/rock.h5:/labels")
    (PosixPath('scans/rock.h5'), '/labels')
    >>> split_spec("rock.h5")
    (PosixPath('rock.h5'), None)
    """
    file, separator, inner = str(spec).rpartition(":/")
    if len(file) <= 1 or not separator:  # no separator, or the drive letter of Windows
        return Path(spec), None
    return Path(file), "/" + inner.strip("/")


def open_hdf5(path: str | Path) -> h5py.File:
    """Open a file for reading.

    Raises
    ------
    DataFileError
        It is missing, a folder, truncated, or not HDF5.
    """
    path = Path(path)
    if not path.is_file():
        raise DataFileError(f"{path}: there is no such file; check the name and the folder")
    try:
        return h5py.File(path, "r", rdcc_nbytes=CHUNK_CACHE_BYTES)
    except OSError as error:
        raise DataFileError(
            f"{path}: cannot be opened as HDF5 ({error}); it is truncated, damaged or of another "
            "format (bring images in with 'microdsd import')"
        ) from error


def find_arrays(within: h5py.Group | h5py.Dataset) -> list[FoundArray]:
    """Recognise every 2D, 3D or 4D integer array of a file or group, or the dataset itself."""
    single: list[FoundArray] = []
    families: dict[tuple[Any, ...], list[tuple[int, h5py.Dataset]]] = defaultdict(list)
    for dataset in _datasets(within):
        if dataset.dtype.kind not in "biu" or dataset.size == 0 or not 2 <= dataset.ndim <= 4:
            continue
        found = _recognise(dataset)
        numbered = re.fullmatch(r"(.*?)(\d+)(\D*)", dataset.name)
        if found is None:
            continue
        if found.kind == "plain" and numbered:
            stem, number, tail = numbered.groups()
            key = (f"{stem}*{tail}", dataset.shape, dataset.dtype)
            families[key].append((int(number), dataset))
        else:
            single.append(found)
    for (path, *_), members in families.items():
        if len(members) == 1:
            single.append(FoundArray(members[0][1].name, "plain", StoredLabels((members[0][1],))))
        else:
            ordered = tuple(dataset for _, dataset in sorted(members, key=lambda m: m[0]))
            single.append(FoundArray(path, "per-sample", StoredLabels(ordered)))
    return sorted(single, key=lambda found: found.path)


def locate(file: h5py.File, inner: str | None, *, ensemble: bool = False) -> FoundArray:
    """Find the array that a path means: a dataset, a group that holds one, or a ``*`` path.

    Parameters
    ----------
    file : h5py.File
    inner : str or None
        None stands for the only array of the file.
    ensemble : bool
        Whether the first axis of a plain 3D array counts samples.

    Raises
    ------
    DataFileError
        Nothing is there.
    InputError
        Several arrays are there, or the array does not hold integers.
    """
    # A file may have hundreds of groups, so that recognising all takes seconds.
    there = None if inner is None else file.get(inner)
    arrays = find_arrays(there if isinstance(there, h5py.Group | h5py.Dataset) else file)
    name = Path(file.filename).name
    chosen = arrays if inner is None else _matching(file, arrays, inner)
    if len(chosen) == 1:
        return _as_stack(chosen[0]) if ensemble else chosen[0]
    listing = ", ".join(found.path for found in chosen or find_arrays(file)) or "none"
    if len(chosen) > 1:
        where = f"under {inner} " if inner else ""
        raise InputError(
            f"{name}: holds {len(chosen)} arrays {where}({listing}); name one, as in {name}:/path"
        )
    if inner is not None and isinstance(file.get(inner), h5py.Dataset):
        raise InputError(
            f"{name}:{inner}: is {file[inner].dtype} of shape {file[inner].shape}, not a 2D, 3D or "
            f"4D array of integer labels; segment images first, e.g. {OTSU}"
        )
    missing = "holds no integer array" if inner is None else f"there is nothing to read at {inner}"
    if any("levels" in dataset.attrs for dataset in _datasets(file)):
        missing += " (it holds images: read them with load_images)"
    raise DataFileError(f"{name}: {missing}; integer arrays in it: {listing}")


def matching_specs(spec: str | Path) -> list[str]:
    """Specs of all arrays that a path with ``*`` stands for, by their numbers; else the spec.

    Examples
    --------
    >>> matching_specs("rock.h5:/labels")
    ['rock.h5:/labels']

    Raises
    ------
    DataFileError
        No path in the file is like that.
    """
    path, inner = split_spec(spec)
    if inner is None or "*" not in inner:
        return [str(spec)]
    with open_hdf5(path) as file:
        paths = [found.path for found in find_arrays(file)]
    if inner in paths:
        return [str(spec)]  # one dataset per sample, which is one array here
    chosen = [found for found in paths if fnmatch.fnmatchcase(found, inner)]
    if not chosen:
        listing = ", ".join(paths) or "none"
        raise DataFileError(
            f"{path.name}: no array at a path like {inner}; integer arrays in it: {listing}"
        )
    return [f"{path}:{found}" for found in sorted(chosen, key=_by_numbers)]


def _by_numbers(path: str) -> list[tuple[int, str]]:
    """Key that puts sample_2 before sample_10."""
    words = re.split(r"(\d+)", path)
    return [(int(word), "") if word.isdecimal() else (-1, word) for word in words]


def native_dims(dataset: h5py.Dataset) -> tuple[str, ...] | None:
    """Dims of a dataset in the native layout, from its dimension scales; None for others."""
    if "phases" not in dataset.attrs or not all(len(dim) for dim in dataset.dims):
        return None
    dims = tuple(str(dim[0].name).rpartition("/")[2] for dim in dataset.dims)
    return dims if dims in NATIVE_DIMS else None


def _datasets(group: h5py.Group | h5py.Dataset) -> Iterator[h5py.Dataset]:
    if isinstance(group, h5py.Dataset):
        yield group
        return
    for name in group:
        item = group.get(name)  # None for a link that leads nowhere
        if isinstance(item, h5py.Group):
            yield from _datasets(item)
        elif isinstance(item, h5py.Dataset):
            yield item


def _recognise(dataset: h5py.Dataset) -> FoundArray | None:
    if "levels" in dataset.attrs:
        return None  # images, which microdsd.io.load_images reads
    dims = native_dims(dataset)
    group, _, own_name = dataset.name.rpartition("/")
    labels = dataset.parent.get("labels")
    if labels is not None and own_name in str(labels.attrs.get("coordinates", "")).split():
        return None  # a map that goes along with labels
    if dims is not None:
        path = group if own_name == "labels" and group else dataset.name
        return FoundArray(path, "native", StoredLabels((dataset,), has_samples="sample" in dims))
    if group.rpartition("/")[2] in CELL_GROUPS:
        if dataset.ndim != 4 or dataset.shape[-1] != 1:
            return None  # vectors and colours, not labels
        flat = (0,) if dataset.shape[0] == 1 else ()
        stored = StoredLabels((dataset,), before=flat, after=(0,))
        return FoundArray(dataset.name, "dream3d", stored, _dream3d_spacing(dataset.parent.parent))
    if dataset.ndim == 4:
        return FoundArray(dataset.name, "stack", StoredLabels((dataset,), has_samples=True))
    return FoundArray(dataset.name, "plain", StoredLabels((dataset,)))


def _dream3d_spacing(container: h5py.Group) -> str:
    spacing = container.get("_SIMPL_GEOMETRY/SPACING")
    values = container.attrs.get("_SPACING") if spacing is None else spacing[()]
    if values is None:
        return ""
    x, y, z = np.ravel(values)[:3]
    return f"spacing z, y, x = {z:g}, {y:g}, {x:g} in a unit the file does not state"


def _matching(file: h5py.File, arrays: list[FoundArray], inner: str) -> list[FoundArray]:
    exact = [a for a in arrays if a.path == inner or inner in {d.name for d in a.labels.datasets}]
    if exact and exact[0].kind == "per-sample" and inner != exact[0].path:
        return [FoundArray(inner, "plain", StoredLabels((file[inner],)))]
    return exact or [a for a in arrays if a.path.startswith(inner.rstrip("/") + "/")]


def _as_stack(found: FoundArray) -> FoundArray:
    if found.labels.is_ensemble:
        return found
    if found.kind != "plain" or found.dataset.ndim != 3:
        raise InputError(
            f"ensemble: {found.path} is a {found.kind} array of shape {found.labels.shape}, "
            "not a plain stack of images; leave ensemble out"
        )
    return FoundArray(found.path, "stack", StoredLabels(found.labels.datasets, has_samples=True))
