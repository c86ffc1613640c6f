"""What an HDF5 file holds, for people: every label array with its labels and fractions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from microdsd.errors import MicrodsdError
from microdsd.io.discovery import FoundArray, recognise
from microdsd.io.hdf5 import statement_of
from microdsd.io.hdf5_access import open_hdf5
from microdsd.io.layouts import Kind
from microdsd.io.links import contents, printable
from microdsd.microstructure import VoxelSize
from microdsd.microstructure.labels import MAX_UNNAMED_PHASES


@dataclass(frozen=True)
class ArrayInfo:
    """Hold what `list_microstructures` says about one array.

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
    problem : str
        Why the labels cannot be read; empty where they can.
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
    problem: str = ""


def list_microstructures(path: str | Path, *, external: bool = False) -> list[ArrayInfo]:
    """Describe every integer array of an HDF5 file; the whole file is read, in slabs.

    An array that cannot be read is listed with its problem and does not hide those beside it.

    Parameters
    ----------
    path : str or Path
    external : bool
        As in `load_microstructures`.

    Raises
    ------
    DataFileError
        A missing, truncated or foreign file.
    """
    with open_hdf5(path) as file:
        inside = contents(file, external=external)
        listed = [_describe(array, external) for array in recognise(inside)]
        unreadable = [
            ArrayInfo(
                path=printable(name),
                kind="plain",
                n_samples=None,
                shape=(),
                dtype="",
                labels=(),
                fractions=(),
                phases=None,
                voxel_size=None,
                problem=str(error),
            )
            for name, error in inside.unreadable.items()
        ]
        return sorted(listed + unreadable, key=lambda info: info.path)


def links_to_other_files(path: str | Path) -> dict[str, str]:
    """List the links into other files that were not followed, path to target.

    Raises
    ------
    DataFileError
        A missing, truncated or foreign file.
    """
    with open_hdf5(path) as file:
        return contents(file).outside


def _describe(array: FoundArray, external: bool) -> ArrayInfo:
    counts: dict[int, int] = {}
    phases = voxel_size = None
    notes = [array.note] if array.note else []
    problem = ""
    try:
        array.check(external=external)
        counts = array.labels.counts()
        phases, voxel_size = statement_of(array, sized=array.evenly_spaced)
    except MicrodsdError as error:
        problem = str(error)
    if len(counts) > MAX_UNNAMED_PHASES:
        notes.append(
            f"{len(counts)} distinct values: greyscale or grain numbers, not phases: "
            "segment it first"
        )
        counts = {}
    if array.labels.missing in counts:
        notes.append(f"{array.labels.missing} stands for missing data")
    total = sum(counts.values())
    return ArrayInfo(
        path=array.path,
        kind=array.kind,
        n_samples=array.labels.n_samples if array.labels.is_ensemble else None,
        shape=array.labels.shape,
        dtype=str(array.labels.dtype),
        labels=tuple(counts),
        fractions=tuple(number / total for number in counts.values()),
        phases=phases,
        voxel_size=voxel_size,
        note="; ".join(notes),
        problem=problem,
    )
