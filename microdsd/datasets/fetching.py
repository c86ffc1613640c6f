"""Files of data sets: from the package, a local mirror, or the publisher; always verified."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from microdsd.datasets.registry import data_folder, dataset_info
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
    checksum = f"sha256:{info.sha256}"
    if info.url is None:
        return _verified(data_folder() / info.file, name, checksum, "the package, anew")
    return fetch_file(name, info.folder, info.file, info.url, checksum)


def fetch_file(
    name: str, folder: str, file: str, url: str | None, checksum: str, page: str | None = None
) -> Path:
    """Return one file of a data set, from the mirror or its publisher.

    Parameters
    ----------
    name : str
        Name of the data set, for messages.
    folder, file : str
        Where the file lies in a mirror, ``<folder>/<file>``.
    url : str or None
        None where the publisher hands it out by hand only, on ``page``.
    checksum : str
        ``"sha256:..."`` or ``"md5:..."``.

    Raises
    ------
    DataFileError
        The download failed, or the file is not the published one.
    """
    mirror = os.environ.get(MIRROR_VARIABLE)
    mirrored = Path(mirror) / folder / file if mirror else None
    if mirrored is not None and mirrored.is_file():
        return _verified(mirrored, name, checksum, url or page or "its publisher")
    if url is None:
        raise DataFileError(
            f"dataset {name}: {file} is handed out at {page} only; put it at "
            f"<mirror>/{folder}/{file} and set {MIRROR_VARIABLE}"
        )
    return _downloaded(name, folder, file, url, checksum)


def _verified(path: Path, name: str, checksum: str, origin: str) -> Path:
    if not path.is_file():
        raise DataFileError(f"{path}: is missing; install microdsd again")
    algorithm, _, expected = checksum.partition(":")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, algorithm).hexdigest()
    if digest != expected:
        raise DataFileError(
            f"{path}: is not the published file of {name}: its {algorithm} is {digest}, expected "
            f"{expected}; take a fresh copy from {origin}"
        )
    return path


def _downloaded(name: str, folder: str, file: str, url: str, checksum: str) -> Path:
    import pooch

    try:
        path: str = pooch.retrieve(
            url,
            known_hash=checksum,
            fname=file,
            path=pooch.os_cache("microdsd") / folder,
            downloader=pooch.HTTPDownloader(timeout=TIMEOUT_SECONDS),
        )
    except (OSError, ValueError) as error:  # requests raises OSError, a wrong checksum ValueError
        raise DataFileError(
            f"dataset {name}: cannot be fetched from {url} ({error}); check the network, "
            f"or put the file at <mirror>/{folder}/{file} and set {MIRROR_VARIABLE}"
        ) from error
    return Path(path)
