"""The curves of `describe` on one page: all curves whose records are marked as drawn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from microdsd.errors import InputError
from microdsd.io import atomic_write
from microdsd.io.order import path_first
from microdsd.metrics.registry import Descriptor, descriptors
from microdsd.report.pictures.style import (
    LengthScale,
    blank_figure,
    figure_png,
    figure_style,
    phase_colours,
)

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    Values = NDArray[np.float64]

SUFFIXES = (".png", ".svg")
_COLUMNS = 3


class Panel(NamedTuple):
    """Hold one curve of every phase, in the units of the picture."""

    name: str
    title: str
    label: str
    abscissa: Values
    curves: xr.DataArray  # (sample, phase, point)
    step: bool


def check_picture(path: str | Path) -> None:
    """Raise InputError for a picture that is neither PNG nor SVG."""
    if Path(path).suffix.lower() not in SUFFIXES:
        raise InputError(f"picture: {path} is neither .png nor .svg; name it so")


@path_first
def draw_description(path: str | Path, described: xr.Dataset, *, overwrite: bool = False) -> None:
    """Draw the curves of every phase that were measured.

    Parameters
    ----------
    path : str or Path
        PNG or SVG file.
    described : Dataset
        Result of `describe`; of ensembles, curves are means and bands 5 to 95 % of the samples.
    overwrite : bool
        Whether a file of that name may be replaced.

    Raises
    ------
    InputError
        Another suffix, or no curve was measured.
    DataFileError
        As `microdsd.io.atomic_write`.
    """
    check_picture(path)
    panels = list(panels_of(described))
    if not panels:
        raise InputError("described: holds no curves; measure e.g. the group two_point")
    rows = -(-len(panels) // _COLUMNS)
    with figure_style():
        figure = blank_figure(3.2 * _COLUMNS, 2.5 * rows + 0.1)
        grid = figure.subplots(rows, _COLUMNS, squeeze=False).ravel()
        for axes in grid[len(panels) :]:
            axes.set_axis_off()
        for axes, panel in zip(grid, panels, strict=False):
            draw_panel(axes, panel)
        grid[0].legend(loc="upper right")
        figure.tight_layout(w_pad=1.6, h_pad=1.4)
        with atomic_write(path, overwrite=overwrite) as temporary:
            if Path(path).suffix.lower() == ".png":
                temporary.write_bytes(figure_png(figure))
            else:
                figure.savefig(temporary, format="svg", metadata={"Date": None})


def draw_panel(axes: Axes, panel: Panel) -> None:
    """Draw the mean of every phase, and of ensembles the band 5 to 95 % of the samples."""
    names = [str(name) for name in panel.curves["phase_name"].values]
    labels = panel.curves["phase"].values.tolist()
    colours = phase_colours(dict(zip(labels, names, strict=True)))
    for i, (label, name) in enumerate(zip(labels, names, strict=True)):
        values = panel.curves.isel(phase=i).values.astype(float)
        known = values[~np.isnan(values).all(axis=1)]
        if not len(known):
            continue
        colour = colours[label].line
        style = "steps-mid" if panel.step else "default"
        axes.plot(panel.abscissa, np.nanmean(known, axis=0), color=colour, label=name, ds=style)
        if len(known) > 1:
            low, high = np.nanquantile(known, (0.05, 0.95), axis=0)
            axes.fill_between(
                panel.abscissa, low, high, color=colour, alpha=0.18, lw=0,
                step="mid" if panel.step else None,
            )  # fmt: skip
    axes.set_title(panel.title)
    axes.set_xlabel(panel.label)
    axes.set_xlim(panel.abscissa[0], panel.abscissa[-1])
    axes.set_ylim(bottom=0)


def panels_of(described: xr.Dataset) -> Iterator[Panel]:
    """Yield the curves of a result of `describe` whose records are marked as drawn."""
    size = described.attrs["voxel_size"]
    for record in descriptors():
        for name in filter(record.describes, map(str, described.data_vars)):
            # A number of voxels is another length along every axis where they are no cubes.
            if record.drawn and ("axis" not in described[name].dims or np.allclose(size, size[0])):
                yield _panel(described, record, name)


def _panel(described: xr.Dataset, record: Descriptor, name: str) -> Panel:
    unit = str(described.attrs["unit"])
    values = described[name]
    if "axis" in values.dims:
        values = values.mean("axis", keep_attrs=True)
    title, abscissa, dim = record.label, record.abscissa, str(record.points)
    if record.per_axis:
        dim = abscissa = name.rpartition("_")[2]
        title = f"{title}, {dim}"
    along = described[dim].values
    if record.points_in_voxels:
        along = along * float(min(described.attrs["voxel_size"]))
    reach = _reach(values, along) if record.bins else len(along)
    scale = LengthScale.fitting(float(along[reach - 1]), unit)
    if values.attrs["units"] == f"1/{unit}":
        values = values / scale.factor
        title = f"{title} (1/{scale.symbol.removesuffix('s')})"
    return Panel(
        name,
        title,
        f"{abscissa} ({scale.symbol})",
        along[:reach] * scale.factor,
        values[..., :reach],
        record.bins,
    )


def _reach(curves: xr.DataArray, along: Values) -> int:
    """Return the number of points up to which any curve exceeds a hundredth of its peak."""
    values = np.nan_to_num(curves.values.astype(float)).reshape(-1, len(along))
    high = (values > 0.01 * values.max(axis=1, keepdims=True)).any(axis=0)
    return min(len(along), int(np.flatnonzero(high).max(initial=0)) + 2)
