"""What an HDF5 file holds: microstructures in the native layout and label arrays in any other."""

from __future__ import annotations

import fnmatch
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from microdsd.errors import DataFileError, InputError
from microdsd.io.hdf5_access import dimension_scales, open_hdf5, reading, text_attribute
from microdsd.io.layouts import Kind, Layout, layout_of
from microdsd.io.links import ASK_FOR_EXTERNAL, Contents, contents, follow
from microdsd.io.numbered import by_numbers
from microdsd.io.spacing import voxel_size_from
from microdsd.io.storage import check_storage
from microdsd.io.stored import StoredLabels
from microdsd.microstructure import VoxelSize
from microdsd.microstructure.labels import OTSU

NATIVE_DIMS = {("sample", "z", "y", "x"), ("sample", "y", "x"), ("z", "y", "x"), ("y", "x")}
NATIVE_UNITS = {"m", "voxel"}


@dataclass(frozen=True)
class FoundArray:
    """Describe one array of labels in an HDF5 file, ready to be read in part.

    Attributes
    ----------
    path : str
        Path in the file; ``*`` stands for the number of one-dataset-per-sample layouts.
    kind : str
        ``"native"``, ``"stack"`` (with samples), ``"per-sample"``, ``"dream3d"`` or ``"plain"``.
    labels : StoredLabels
    note : str
        What the file says and this package does not act upon, or how its axes were taken.
    layout : Layout or None
        None for native arrays.
    """

    path: str
    kind: Kind
    labels: StoredLabels
    note: str = ""
    layout: Layout | None = None

    @property
    def dataset(self) -> Any:
        """Return the dataset, the first one of a per-sample layout."""
        return self.labels.datasets[0]

    def voxel_size(self) -> VoxelSize | None:
        """Return the voxel size that a foreign file states, None where it states none.

        Raises
        ------
        InputError
            Coordinates that do not run in even steps.
        """
        return None if self.layout is None else voxel_size_from(self.layout.spacings)

    @property
    def evenly_spaced(self) -> bool:
        """Return whether no coordinate runs in uneven steps."""
        return self.layout is None or not any(s and s.uneven for s in self.layout.spacings)

    def check(
        self, *, sample: int | None = None, external: bool = False, fill_unwritten: bool = False
    ) -> None:
        """Refuse an array of which HDF5 would make up a part; see `check_storage`."""
        datasets = self.labels.datasets
        if sample is not None and not self.labels.has_samples:
            datasets = datasets[sample : sample + 1]
        for dataset in datasets:
            check_storage(dataset, external=external, fill_unwritten=fill_unwritten)


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


def recognise(inside: Contents, axis_order: str | None = None) -> list[FoundArray]:
    """Recognise arrays of labels among the contents of a file.

    What cannot be read joins `unreadable`.
    """
    single: list[FoundArray] = []
    families: dict[tuple[Any, ...], list[tuple[int, FoundArray]]] = defaultdict(list)
    for dataset in inside.datasets:
        try:
            with reading(str(dataset.name)):
                array = _recognise(dataset, axis_order)
        except InputError:
            continue  # says why when it is asked for by its path
        except DataFileError as error:
            inside.unreadable[str(dataset.name)] = error
            continue
        if array is None:
            continue
        numbered = re.fullmatch(r"(.*?)(\d+)(\D*)", array.path)
        if array.kind == "plain" and numbered:
            stem, number, tail = numbered.groups()
            like = (dataset.shape, dataset.dtype, array.layout)
            families[f"{stem}*{tail}", *like].append((int(number), array))
        else:
            single.append(array)
    for (path, *_), members in families.items():
        arrays = [array for _, array in sorted(members, key=lambda member: member[0])]
        if len(arrays) == 1:
            single.append(arrays[0])
        else:
            labels = replace(arrays[0].labels, datasets=tuple(array.dataset for array in arrays))
            single.append(replace(arrays[0], path=path, kind="per-sample", labels=labels))
    return sorted(single, key=lambda array: array.path)


