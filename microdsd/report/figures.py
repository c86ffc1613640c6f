"""Pictures of microstructures: slices, surfaces, series of compositions.

Every function returns a new ``matplotlib.figure.Figure`` that no global state knows about.
Microstructures are labelled DataArrays (or plain arrays) as in `microdsd.microstructure`.
"""

from __future__ import annotations

import itertools
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
from microdsd.report.render import render_phase
from microdsd.report.style import (
    HAIRLINE,
    INK,
    MUTED,
    LengthScale,
    PhaseColour,
    blank_figure,
    figure_style,
    focus_phase,
    phase_colours,
    rgb,
    round_length,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Labels = xr.DataArray | NDArray[np.integer[Any]]

_GAP = 0.07  # inches between tiles
_BAR = 0.26  # inches below the tiles for the scale bar
_SHARP = 480  # raster pixels per tile: voxels stay crisp when the page is enlarged


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
    tiles = [_middle_slice(sample, 0) for sample in stack.values[:count]]
    columns = min(columns, len(tiles))
    rows = math.ceil(len(tiles) / columns)
    side = (width - _GAP * (columns - 1)) / columns
    height = side * tiles[0].shape[0] / tiles[0].shape[1]
    with figure_style():
        figure = blank_figure(width, rows * height + (rows - 1) * _GAP + _BAR)
        colours = phase_colours(phases_of(ms))
        for i, tile in enumerate(tiles):
            row, column = divmod(i, columns)
            axes = _axes_at(figure, column * (side + _GAP), row * (height + _GAP), side, height)
            _draw_labels(axes, tile, colours)
        _scale_bar(figure, stack, top=rows * height + (rows - 1) * _GAP, inches=side)
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
    edges = _edges(stack)
    planes = [np.delete(edges, axis) for axis in range(3)]
    side = (width - 2 * _GAP) / sum(p[1] for p in planes)
    heights = [p[0] * side for p in planes]
    title = 0.2
    with figure_style():
        figure = blank_figure(width, title + max(heights) + _BAR)
        colours = phase_colours(phases_of(volume))
        left = 0.0
        for axis, (plane, height) in enumerate(zip(planes, heights, strict=True)):
            axes = _axes_at(figure, left, title, plane[1] * side, height)
            _draw_labels(axes, _middle_slice(cube, axis), colours)
            axes.set_title(f"normal to {'zyx'[axis]}", fontsize=9.0, color=MUTED, pad=3)
            left += plane[1] * side + _GAP
        _scale_bar(figure, stack, top=title + max(heights), inches=planes[0][1] * side)
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
    edges = _edges(stack)
    length = LengthScale.fitting(float(edges.max()), voxel_size_of(volume).unit)
    with figure_style():
        figure = blank_figure(width, width)
        _draw_solid(figure, (0, 0, width, width), stack.values[0], label, edges, phases, length)
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
                *_at(figure, left + side / 2, title_height / 2), title,
                ha="center", va="center", color=INK, fontsize=8.5,
            )  # fmt: skip
            for row in range(rows):
                top = title_height + row * (height + _GAP)
                if flat:
                    axes = _axes_at(figure, left, top, side, height)
                    _draw_labels(axes, ms.values[row], colours)
                else:
                    length = LengthScale.fitting(float(_edges(ms).max()), voxel_size_of(ms).unit)
                    _draw_solid(
                        figure, (left, top, side, height), ms.values[row], label, _edges(ms),
                        phases, length if row == rows - 1 else None,
                    )  # fmt: skip
        if flat:
            _scale_bar(figure, first, top=bottom, inches=side)
    return figure


def _at(figure: Figure, left: float, top: float) -> tuple[float, float]:
    """Figure coordinates of a point given in inches from the upper left corner."""
    return left / figure.get_figwidth(), 1 - top / figure.get_figheight()


