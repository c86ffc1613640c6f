"""The registry of data sets: what is known about each, with checksums."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from microdsd.errors import InputError
from microdsd.notebooks import Listing


@dataclass(frozen=True)
class DatasetInfo:
    """Describe one data set as the registry does.

    Attributes
    ----------
    name : str
    title : str
        What it is, in one line.
    origin : str
        ``"measured"``, ``"partly computed"`` or ``"computed"``.
    folder, file : str
        Where the file lies in a local mirror, ``<folder>/<file>``.
    sha256 : str
        Checksum of the file.
    shape : tuple of int
        As stored, slowest axis first.
    dtype : str
        As stored.
    labels : dict of int to str
        Stored value to phase; loading numbers the phases 0, 1, ... in this order.
    fractions : dict of int to float
        Fraction of each stored value in what is loaded.
    source, licence : str
        As the publisher states them; check the licence again before redistributing.
    url : str or None
        None for the set that ships with the package.
    doi : str or None
    member : str or None
        File inside an archive, or path inside an HDF5 file.
    axis_order : str
        Axes as stored, slowest first.
    voxel_size : float or None
        Edge length in metres; None where the source does not state it.
    voxel_size_note : str
    stack : bool
        Whether the first axis counts independent slices.
    region : dict of str to (start, stop)
        Part of each axis that holds material.
    remark : str
        What to know before using it.
    """

    name: str
    title: str
    origin: str
    folder: str
    file: str
    sha256: str
    shape: tuple[int, ...]
    dtype: str
    labels: dict[int, str]
    fractions: dict[int, float]
    source: str
    licence: str
    url: str | None = None
    doi: str | None = None
    member: str | None = None
    axis_order: str = "zyx"
    voxel_size: float | None = None
    voxel_size_note: str = ""
    stack: bool = False
    region: dict[str, tuple[int, int]] = field(default_factory=dict)
    remark: str = ""

    def summary(self) -> dict[str, str]:
        """Return the row of the set in the table of `list_datasets`."""
        return {
            "name": self.name,
            "title": self.title,
            "shape": " x ".join(map(str, self.shape)),
            "phases": ", ".join(self.labels.values()),
            "licence": self.licence,
        }

    def __repr__(self) -> str:
        shape = " x ".join(map(str, self.shape))
        return f"<dataset {self.name!r}: {self.title}; {shape}, {', '.join(self.labels.values())}>"


def list_datasets() -> Listing[DatasetInfo]:
    """List the published microstructures, as `dataset_info` describes each, as a table.

    Examples
    --------
    >>> list_datasets()[0]  # doctest: +NORMALIZE_WHITESPACE
    <dataset 'synthetic_blobs': Level cut of a smooth Gaussian field, periodic;
    64 x 64 x 64, pore, solid>
    """
    return Listing(_registry().values())


def dataset_info(name: str) -> DatasetInfo:
    """Look a data set up by its name.

    Raises
    ------
    InputError
        There is no set of that name; the message lists those that there are.

    Examples
    --------
    >>> dataset_info("berea_sandstone").labels
    {0: 'pore', 255: 'solid'}
    """
    try:
        return _registry()[name]
    except KeyError:
        known = ", ".join(_registry())
        raise InputError(f"dataset: there is no set {name!r}; there are {known}") from None


def data_folder() -> Path:
    """Return the folder of registry, cards and the set that ships, in a wheel or in a checkout."""
    packaged = Path(__file__).parent / "data"
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "datasets"


@cache
def _registry() -> dict[str, DatasetInfo]:
    with (data_folder() / "registry.toml").open("rb") as file:
        return {name: _entry(name, record) for name, record in tomllib.load(file).items()}


def _entry(name: str, record: dict[str, Any]) -> DatasetInfo:
    return DatasetInfo(
        name=name,
        **record
        | {
            "folder": record.get("folder", name),
            "shape": tuple(record["shape"]),
            "labels": {int(label): phase for label, phase in record["labels"].items()},
            "fractions": {int(label): share for label, share in record["fractions"].items()},
            "region": {axis: tuple(ends) for axis, ends in record.get("region", {}).items()},
        },
    )
