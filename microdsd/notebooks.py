"""How objects show themselves: lists as tables, facts as HTML, results as pictures."""

from __future__ import annotations

import html
import importlib
from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

_DRAWN_IN = "microdsd.plot.pages"
"""The room that draws lies above those that measure, and is loaded when a notebook asks."""


class Summarised(Protocol):
    """Say the facts of an object in a few words each."""

    def summary(self) -> dict[str, str]:
        """Return the facts by their names."""


Item = TypeVar("Item", bound=Summarised)


class Listing(list[Item]):
    """List objects, and show them as a table with one row per object.

    Examples
    --------
    >>> class Rock:
    ...     def summary(self):
    ...         return {"name": "Berea", "porosity": "0.19"}
    >>> Listing([Rock(), Rock()])
    name   porosity
    Berea  0.19
    Berea  0.19
    """

    def __repr__(self) -> str:
        if not self:
            return "[]"
        rows = [list(self[0].summary()), *(list(item.summary().values()) for item in self)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        if not self:
            return "<p>none</p>"
        return table(list(self[0].summary()), [list(item.summary().values()) for item in self])


def table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a table as HTML, which notebooks dress in their own style.

    Examples
    --------
    >>> table(["a"], [["<"]])
    '<table><thead><tr><th>a</th></tr></thead><tbody><tr><td>&lt;</td></tr></tbody></table>'
    """
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in heading)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def facts(title: str, entries: Mapping[str, str]) -> str:
    """Write the facts of one object as HTML: a title, and a row per fact.

    Examples
    --------
    >>> facts("model", {"window": "64 x 64"})[:38]
    '<table><caption><b>model</b></caption>'
    """
    rows = "".join(
        f"<tr><th>{html.escape(name)}</th><td>{html.escape(text)}</td></tr>"
        for name, text in entries.items()
    )
    caption = f"<caption><b>{html.escape(title)}</b></caption>"
    return f"<table>{caption}<tbody>{rows}</tbody></table>"


def drawn(result: object) -> str:
    """Return a result as HTML with pictures; the room that draws is loaded now."""
    page: str = importlib.import_module(_DRAWN_IN).page_of(result)
    return page
