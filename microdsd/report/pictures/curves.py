"""Curves measured on microstructures or logged in training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from microdsd.report.pictures.style import (
    ACCENT,
    MUTED,
    REAL,
    REAL_BAND,
    SHADE,
    PhaseColour,
    blank_figure,
    figure_style,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Size = tuple[float, float]


def curve_bands(
    distance: ArrayLike,
    *,
    real: ArrayLike,
    generated: ArrayLike,
    real_band: tuple[ArrayLike, ArrayLike] | None = None,
    generated_band: tuple[ArrayLike, ArrayLike] | None = None,
    colour: PhaseColour,
    xlabel: str,
    ylabel: str,
    level: float | None = None,
    legend: bool = True,
    size: Size = (3.5, 2.7),
) -> Figure:
    """Draw mean curves of real and generated samples over the band in which single samples lie.

    Parameters
    ----------
    distance, real, generated : array_like, shape (n,)
        Abscissa and the two mean curves.
    real_band, generated_band : pair of array_like, shape (n,), optional
        Lower and upper bound: grey area for the real, thin lines for the generated.
    colour : PhaseColour
        Colour of the generated curve.
    xlabel, ylabel : str
    level : float, optional
        A dotted horizontal line, for example the limit of S2 at large distance.
    legend : bool
    size : tuple of float
        Inches.
    """
    with figure_style():
        figure = blank_figure(*size)
        draw_curve_bands(
            _axes(figure),
            distance,
            real=real,
            generated=generated,
            real_band=real_band,
            generated_band=generated_band,
            colour=colour,
            xlabel=xlabel,
            ylabel=ylabel,
            level=level,
            legend=legend,
        )
    return figure


def draw_curve_bands(
    axes: Axes,
    distance: ArrayLike,
    *,
    real: ArrayLike,
    generated: ArrayLike,
    real_band: tuple[ArrayLike, ArrayLike] | None = None,
    generated_band: tuple[ArrayLike, ArrayLike] | None = None,
    colour: PhaseColour,
    xlabel: str,
    ylabel: str,
    level: float | None = None,
    legend: bool = True,
) -> None:
    """Draw into axes what `curve_bands` draws into a figure of its own."""
    x = np.asarray(distance)
    if real_band is not None:
        axes.fill_between(x, *real_band, color=REAL_BAND, lw=0, label="real, 5–95 % of windows")
        _draw_bounds(axes, x, real_band, "real", color=REAL_BAND, ls="none")
    if generated_band is not None:
        dashed: dict[str, Any] = {"color": colour.line, "lw": 0.8, "ls": (0, (4, 2))}
        _draw_bounds(axes, x, generated_band, "generated", **dashed)
        axes.plot([], [], label="generated, 5–95 %", **dashed)
    if level is not None:
        axes.axhline(level, color=MUTED, lw=0.7, ls=":")
    axes.plot(x, real, color=REAL, label="real, mean")
    axes.plot(
        x, generated, color=colour.line, ls="none", marker="o", ms=3.2, mfc="white", mew=1.1,
        clip_on=False, zorder=3, label="generated, mean",
    )  # fmt: skip
    axes.set(xlabel=xlabel, ylabel=ylabel, xlim=(0, x[-1]))
    axes.set_ylim(bottom=0)
    if legend:
        handles, labels = axes.get_legend_handles_labels()
        order = sorted(range(len(labels)), key=lambda i: ("mean" not in labels[i], labels[i] < "h"))
        axes.legend([handles[i] for i in order], [labels[i] for i in order], loc="upper right")


def training_curves(
    minutes: ArrayLike,
    curves: Mapping[str, ArrayLike],
    *,
    ylabel: str,
    size: Size = (3.5, 2.7),
) -> Figure:
    """Draw quantities logged in training over the time spent; gaps (NaN) are bridged."""
    with figure_style():
        figure = blank_figure(*size)
        axes = _axes(figure, left=0.78)
        time = np.asarray(minutes, dtype=float)
        shades = np.linspace(1.0, 0.35, len(curves))
        for (name, values), shade in zip(curves.items(), shades, strict=True):
            y = np.asarray(values, dtype=float)
            known = np.isfinite(y)
            axes.plot(time[known], y[known], color=ACCENT, alpha=shade, lw=1.3, label=name)
        axes.set(xlabel="training time / min", ylabel=ylabel)
        if len(curves) > 1:
            axes.legend(ncols=2 if len(curves) > 4 else 1)
    return figure


def fraction_scatter(
    fraction: ArrayLike,
    values: ArrayLike,
    *,
    mean: tuple[ArrayLike, ArrayLike],
    real: tuple[ArrayLike, ArrayLike] | None = None,
    trained: tuple[float, float] | None = None,
    colour: PhaseColour,
    xlabel: str,
    ylabel: str,
    legend: bool = True,
    size: Size = (3.5, 2.7),
) -> Figure:
    """Draw a descriptor against a phase fraction, one mark per sample or window.

    Parameters
    ----------
    fraction, values : array_like, shape (samples,)
        Fractions and values of the generated samples.
    mean : pair of array_like, shape (fractions,)
        Fractions and mean values, joined by a line.
    real : pair of array_like, shape (windows,), optional
        Fractions and values of real windows.
    trained : pair of float, optional
        Range of fractions to shade.
    colour : PhaseColour
    xlabel, ylabel : str
    legend : bool
    size : tuple of float
        Inches.
    """
    with figure_style():
        figure = blank_figure(*size)
        draw_fraction_scatter(
            _axes(figure, left=0.8),
            fraction,
            values,
            mean=mean,
            real=real,
            trained=trained,
            colour=colour,
            xlabel=xlabel,
            ylabel=ylabel,
            legend=legend,
        )
    return figure


def _draw_bounds(
    axes: Axes, x: ArrayLike, bounds: tuple[ArrayLike, ArrayLike], name: str, **style: Any
) -> None:
    """Draw the two bounds of a band, with names that the legend leaves out."""
    for bound, share in zip(bounds, ("5 %", "95 %"), strict=True):
        axes.plot(x, bound, label=f"_{name}, {share}", **style)


def draw_fraction_scatter(
    axes: Axes,
    fraction: ArrayLike,
    values: ArrayLike,
    *,
    mean: tuple[ArrayLike, ArrayLike],
    real: tuple[ArrayLike, ArrayLike] | None = None,
    trained: tuple[float, float] | None = None,
    colour: PhaseColour,
    xlabel: str,
    ylabel: str,
    legend: bool = True,
) -> None:
    """Draw into axes what `fraction_scatter` draws into a figure of its own."""
    if trained is not None:
        axes.axvspan(*trained, color=SHADE, lw=0, label="seen in training")
    if real is not None:
        axes.plot(*real, color=MUTED, ls="none", marker="o", ms=2.6, mew=0, alpha=0.55,
                  label="real windows")  # fmt: skip
    axes.plot(*mean, color=colour.line, lw=1.3, label="generated, mean")
    axes.plot(
        fraction, values, color=colour.line, ls="none", marker="o", ms=3.2, mfc="white",
        mew=1.0, label="generated samples",
    )  # fmt: skip
    axes.set(xlabel=xlabel, ylabel=ylabel)
    if axes.get_ylim()[0] > 0:
        axes.set_ylim(bottom=0)
    if legend:
        axes.legend(loc="best")


def _axes(figure: Figure, *, left: float = 0.6) -> Axes:
    """Add axes with room for labels of fixed size, whatever the size of the figure."""
    width, height = figure.get_size_inches()
    bottom, right, top = 0.46, 0.1, 0.1
    axes: Axes = figure.add_axes(
        (left / width, bottom / height, 1 - (left + right) / width, 1 - (bottom + top) / height)
    )
    return axes
