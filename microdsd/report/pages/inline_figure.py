"""A figure inside a page: SVG that follows the page's colours, and the values in it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from microdsd.report.pictures.differences import ANSWER_COLOURS
from microdsd.report.pictures.readings import readings
from microdsd.report.pictures.style import (
    HAIRLINE,
    INK,
    LINE_COLOURS,
    MUTED,
    REAL,
    REAL_BAND,
    RULE,
    SHADE,
    figure_svg,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

THEMED = {
    "#ffffff": "paper",
    INK: "ink",
    MUTED: "tick",
    HAIRLINE: "frame",
    RULE: "rule",
    REAL: "real",
    REAL_BAND: "real-band",
    SHADE: "shade",
    **{colour: f"line-{i}" for i, colour in enumerate(LINE_COLOURS, start=1)},
    **{colour: f"answer-{i}" for i, colour in enumerate(ANSWER_COLOURS.values(), start=1)},
}
"""Colours of the figures that the style sheet replaces where the page is dark, by its names."""


def inline_figure(figure: Figure, name: str, label: str) -> Markup:
    """Return a figure as inline SVG, followed by the values of its curves as data of the page.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    name : str
        Prefix of all identifiers, unique in the page.
    label : str
        What the figure shows, for screen readers.
    """
    svg = themed(figure_svg(figure, name=name, label=label))
    plots = readings(figure)
    return Markup(svg) + (json_block(plots, kind="values") if plots else "")


def themed(svg: str) -> str:
    """Replace colours of the figures by variables of the style sheet, with the same as default.

    Examples
    --------
    >>> themed('<path style="stroke: #1f2328"/>')
    '<path style="stroke: var(--ink, #1f2328)"/>'
    """
    for colour, variable in THEMED.items():
        svg = svg.replace(f": {colour}", f": var(--{variable}, {colour})")
    return svg


def json_block(content: Any, *, kind: str) -> Markup:
    """Return data for the scripts of the page, which no name in it can break out of."""
    text = escaped_json(json.dumps(content, allow_nan=False))
    return Markup(f'<script type="application/json" class="{kind}">{text}</script>')


def escaped_json(text: str) -> str:
    r"""Write JSON so that it can stand in a page: the same document, without any tag in it.

    Examples
    --------
    >>> escaped_json('{"name": "</script>"}')
    '{"name": "\\u003c/script>"}'
    """
    return text.replace("<", "\\u003c")
