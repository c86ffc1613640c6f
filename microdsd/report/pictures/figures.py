"""Pictures of microstructures: slices, surfaces, series of compositions.

Every function returns a new ``matplotlib.figure.Figure`` that no global state knows about.
Microstructures are labelled DataArrays (or plain arrays) as in `microdsd.microstructure`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from microdsd.errors import InputError
from microdsd.microstructure import (
    as_ensemble,
    phases_of,
    resolve_phase,
    spatial_dims,
    voxel_size_of,
)
from microdsd.microstructure.labels import focus_phase
from microdsd.report.pictures.drawing import (
    at,
    axes_at,
    box_edges,
    draw_labels,
    draw_scale_bar,
    draw_solid,
    middle_slice,
)
from microdsd.report.pictures.style import (
    INK,
    MUTED,
    LengthScale,
    blank_figure,
    figure_style,
    phase_colours,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Labels = xr.DataArray | NDArray[np.integer[Any]]

_GAP = 0.07  # inches between tiles
_BAR = 0.26  # inches below the tiles for the scale bar


def slice_panels(ms: Labels, *, count: int = 9, columns: int = 3, width: float = 5.4) -> Figure:
    """Draw several samples with one scale bar; of volumes, the middle slice along z.

    Parameters
    ----------
    ms : DataArray or ndarray
        One microstructure or an ensemble.
    count : int
        At most this many samples, the first ones.
    columns : int
        Pictures per row.
    width : float
        Inches.
    """
    stack = as_ensemble(ms)
    tiles = [middle_slice(sample, 0) for sample in stack.values[:count]]
    columns = min(columns, len(tiles))
    rows = math.ceil(len(tiles) / columns)
    side = (width - _GAP * (columns - 1)) / columns
    height = side * tiles[0].shape[0] / tiles[0].shape[1]
    with figure_style():
        figure = blank_figure(width, rows * height + (rows - 1) * _GAP + _BAR)
        colours = phase_colours(phases_of(ms))
        for i, tile in enumerate(tiles):
            row, column = divmod(i, columns)
            axes = axes_at(figure, column * (side + _GAP), row * (height + _GAP), side, height)
            draw_labels(axes, tile, colours)
        draw_scale_bar(figure, stack, top=rows * height + (rows - 1) * _GAP, inches=side)
    return figure


def orthogonal_slices(volume: Labels, *, width: float = 5.4) -> Figure:
    """Draw the three middle slices of a volume, normal to z, y and x, with one scale bar.

    Raises
    ------
    InputError
        If the microstructure is not a single volume.
    """
    stack = _one_volume(volume)
    cube = stack.values[0]
    edges = box_edges(stack)
    planes = [np.delete(edges, axis) for axis in range(3)]
    side = (width - 2 * _GAP) / sum(p[1] for p in planes)
    heights = [p[0] * side for p in planes]
    title = 0.2
    with figure_style():
        figure = blank_figure(width, title + max(heights) + _BAR)
        colours = phase_colours(phases_of(volume))
        left = 0.0
        for axis, (plane, height) in enumerate(zip(planes, heights, strict=True)):
            axes = axes_at(figure, left, title, plane[1] * side, height)
            draw_labels(axes, middle_slice(cube, axis), colours)
            axes.set_title(f"normal to {'zyx'[axis]}", fontsize=9.0, color=MUTED, pad=3)
            left += plane[1] * side + _GAP
        draw_scale_bar(figure, stack, top=title + max(heights), inches=planes[0][1] * side)
    return figure


def isosurface_picture(
    volume: Labels, *, phase: int | str | None = None, width: float = 5.0
) -> Figure:
    """Draw one phase of a volume as a lit solid, its cut faces paler, in a box with lengths.

    Parameters
    ----------
    volume : DataArray or ndarray
        A single microstructure of three dimensions.
    phase : int or str, optional
        Label or name; the pores, or the lowest label, if not given.
    width : float
        Inches.

    Raises
    ------
    InputError
        If the microstructure is not a single volume, or has no such phase.
    """
    stack = _one_volume(volume)
    phases = phases_of(volume)
    label = focus_phase(phases) if phase is None else resolve_phase(volume, phase)
    edges = box_edges(stack)
    length = LengthScale.fitting(float(edges.max()), voxel_size_of(volume).unit)
    with figure_style():
        figure = blank_figure(width, width)
        draw_solid(figure, (0, 0, width, width), stack.values[0], label, edges, phases, length)
    return figure


def sweep_grid(
    columns: Mapping[str, Labels],
    *,
    phase: int | str | None = None,
    rows: int = 3,
    width: float = 7.2,
) -> Figure:
    """Arrange samples of several compositions: one column per composition, one row per sample.

    Plane samples are drawn as they are, volumes as the solid of one phase.

    Parameters
    ----------
    columns : mapping of str to DataArray
        Column title (for example ``"porosity 0.15"``) to the samples below it.
    phase : int or str, optional
        Of volumes, the phase drawn; the pores, or the lowest label, if not given.
    rows : int
        At most this many samples of each.
    width : float
        Inches.

    Raises
    ------
    InputError
        If there is no column, or the columns differ in dimensions.
    """
    stacks = {title: as_ensemble(ms) for title, ms in columns.items()}
    ndims = {len(spatial_dims(ms)) for ms in stacks.values()}
    if len(ndims) != 1:
        raise InputError(
            f"columns mix samples of {sorted(ndims)} dimensions; pass at least one column, "
            "all in two or all in three dimensions"
        )
    flat = ndims == {2}
    first = next(iter(stacks.values()))
    rows = min(rows, *(ms.shape[0] for ms in stacks.values()))
    side = (width - _GAP * (len(stacks) - 1)) / len(stacks)
    height = side * first.shape[-2] / first.shape[-1] if flat else side
    title_height = 0.24
    with figure_style():
        bottom = title_height + rows * (height + _GAP) - _GAP
        figure = blank_figure(width, bottom + (_BAR if flat else 0))
        for column, (title, ms) in enumerate(stacks.items()):
            left = column * (side + _GAP)
            phases = phases_of(ms)
            label = focus_phase(phases) if phase is None else resolve_phase(ms, phase)
            colours = phase_colours(phases, label)
            figure.text(
                *at(figure, left + side / 2, title_height / 2), title,
                ha="center", va="center", color=INK, fontsize=8.5,
            )  # fmt: skip
            for row in range(rows):
                top = title_height + row * (height + _GAP)
                if flat:
                    axes = axes_at(figure, left, top, side, height)
                    draw_labels(axes, ms.values[row], colours)
                else:
                    length = LengthScale.fitting(float(box_edges(ms).max()), voxel_size_of(ms).unit)
                    draw_solid(
                        figure, (left, top, side, height), ms.values[row], label, box_edges(ms),
                        phases, length if row == rows - 1 else None,
                    )  # fmt: skip
        if flat:
            draw_scale_bar(figure, first, top=bottom, inches=side)
    return figure


def _one_volume(volume: Labels) -> xr.DataArray:
    stack = as_ensemble(volume)
    if stack.ndim != 4 or stack.shape[0] != 1:
        raise InputError(
            f"volume has dims {stack.dims} and shape {stack.shape}; pass one sample in three "
            "dimensions, for example ms.isel(sample=0)"
        )
    return stack
