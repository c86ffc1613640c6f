"""Files of data sets: from the package, a local mirror, or the publisher; always verified."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from microdsd.datasets.registry import DatasetInfo, data_folder, dataset_info
from microdsd.errors import DataFileError

MIRROR_VARIABLE = "MICRODSD_DATA"
TIMEOUT_SECONDS = 60


def fetch(name: str) -> Path:
    """Return the file of a data set, downloading it where it is not at hand.

    A folder named by the environment variable ``MICRODSD_DATA`` that holds ``<folder>/<file>`` is
    a mirror and is asked first. Downloads are kept in the cache of the user.

    Parameters
    ----------
    name : str
        See `list_datasets`.

    Raises
    ------
    InputError
        There is no set of that name.
    DataFileError
        The download failed, or the file is not the published one.

    Examples
    --------
    >>> fetch("synthetic_blobs").name
    'synthetic.h5'
    """
    info = dataset_info(name)
    if info.url is None:
        return _verified(data_folder() / info.file, info)
    mirror = os.environ.get(MIRROR_VARIABLE)
    mirrored = Path(mirror) / info.folder / info.file if mirror else None
    if mirrored is not None and mirrored.is_file():
        return _verified(mirrored, info)
    return _downloaded(info)


def _verified(path: Path, info: DatasetInfo) -> Path:
    if not path.is_file():
        raise DataFileError(f"{path}: is missing; install microdsd again")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != info.sha256:
        raise DataFileError(
            f"{path}: is not the published file of {info.name}: its sha256 is {found}, expected "
            f"{info.sha256}; take a fresh copy from {info.url}"
        )
    return path


def _downloaded(info: DatasetInfo) -> Path:
    import pooch

    folder = pooch.os_cache("microdsd") / info.folder
    try:
        path: str = pooch.retrieve(
            info.url,
            known_hash=f"sha256:{info.sha256}",
            fname=info.file,
            path=folder,
            downloader=pooch.HTTPDownloader(timeout=TIMEOUT_SECONDS),
        )
    except (OSError, ValueError) as error:  # requests raises OSError, a wrong checksum ValueError
        raise DataFileError(
            f"dataset {info.name}: cannot be fetched from {info.url} ({error}); check the network, "
            f"or put the file at <mirror>/{info.folder}/{info.file} and set {MIRROR_VARIABLE}"
        ) from error
    return Path(path)
