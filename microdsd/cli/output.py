"""What the verbs share in what they print and read."""

from __future__ import annotations

import json
from typing import Any

import typer

from microdsd.errors import InputError


def print_json(document: Any) -> None:
    """Print one JSON document to standard output."""
    typer.echo(json.dumps(document, indent=2, ensure_ascii=False))


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
