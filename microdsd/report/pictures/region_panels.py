"""Planes of completed or composed material, with the borders of known or prescribed regions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from microdsd.errors import InputError
from microdsd.microstructure import phases_of
from microdsd.report.pictures.drawing import at, axes_at, draw_labels
from microdsd.report.pictures.style import INK, blank_figure, figure_style, phase_colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BORDER = "#e6007e"

_GAP, _TITLE = 0.12, 0.24  # inches between tiles, and above them


def region_panels(tiles: Mapping[str, xr.DataArray], *, width: float = 7.2) -> Figure:
    """Draw planes side by side at one scale; lines run along the borders of their regions.

    Parameters
    ----------
    tiles : mapping of str to DataArray
        Title to a plane of labels, with or without the coordinate ``region``: a sample in 2D, or
        ``new[0, :, 16]`` of volumes.
    width : float
        Inches.

    Raises
    ------
    InputError
        If there is no tile, or one that is no plane.
    """
    flat = [tile.ndim == 2 for tile in tiles.values()]
    if not flat or not all(flat):
        raise InputError("tiles: pass at least one plane of labels, and planes alone")
    columns = sum(tile.shape[1] for tile in tiles.values())
    voxel = (width - _GAP * (len(tiles) - 1)) / columns
    rows = max(tile.shape[0] for tile in tiles.values())
    with figure_style():
        figure = blank_figure(width, _TITLE + rows * voxel)
        left = 0.0
        for title, tile in tiles.items():
            height, across = (n * voxel for n in tile.shape)
            figure.text(
                *at(figure, left + across / 2, _TITLE / 2), title,
                ha="center", va="center", color=INK, fontsize=8.5,
            )  # fmt: skip
            axes = axes_at(figure, left, _TITLE, across, height)
            draw_labels(axes, tile.values, phase_colours(phases_of(tile)))
            if "region" in tile.coords:
                _draw_borders(axes, tile.coords["region"].values)
            left += across + _GAP
    return figure


def _draw_borders(axes: Axes, region: NDArray[np.integer[Any]]) -> None:
    """Draw lines between neighbours of different regions."""
    from matplotlib.collections import LineCollection

    rows, columns = region.shape
    r, c = np.nonzero(region[1:] != region[:-1])
    across = [((x, y + 1), (x + 1, y + 1)) for y, x in zip(r, c, strict=True)]
    r, c = np.nonzero(region[:, 1:] != region[:, :-1])
    along = [((x + 1, y), (x + 1, y + 1)) for y, x in zip(r, c, strict=True)]
    if across or along:
        share = np.array(across + along) / (columns, rows)
        share[..., 1] = 1 - share[..., 1]
        axes.add_collection(
            LineCollection(list(share), colors=BORDER, linewidths=1.1, transform=axes.transAxes),
            autolim=False,
        )
