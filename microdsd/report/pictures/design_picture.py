"""Candidates of a design, and pictures of those that none is better than."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from microdsd.microstructure import phases_of, spatial_dims
from microdsd.report.pictures.drawing import at, axes_at, draw_labels, middle_slice
from microdsd.report.pictures.style import (
    HAIRLINE,
    INK,
    MUTED,
    REAL,
    blank_figure,
    figure_style,
    phase_colours,
)

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

_PANEL = (3.6, 3.0)  # width, height
_MARGIN = (0.75, 0.3, 0.5)  # left, top, bottom
_TILE, _GAP, _LINE, _COLUMNS = 1.3, 0.15, 0.125, 4
_MOST_TILES = 8
_LETTERS = 27  # of a line above a tile


def design_picture(
    values: Mapping[str, NDArray[np.float64]],
    front: NDArray[np.bool_],
    feasible: NDArray[np.bool_],
    samples: xr.DataArray | None,
    titles: Sequence[str] = (),
) -> Figure:
    """Draw the objectives of all candidates, and a sample of each one on the front.

    Parameters
    ----------
    values : mapping of str to ndarray
        One or more objectives, by candidate; the first two are drawn, a single one against the
        number of the candidate.
    front, feasible : ndarray of bool
        Which candidates are on the Pareto front, and which keep all requirements.
    samples : DataArray, dims (sample, [z,] y, x), or None
        One of each candidate on the front; eight at most are drawn, of volumes the middle plane.
    titles : sequence of str
        Of the samples, in lines; none, or one for each.

    Returns
    -------
    matplotlib.figure.Figure
    """
    number = 0 if samples is None else len(samples)
    chosen = np.unique(np.linspace(0, max(number - 1, 0), min(number, _MOST_TILES)).round())
    examples = [] if samples is None else [samples[int(i)] for i in chosen]
    titles = [_wrapped(titles[int(i)]) for i in chosen] if titles else []
    rows = -(-len(examples) // _COLUMNS)
    title = _LINE * (1 + max((text.count("\n") + 1 for text in titles), default=0))
    left, top, bottom = _MARGIN
    width, height = _PANEL
    across = left + width + 0.2
    tiles = _COLUMNS * (_TILE + _GAP)
    tall = max(top + height + bottom, rows * (title + _TILE + _GAP))
    with figure_style():
        figure = blank_figure(across + (tiles if examples else 0.0), tall)
        axes = axes_at(figure, left, top, width, height)
        names = list(values)
        first = np.asarray(values[names[0]], dtype=float)
        numbers = np.arange(len(first))
        x, y = (first, np.asarray(values[names[1]])) if len(names) > 1 else (numbers, first)
        colour = next(iter(phase_colours({0: "", 1: ""}).values())).line
        for kind, marker, tint, label in (
            (~feasible, "x", MUTED, "breaks a requirement"),
            (feasible & ~front, "o", REAL, "candidate"),
            (front, "o", colour, "front"),
        ):
            finite = kind & np.isfinite(x) & np.isfinite(y)
            if finite.any():
                axes.plot(x[finite], y[finite], marker, ms=4, color=tint, label=label)
        if len(names) > 1 and front.any():
            order = np.argsort(x[front], kind="stable")
            axes.plot(x[front][order], y[front][order], color=colour, lw=0.7)
        axes.set(
            xlabel=_words(names[0]) if len(names) > 1 else "candidate",
            ylabel=_words(names[min(1, len(names) - 1)]),
        )
        axes.locator_params(axis="x", nbins=5)
        axes.grid(color=HAIRLINE, lw=0.4)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(loc="best")
        for k, sample in enumerate(examples):
            row, column = divmod(k, _COLUMNS)
            place = across + column * (_TILE + _GAP)
            down = row * (title + _TILE + _GAP)
            plane = sample.values
            if len(spatial_dims(sample)) > 2:
                plane = middle_slice(plane, 0)
            longest = max(plane.shape)
            high, wide = (_TILE * n / longest for n in plane.shape)
            tile = axes_at(figure, place, down + title, wide, high)
            draw_labels(tile, plane, phase_colours(phases_of(sample)))
            if titles:
                figure.text(
                    *at(figure, place, down + title / 2), titles[k],
                    ha="left", va="center", linespacing=1.3, color=INK, fontsize=6.5,
                )  # fmt: skip
    return figure


def _wrapped(title: str) -> str:
    r"""Wrap the lines of a title that are wider than a tile.

    Examples
    --------
    >>> _wrapped("pore 0.2\ntarget specific_surface_area 0.126").splitlines()
    ['pore 0.2', 'target specific surface', 'area 0.126']
    """
    lines = (textwrap.wrap(line.replace("_", " "), _LETTERS) for line in title.splitlines())
    return "\n".join(itertools.chain.from_iterable(lines))


def _words(name: str) -> str:
    """Write the name of a property for people.

    Examples
    --------
    >>> _words("tortuosity_factor:pore:z")
    'tortuosity factor, pore, z'
    """
    return name.replace("_", " ").replace(":", ", ")
