"""Raw labels: what may be a label array, and the names of its phases."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from microdsd.errors import InputError

MAX_UNNAMED_PHASES = 32
OTSU = "labels = image > skimage.filters.threshold_otsu(image)"


def check_integers(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return an array that may hold labels, bool as uint8.

    Raises
    ------
    InputError
        An empty array, or one that does not hold integers.

    Examples
    --------
    >>> check_integers(np.array([True, False]))
    array([1, 0], dtype=uint8)
    """
    if values.size == 0:
        raise InputError(f"labels: the array is empty, its shape is {values.shape}")
    if values.dtype.kind not in "biu":
        raise InputError(_not_labels(values))
    return values.view(np.uint8) if values.dtype == bool else values


def unsigned_dtype(dtype: np.dtype[Any], highest: int) -> np.dtype[Any]:
    """Choose the dtype of labels: unsigned ones stay, others become the smallest that fits."""
    return dtype if dtype.kind == "u" else np.min_scalar_type(highest)


def name_phases(present: Collection[int], phases: Mapping[int, str] | None) -> dict[int, str]:
    """Name all phases and check them against the labels that occur.

    Parameters
    ----------
    present : collection of int
        Labels that occur.
    phases : mapping of int to str, or None
        None names each label ``"phase <label>"``, unless there are so many distinct values that
        the array must be greyscale.

    Raises
    ------
    InputError
        Negative labels, labels without a name, repeated or empty names, or greyscale.

    Examples
    --------
    >>> name_phases([0, 255], None)
    {0: 'phase 0', 255: 'phase 255'}
    """
    if min(present) < 0:
        raise InputError(
            f"labels: must not be negative, the lowest is {min(present)}; "
            "crop that region away or map it to a phase first"
        )
    if phases is None:
        if len(present) > MAX_UNNAMED_PHASES:
            raise InputError(
                f"labels: {len(present)} distinct values look like a greyscale image, not phase "
                f"labels; segment it first, e.g. {OTSU}, or name every label in phases"
            )
        return {label: f"phase {label}" for label in sorted(present)}
    names = {int(label): str(name).strip() for label, name in sorted(phases.items())}
    if min(names, default=0) < 0 or not all(names.values()):
        raise InputError(f"phases: needs labels >= 0 and names that are not empty, got {names}")
    if len(set(names.values())) < len(names):
        raise InputError(f"phases: every phase needs its own name, got {list(names.values())}")
    missing = sorted(set(present) - set(names))
    if missing:
        raise InputError(
            f"phases: the array also holds {_few(missing)}, named are {_few(list(names))}; "
            "add the missing labels or map them with relabel"
        )
    return names


def find_phase(phases: Mapping[int, str], phase: int | str) -> int:
    """Find the label of a phase given by label, by name, or by label as text.

    Raises
    ------
    InputError
        There is no such phase; the message lists those that there are.

    Examples
    --------
    >>> find_phase({0: "pore", 1: "solid"}, "solid"), find_phase({0: "pore"}, "0")
    (1, 0)
    """
    for label, name in phases.items():
        if phase in (name, label):
            return label
    if isinstance(phase, str) and phase.isdecimal() and int(phase) in phases:
        return int(phase)
    known = ", ".join(f"{label} = {name}" for label, name in phases.items())
    raise InputError(f"phase: there is no phase {phase!r}; the phases are {known}")


PORE_WORDS = ("pore", "void", "air")
"""Words in a phase's name by which it is known to be the pores."""


def named_pores(phases: Mapping[int, str]) -> list[int]:
    """Labels of the phases that are pores by their names, ascending.

    Examples
    --------
    >>> named_pores({0: "grain", 1: "Pore space"}), named_pores({1: "nickel", 2: "zirconia"})
    ([1], [])
    """
    return sorted(k for k, name in phases.items() if any(w in name.lower() for w in PORE_WORDS))


def _not_labels(values: npt.NDArray[Any]) -> str:
    found = f"{values.dtype}"
    if values.dtype.kind == "f":
        finite = values[np.isfinite(values)]
        if finite.size < values.size:
            found += " with NaN or infinite values"
        elif np.array_equal(finite, np.rint(finite)):
            found += " (whole numbers: if they are labels, convert with .astype('uint8'))"
    return (
        f"labels: expected integer phase labels, got {found}; segment an image first, e.g. {OTSU}"
    )


def _few(labels: Sequence[int]) -> str:
    shown = ", ".join(str(label) for label in labels[:8])
    return f"labels {shown}" + (f" and {len(labels) - 8} more" if len(labels) > 8 else "")
