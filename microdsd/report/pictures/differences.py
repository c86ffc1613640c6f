"""Differences between generated and real: on the scale of real sets, and along a distance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from microdsd.report.pictures.style import ACCENT, INK, MUTED, SHADE, blank_figure, figure_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Size = tuple[float, float]

GOOD, FAR = "#2f7d6b", "#b23a16"
"""Colours of a test that found no difference, and of one that did; as in the style sheet."""


def distances_in_spreads(
    names: Sequence[str],
    ratios: Sequence[float | None],
    passed: Sequence[bool],
    *,
    width: float = 7.4,
) -> Figure:
    """Draw the distance of every descriptor on the scale of real sets.

    Parameters
    ----------
    names : sequence of str
    ratios : sequence of (float or None)
        Distance over the spread between two real sets; None is left out.
    passed : sequence of bool
        Full circles where no difference was found, diamonds where one was.
    width : float
        Inches.
    """
    row, bottom, left, right = 0.24, 0.5, 2.45, 0.25
    height = bottom + 0.1 + row * len(names)
    known = [ratio for ratio in ratios if ratio is not None]
    end = max(4.0, 1.08 * max(known, default=0.0))
    with figure_style():
        figure = blank_figure(width, height)
        axes = figure.add_axes(
            (left / width, bottom / height, 1 - (left + right) / width, row * len(names) / height)
        )
        axes.axvspan(0, 1, color=SHADE, lw=0)
        axes.axvline(1, color=MUTED, lw=0.7, ls=":")
        for i, (ratio, good) in enumerate(zip(ratios, passed, strict=True)):
            axes.axhline(i, color="#e4e6e9", lw=0.6, zorder=0)
            if ratio is not None:
                axes.plot(
                    ratio, i, color=GOOD if good else FAR, marker="o" if good else "D", ms=5.5,
                    mew=0, clip_on=False,
                )  # fmt: skip
        axes.set_yticks(range(len(names)), names)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set(
            xlabel="distance / spread between two real sets",
            xlim=(0, end),
            ylim=(len(names) - 0.5, -0.5),
        )
    return figure


def difference_curve(
    distance: ArrayLike,
    difference: ArrayLike,
    band: tuple[ArrayLike, ArrayLike],
    *,
    passed: bool,
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
    passed : bool
        Whether the test found no difference, for the colour.
    xlabel, ylabel : str
    size : tuple of float
        Inches.
    """
    left, bottom, right, top = 0.72, 0.46, 0.16, 0.1
    width, height = size
    colour = ACCENT if passed else FAR
    with figure_style():
        figure = blank_figure(width, height)
        axes = figure.add_axes(
            (left / width, bottom / height, 1 - (left + right) / width, 1 - (bottom + top) / height)
        )
        x = np.asarray(distance)
        axes.axhline(0, color=INK, lw=0.8)
        axes.fill_between(x, *band, color=colour, alpha=0.2, lw=0)
        axes.plot(x, difference, color=colour, lw=1.4)
        largest = 1.15 * float(np.abs(np.asarray(band)).max(initial=1e-12))
        axes.set(xlabel=xlabel, ylabel=ylabel, xlim=(0, x[-1]), ylim=(-largest, largest))
        axes.locator_params(axis="x", integer=True)
    return figure
