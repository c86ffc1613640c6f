"""What the verbs share in what they print and read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from microdsd.cli.terminal import say
from microdsd.errors import InputError
from microdsd.io.export import output_files


def print_json(document: Any) -> None:
    """Print one JSON document to standard output."""
    say(json.dumps(document, indent=2, ensure_ascii=False))


def written(output: Path, samples: int) -> str:
    """Return the names of the files that samples went to.

    Examples
    --------
    >>> written(Path("new.h5"), 8), written(Path("new.tif"), 8)
    ('new.h5', 'new-000.tif to new-007.tif')
    """
    files = output_files(output, samples)
    return str(files[0]) if len(files) == 1 else f"{files[0]} to {files[-1]}"


def counted(number: int, noun: str) -> str:
    """Say how many there are of what, in the singular or the plural.

    Examples
    --------
    >>> counted(1, "sample"), counted(16, "sample")
    ('1 sample', '16 samples')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def exponents(sharpness: Sequence[float]) -> str:
    """Say the sharpness of every species in words; 1 where none was calibrated.

    Examples
    --------
    >>> exponents((1.0954, 1.0296)), exponents(())
    ('1.1, 1.03', '1')
    """
    return ", ".join(f"{exponent:.3g}" for exponent in sharpness) or "1"


def pairs(words: list[str], argument: str) -> dict[str, str]:
    """Read ``name=value`` words.

    Raises
    ------
    InputError
        A word without "=", or a name that comes twice.

    Examples
    --------
    >>> pairs(["0=pore", "255=solid"], "labels")
    {'0': 'pore', '255': 'solid'}
    """
    read: dict[str, str] = {}
    for word in words:
        name, separator, value = word.partition("=")
        if not (separator and name and value):
            raise InputError(f"{argument}: expected name=value, got {word!r}")
        if name in read:
            raise InputError(f"{argument}: {name} is given twice; give it once")
        read[name] = value
    return read