def locate(
    file: h5py.File,
    inner: str | None,
    *,
    ensemble: bool = False,
    sample: int | None = None,
    axis_order: str | None = None,
    external: bool = False,
    fill_unwritten: bool = False,
) -> FoundArray:
    """Find the array that a path means: a dataset, a group that holds one, or a ``*`` path.

    Parameters
    ----------
    file : h5py.File
    inner : str or None
        None stands for the only array of the file.
    ensemble : bool
        Whether the first axis of a 3D array counts samples.
    sample : int, optional
        The only sample that will be read; by default it may be any.
    axis_order : str, optional
        See `microdsd.io.layouts.layout_of`.
    external, fill_unwritten : bool
        See `microdsd.io.storage.check_storage`.

    Raises
    ------
    DataFileError
        Nothing is there, or not all of it.
    InputError
        Several arrays are there, or the array does not hold labels.
    """
    name = Path(file.filename).name
    with reading(f"{name}:{inner or '/'}"):
        item = follow(file, inner or "/", external=external)
        # A file may have hundreds of groups, so that recognising all takes seconds.
        inside = contents(file if item is None else item, external=external)
        arrays = recognise(inside, axis_order)
        chosen = arrays if item is not None else [a for a in arrays if a.path == inner]
    unreadable = inside.unreadable
    if item is None and inner is not None:
        unreadable = {p: e for p, e in unreadable.items() if fnmatch.fnmatchcase(p, inner)}
    if unreadable:
        path, error = next(iter(unreadable.items()))
        others = ", ".join(array.path for array in arrays)
        raise DataFileError(
            f"{name}: {path} cannot be read ({error})"
            + (f"; to read another array name it: {others}" if others else "")
        ) from error
    if len(chosen) == 1:
        array = _as_stack(chosen[0]) if ensemble else chosen[0]
        array.check(sample=sample, external=external, fill_unwritten=fill_unwritten)
        return array
    if len(chosen) > 1:
        where = f"under {inner} " if inner else ""
        listing = ", ".join(array.path for array in chosen)
        raise InputError(
            f"{name}: holds {len(chosen)} arrays {where}({listing}); name one, as in {name}:/path"
        )
    if isinstance(item, h5py.Dataset):
        raise _why_not_labels(item, name, inner, axis_order)
    raise _nothing_there(name, inner, contents(file, external=external))


def matching_specs(spec: str | Path) -> list[str]:
    """Return the specs of all arrays that a path with ``*`` stands for, by their numbers.

    A spec without ``*`` is returned as it is.

    Examples
    --------
    >>> matching_specs("rock.h5:/labels")
    ['rock.h5:/labels']

    Raises
    ------
    DataFileError
        No path in the file is like that, or one that is cannot be read.
    """
    path, inner = split_spec(spec)
    if inner is None or "*" not in inner:
        return [str(spec)]
    with open_hdf5(path) as file:
        inside = contents(file)
        paths = [array.path for array in recognise(inside)]
    for damaged, error in inside.unreadable.items():
        if fnmatch.fnmatchcase(damaged, inner):
            raise DataFileError(f"{path.name}: {damaged} cannot be read ({error})") from error
    if inner in paths:
        return [str(spec)]  # one dataset per sample, which is one array here
    chosen = [name for name in paths if fnmatch.fnmatchcase(name, inner)]
    if not chosen:
        listing = ", ".join(paths) or "none"
        raise DataFileError(
            f"{path.name}: no array at a path like {inner}; integer arrays in it: {listing}"
        )
    return [f"{path}:{name}" for name in sorted(chosen, key=by_numbers)]


def native_dims(dataset: h5py.Dataset) -> tuple[str, ...] | None:
    """Return the dims of a dataset in the native layout, from its dimension scales, else None."""
    if "phases" not in dataset.attrs:
        return None
    scales = dimension_scales(dataset)
    if scales is None:
        return None
    dims = tuple(str(scale.name).rpartition("/")[2] for scale in scales)
    units = {text_attribute(scale.attrs, "units", "voxel") for scale in scales}
    return dims if dims in NATIVE_DIMS and units <= NATIVE_UNITS else None


