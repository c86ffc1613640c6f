"""Names that hold numbers."""

from __future__ import annotations

import re


def by_numbers(name: str) -> list[tuple[int, str]]:
    """Return the key that puts slice_2 before slice_10.

    Examples
    --------
    >>> sorted(["slice_10", "slice_2"], key=by_numbers)
    ['slice_2', 'slice_10']
    """
    words = re.split(r"(\d+)", name)
    return [(int(word), "") if word.isdecimal() else (-1, word) for word in words]
