"""Words of the command line to values: ``pore=0.22``, ``0=pore``, ``z=0:260``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from microdsd.cli.output import pairs
from microdsd.errors import InputError
from microdsd.io.discovery import split_spec
from microdsd.microstructure.axes import SPATIAL_DIMS
from microdsd.microstructure.notation import number_remedy

if TYPE_CHECKING:
    import xarray as xr

T = TypeVar("T")

MOST_FRACTIONS = 10_000
"""Of one series."""


def fractions_of(words: Sequence[str] | None) -> dict[int | str, float] | float | None:
    """Convert ``["pore=0.22"]`` to ``{"pore": 0.22}`` and ``["0.22"]`` to a number.

    Without words there is no request, and the result is None.
    """
    if words and len(words) == 1:
        try:
            return float(words[0])
        except ValueError:
            pass
    return numbers_of(words, "fraction")


def requested_fractions_of(
    words: Sequence[str] | None,
) -> dict[int | str, float | str] | float | str | None:
    """Convert as `fractions_of`; "measured" and "MEAN~STANDARD_DEVIATION" stay text, checked.

    Examples
    --------
    >>> requested_fractions_of(["pore=measured"]), requested_fractions_of(["pore=0.2", "clay=0.1"])
    ({'pore': 'measured'}, {'pore': 0.2, 'clay': 0.1})
    """
    from microdsd.microstructure.uncertain import MEASURED, SEPARATOR, UncertainFraction

    if not words:
        return None
    alone = words[0] if len(words) == 1 else "="
    named = {"": alone} if "=" not in alone else pairs(list(words), "fraction")
    values: dict[int | str, float | str] = {}
    for name, text in named.items():
        try:
            values[name] = float(text)
        except ValueError:
            if not name and text != MEASURED and SEPARATOR not in text:
                pairs([text], "fraction")  # which says what is expected
            UncertainFraction.parse(text)
            values[name] = text
    return values.get("", values)


def planes_of(words: Sequence[str] | None) -> list[tuple[str, int, str]]:
    """Convert ``["z=0:top.png"]`` to axes, places along them, and files.

    Examples
    --------
    >>> planes_of(["z=0:top.png", "z=63:cuts.h5:/last"])
    [('z', 0, 'top.png'), ('z', 63, 'cuts.h5:/last')]
    """
    planes = []
    for word in words or ():
        axis, _, rest = word.partition("=")
        place, _, file = rest.partition(":")
        if axis not in ("z", "y", "x") or not place.isdecimal() or not file:
            raise InputError(
                f"plane: {word!r} is not AXIS=PLACE:FILE; give the axis that the plane is normal "
                "to, its voxel along that axis, and its picture, as z=0:top.png"
            )
        planes.append((axis, int(place), file))
    return planes


def axes_of(shape: Sequence[int] | None) -> int | None:
    """Return how many axes a box is said to have; one number stands for any.

    Examples
    --------
    >>> axes_of([64, 64, 64]), axes_of([64]), axes_of(None)
    (3, None, None)
    """
    return len(shape) if shape and len(shape) > 1 else None


def slices_of(words: Sequence[str] | None) -> dict[str, str]:
    """Convert ``["z=top.model", "y=side.model"]`` to models or classes by axis.

    Examples
    --------
    >>> slices_of(["z=top.model", "y=side.model"])
    {'z': 'top.model', 'y': 'side.model'}
    """
    return {str(axis): name for axis, name in pairs(list(words or ()), "slices").items()}


def paths_of(*specs: str | Path | None) -> list[Path]:
    """Return files that specs as ``scan.h5:/path`` and ``run-*.h5`` may name, existing or not.

    Examples
    --------
    >>> [str(path) for path in paths_of("scan.h5:/raw", "berea-2d", None)]
    ['scan.h5', 'berea-2d']
    """
    paths = []
    for spec in specs:
        if spec is not None:
            path, _ = split_spec(spec)
            paths += [path, *(path.parent.glob(path.name) if "*" in path.name else [])]
    return paths


def references_of(words: Sequence[str]) -> dict[str | None, str]:
    """Convert ``["scan.h5"]`` or ``["z=top.png", "y=side.png"]`` to specs by direction.

    Raises
    ------
    InputError
        Several without a direction, or a direction that comes twice.

    Examples
    --------
    >>> references_of(["scan.h5"]), references_of(["z=top.png", "y=side.png"])
    ({None: 'scan.h5'}, {'z': 'top.png', 'y': 'side.png'})
    """
    specs: dict[str | None, str] = {}
    for word in words:
        axis, separator, spec = word.partition("=")
        directed = bool(separator) and axis in SPATIAL_DIMS
        key = axis if directed else None
        if key in specs or (specs and (None in specs or not directed)):
            raise InputError(
                f"reference: {' '.join(words)}: give one, or one picture for each direction, as "
                "z=top.png y=side.png"
            )
        specs[key] = spec if directed else word
    return specs


def numbers_of(words: Sequence[str] | None, argument: str) -> dict[int | str, float] | None:
    """Convert ``["pore=0.6", "solid=3"]`` to numbers by phase; None where there are no words."""
    if not words:
        return None
    numbers: dict[int | str, float] = {}
    for name, text in pairs(list(words), argument).items():
        try:
            numbers[name] = float(text)
        except ValueError:
            raise InputError(
                f"{argument}: expected a number for {name}, got {text!r}{number_remedy(text)}"
            ) from None
    return numbers


def series_of(words: Sequence[str]) -> dict[int | str, float | list[float]]:
    """Convert ``["pore=0.1:0.3:5", "clay=0.1"]``, with start:stop:number, to series and numbers."""
    series: dict[int | str, float | list[float]] = {}
    for name, text in pairs(list(words), "fraction").items():
        try:
            start, *rest = text.split(":")
            if rest:
                stop, number = float(rest[0]), int(rest[1])
                if number > MOST_FRACTIONS:
                    raise InputError(
                        f"fraction: {number} fractions of {name}; give {MOST_FRACTIONS} at most"
                    )
                step = (stop - float(start)) / max(number - 1, 1)
                series[name] = [round(float(start) + i * step, 12) for i in range(number)]
            else:
                series[name] = float(start)
        except InputError:
            raise
        except (ValueError, IndexError):
            raise InputError(
                f"fraction: expected a number or start:stop:number for {name}, got {text!r}"
                f"{number_remedy(text)}"
            ) from None
    if not any(isinstance(value, list) and value for value in series.values()):
        raise InputError("fraction: give one phase a series, as pore=0.12:0.30:7")
    return series


def names_of(words: Sequence[str] | None) -> dict[int, str] | None:
    """Convert ``["0=pore", "255=solid"]`` to ``{0: "pore", 255: "solid"}``; strip blanks."""
    if not words:
        return None
    names = {}
    for stored, meaning in pairs(list(words), "labels").items():
        if not _is_integer(stored) and _is_integer(meaning):
            raise InputError(f"labels: the stored value comes first: write {meaning}={stored}")
        names[_integer(stored, "labels")] = meaning.strip()
    for value, name in names.items():
        if not name:
            raise InputError(f"labels: {value} has no name; write {value}=NAME")
    return names


def phases_of(words: Sequence[str] | None) -> list[int | str] | None:
    """Convert ``["0", "solid"]`` to labels and names; None where there are no words."""
    if not words:
        return None
    return [int(word) if word.isdecimal() else word for word in words]


def region_of(words: Sequence[str] | None, argument: str = "region") -> dict[str, slice]:
    """Convert ``["z=0:250"]`` to ``{"z": slice(0, 250)}``; `microdsd.io.open_labels` checks it."""
    return {dim: _range(text, argument) for dim, text in pairs(list(words or ()), argument).items()}


def lengths_of(words: Sequence[str] | None) -> str | list[str] | None:
    """Convert ``["398", "nm"]`` to ``"398 nm"``; keep ``["1um", "2um"]``; None without words."""
    if not words:
        return None
    lengths: list[str] = []
    for word in words:
        if lengths and word.isalpha():
            lengths[-1] += f" {word}"
        else:
            lengths.append(word)
    return lengths[0] if len(lengths) == 1 else lengths


def chosen_sample(ms: xr.DataArray, sample: int, *, drop: bool = False) -> xr.DataArray:
    """Return one sample of an ensemble, or the only one; its number stays a coordinate, or not."""
    samples = ms.sizes.get("sample", 1)
    if not 0 <= sample < samples:
        raise InputError(f"sample={sample}: the file holds 0 to {samples - 1}")
    return ms.isel(sample=sample, drop=drop) if "sample" in ms.dims else ms


def one_or_each(values: Sequence[T]) -> T | Sequence[T]:
    """Return a single value, which holds for all axes, or one value per axis."""
    return values[0] if len(values) == 1 else values


def _integer(text: str, argument: str) -> int:
    """Convert text to a whole number, or raise an error that says so."""
    if not _is_integer(text):
        raise InputError(f"{argument}: expected a whole number, got {text!r}")
    return int(text)


def _is_integer(text: str) -> bool:
    try:
        int(text)
    except ValueError:
        return False
    return True


def _range(text: str, argument: str) -> slice:
    start, separator, stop = text.partition(":")
    if not separator:
        raise InputError(f"{argument}: expected start:stop, got {text!r}")
    edges = (_integer(edge, argument) if edge else None for edge in (start, stop))
    return slice(*edges)
