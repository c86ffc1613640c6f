"""Words of the command line to values: ``pore=0.22``, ``0=pore``, ``z=0:260``."""

from __future__ import annotations

from collections.abc import Sequence

from microdsd.cli.output import pairs
from microdsd.errors import InputError
from microdsd.io import open_labels
from microdsd.microstructure import LabelsLike
from microdsd.microstructure.schema import SPATIAL_DIMS


def fractions_of(words: Sequence[str] | None) -> dict[int | str, float] | None:
    """``["pore=0.22"]`` to ``{"pore": 0.22}``; None where there are no words."""
    if not words:
        return None
    fractions: dict[int | str, float] = {}
    for name, text in pairs(list(words), "fraction").items():
        try:
            fractions[name] = float(text)
        except ValueError:
            raise InputError(f"fraction: expected a number for {name}, got {text!r}") from None
    return fractions


def names_of(words: Sequence[str] | None) -> dict[int, str] | None:
    """``["0=pore", "255=solid"]`` to ``{0: "pore", 255: "solid"}``."""
    if not words:
        return None
    return {integer(value): name for value, name in pairs(list(words), "labels").items()}


def region_of(
    words: Sequence[str] | None, source: str | LabelsLike, *, ensemble: bool = False
) -> tuple[slice, ...] | None:
    """``["z=0:250"]`` to one slice per spatial axis of the source."""
    ranges = pairs(list(words or ()), "crop")
    if not ranges:
        return None
    with open_labels(source, ensemble=ensemble) as opened:
        dims = SPATIAL_DIMS[-len(opened.shape) :]
    unknown = set(ranges) - set(dims)
    if unknown:
        raise InputError(f"crop: there is no axis {sorted(unknown)}; the axes are {dims}")
    return tuple(_range(ranges[dim]) if dim in ranges else slice(None) for dim in dims)


def integer(text: str) -> int:
    """Whole number, or an error that says so."""
    try:
        return int(text)
    except ValueError as error:
        raise InputError(f"expected a whole number, got {text!r}") from error


def _range(text: str) -> slice:
    start, separator, stop = text.partition(":")
    if not separator:
        raise InputError(f"crop: expected start:stop, got {text!r}")
    return slice(integer(start) if start else None, integer(stop) if stop else None)
