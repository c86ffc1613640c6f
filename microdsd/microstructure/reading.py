"""Reading of labels by the name of their file, with a reader that `microdsd.io` registers."""

from __future__ import annotations

from collections.abc import Callable
from os import PathLike, fspath

import xarray as xr

from microdsd.errors import InputError

Loader = Callable[[str], xr.DataArray]

_loaders: list[Loader] = []


def read_files_with(loader: Loader) -> None:
    """Register the function that reads files; `microdsd.io` does when it is imported."""
    _loaders[:] = [loader]


def load_by_name(path: str | PathLike[str]) -> xr.DataArray:
    """Load a whole array of labels, ``file.h5`` or ``file.h5:/path/in/file``.

    Raises
    ------
    InputError
        `microdsd.io` was not imported.
    """
    if not _loaders:
        raise InputError(
            f"labels: {str(path)!r} is the name of a file; import microdsd.io, or load it with "
            "microdsd.load_microstructures"
        )
    return _loaders[0](fspath(path))
