"""Published sets of images by name, as images with counts."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from microdsd.datasets.fetching import fetch_file
from microdsd.datasets.registry import data_folder
from microdsd.errors import InputError
from microdsd.image_sets.formats import read_celeba, read_cifar10, read_mnist
from microdsd.microstructure.intensity import as_images, quantise

_FACE_SIZE = 32


@dataclass(frozen=True)
class ImageFile:
    """Name one file of a set, its checksum as "sha256:..." or "md5:...", and its URL if any."""

    name: str
    hash: str
    url: str | None = None


@dataclass(frozen=True)
class ImageSetInfo:
    """Describe one set of images as the registry of images does.

    Attributes
    ----------
    name, title, folder, source, licence : str
    format : str
        ``"scikit-learn"``, ``"idx"``, ``"cifar-binary"`` or ``"celeba"``.
    grey_levels : int
        As published.
    channels, classes : tuple of str
    files : tuple of ImageFile
    doi, page : str or None
    """

    name: str
    title: str
    folder: str
    format: str
    grey_levels: int
    channels: tuple[str, ...]
    classes: tuple[str, ...]
    source: str
    licence: str
    files: tuple[ImageFile, ...] = ()
    doi: str | None = None
    page: str | None = None

    def __repr__(self) -> str:
        return f"<images {self.name!r}: {self.title}>"


def list_image_sets() -> list[ImageSetInfo]:
    """List the sets of images, as `image_set_info` describes each.

    Examples
    --------
    >>> [info.name for info in list_image_sets()]
    ['digits', 'mnist', 'cifar-10', 'celeba']
    """
    return list(_registry().values())


def image_set_info(name: str) -> ImageSetInfo:
    """Look a set of images up.

    Raises
    ------
    InputError
        There is no set of that name; the message lists those that there are.
    """
    if name not in _registry():
        raise InputError(
            f"dataset: there is no set of images {name!r}; there are {', '.join(_registry())}"
        )
    return _registry()[name]


def load_image_set(
    name: str,
    *,
    grey_levels: int | None = None,
    size: int | None = None,
    attribute: str | None = None,
) -> xr.DataArray:
    """Load a set of images, fetched if need be, with fewer levels if asked.

    Parameters
    ----------
    name : str
        See `list_image_sets`.
    grey_levels : int, optional
        Number of levels to round to; by default as published. Every unit is a walker, so 256
        levels cost sixteen times as much as 16.
    size : int, optional
        Of celeba: pixels per axis, 32 by default.
    attribute : str, optional
        Of celeba: the attribute whose presence is the class, e.g. "Smiling".

    Returns
    -------
    DataArray, dims (sample, [channel,] y, x)
        See `microdsd.microstructure.as_images`; training images only.

    Raises
    ------
    InputError
        No such set or attribute, or an option that the set does not have.
    DataFileError
        A file cannot be fetched, is not the published one, or is damaged.

    Examples
    --------
    >>> digits = load_image_set("digits")
    >>> digits.shape, digits.levels, digits["class"].values[:3].tolist()
    ((1797, 8, 8), 17, ['0', '1', '2'])
    """
    info = image_set_info(name)
    if info.format != "celeba" and (size is not None or attribute is not None):
        raise InputError(f"size={size}, attribute={attribute!r}: are options of celeba, not {name}")
    intensity, classes = _read(info, size or _FACE_SIZE, attribute)
    if grey_levels is not None and grey_levels != info.grey_levels:
        intensity = quantise(intensity, grey_levels, limits=(0, info.grey_levels - 1))
    single = len(info.channels) == 1
    return as_images(
        intensity[:, 0] if single else intensity,
        grey_levels=grey_levels or info.grey_levels,
        channels=None if single else info.channels,
        classes=classes or None,
        provenance={
            "dataset": name,
            "source": info.source,
            "doi": info.doi,
            "licence": info.licence,
        },
    )


def _read(
    info: ImageSetInfo, size: int, attribute: str | None
) -> tuple[npt.NDArray[Any], list[str]]:
    """Read intensities (n, channels, y, x) and classes, empty where there are none."""
    if info.format == "scikit-learn":
        from sklearn.datasets import load_digits

        digits = load_digits()
        return digits.images.astype(np.uint8)[:, np.newaxis], [
            info.classes[k] for k in digits.target
        ]
    files = [_file(info, file) for file in info.files]
    if info.format == "celeba":
        return read_celeba(files[0], files[1], attribute, size)
    pictures, numbers = read_mnist(*files) if info.format == "idx" else read_cifar10(files[0])
    if int(numbers.max()) >= len(info.classes):
        raise InputError(f"{info.name}: class {numbers.max()} is beyond {len(info.classes)}")
    return pictures, [info.classes[k] for k in numbers]


def _file(info: ImageSetInfo, file: ImageFile) -> Path:
    return fetch_file(info.name, info.folder, file.name, file.url, file.hash, info.page)


@cache
def _registry() -> dict[str, ImageSetInfo]:
    with (data_folder() / "images.toml").open("rb") as stream:
        table = tomllib.load(stream)
    return {
        name: ImageSetInfo(
            name=name,
            **record
            | {
                "channels": tuple(record["channels"]),
                "classes": tuple(record["classes"]),
                "files": tuple(ImageFile(**file) for file in record["files"]),
            },
        )
        for name, record in table.items()
    }
