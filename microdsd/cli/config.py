"""Options of a command from a TOML file: ``--config FILE.toml``."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from microdsd.errors import DataFileError, InputError, reason_of


def read_options(
    path: Path, command: str, parameters: Iterable[Any], commands: Iterable[str]
) -> dict[str, Any]:
    """Read the options of one command, by the name of its parameter.

    Keys at the top, and those of the table ``[COMMAND]``, are names of options without the
    dashes; tables of other commands are left alone. The table wins over the top.

    Raises
    ------
    DataFileError
        If the file is missing or is not TOML.
    InputError
        If a key is no option of the command, or its value is not of a form that options have.
    """
    try:
        # Editors of Windows begin a file with a byte order mark.
        document = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise DataFileError(f"--config {path}: is not text in UTF-8; save it as UTF-8") from error
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise DataFileError(f"--config {path}: {reason_of(error)}; give a TOML file") from error
    options = {
        name.removeprefix("--"): parameter
        for parameter in parameters
        for name in parameter.opts
        if name.startswith("--") and name not in ("--config", "--help")
    }
    tables = {key: value for key, value in document.items() if key in set(commands)}
    values = {key: value for key, value in document.items() if key not in tables}
    own = tables.get(command, {})
    if not isinstance(own, Mapping):
        raise InputError(f"--config {path}: {command} is a command; write a table [{command}]")
    values |= own
    known = {key.replace("_", "-"): value for key, value in values.items()}
    for key in known:
        if key not in options:
            raise InputError(f"--config {path}: {_unknown(key, command, [*options])}")
    return {
        options[key].name: _as_given(value, options[key], f"--config {path}: {key}")
        for key, value in known.items()
    }


def _unknown(key: str, command: str, names: list[str]) -> str:
    """Say that a key is no option, and which names are near."""
    near = difflib.get_close_matches(key, names, n=3)
    remedy = f"did you mean {' or '.join(near)}?" if near else f"see microdsd {command} --help"
    return f"{key} is no option of {command}; {remedy}"


def _as_given(value: Any, parameter: Any, place: str) -> Any:
    """Return a value in the form in which the command line would give it."""
    if getattr(parameter, "is_flag", False):
        if not isinstance(value, bool):
            raise InputError(f"{place}={value!r}: give true or false")
        return value
    if isinstance(value, Mapping):  # fraction = {pore = 0.22}
        value = [f"{name}={_word(item, place)}" for name, item in value.items()]
    if getattr(parameter, "multiple", False):
        items = value if isinstance(value, list) else [value]
        return [_word(item, place) for item in items]
    if isinstance(value, list):
        raise InputError(f"{place}={value!r}: takes one value, not a list")
    return _word(value, place)


def _word(value: Any, place: str) -> str:
    """Return one value as a word."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise InputError(f"{place}={value!r}: give text or a number")
    return str(value)
