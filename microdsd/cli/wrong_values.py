"""What is said of values that the command line cannot convert."""

from __future__ import annotations

from typing import Any

_NUMBERS = {
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_parsing": "a number",
}
"""Kinds of failures of pydantic that mean a number was expected."""


def conversion_message(error: BaseException | None) -> str | None:
    """Say which value was given and what it should be; None if that is not what went wrong.

    Parameters
    ----------
    error : exception, optional
        Cause of the error of usage, where it has one.
    """
    from microdsd.microstructure.notation import number_remedy  # loads numpy

    faults: Any = getattr(error, "errors", None)
    if not callable(faults):
        return None
    fault = faults()[0]
    wanted, given = _NUMBERS.get(fault["type"]), fault["input"]
    if wanted is None or not isinstance(given, str):
        return None
    remedy = number_remedy(given)
    if wanted == "a whole number" and "," in given and "point" in remedy:
        remedy = f"; write {given.replace(',', ' ')}"
    return f"give {wanted}, got {given!r}{remedy}"
