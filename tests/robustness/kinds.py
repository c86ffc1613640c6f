"""One kind of fuzzed input, and how verbs are run on it."""

import contextlib
import hashlib
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import damage
import numpy as np
from typer.testing import CliRunner

from microdsd.cli.app import app
from microdsd.errors import MicrodsdError

TEXT_DIRECTION = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class Refused(Exception):
    """The command line said what is wrong, in one message."""


class Unclean(AssertionError):
    """What reached a terminal or a page must not reach it."""


@dataclass(frozen=True)
class Kind:
    """One kind of input.

    ``make(folder)`` writes a valid input and returns the name of the file to damage;
    ``damage(path, rng)`` damages it; ``run(path)``, with the folder as working directory, does what
    a user would and returns an answer that is equal for equal results. `checksum`: the format has
    one over all that the answer depends on, so that any other answer is silently wrong.
    `share`: of the cases of other kinds, less for what is slow.
    """

    name: str
    make: Callable[[Path], str]
    run: Callable[[Path], object]
    damage: Callable = damage.damage_bytes
    checksum: bool = False
    share: float = 1.0


def verb(*words):
    """Run a verb in this process; its standard output.

    Raises
    ------
    Refused
        The verb ended with an error of its own.
    Exception
        Whatever else it raised: a traceback for the user.
    """
    result = CliRunner().invoke(app, [str(word) for word in words])
    clean(result.stdout + result.stderr)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    if result.exit_code:
        raise Refused(result.stderr)
    return result.stdout


def clean(text):
    """Refuse control characters and marks that turn the direction of writing."""
    for letter in set(text) - set("\n\r\t"):
        if unicodedata.category(letter) in ("Cc", "Cs") or letter in TEXT_DIRECTION:
            raise Unclean(f"U+{ord(letter):04X} in the output: {text[:300]!r}")


def attempt(look, *args):
    """Run something that may refuse its input."""
    with contextlib.suppress(MicrodsdError, Refused):
        look(*args)


def fingerprint(array):
    """Equal for arrays of equal axes, shape and values."""
    values = np.ascontiguousarray(array)
    about = f"{getattr(array, 'dims', ())} {values.shape} {values.astype(str).dtype.kind}"
    return hashlib.sha256(about.encode() + values.astype("<i8").tobytes()).hexdigest()
