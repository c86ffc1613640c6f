"""Formats that published sets of images come in; nothing is ever unpickled."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from microdsd.errors import DataFileError, InputError, reason_of

_IDX_TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
_CIFAR_EDGE, _CIFAR_RECORD = 32, 1 + 3 * 32 * 32
_JPEG = (".jpg", ".jpeg", ".png")


def read_idx(path: str | Path) -> npt.NDArray[Any]:
    """Read the array of an IDX file, as MNIST has them, gzip-packed or not.

    Raises
    ------
    DataFileError
        A missing, truncated or foreign file.
    """
    raw = _bytes(Path(path))
    if len(raw) < 4 or raw[:2] != b"\0\0" or raw[2] not in _IDX_TYPES:
        raise DataFileError(f"{path}: is not an IDX file, its first bytes are {raw[:4]!r}")
    kind, ndim = np.dtype(_IDX_TYPES[raw[2]]), raw[3]
    start = 4 + 4 * ndim
    shape = tuple(np.frombuffer(raw[4:start], ">u4").tolist())
    expected = start + int(np.prod(shape)) * kind.itemsize
    if len(raw) != expected:
        raise DataFileError(
            f"{path}: has {len(raw)} bytes, the shape {shape} needs {expected}; take a whole copy"
        )
    return np.frombuffer(raw, kind, offset=start).reshape(shape).astype(kind.newbyteorder("="))


def read_mnist(images: str | Path, labels: str | Path) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Read images (n, 1, y, x) and class numbers of a pair of IDX files."""
    pictures, numbers = read_idx(images), read_idx(labels)
    if pictures.ndim != 3 or numbers.shape != pictures.shape[:1]:
        raise DataFileError(
            f"{images}: {pictures.shape} does not go with the labels {numbers.shape} of {labels}"
        )
    return pictures[:, np.newaxis], numbers


def read_cifar10(archive: str | Path) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Read images (n, 3, 32, 32) and class numbers of CIFAR-10's binary version, training batches.

    The version for Python is a pickle, which can run any code, and is not read.

    Raises
    ------
    DataFileError
        A missing, truncated or foreign file.
    """
    try:
        with tarfile.open(archive) as tar:
            members = [
                member
                for member in sorted(tar.getmembers(), key=lambda m: m.name)
                if Path(member.name).match("data_batch_*.bin") and member.isfile()
            ]
            raw = b"".join(tar.extractfile(member).read() for member in members)  # type: ignore[union-attr]
    except (OSError, tarfile.TarError, EOFError) as error:
        raise DataFileError(
            f"{archive}: cannot be read as a tar archive ({reason_of(error)})"
        ) from error
    if not raw or len(raw) % _CIFAR_RECORD:
        raise DataFileError(
            f"{archive}: holds {len(raw)} bytes in data_batch_*.bin, not a multiple of "
            f"{_CIFAR_RECORD}; take CIFAR-10's binary version, whole (the one for Python is a "
            "pickle and is not read)"
        )
    records = np.frombuffer(raw, np.uint8).reshape(-1, _CIFAR_RECORD)
    return records[:, 1:].reshape(-1, 3, _CIFAR_EDGE, _CIFAR_EDGE), records[:, 0]


def read_celeba(
    images: str | Path, attributes: str | Path, attribute: str | None, size: int
) -> tuple[npt.NDArray[Any], list[str]]:
    """Read square images (n, 3, size, size) of faces, and the class of each by one attribute.

    Parameters
    ----------
    images : str or Path
        Zip archive, or folder, of JPEGs.
    attributes : str or Path
        ``list_attr_celeba.txt``: a count, the names, then a line of -1 and 1 per image.
    attribute : str or None
        Whose presence is the class: "Smiling" and "not Smiling". None: no classes.
    size : int
        The square in the middle is shrunk to so many pixels.

    Raises
    ------
    InputError
        There is no such attribute.
    DataFileError
        A missing or damaged file, or an image without a line in the list.
    """
    from PIL import Image

    marked = None if attribute is None else _attribute(Path(attributes), attribute)
    pictures, classes = [], []
    for name, raw in _pictures(Path(images)):
        try:
            with Image.open(io.BytesIO(raw)) as picture:
                edge = min(picture.size)
                left, upper = (picture.width - edge) // 2, (picture.height - edge) // 2
                square = picture.convert("RGB").resize(
                    (size, size), Image.Resampling.BOX, (left, upper, left + edge, upper + edge)
                )
        except OSError as error:
            raise DataFileError(f"{images}: {name} cannot be read ({error})") from error
        pictures.append(np.asarray(square).transpose(2, 0, 1))
        if marked is not None:
            if name not in marked:
                raise DataFileError(f"{attributes}: has no line for {name}; take a whole copy")
            classes.append(f"{'' if marked[name] else 'not '}{attribute}")
    if not pictures:
        raise DataFileError(f"{images}: holds no JPEG")
    return np.stack(pictures), classes


def _attribute(path: Path, attribute: str) -> dict[str, bool]:
    """Read whether each image has an attribute, by file name."""
    lines = _bytes(path).decode("utf-8", "replace").splitlines()
    names = lines[1].split() if len(lines) > 1 else []
    if attribute not in names:
        raise InputError(f"attribute={attribute!r}: the list has {', '.join(names) or 'none'}")
    column = names.index(attribute)
    rows = [line.split() for line in lines[2:] if line.strip()]
    if any(len(row) != len(names) + 1 for row in rows):
        raise DataFileError(f"{path}: has lines of the wrong length; take a whole copy")
    return {row[0]: row[1 + column] == "1" for row in rows}


def _pictures(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield name and bytes of every picture of a folder or zip archive, ordered by name."""
    if path.is_dir():
        for file in sorted(path.iterdir()):
            if file.suffix.lower() in _JPEG:
                yield file.name, file.read_bytes()
        return
    try:
        with zipfile.ZipFile(path) as archive:
            for name in sorted(archive.namelist()):
                if name.lower().endswith(_JPEG):
                    yield Path(name).name, archive.read(name)
    except (OSError, zipfile.BadZipFile) as error:
        raise DataFileError(
            f"{path}: cannot be read as a zip archive ({reason_of(error)})"
        ) from error


def _bytes(path: Path) -> bytes:
    """Read the content of a file, unpacked where it is gzip."""
    try:
        raw = path.read_bytes()
        return gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    except (OSError, EOFError) as error:
        raise DataFileError(
            f"{path}: cannot be read ({reason_of(error)}); take a whole copy"
        ) from error
