"""Where the values of an HDF5 dataset lie, and whether all of them are there.

HDF5 reads the fill value, in silence, where a source file of a virtual dataset is gone, where an
external raw file is too short and where a chunk was never written.
"""

from __future__ import annotations

import contextlib
import importlib
import math
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py

from microdsd.errors import DataFileError
from microdsd.io.hdf5_access import open_hdf5, reading
from microdsd.io.links import ASK_FOR_EXTERNAL, follow

BLOCK_NUMBER = "%b"
OPTIONAL_FILTER = 1
FILTER_NAMES = {
    305: "LZO", 307: "BZIP2", 32000: "LZF", 32001: "Blosc", 32004: "LZ4", 32008: "bitshuffle",
    32013: "ZFP", 32015: "Zstandard", 32017: "SZ", 32026: "Blosc2",
}  # fmt: skip


def check_storage(
    dataset: h5py.Dataset,
    *,
    external: bool = False,
    fill_unwritten: bool = False,
    _seen: frozenset[tuple[str, str]] = frozenset(),
) -> None:
    """Refuse a dataset of which HDF5 would make up a part.

    Parameters
    ----------
    dataset : h5py.Dataset
    external : bool
        Whether it may take values from other files: raw ones, and sources of a virtual dataset
        that lie outside the folder of its file.
    fill_unwritten : bool
        Whether voxels that were never written may read as the fill value.

    Raises
    ------
    DataFileError
        Names the files, paths or filters that are missing.
    """
    place = f"{Path(dataset.file.filename).name}:{dataset.name}"
    with reading(place):
        if dataset.size == 0:
            return
        _check_filters(dataset, place)
        if dataset.external:
            _check_raw_files(dataset, place, external)
        elif dataset.is_virtual:
            key = (str(Path(dataset.file.filename).resolve()), dataset.name)
            if key in _seen:
                raise DataFileError(f"{place}: is a virtual dataset whose source is itself")
            for source in _virtual_sources(dataset, place, external):
                check_storage(
                    source, external=external, fill_unwritten=fill_unwritten, _seen=_seen | {key}
                )
            _check_covered(dataset, place, fill_unwritten)
        else:
            _check_written(dataset, place, fill_unwritten)


def _check_filters(dataset: h5py.Dataset, place: str) -> None:
    plan = dataset.id.get_create_plist()
    wanted = [plan.get_filter(i) for i in range(plan.get_nfilters())]
    if all(h5py.h5z.filter_avail(code) for code, *_ in wanted):
        return
    with contextlib.suppress(ImportError):
        importlib.import_module("hdf5plugin")  # which registers its filters
    for number, (code, flags, _, name) in enumerate(wanted):
        if h5py.h5z.filter_avail(code):
            continue
        if flags & OPTIONAL_FILTER and dataset.id.get_num_chunks():
            skipped = dataset.id.get_chunk_info(0).filter_mask & (1 << number)
            if skipped:
                continue
        title = FILTER_NAMES.get(code) or name.decode("utf-8", "replace").strip("\0") or "unnamed"
        raise DataFileError(
            f"{place}: is packed with the HDF5 filter {title} (number {code}), which is not "
            'installed; the file is not damaged: pip install "microdsd[filters]" brings '
            "hdf5plugin, or repack the file with gzip (h5repack -f GZIP=4 OLD NEW)"
        )


def _check_raw_files(dataset: h5py.Dataset, place: str, external: bool) -> None:
    parts = dataset.external
    names = ", ".join(dict.fromkeys(name for name, *_ in parts))
    if not external:
        raise DataFileError(
            f"{place}: keeps its values in the other file {names}; {ASK_FOR_EXTERNAL}"
        )
    left = dataset.size * dataset.id.get_type().get_size()
    for name, offset, size in parts:
        path = _raw_path(dataset, name)
        if not path.is_file():
            raise DataFileError(f"{place}: its values lie in {path}, which is missing")
        needed = offset + min(size, left)
        if path.stat().st_size < needed:
            raise DataFileError(
                f"{place}: its values lie in {path}, which has {path.stat().st_size} of the "
                f"{needed} bytes; take a whole copy"
            )
        left -= min(size, left)
    if left > 0:
        raise DataFileError(f"{place}: the files {names} hold {left} bytes too few")


def _raw_path(dataset: h5py.Dataset, name: str) -> Path:
    """Return where HDF5 looks: from the working folder, unless a prefix says otherwise."""
    prefix = dataset.id.get_access_plist().get_efile_prefix().decode() or os.environ.get(
        "HDF5_EXTFILE_PREFIX", ""
    )
    folder = Path(dataset.file.filename).parent
    return Path(prefix.replace("${ORIGIN}", str(folder)), name)