def _recognise(dataset: h5py.Dataset, axis_order: str | None) -> FoundArray | None:
    """Return the array of labels, or None for one that is not meant to be.

    Raises
    ------
    InputError
        It looks like labels and cannot be taken as such.
    """
    if not _may_be_labels(dataset) or "levels" in dataset.attrs:
        return None  # the latter are images, which microdsd.io.load_images reads
    group, _, own_name = dataset.name.rpartition("/")
    if own_name in _named_beside_labels(dataset):
        return None  # a map that goes along with labels
    dims = native_dims(dataset)
    if dims is not None and axis_order is None:
        path = group if own_name == "labels" and group else dataset.name
        return FoundArray(path, "native", StoredLabels((dataset,), has_samples="sample" in dims))
    layout = layout_of(dataset, axis_order)
    labels = StoredLabels(
        (dataset,),
        has_samples=layout.has_samples,
        axes=layout.axes,
        backwards=layout.backwards,
        missing=_missing_label(dataset),
    )
    if min(labels.shape) < 2:
        return None  # a row or a column of numbers, not an image
    return FoundArray(dataset.name, layout.kind, labels, layout.note, layout)


def _may_be_labels(dataset: h5py.Dataset) -> bool:
    """Return whether a dataset holds integers along two axes or more."""
    integers = dataset.id.get_type().get_class() in (h5py.h5t.INTEGER, h5py.h5t.ENUM)
    return bool(
        integers and dataset.shape is not None and dataset.ndim >= 2 and dataset.size > 0
        and dataset.dtype.kind in "biu"
    )  # fmt: skip


def _named_beside_labels(dataset: h5py.Dataset) -> Iterable[str]:
    labels = dataset.parent.get("labels", getlink=True)
    if not isinstance(labels, h5py.HardLink):
        return ()
    return text_attribute(dataset.parent["labels"].attrs, "coordinates").split()


def _missing_label(dataset: h5py.Dataset) -> int | None:
    """Label that stands for no data, as netCDF writes it."""
    for name in ("_FillValue", "missing_value"):
        value = np.ravel(dataset.attrs.get(name, []))
        if value.size and value.dtype.kind in "iu":
            return int(value[0])
    return None


def _as_stack(array: FoundArray) -> FoundArray:
    if array.labels.is_ensemble:
        return array
    if array.kind != "plain" or len(array.labels.shape) != 3:
        raise InputError(
            f"ensemble: {array.path} is a {array.kind} array of shape {array.labels.shape}, "
            "not a plain stack of images; leave ensemble out"
        )
    labels = replace(
        array.labels,
        has_samples=True,
        backwards=tuple(axis - 1 for axis in array.labels.backwards if axis),
    )
    layout = array.layout and replace(array.layout, spacings=array.layout.spacings[1:])
    return replace(array, kind="stack", labels=labels, layout=layout)


def _why_not_labels(
    dataset: h5py.Dataset, name: str, inner: str | None, axis_order: str | None
) -> InputError:
    if _may_be_labels(dataset):
        try:
            layout_of(dataset, axis_order)
        except InputError as error:
            return InputError(f"{name}: {error}")
    return InputError(
        f"{name}:{inner}: is {dataset.dtype} of shape {dataset.shape}, not a 2D, 3D or "
        f"4D array of integer labels; segment images first, e.g. {OTSU}"
    )


def _nothing_there(name: str, inner: str | None, everything: Contents) -> DataFileError:
    missing = "holds no integer array" if inner is None else f"there is nothing to read at {inner}"
    if any("levels" in dataset.attrs for dataset in everything.datasets):
        missing += " (it holds images: read them with load_images)"
    if everything.outside:
        links = ", ".join(f"{path} to {to}" for path, to in everything.outside.items())
        missing += f" (it has links to other files, {links}; {ASK_FOR_EXTERNAL})"
    listing = ", ".join(array.path for array in recognise(everything)) or "none"
    return DataFileError(f"{name}: {missing}; integer arrays in it: {listing}")
