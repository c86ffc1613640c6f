"""The picture of a schedule: material dissolves, and its traces at every noise level."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from microdsd.report.pictures.drawing import axes_at
from microdsd.report.pictures.style import (
    ACCENT,
    HAIRLINE,
    INK,
    MUTED,
    blank_figure,
    figure_style,
)
from microdsd.report.pictures.walkers import walkers_picture
from microdsd.schedule.result import Schedule

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDTH = 9.4
_GAP = 0.12
_TITLE = 0.24
_PANEL = (0.66, 2.35, 2.3)  # left margin, width, height
_EDGE = 0.06
_SHARP = 360  # raster pixels per tile


def schedule_picture(schedule: Schedule) -> Figure:
    """Draw noised windows, what the noise keeps against sigma, and S2 at several levels."""
    tiles = schedule.noised.sizes["level"]
    side = (_WIDTH - (tiles - 1) * _GAP) / tiles
    left, width, height = _PANEL
    top = _TITLE + side + 0.42
    with figure_style():
        figure = blank_figure(_WIDTH + 2 * _EDGE, top + height + 0.5)
        for k in range(tiles):
            axes = axes_at(figure, _EDGE + k * (side + _GAP), _TITLE, side, side)
            _draw_tile(axes, schedule, k)
        step = (_WIDTH - 3 * (left + width)) / 2 + left + width
        for k, draw in enumerate((_draw_memory, _draw_information, _draw_two_point)):
            draw(axes_at(figure, _EDGE + left + k * step, top, width, height), schedule)
    return figure


def _draw_tile(axes: Axes, schedule: Schedule, index: int) -> None:
    state = schedule.noised[index]
    sigma = float(state["level"])
    picture = walkers_picture(state.values, schedule.phases, schedule.background)
    times = max(1, _SHARP // max(picture.shape[:2]))
    axes.imshow(picture.repeat(times, 0).repeat(times, 1), interpolation="none", aspect="auto")
    axes.set(xticks=[], yticks=[])
    axes.set_title(_level(sigma) + " voxels" * (sigma > 0), pad=4)
    for spine in axes.spines.values():
        spine.set(visible=True, color=HAIRLINE, linewidth=0.5)


def _level(sigma: float) -> str:
    return f"σ = {sigma:.1f}" if sigma else "material"


def _draw_memory(axes: Axes, schedule: Schedule) -> None:
    curves = schedule.curves.isel(level=slice(1, None))
    sigma = curves["level"].values
    axes.plot(sigma, curves["residual"], color=INK, label="slowest mode")
    for name, style, text in (("correlation", "-", "correlation"), ("ssim", "--", "SSIM")):
        values = curves[name].mean("species").values
        axes.plot(sigma, np.maximum(values, 1e-9), color=ACCENT, ls=style, label=text)
    axes.set(xscale="log", yscale="log", ylim=(1e-3, 1.3), ylabel="of the source, in the noise")
    axes.legend(loc="lower left", frameon=True, facecolor="white", edgecolor="white", framealpha=1)
    _mark_levels(axes, schedule, named=True)


def _draw_information(axes: Axes, schedule: Schedule) -> None:
    from matplotlib.ticker import LogLocator

    curves = schedule.curves.isel(level=slice(1, None))
    axes.plot(curves["level"], curves["information"], color=INK, label="information")
    axes.axhline(schedule.information_limit, color=MUTED, lw=0.7, ls=":")
    axes.set(xscale="log", yscale="log", ylabel="nats on the source, at most")
    axes.yaxis.set_major_locator(LogLocator(numticks=7))
    _mark_levels(axes, schedule)


def _draw_two_point(axes: Axes, schedule: Schedule) -> None:
    curves = schedule.curves["two_point"].isel(species=0)
    levels = [*range(0, curves.sizes["level"] - 1, 3), curves.sizes["level"] - 1]
    distance = curves["distance"].values[1:]
    for k in levels:
        sigma = float(curves["level"][k])
        axes.plot(
            distance,
            curves.values[k, 1:],
            color=ACCENT if k else INK,
            alpha=1 - 0.85 * k / (curves.sizes["level"] - 1),
            label=_level(sigma),
        )
    name = str(curves["species"].values)
    axes.set(xlabel="distance / voxels", ylabel=f"⟨n(x) n(x+r)⟩, {name}")
    axes.set_xlim(0, distance[-1])
    axes.legend(loc="upper right")


def _mark_levels(axes: Axes, schedule: Schedule, *, named: bool = False) -> None:
    """Draw lines at the last level, the examined horizon and the recommended one."""
    marks = [
        (schedule.sigma_last, "last step", MUTED, ":"),
        (schedule.horizon.sigma, "horizon", INK, "-"),
    ]
    if schedule.recommended != schedule.horizon:
        marks.append((schedule.recommended.sigma, "recommended", INK, "--"))
    for k, (sigma, text, colour, style) in enumerate(marks):
        axes.axvline(sigma, color=colour, lw=0.8, ls=style)
        if named:
            axes.annotate(
                text,
                (sigma, 1.0),
                xycoords=("data", "axes fraction"),
                xytext=(-2 if k else 2, 1 + 8 * max(0, k - 1)),
                textcoords="offset points",
                ha="right" if k else "left",
                va="bottom",
                fontsize=7.5,
                color=MUTED,
            )
    axes.set_xlabel("σ / voxels")
