"""Raw labels: valid label arrays, and the names of their phases."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping, Sequence
from itertools import count
from numbers import Integral
from typing import Any

import numpy as np
import numpy.typing as npt

from microdsd.errors import InputError
from microdsd.microstructure.counting import BLOCK

PhaseNames = Mapping[int, str] | Mapping[str, int]
"""Names of phases: label to name, or name to label."""

MAX_LABEL = 2**63 - 1
MAX_UNNAMED_PHASES = 32
OUTSIDE = "outside"
"""Name of the voxels that are not material: see `microdsd.microstructure.outside`."""

JOINERS = "\u200c\u200d"  # part of the spelling of Persian and of Indian languages
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


def name_phases(present: Collection[int], phases: PhaseNames | None) -> dict[int, str]:
    """Name all phases and check them against the labels that occur.

    Parameters
    ----------
    present : collection of int
        Labels that occur.
    phases : mapping of int to str, mapping of str to int, or None
        Label to name or name to label. None names each label ``"phase <label>"``, unless there
        are so many distinct values that the array must be greyscale.

    Returns
    -------
    dict of int to str
        In ascending order of the labels as given; see `lawful_labels`.

    Raises
    ------
    InputError
        Labels below 0 that are not named, labels without a name, names that repeat, are empty or
        hold characters that are not for names, or greyscale.

    Examples
    --------
    >>> name_phases([0, 255], None), name_phases([0, 255], {"pore": 0, "solid": 255})
    ({0: 'phase 0', 255: 'phase 255'}, {0: 'pore', 255: 'solid'})
    """
    if phases is None:
        if len(present) > MAX_UNNAMED_PHASES:
            raise InputError(
                f"labels: {len(present)} distinct values look like a greyscale image, not phase "
                f"labels; segment it first, e.g. {OTSU}, or name every label in phases"
            )
        if min(present) < 0 or max(present) > MAX_LABEL:
            extreme = "lowest" if min(present) < 0 else "highest"
            value = min(present) if min(present) < 0 else max(present)
            raise InputError(
                f"labels: go from 0 to 2^63 - 1, the {extreme} is {value}; name every label, as "
                f'phases={{{value}: "{OUTSIDE}", ...}} (--labels={value}={OUTSIDE} ...) where that '
                "region is no material, or crop it away"
            )
        return {label: f"phase {label}" for label in sorted(present)}
    names = _by_label(phases)
    if len(set(names.values())) < len(names):
        raise InputError(f"phases: every phase needs its own name, got {list(names.values())}")
    missing = sorted(set(present) - set(names))
    if missing:
        raise InputError(
            f"phases: the array also holds {_few(missing)}, named are {_few(list(names))}; "
            "add the missing labels or map them with "
            "microdsd.microstructure.relabel"
        )
    return names


def _by_label(phases: PhaseNames) -> dict[int, str]:
    """Return the names by label, in ascending order, for a table in either direction."""
    swapped = all(
        isinstance(name, Integral) and not isinstance(key, Integral) for key, name in phases.items()
    )
    given = [(name, key) if swapped else (key, name) for key, name in phases.items()]
    try:
        labels = [int(label) for label, _ in given]
    except (TypeError, ValueError) as error:
        raise InputError(
            f"phases: expected label to name, as {{0: 'pore'}}, or name to label, got {phases}"
        ) from error
    if len(set(labels)) < len(labels):
        raise InputError(f"phases: every label needs one name, got {dict(phases)}")
    return {
        label: checked_name(str(name), "phases")
        for label, (_, name) in sorted(zip(labels, given, strict=True))
    }


def lawful_labels(names: Collection[int]) -> dict[int, int]:
    """Map every label to itself, or to the lowest that is free where it is not in 0..2^63 - 1.

    Examples
    --------
    >>> lawful_labels([-1, 0, 1])
    {-1: 2, 0: 0, 1: 1}
    """
    taken = {label for label in names if 0 <= label <= MAX_LABEL}
    free = (label for label in count() if label not in taken)
    return {label: label if label in taken else next(free) for label in sorted(names)}


def map_labels(labels: npt.NDArray[Any], mapping: Mapping[int, int]) -> npt.NDArray[Any]:
    """Replace labels by those that they are mapped to, in the smallest unsigned dtype.

    Raises
    ------
    InputError
        A label that is not mapped.

    Examples
    --------
    >>> map_labels(np.array([-1, 0, 2**40]), {-1: 2, 0: 0, 2**40: 1})
    array([2, 0, 1], dtype=uint8)
    """
    new = np.array(
        [mapping[label] for label in sorted(mapping)],
        dtype=np.min_scalar_type(max(mapping.values())),
    )
    mapped: npt.NDArray[Any] = new[label_ranks(labels, mapping)]
    return mapped


def checked_name(name: str, argument: str) -> str:
    """Strip a name, and refuse one that is empty or that terminals and pages would not show.

    Control characters, surrogates, line separators and marks that turn the direction of writing
    would let a name say something else than it holds.

    Raises
    ------
    InputError
        Says the code point.

    Examples
    --------
    >>> checked_name(" pore ", "phases")
    'pore'
    """
    require_printable(name, argument)
    if not name.strip():
        raise InputError(f"{argument}: needs names that are not empty, got {name!r}")
    return name.strip()


def require_printable(text: str, argument: str, allowed: str = "") -> None:
    """Raise unless all characters of a text can be shown as they are.

    Raises
    ------
    InputError
        Says the code point.
    """
    for character in text:
        hidden = unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
        if hidden and character not in JOINERS + allowed:
            raise InputError(
                f"{argument}: {text!a} holds the character U+{ord(character):04X}, which is "
                "not shown as it is; take it out"
            )


def require_printable_record(record: object, argument: str) -> None:
    """Raise unless all text in a record, keys and values, can be shown as it is.

    Raises
    ------
    InputError
        Says the code point.
    """
    if isinstance(record, str):
        require_printable(record, argument, allowed="\n\t")
    elif isinstance(record, Mapping):
        for key, value in record.items():
            require_printable_record(key, argument)
            require_printable_record(value, argument)
    elif isinstance(record, list | tuple):
        for value in record:
            require_printable_record(value, argument)


def label_ranks(
    labels: npt.NDArray[Any], phases: Collection[int]
) -> npt.NDArray[np.unsignedinteger[Any]]:
    """Find the position of every label among the phases, in ascending order.

    What is looked up by phase is looked up by this rank: a table as long as the largest label
    would not fit into memory where labels are large.

    Parameters
    ----------
    labels : ndarray of integers, any shape
    phases : collection of int

    Returns
    -------
    ndarray of the shape of `labels`
        Of the smallest unsigned dtype.

    Raises
    ------
    InputError
        A label that is none of the phases.

    Examples
    --------
    >>> label_ranks(np.array([7, 2**40, 7]), [2**40, 7])
    array([0, 1, 0], dtype=uint8)
    """
    limits, ordered = np.iinfo(labels.dtype), sorted(phases)
    # What the dtype cannot hold does not occur; mixed dtypes would be compared as floats.
    possible = [label for label in ordered if limits.min <= label <= limits.max]
    first = sum(label < limits.min for label in ordered)
    table = np.array(possible, dtype=labels.dtype)
    ranks = np.empty(labels.size, dtype=np.min_scalar_type(len(ordered)))
    flat = labels.reshape(-1)
    for start in range(0, flat.size, BLOCK):
        block = flat[start : start + BLOCK]
        position = np.searchsorted(table, block)
        known = position < len(table)
        known[known] = table[position[known]] == block[known]
        if not known.all():
            raise InputError(
                f"labels: the array also holds {_few(np.unique(block[~known]).tolist())}, known "
                f"are {_few(ordered)}; name the others or map them with "
                "microdsd.microstructure.relabel"
            )
        ranks[start : start + BLOCK] = position + first
    return ranks.reshape(labels.shape)


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
    """Return the labels of the phases whose names are those of pores, ascending.

    Examples
    --------
    >>> named_pores({0: "grain", 1: "Pore space"}), named_pores({1: "nickel", 2: "zirconia"})
    ([1], [])
    """
    return sorted(k for k, name in phases.items() if any(w in name.lower() for w in PORE_WORDS))


def focus_phase(phases: Mapping[int, str]) -> int:
    """Choose the phase that pictures show: the pores where a name says so, else the lowest label.

    Examples
    --------
    >>> focus_phase({0: "grain", 1: "pore"}), focus_phase({1: "nickel", 2: "zirconia"})
    (1, 1)
    """
    return min(named_pores(phases) or phases)


def _not_labels(values: npt.NDArray[Any]) -> str:
    kind = f"{values.dtype}"
    if values.dtype.kind == "f":
        finite = values[np.isfinite(values)]
        if finite.size < values.size:
            kind += " with NaN or infinite values"
        elif np.array_equal(finite, np.rint(finite)):
            kind += " (whole numbers: if they are labels, convert with .astype('uint8'))"
    return f"labels: expected integer phase labels, got {kind}; segment an image first, e.g. {OTSU}"


def _few(labels: Sequence[int]) -> str:
    listed = ", ".join(str(label) for label in labels[:8])
    return f"labels {listed}" + (f" and {len(labels) - 8} more" if len(labels) > 8 else "")
