"""Text for a terminal: names in files are not ours, and may hold what a terminal would act upon."""

from __future__ import annotations

import re
import sys
from io import TextIOWrapper

import typer

_ACTED_UPON = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters but for new line and tab, marks that turn the direction of writing, and
halves of characters, which no terminal can show."""


def printable(text: str) -> str:
    r"""Escape what a terminal would act upon; in a JSON document it stays the same text.

    Examples
    --------
    >>> printable("a bell: \a")
    'a bell: \\u0007'
    """
    return _ACTED_UPON.sub(lambda matched: f"\\u{ord(matched[0]):04x}", text)


def escape_what_cannot_be_shown() -> None:
    """Make standard output and error escape the characters that their encoding lacks.

    On Windows, output that goes to a file or a pipe has the encoding of the region, in which a
    sigma would be an error.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def say(text: str, *, err: bool = False) -> None:
    """Print a line to standard output, or to standard error."""
    typer.echo(printable(text), err=err)
