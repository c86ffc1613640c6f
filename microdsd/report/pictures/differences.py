"""Differences between generated and real material, in margins and along a distance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from microdsd.evaluation.verdict import CANNOT_TELL, DIFFERS, WITHIN, Answer
from microdsd.report.pictures.style import INK, MUTED, RULE, SHADE, blank_figure, figure_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Size = tuple[float, float]

ANSWER_COLOURS: dict[str, str] = {WITHIN: "#2f7d6b", DIFFERS: "#b23a16", CANNOT_TELL: "#9a6b00"}
"""As in the style sheet."""
_MARKERS: dict[str, str] = {WITHIN: "o", DIFFERS: "D", CANNOT_TELL: "s"}
_END = 4.0
_NARROW = 5.0  # inches


def intervals_in_margins(
    names: Sequence[str],
    differences: Sequence[float | None],
    intervals: Sequence[tuple[float, float] | None],
    answers: Sequence[Answer],
    *,
    width: float = 7.4,
) -> Figure:
    """Draw the difference and the interval of every descriptor, its margin being the unit.

    Names stand left of the rows, in a narrow figure above them.

    Parameters
    ----------
    names : sequence of str
    differences : sequence of (float or None)
        In margins; None is left out. What lies beyond 4 margins is drawn at the edge.
    intervals : sequence of (pair of float, or None)
    answers : sequence of {"within the margin", "differs", "cannot tell"}
    width : float
        Inches.
    """
    narrow = width < _NARROW
    row, bottom, right = 0.4 if narrow else 0.24, 0.5, 0.25
    left = right if narrow else 2.45
    height = bottom + 0.34 + row * len(names)
    with figure_style():
        figure = blank_figure(width, height)
        axes = figure.add_axes(
            (left / width, bottom / height, 1 - (left + right) / width, row * len(names) / height)
        )
        draw_intervals(axes, names, differences, intervals, answers, narrow=narrow)
    return figure


def draw_intervals(
    axes: Axes,
    names: Sequence[str],
    differences: Sequence[float | None],
    intervals: Sequence[tuple[float, float] | None],
    answers: Sequence[Answer],
    *,
    narrow: bool = False,
) -> None:
    """Draw into axes what `intervals_in_margins` draws into a figure of its own."""
    axes.axvspan(-1, 1, color=SHADE, lw=0)
    axes.axvline(0, color=MUTED, lw=0.7, ls=":")
    rows = zip(differences, intervals, answers, strict=True)
    for i, (difference, interval, answer) in enumerate(rows):
        axes.axhline(i, color=RULE, lw=0.6, zorder=0)
        if narrow:
            axes.annotate(
                names[i], (-_END, i), xytext=(0, 5), textcoords="offset points", color=INK
            )
        if difference is None or interval is None:
            continue
        colour = ANSWER_COLOURS[answer]
        place = np.clip(difference, -_END, _END)
        axes.plot(interval, (i, i), color=colour, lw=1.6, label="_interval")
        axes.plot(place, i, color=colour, marker=_MARKERS[answer], ms=5.5, mew=0, clip_on=False)
        axes.plot(difference, i, color=colour, ls="none", label="_difference")
    for answer in (WITHIN, DIFFERS, CANNOT_TELL):
        axes.plot(
            [], [], color=ANSWER_COLOURS[answer], marker=_MARKERS[answer], ms=5.5, mew=0,
            lw=1.6, label=answer,
        )  # fmt: skip
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=3, borderaxespad=0.2,
                columnspacing=1.2)  # fmt: skip
    axes.set_yticks(range(len(names)), names)
    if narrow:
        axes.tick_params(axis="y", labelleft=False)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set(xlabel="difference / margin", xlim=(-_END, _END), ylim=(len(names) - 0.5, -0.5))


def difference_curve(
    distance: ArrayLike,
    difference: ArrayLike,
    band: tuple[ArrayLike, ArrayLike],
    *,
    answer: Answer,
    xlabel: str,
    ylabel: str,
    size: Size = (3.5, 2.3),
) -> Figure:
    """Draw a mean difference over its band; where the band leaves zero the sides differ.

    Parameters
    ----------
    distance, difference : array_like, shape (n,)
    band : pair of array_like, shape (n,)
        Lower and upper bound.
    answer : {"within the margin", "differs", "cannot tell"}
        For the colour.
    xlabel, ylabel : str
    size : tuple of float
        Inches.
    """
    left, bottom, right, top = 0.72, 0.46, 0.16, 0.1
    width, height = size
    colour = ANSWER_COLOURS[answer]
    with figure_style():
        figure = blank_figure(width, height)
        axes = figure.add_axes(
            (left / width, bottom / height, 1 - (left + right) / width, 1 - (bottom + top) / height)
        )
        x = np.asarray(distance)
        axes.axhline(0, color=INK, lw=0.8)
        axes.fill_between(x, *band, color=colour, alpha=0.2, lw=0)
        for bound, text in zip(band, ("lower", "upper"), strict=True):
            axes.plot(x, bound, color=colour, ls="none", label=f"_band, {text}")
        axes.plot(x, difference, color=colour, lw=1.4, label="difference")
        largest = 1.15 * float(np.abs(np.asarray(band)).max(initial=1e-12))
        axes.set(xlabel=xlabel, ylabel=ylabel, xlim=(0, x[-1]), ylim=(-largest, largest))
        axes.locator_params(axis="x", integer=True)
    return figure
