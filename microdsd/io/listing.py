"""What an HDF5 file holds, for people: every label array with its labels and fractions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from microdsd.io.discovery import FoundArray, Kind, find_arrays, open_hdf5
from microdsd.io.hdf5 import native_statement
from microdsd.microstructure import VoxelSize
from microdsd.microstructure.labels import MAX_UNNAMED_PHASES


@dataclass(frozen=True)
class ArrayInfo:
    """What `list_microstructures` says about one array.

    Attributes
    ----------
    path : str
        Path in the file.
    kind : str
        ``"native"``, ``"stack"``, ``"per-sample"``, ``"dream3d"`` or ``"plain"``.
    n_samples : int or None
        None where the layout has no samples.
    shape : tuple of int
        Spatial shape, ``([z,] y, x)``.
    dtype : str
    labels : tuple of int
        Labels that occur; empty where there are too many to be phases.
    fractions : tuple of float
        Share of each of `labels` in the whole array.
    phases : dict of int to str, or None
        As stated in the file.
    voxel_size : VoxelSize or None
        As stated in the file.
    note : str
    """

    path: str
    kind: Kind
    n_samples: int | None
    shape: tuple[int, ...]
    dtype: str
    labels: tuple[int, ...]
    fractions: tuple[float, ...]
    phases: dict[int, str] | None
    voxel_size: VoxelSize | None
    note: str = ""


def list_microstructures(path: str | Path) -> list[ArrayInfo]:
    """Describe every integer array of an HDF5 file; the whole file is read, in slabs.

    Raises
    ------
    DataFileError
        A missing, truncated or foreign file.
    """
    with open_hdf5(path) as file:
        return [_describe(found) for found in find_arrays(file)]


def _describe(found: FoundArray) -> ArrayInfo:
    counts = found.labels.counts()
    notes = [found.note] if found.note else []
    if len(counts) > MAX_UNNAMED_PHASES:
        notes.append(f"{len(counts)} distinct values: greyscale or grain numbers, not phases")
        counts = {}
    total = sum(counts.values())
    statement = native_statement(found)
    return ArrayInfo(
        path=found.path,
        kind=found.kind,
        n_samples=found.labels.n_samples if found.labels.is_ensemble else None,
        shape=found.labels.shape,
        dtype=str(found.labels.dtype),
        labels=tuple(counts),
        fractions=tuple(number / total for number in counts.values()),
        phases=statement[0] if statement else None,
        voxel_size=statement[1] if statement else None,
        note="; ".join(notes),
    )
