"""Parts of pictures: a tile of labels, a scale bar, a solid in its box.

Places are in inches from the upper left corner of the figure.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from microdsd.microstructure import voxel_size_of
from microdsd.report.pictures.ray_caster import render_phase
from microdsd.report.pictures.style import (
    HAIRLINE,
    INK,
    MUTED,
    LengthScale,
    PhaseColour,
    phase_colours,
    rgb,
    round_length,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SHARP = 480  # raster pixels per tile: voxels stay crisp when the page is enlarged


def at(figure: Figure, left: float, top: float) -> tuple[float, float]:
    """Return the figure coordinates of a point given in inches from the upper left corner."""
    return left / figure.get_figwidth(), 1 - top / figure.get_figheight()


def axes_at(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Add axes at a place given in inches."""
    x, y = at(figure, left, top + height)
    return figure.add_axes((x, y, width / figure.get_figwidth(), height / figure.get_figheight()))


def box_edges(stack: xr.DataArray) -> NDArray[np.float64]:
    """Measure the edges of the box (z, y, x) in stored units."""
    edges = zip(stack.shape[1:], voxel_size_of(stack).size, strict=True)
    return np.array([n * size for n, size in edges])


def middle_slice(sample: NDArray[Any], axis: int) -> NDArray[Any]:
    """Cut a volume in the middle, normal to an axis; a plane is returned as it is."""
    return sample if sample.ndim == 2 else sample.take(sample.shape[axis] // 2, axis=axis)


def coloured(labels: NDArray[Any], colours: Mapping[int, PhaseColour]) -> NDArray[np.float64]:
    """Return red, green and blue of every voxel of a plane of labels; black without a colour."""
    picture = np.zeros((*labels.shape, 3))
    for label, colour in colours.items():
        picture[labels == label] = rgb(colour.fill)
    return picture


def draw_labels(axes: Axes, labels: NDArray[Any], colours: Mapping[int, PhaseColour]) -> None:
    """Fill axes with a plane of labels."""
    picture = coloured(labels, colours)
    times = max(1, _SHARP // max(labels.shape))
    picture = picture.repeat(times, axis=0).repeat(times, axis=1)
    axes.imshow(picture, interpolation="none", aspect="auto")
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set(visible=True, color=HAIRLINE, linewidth=0.5)


def draw_scale_bar(figure: Figure, ms: xr.DataArray, *, top: float, inches: float) -> None:
    """Draw a bar of round length under the tiles; `inches` is how wide a sample is drawn."""
    from matplotlib.lines import Line2D

    voxel = voxel_size_of(ms)
    extent = ms.shape[-1] * voxel.size[-1]
    length = round_length(extent / 3)
    end = inches * length / extent
    (x0, y), (x1, _) = at(figure, 0, top + 0.14), at(figure, end, top + 0.14)
    bar = Line2D([x0, x1], [y, y], color=INK, lw=2.2, solid_capstyle="butt")
    figure.add_artist(bar)
    text = LengthScale.of(ms).text(length)
    figure.text(*at(figure, end + 0.07, top + 0.14), text, va="center", color=INK, fontsize=9.0)


def draw_solid(
    figure: Figure,
    frame: tuple[float, float, float, float],
    cube: NDArray[Any],
    label: int,
    edges: NDArray[np.float64],
    phases: Mapping[int, str],
    length: LengthScale | None,
) -> None:
    """Draw a phase of `cube` into `frame` (left, top, width, height in inches)."""
    fontsize = min(9.0, 2.5 + 1.8 * frame[2])
    colour = phase_colours(phases, label)[label]
    draw_solid_on(axes_at(figure, *frame), cube == label, edges, colour, length, fontsize=fontsize)


def draw_solid_on(
    axes: Axes,
    indicator: NDArray[np.bool_],
    edges: NDArray[np.float64],
    colour: PhaseColour,
    length: LengthScale | None,
    *,
    fontsize: float = 9.0,
) -> None:
    """Draw a phase in its box; with `length`, the edges are named with it."""
    solid = render_phase(
        indicator,
        colour=rgb(colour.solid),
        cap_colour=rgb(colour.cut),
        spacing=[edge / n for edge, n in zip(edges, indicator.shape, strict=True)],
    )
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
            ha="center", va="center", color=INK, fontsize=fontsize,
        )  # fmt: skip
