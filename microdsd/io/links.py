"""Links of an HDF5 file, followed so that cycles end and no other file is opened unasked."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py

from microdsd.errors import DataFileError
from microdsd.io.hdf5_access import reading

LINKS_IN_A_ROW = 64
MATLAB_INTERNAL = {"#refs#", "#subsystem#"}
ASK_FOR_EXTERNAL = (
    "files may name any file that you can read, so others are read only on request "
    "(external=True, microdsd import --external)"
)


class LinkToOtherFile(DataFileError):
    """Report a path that leads into another file, which was not asked for."""


@dataclass
class Contents:
    """List what lies below a group, each object once, whatever the number of its names.

    Attributes
    ----------
    datasets : list of h5py.Dataset
    unreadable : dict of str to DataFileError
        Objects whose description cannot be read, by path.
    outside : dict of str to str
        External links that were not followed: path to file and path in it.
    """

    datasets: list[h5py.Dataset] = field(default_factory=list)
    unreadable: dict[str, DataFileError] = field(default_factory=dict)
    outside: dict[str, str] = field(default_factory=dict)


def contents(top: h5py.Group | h5py.Dataset, *, external: bool = False) -> Contents:
    """List what lies below a group; soft links are followed after all others.

    Parameters
    ----------
    top : h5py.Group or h5py.Dataset
        A dataset is its own contents.
    external : bool
        Whether links into other files are followed.
    """
    listed = Contents()
    addresses: set[tuple[int, int]] = set()
    pending: list[Any] = [top]
    soft: list[tuple[h5py.Group, str]] = []
    while pending or soft:
        if pending:
            item, path = pending.pop(), ""
        else:
            group, name = soft.pop()
            path = _join(group, name)
            item = None
        try:
            with reading(path or "object"):
                if item is None:
                    item = follow(group, name, external=external)
                if item is None or _address(item) in addresses:
                    continue
                addresses.add(_address(item))
                if isinstance(item, h5py.Dataset):
                    listed.datasets.append(item)
                    continue
                if not isinstance(item, h5py.Group):
                    continue
                members = [name for name in item if name not in MATLAB_INTERNAL]
        except LinkToOtherFile:
            listed.outside[path] = "another file, through a soft link"
            continue
        except DataFileError as error:
            listed.unreadable[printable(path or str(item.name))] = error
            continue
        for name in reversed(members):
            path = _join(item, name)
            try:
                with reading(path):
                    name.encode()  # a name that is not UTF-8 can neither be shown nor be given
                    link = item.get(name, getlink=True)
                    if isinstance(link, h5py.ExternalLink) and not external:
                        listed.outside[path] = f"{link.filename}:{link.path}"
                    elif isinstance(link, h5py.HardLink):
                        pending.append(item[name])
                    else:
                        soft.append((item, name))
            except DataFileError as error:
                listed.unreadable[printable(path)] = error
    return listed


def follow(
    start: h5py.Group, path: str, *, external: bool = False, limit: int = LINKS_IN_A_ROW
) -> Any:
    """Return the object at a path, None where there is none.

    Parameters
    ----------
    start : h5py.Group
        Where a relative path begins.
    path : str
    external : bool
        Whether links into other files are followed.
    limit : int
        Number of soft links in a row after which they count as leading nowhere.

    Raises
    ------
    LinkToOtherFile
        The path leads into another file, and `external` is false.
    DataFileError
        The other file is missing.
    """
    item: Any = start.file if path.startswith("/") else start
    for part in filter(None, path.split("/")):
        if part == ".":
            continue
        if not isinstance(item, h5py.Group):
            return None
        link = item.get(part, getlink=True)
        if isinstance(link, h5py.ExternalLink):
            if not external:
                raise LinkToOtherFile(
                    f"{Path(item.file.filename).name}:{_join(item, part)}: is a link to the "
                    f"other file {link.filename} (at {link.path}); {ASK_FOR_EXTERNAL}"
                )
            item = _linked_file(item, part, link)
        elif isinstance(link, h5py.SoftLink):
            item = follow(item, link.path, external=external, limit=limit - 1) if limit else None
        else:
            item = item.get(part)
        if item is None:
            return None
    return item


def printable(text: str) -> str:
    r"""Return text with what is not UTF-8 as ``\udc..``, so that any terminal can show it."""
    return text.encode("utf-8", "backslashreplace").decode()


def _linked_file(group: h5py.Group, name: str, link: h5py.ExternalLink) -> Any:
    try:
        return group[name]
    except (OSError, KeyError) as error:
        raise DataFileError(
            f"{Path(group.file.filename).name}:{_join(group, name)}: is a link to {link.filename} "
            f"(at {link.path}), which is missing or cannot be opened ({error}); put that file "
            "beside this one"
        ) from error


def _join(group: h5py.Group, name: str) -> str:
    return f"{str(group.name).rstrip('/')}/{name}"


def _address(item: Any) -> tuple[int, int]:
    info = h5py.h5o.get_info(item.id)
    return info.fileno, info.addr
