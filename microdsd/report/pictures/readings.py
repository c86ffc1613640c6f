"""Values that a reader can take from a figure: the curves that its own lines draw.

They are read from the lines themselves, so that what a page says under the pointer, and what it
saves as a table, is what the figure shows. A line is read if it has a label; a label that begins
with "_" is one that matplotlib leaves out of the legend.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from numpy.typing import ArrayLike

_POINTS = 72  # per inch: the unit of the SVG
_UNNAMED = re.compile(r"_child\d+")


def readings(figure: Figure) -> list[dict[str, Any]]:
    """Return the axes of a figure that hold named lines: their place, scales and curves.

    Returns
    -------
    list of dict
        For each such axes: ``box``, left, top, right and bottom in units of the SVG; ``x`` and
        ``y``, the scales with their labels; ``curves``, each with a name and the values x and y,
        None where there is no value; and, where all curves have the same x, ``shared``.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> figure = Figure(figsize=(4, 3))
    >>> _ = figure.subplots().plot([0, 1], [2, 3], label="loss")
    >>> readings(figure)[0]["curves"]
    [{'name': 'loss', 'colour': '#1f77b4', 'x': [0.0, 1.0], 'y': [2.0, 3.0]}]
    """
    return [_plot(figure, axes) for axes in figure.axes if _named_lines(axes)]


def _plot(figure: Figure, axes: Axes) -> dict[str, Any]:
    width, height = figure.get_size_inches() * _POINTS
    place = axes.get_position()
    curves = [_curve(line) for line in _named_lines(axes)]
    return {
        "title": axes.get_title(loc="left"),
        "box": _short(
            [place.x0 * width, (1 - place.y1) * height, place.x1 * width, (1 - place.y0) * height]
        ),
        "x": _scale(axes.xaxis, axes.get_xlim()),
        "y": _scale(axes.yaxis, axes.get_ylim()),
        "shared": all(curve["x"] == curves[0]["x"] for curve in curves),
        "curves": curves,
    }


def _named_lines(axes: Axes) -> list[Line2D]:
    return [
        line
        for line in axes.get_lines()
        if not _UNNAMED.fullmatch(str(line.get_label())) and np.size(line.get_xdata())
    ]


def _curve(line: Line2D) -> dict[str, Any]:
    from matplotlib.colors import to_hex

    label = str(line.get_label())
    return {
        "name": label.removeprefix("_"),
        "colour": to_hex(line.get_color()),
        "x": _short(line.get_xdata()),
        "y": _short(line.get_ydata()),
    }


def _scale(axis: Axis, limits: tuple[float, float]) -> dict[str, Any]:
    """Describe an axis; of one with names at 0, 1, 2, ... also these names."""
    from matplotlib.ticker import FixedLocator

    scale: dict[str, Any] = {
        "label": axis.get_label_text(),
        "limits": _short(limits),
        "log": axis.get_scale() == "log",
    }
    places = [float(place) for place in axis.get_majorticklocs()]
    if isinstance(axis.get_major_locator(), FixedLocator) and places == list(range(len(places))):
        name_at = axis.get_major_formatter()
        scale["names"] = [name_at(place, i) for i, place in enumerate(places)]
    return scale


def _short(values: ArrayLike) -> list[float | None]:
    """Write values to seven digits, as JSON can hold them."""
    return [
        float(f"{value:.7g}") if np.isfinite(value) else None
        for value in np.asarray(values, dtype=float).ravel()
    ]
