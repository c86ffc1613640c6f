"""Axes to draw into: those that are given, or new ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from microdsd.report.pictures.style import HAIRLINE, figure_style

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes


def axes_or_new(ax: Axes | None, width: float, height: float) -> Axes:
    """Return the axes that are given, or those of a new figure of this size in inches."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    # The figure loads the backend, which may set parameters that a style would put back after it:
    # notebooks would show this figure and none after it.
    figure = plt.figure(figsize=(width, height), layout="constrained")
    with figure_style():
        axes: Axes = figure.subplots()
    return axes


def name_phases(axes: Axes, fills: Mapping[str, str], **place: Any) -> None:
    """Add a legend of phases, by their colours."""
    from matplotlib.patches import Patch

    patches = [Patch(fc=fill, ec=HAIRLINE, lw=0.5, label=name) for name, fill in fills.items()]
    axes.legend(handles=patches, frameon=False, **place)