def _axes_at(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    x, y = _at(figure, left, top + height)
    return figure.add_axes((x, y, width / figure.get_figwidth(), height / figure.get_figheight()))


def _one_volume(volume: Labels) -> xr.DataArray:
    stack = as_ensemble(volume)
    if stack.ndim != 4 or stack.shape[0] != 1:
        raise InputError(
            f"volume has dims {stack.dims} and shape {stack.shape}; pass one sample in three "
            "dimensions, for example ms.isel(sample=0)"
        )
    return stack


def _edges(stack: xr.DataArray) -> NDArray[np.float64]:
    """Edge lengths of the box (z, y, x) in stored units."""
    edges = zip(stack.shape[1:], voxel_size_of(stack).size, strict=True)
    return np.array([n * size for n, size in edges])


def _middle_slice(sample: NDArray[Any], axis: int) -> NDArray[Any]:
    return sample if sample.ndim == 2 else sample.take(sample.shape[axis] // 2, axis=axis)


def _draw_labels(axes: Axes, labels: NDArray[Any], colours: Mapping[int, PhaseColour]) -> None:
    table = np.zeros((int(labels.max()) + 1, 3))
    for label, colour in colours.items():
        if label < len(table):
            table[label] = rgb(colour.fill)
    times = max(1, _SHARP // max(labels.shape))
    picture = table[labels.repeat(times, axis=0).repeat(times, axis=1)]
    axes.imshow(picture, interpolation="none", aspect="auto")
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set(visible=True, color=HAIRLINE, linewidth=0.5)


def _scale_bar(figure: Figure, ms: xr.DataArray, *, top: float, inches: float) -> None:
    """Draw a bar of round length under the tiles; `inches` is how wide a sample is drawn."""
    from matplotlib.lines import Line2D

    voxel = voxel_size_of(ms)
    extent = ms.shape[-1] * voxel.size[-1]
    length = round_length(extent / 3)
    end = inches * length / extent
    (x0, y), (x1, _) = _at(figure, 0, top + 0.14), _at(figure, end, top + 0.14)
    bar = Line2D([x0, x1], [y, y], color=INK, lw=2.2, solid_capstyle="butt")
    figure.add_artist(bar)
    text = LengthScale.fitting(length, voxel.unit).text(length)
    figure.text(*_at(figure, end + 0.07, top + 0.14), text, va="center", color=INK, fontsize=9.0)


def _draw_solid(
    figure: Figure,
    frame: tuple[float, float, float, float],
    cube: NDArray[Any],
    label: int,
    edges: NDArray[np.float64],
    phases: Mapping[int, str],
    length: LengthScale | None,
) -> None:
    """Draw a phase of `cube` into `frame` (left, top, width, height in inches)."""
    colour = phase_colours(phases, label)[label]
    solid = render_phase(
        cube == label,
        colour=rgb(colour.solid),
        cap_colour=rgb(colour.cut),
        spacing=[edge / n for edge, n in zip(edges, cube.shape, strict=True)],
    )
    axes = _axes_at(figure, *frame)
    rows, columns = solid.image.shape[:2]
    axes.imshow(solid.image, interpolation="none", zorder=2)
    text = 0.09 * columns
    axes.set(xlim=(-text, columns + text / 3), ylim=(rows + text, -text / 3))
    axes.set_axis_off()

    corners = list(itertools.product((0, 1), repeat=3))
    for a, b in itertools.combinations(range(8), 2):
        if sum(p != q for p, q in zip(corners[a], corners[b], strict=True)) == 1:
            hidden = solid.farthest in (a, b)
            axes.plot(
                *solid.corners[[a, b]].T, color=MUTED if hidden else INK, lw=0.6,
                ls=(0, (3, 3)) if hidden else "-", zorder=1 if hidden else 3,
                solid_capstyle="round",
            )  # fmt: skip
    if length is None:
        return
    middle = solid.corners.mean(axis=0)
    outline = {
        "z": ((0, 0, 0), (1, 0, 0)),
        "y": ((0, 0, 1), (0, 1, 1)),
        "x": ((0, 0, 0), (0, 0, 1)),
    }
    for axis, name in enumerate("zyx"):
        a, b = (solid.corners[corners.index(corner)] for corner in outline[name])
        along = (b - a) / np.linalg.norm(b - a)
        outward = (a + b) / 2 - middle
        outward -= outward @ along * along
        place = (a + b) / 2 + 0.045 * columns * outward / np.linalg.norm(outward)
        angle = math.degrees(math.atan2(-along[1], along[0]))
        axes.text(
            place[0], place[1], f"{'zyx'[axis]} = {length.text(edges[axis])}",
            rotation=90 - (90 - angle) % 180, rotation_mode="anchor",
            ha="center", va="center", color=INK, fontsize=9.0,
        )  # fmt: skip
