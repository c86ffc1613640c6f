"""Conversion of the arguments of callers to the form that requests use."""

from __future__ import annotations

import difflib
import operator
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from microdsd.errors import InputError
from microdsd.microstructure.labels import named_pores
from microdsd.microstructure.seeds import resolve_seed

T = TypeVar("T")

_SYNONYMS = {
    "random_state": "rng",
    "generator": "rng",
    "porosity": "phase_fraction",
    "fraction": "phase_fraction",
    "fractions": "phase_fraction",
    "volume_fraction": "phase_fraction",
    "size": "shape",
    "n_samples": "n",
    "num_samples": "n",
    "number": "n",
    "steps": "evaluations",
    "nfe": "evaluations",
    "periodic": "boundary",
    "label": "class_name",
    "mask": "unknown",
    "regions": "region_map",  # from here on: names of 0.1
    "schedule": "time_schedule",
    "on_step": "progress",
}


def require_kind(value: object, kind: type | tuple[type, ...], argument: str, remedy: str) -> None:
    """Refuse an object of another class than the function works on.

    Raises
    ------
    InputError

    Examples
    --------
    >>> require_kind("rock.h5", dict, "described", "give the result of microdsd.describe")
    Traceback (most recent call last):
    ...
    microdsd.errors.InputError: described: is of class str; give the result of microdsd.describe
    """
    if not isinstance(value, kind):
        raise InputError(f"{argument}: is of class {type(value).__name__}; {remedy}")


def whole_number(value: Any, argument: str, *, least: int) -> int:
    """Return a whole number of at least some size.

    Raises
    ------
    InputError

    Examples
    --------
    >>> whole_number(np.int64(3), "n", least=1)
    3
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if isinstance(value, bool | np.bool_) or number < least:
        raise InputError(f"{argument}={value!r}: give a whole number, at least {least}")
    return number


def box_shape(
    shape: int | Sequence[int] | None, window: Sequence[int], owner: str = "the model is"
) -> tuple[int, ...]:
    """Return the voxels per axis; one number stands for all axes, None for the window.

    Raises
    ------
    InputError
        For lengths that are no whole numbers, or not as many as the model has axes.

    Examples
    --------
    >>> box_shape(64, (32, 32, 32)), box_shape(None, (32, 32))
    ((64, 64, 64), (32, 32))
    """
    if shape is None:
        return tuple(window)
    lengths: list[Any] = [shape] * len(window) if np.ndim(shape) == 0 else list(shape)  # type: ignore[arg-type]
    if len(lengths) != len(window):
        raise InputError(f"shape={shape}: {owner} {len(window)}D, give {len(window)} numbers")
    try:
        return tuple(operator.index(length) for length in lengths)
    except TypeError:
        raise InputError(f"shape={shape!r}: give whole numbers of voxels") from None


def by_phase(fractions: Mapping[int | str, T] | T, phases: Mapping[int, str]) -> Mapping[Any, T]:
    """Return fractions by phase; an unnamed one of two phases is that of the pores.

    Raises
    ------
    InputError
        If it is not clear whose they are.

    Examples
    --------
    >>> by_phase(0.2, {0: "pore", 1: "solid"}), by_phase({"clay": 0.1}, {0: "sand", 1: "clay"})
    ({'pore': 0.2}, {'clay': 0.1})
    """
    if isinstance(fractions, Mapping):
        return fractions
    names = list(phases.values())
    pores = named_pores(phases)
    if len(phases) == 2 and len(pores) == 1 and not isinstance(fractions, str):
        return {phases[pores[0]]: fractions}
    example = f"{{{names[0]!r}: {fractions!r}}}" if len(names) == 2 else "{phase: fraction, ...}"
    raise InputError(
        f"phase_fraction={fractions!r}: say of which phase, as phase_fraction={example}; "
        f"the phases are {', '.join(names)}"
    )


def one_seed(rng: int | np.random.Generator | None, seed: int | None) -> int:
    """Return the seed, given as ``rng`` or under its other name.

    Raises
    ------
    InputError
        Both are given, or what is given is none.

    Examples
    --------
    >>> one_seed(3, None), one_seed(None, 3)
    (3, 3)
    """
    if seed is None:
        return resolve_seed(rng)
    if rng is not None:
        raise InputError(f"seed={seed!r}: is another name of rng, which is given too; give one")
    return whole_number(seed, "seed", least=0)


def refuse_unknown(given: Iterable[str], known: Iterable[str]) -> None:
    """Refuse keywords that a function does not have, and suggest similar ones.

    Raises
    ------
    InputError

    Examples
    --------
    >>> refuse_unknown(["evalutions"], ["evaluations", "shape"])
    Traceback (most recent call last):
    ...
    microdsd.errors.InputError: evalutions: there is no such argument; did you mean evaluations?
    """
    known = list(known)
    for name in given:
        if name in known:
            continue
        meant = [_SYNONYMS[name]] if _SYNONYMS.get(name) in known else []
        meant = meant or difflib.get_close_matches(name, known, n=1)
        remedy = f"did you mean {meant[0]}?" if meant else f"there are {', '.join(known)}"
        raise InputError(f"{name}: there is no such argument; {remedy}")
