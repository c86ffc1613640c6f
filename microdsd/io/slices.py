"""A folder or a pattern of slices: one volume, or samples."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np

from microdsd.errors import DataFileError, InputError
from microdsd.io.arrays import described
from microdsd.io.numbered import by_numbers
from microdsd.io.volume import Volume


def slice_files(path: Path, suffixes: Collection[str], *, ensemble: bool) -> list[Path]:
    """Return the images of a folder, or files that match a pattern, in the order of their numbers.

    Parameters
    ----------
    path : Path
        A folder, or a name with ``*``, ``?`` or ``[``.
    suffixes : collection of str
        Suffixes of the files that count as slices; others in a folder are passed over.
    ensemble : bool
        Samples may have gaps in their numbers, slices of a volume may not.

    Raises
    ------
    DataFileError
        There are none.
    InputError
        Files of several kinds, or numbers with gaps.
    """
    entries = path.iterdir() if path.is_dir() else path.parent.glob(path.name)
    files = [f for f in entries if f.is_file() and not f.name.startswith(".")]
    if path.is_dir():
        files = [f for f in files if f.suffix.lower() in suffixes]
    files.sort(key=lambda file: by_numbers(file.name))
    if not files:
        raise DataFileError(
            f"{path}: there are no slices; they may be {', '.join(sorted(suffixes))}"
        )
    kinds = sorted({f.suffix.lower() for f in files})
    if len(kinds) > 1:
        raise InputError(
            f"{path}: holds {' and '.join(kinds)} files; choose with a pattern, as in "
            f"'{path if path.is_dir() else path.parent}/*{kinds[0]}'"
        )
    if not ensemble:
        _check_gaps(path, files)
    return files


def joined(path: str, names: Sequence[str], slices: Sequence[Volume], *, ensemble: bool) -> Volume:
    """Join slices of equal shape and type along a new first axis.

    Raises
    ------
    InputError
        Slices of other shapes or types.
    """
    first = slices[0]
    for name, one in zip(names, slices, strict=True):
        if (one.array.shape, one.array.dtype) != (first.array.shape, first.array.dtype):
            raise InputError(
                f"{path}: {names[0]} is {described(first.array)}, {name} is "
                f"{described(one.array)}; slices must be of one shape and type"
            )
    notes = dict.fromkeys(note for one in slices for note in one.notes)
    spacing = first.spacing
    if spacing is not None and len(first.axes) == 2 and not ensemble:
        stated = " x ".join(f"{size:g}" for size in spacing)
        notes[f"voxel size {stated} m of the slices not used: their distance is not stated"] = None
        spacing = None
    return Volume(
        np.stack([one.array for one in slices]),
        ("s" if ensemble or len(first.axes) > 2 else "i") + first.axes,
        spacing and (1.0, *spacing),
        first.phases,
        first.colours,
        tuple(notes),
    )


def _check_gaps(path: Path, files: Sequence[Path]) -> None:
    numbers = np.array(
        [[n for n, word in by_numbers(f.name) if not word] for f in files], dtype=object
    )
    if numbers.ndim != 2:
        return  # names of unlike form
    counting = [column for column in numbers.T if len(set(column)) > 1]
    if len(counting) != 1:
        return
    steps = np.diff(counting[0])
    if len(set(steps.tolist())) > 1:
        odd = next(i for i, step in enumerate(steps) if step != min(steps))
        raise InputError(
            f"{path}: slices are missing between {files[odd].name} and {files[odd + 1].name}; "
            "complete them, or pass ensemble=True (--stack) if each is a sample of its own"
        )