def _virtual_sources(dataset: h5py.Dataset, place: str, external: bool) -> Iterator[h5py.Dataset]:
    """Yield the datasets that a virtual one consists of; all of them must exist."""
    folder = Path(dataset.file.filename).resolve().parent
    missing: dict[str, None] = {}
    for source in dataset.virtual_sources():
        own_file = source.file_name == "."
        for number in _block_numbers(dataset, source.file_name, source.dset_name):
            name = _numbered(source.file_name, number)
            inner = _numbered(source.dset_name, number)
            path = Path(dataset.file.filename) if own_file else _source_path(dataset, name)
            if path is None:
                missing[name] = None
                continue
            if not external and not path.resolve().is_relative_to(folder):
                raise DataFileError(
                    f"{place}: is a virtual dataset with a source outside its folder, {path}; "
                    f"{ASK_FOR_EXTERNAL}"
                )
            with open_hdf5(path) as file:
                target = follow(file, "/" + inner, external=external)
                if not isinstance(target, h5py.Dataset):
                    missing[f"{path.name}:/{inner.lstrip('/')}"] = None
                    continue
                if not _is_large_enough(target, source):
                    raise DataFileError(
                        f"{place}: is a virtual dataset whose source {path.name}:{target.name} has "
                        f"the shape {target.shape}, smaller than what is taken from it; take "
                        "whole copies of the sources"
                    )
                yield target
    if missing:
        raise DataFileError(
            f"{place}: is a virtual dataset whose sources are missing: {_few(list(missing))}; HDF5 "
            f"would read fill values in their place. Put them where the file expects them, "
            f"beside it: {folder}"
        )


def _is_large_enough(dataset: h5py.Dataset, source: Any) -> bool:
    """Return whether a source dataset holds all that is taken from it."""
    taken = source.src_space
    if taken.get_select_type() == h5py.h5s.SEL_ALL:
        if BLOCK_NUMBER in source.file_name + source.dset_name:
            return True
        return bool(dataset.size >= source.vspace.get_select_npoints())
    _, last = taken.get_select_bounds()
    return len(last) == dataset.ndim and all(
        end < length for end, length in zip(last, dataset.shape, strict=True)
    )


def _source_path(dataset: h5py.Dataset, name: str) -> Path | None:
    """Return where HDF5 finds a source; the working folder, its last resort, is not trusted."""
    folder = Path(dataset.file.filename).parent
    given = Path(name)
    if given.is_absolute():
        if given.is_file():
            return given
        given = Path(given.name)
    prefixes = [part for part in os.environ.get("HDF5_VDS_PREFIX", "").split(":") if part]
    places = [Path(part.replace("${ORIGIN}", str(folder))) for part in prefixes]
    for place in [*places, folder, Path(dataset.file.filename).resolve().parent]:
        if (place / given).is_file():
            return place / given
    return None


def _block_numbers(dataset: h5py.Dataset, file_name: str, inner: str) -> range:
    """Return numbers that ``%b`` in the names of sources takes: up to the highest that exists."""
    if BLOCK_NUMBER not in file_name + inner:
        return range(1)
    names: list[str] = []
    pattern = file_name
    if BLOCK_NUMBER in file_name:
        folder = Path(dataset.file.filename).parent / Path(_numbered(file_name, 0)).parent
        names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
        pattern = Path(file_name).name
    else:
        path = Path(dataset.file.filename) if file_name == "." else _source_path(dataset, file_name)
        if path is not None:
            with open_hdf5(path) as file:
                group, _, pattern = f"/{inner.lstrip('/')}".rpartition("/")
                parent = follow(file, group or "/")
                names = list(parent) if isinstance(parent, h5py.Group) else []
    form = re.compile(re.escape(pattern).replace(re.escape(BLOCK_NUMBER), r"(\d+)"))
    numbers = [int(match[1]) for name in names if (match := form.fullmatch(name))]
    return range(max(numbers, default=0) + 1)


def _numbered(name: str, number: int) -> str:
    return name.replace(BLOCK_NUMBER, str(number))


def _check_covered(dataset: h5py.Dataset, place: str, fill_unwritten: bool) -> None:
    spaces = [source.vspace for source in dataset.virtual_sources()]
    if any(BLOCK_NUMBER in s.file_name + s.dset_name for s in dataset.virtual_sources()):
        return  # as long as the sources make it
    covered = sum(space.get_select_npoints() for space in spaces)
    if covered < dataset.size and not fill_unwritten:
        raise DataFileError(
            f"{place}: {dataset.size - covered} of {dataset.size} voxels of this virtual dataset "
            f"have no source {_as_fill(dataset)}"
        )


def _check_written(dataset: h5py.Dataset, place: str, fill_unwritten: bool) -> None:
    if dataset.chunks is None:
        expected = dataset.size * dataset.id.get_type().get_size()
        if dataset.id.get_storage_size() < expected and not fill_unwritten:
            raise DataFileError(f"{place}: was created and never written {_as_fill(dataset)}")
        return
    number = math.prod(
        -(-length // chunk) for length, chunk in zip(dataset.shape, dataset.chunks, strict=True)
    )
    written = dataset.id.get_num_chunks()
    if written < number and not fill_unwritten:
        raise DataFileError(
            f"{place}: {number - written} of its {number} chunks were never written "
            f"{_as_fill(dataset)}"
        )


def _as_fill(dataset: h5py.Dataset) -> str:
    return (
        f"and would read as {dataset.fillvalue}; take a whole copy, or, if that value is meant "
        "there, pass fill_unwritten=True (microdsd import --fill-unwritten)"
    )


def _few(names: list[str]) -> str:
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
