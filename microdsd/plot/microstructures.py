"""Microstructures: slices, and phases as solids."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from microdsd.errors import InputError
from microdsd.microstructure import (
    LabelsLike,
    as_ensemble,
    phases_of,
    resolve_phases,
    spatial_dims,
    voxel_size_of,
)
from microdsd.microstructure.labels import focus_phase
from microdsd.plot.axes import axes_or_new, name_phases
from microdsd.report.pictures.drawing import box_edges, coloured, draw_solid_on, middle_slice
from microdsd.report.pictures.style import (
    INK,
    LengthScale,
    PhaseColour,
    figure_style,
    phase_colours,
    rgb,
    round_length,
)

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

_GAP = 0.035  # of a tile, between tiles
_INCHES = 2.1  # of a tile
_PIXELS = 900  # of a picture by pyvista
_TURNS = 25  # of smoothing of a surface by pyvista


def slices(
    ms: LabelsLike,
    *,
    count: int = 9,
    columns: int = 3,
    axis: str = "z",
    ax: Axes | None = None,
) -> Axes:
    """Draw several samples side by side, with a scale bar; of volumes, their middle slices.

    Parameters
    ----------
    ms : DataArray or ndarray of int
        One microstructure or an ensemble.
    count : int
        At most this many samples, the first ones.
    columns : int
        Pictures per row.
    axis : {"z", "y", "x"}
        Of volumes: slices are normal to it.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        For an axis that there is not, or no picture at all.

    Examples
    --------
    >>> from microdsd.microstructure import blobs
    >>> ax = slices(blobs((32, 48), fractions=(0.3, 0.7), scale=3, rng=0))
    >>> ax.figure.savefig("slices.png")
    """
    stack = as_ensemble(ms)
    if count < 1 or columns < 1:
        raise InputError(f"count={count}, columns={columns}: give at least one")
    dims = spatial_dims(stack)
    if len(dims) == 3 and axis not in dims:
        raise InputError(f"axis={axis!r}: choose one of {', '.join(dims)}")
    normal = dims.index(axis) if len(dims) == 3 else None
    tiles = [
        sample if normal is None else middle_slice(sample, normal)
        for sample in stack.values[:count]
    ]
    edges = [edge for i, edge in enumerate(voxel_size_of(stack).size) if i != normal]
    colours = phase_colours(phases_of(stack))
    picture = _mosaic([coloured(tile, colours) for tile in tiles], min(columns, len(tiles)))
    rows, width = picture.shape[0] * edges[0], picture.shape[1] * edges[1]

    inches = _INCHES * min(columns, len(tiles)) * (1.6 if len(tiles) == 1 else 1)
    axes = axes_or_new(ax, inches, inches * rows / width + 0.55)
    with figure_style():
        axes.imshow(picture, interpolation="none", extent=(0, width, rows, 0))
        _scale_bar(axes, stack, tiles[0].shape[1] * edges[1], width, rows)
        axes.set_axis_off()
        names = phases_of(stack)
        fills = {names[label]: colour.fill for label, colour in colours.items()}
        above = {"loc": "lower left", "bbox_to_anchor": (0, 1), "borderaxespad": 0.2}
        name_phases(axes, fills, ncols=len(fills), handlelength=1.0, columnspacing=1.0, **above)
    return axes


def phases(
    ms: LabelsLike,
    phase: int | str | Sequence[int | str] | None = None,
    *,
    sample: int = 0,
    ax: Axes | None = None,
) -> Axes:
    """Draw phases of a volume as solids in their box.

    One phase is drawn as in the report, its cut faces paler than its surface. Several phases at
    once are drawn by pyvista, which comes with PoreSpy.

    Parameters
    ----------
    ms : DataArray or ndarray of int
        A volume, or an ensemble of volumes.
    phase : int or str, or sequence of them, optional
        Labels or names; by default the pores, or the lowest label.
    sample : int
        Of an ensemble, which sample.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        For planes, for a phase or sample that there is not, or for several phases where pyvista is
        not installed.

    Examples
    --------
    >>> from microdsd.microstructure import blobs
    >>> ax = phases(blobs((16, 16, 16), fractions=(0.3, 0.7), scale=3, rng=0), "phase 0")
    >>> ax.figure.savefig("solid.png")
    """
    stack = as_ensemble(ms)
    if stack.ndim != 4:
        raise InputError(f"ms: shape {stack.shape[1:]} is a plane; draw it with plot.slices")
    if not 0 <= sample < len(stack):
        raise InputError(f"sample={sample}: there are samples 0 to {len(stack) - 1}")
    names = phases_of(stack)
    labels = [focus_phase(names)] if phase is None else list(resolve_phases(stack, phase))
    cube, edges = stack.values[sample], box_edges(stack)
    length = LengthScale.fitting(float(edges.max()), voxel_size_of(stack).unit)
    if len(labels) == 1:
        axes = axes_or_new(ax, 4.6, 4.6)
        with figure_style():
            draw_solid_on(axes, cube == labels[0], edges, phase_colours(names)[labels[0]], length)
        return axes
    colours = {label: phase_colours(names)[label] for label in labels}
    picture = _solids(cube, colours, edges)
    axes = axes_or_new(ax, 4.6, 4.9)
    with figure_style():
        axes.imshow(picture)
        axes.set_axis_off()
        box = " × ".join(length.text(edge) for edge in edges[::-1])
        axes.set_title(f"x, y, z: {box}", color=INK)
        fills = {names[label]: colour.solid for label, colour in colours.items()}
        name_phases(axes, fills, ncols=len(fills), loc="upper center", bbox_to_anchor=(0.5, 0.0))
    return axes


def _mosaic(tiles: Sequence[NDArray[np.float64]], columns: int) -> NDArray[np.float64]:
    """Lay pictures of one shape out in rows, with white gaps."""
    height, width = tiles[0].shape[:2]
    gap = max(1, round(_GAP * max(height, width))) if len(tiles) > 1 else 0
    rows = math.ceil(len(tiles) / columns)
    mosaic = np.ones((rows * (height + gap) - gap, columns * (width + gap) - gap, 3))
    for i, tile in enumerate(tiles):
        row, column = divmod(i, columns)
        top, left = row * (height + gap), column * (width + gap)
        mosaic[top : top + height, left : left + width] = tile
    return mosaic


def _scale_bar(axes: Axes, stack: xr.DataArray, tile: float, width: float, rows: float) -> None:
    """Draw a bar of round length below the pictures."""
    length = round_length(tile / 3)
    transform = axes.get_xaxis_transform()  # x in lengths, y as a share of the axes
    axes.plot(
        [0, length], [-0.04] * 2, transform=transform, color=INK, lw=2.2,
        solid_capstyle="butt", clip_on=False,
    )  # fmt: skip
    axes.text(
        length + 0.015 * width, -0.04, LengthScale.of(stack).text(length),
        transform=transform, va="center", color=INK, fontsize=8.5,
    )  # fmt: skip
    axes.set(xlim=(0, width), ylim=(rows, 0))


def _solids(
    cube: NDArray[Any], colours: Mapping[int, PhaseColour], edges: NDArray[np.float64]
) -> NDArray[np.uint8]:
    """Draw several phases at once, off the screen."""
    try:
        import pyvista as pv
    except ImportError as error:
        raise InputError(
            "phase: several phases at once are drawn by pyvista, which is not installed; "
            "pip install pyvista, or name one phase"
        ) from error
    grid = pv.ImageData(
        dimensions=np.array(cube.shape[::-1]) + 1,
        spacing=(edges / np.array(cube.shape) / edges.max())[::-1],
    )
    grid.cell_data["label"] = np.ascontiguousarray(cube).ravel()
    plotter = pv.Plotter(off_screen=True, window_size=[_PIXELS, _PIXELS], lighting="three lights")
    try:
        plotter.set_background("white")
        for label, colour in colours.items():
            if not (cube == label).any():
                continue
            cells = grid.threshold((label - 0.5, label + 0.5), scalars="label")
            surface = cells.extract_surface(algorithm="dataset_surface").triangulate()
            smooth = surface.smooth_taubin(n_iter=_TURNS, boundary_smoothing=False)
            plotter.add_mesh(smooth, color=rgb(colour.solid), smooth_shading=False, ambient=0.25)
        plotter.add_mesh(grid.outline(), color="#6b7280", line_width=2)
        plotter.view_vector((0.52, -0.75, 0.41), viewup=(0, 0, 1))
        plotter.enable_parallel_projection()
        plotter.camera.zoom(1.05)
        picture: NDArray[np.uint8] = plotter.screenshot(return_img=True)
    finally:
        plotter.close()
    return picture
