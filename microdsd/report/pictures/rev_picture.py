"""Properties against the size of the window that they were measured in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from microdsd.io import atomic_write
from microdsd.io.order import path_first
from microdsd.report.pictures.description import check_picture
from microdsd.report.pictures.style import (
    ACCENT,
    MUTED,
    blank_figure,
    figure_png,
    figure_style,
)

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

TITLES = {
    "fraction": "phase fraction",
    "surface": "specific surface area",
    "tortuosity": "tortuosity factor",
    "permeability": "permeability",
}


@path_first
def draw_by_size(path: str | Path, measured: xr.Dataset, *, overwrite: bool = False) -> None:
    """Draw every property against the edge of the window: each window, mean, standard deviation.

    Parameters
    ----------
    path : str or Path
        PNG or SVG file.
    measured : Dataset
        Result of `microdsd.transport.representative.by_size`.
    overwrite : bool
        Whether a file of that name may be replaced.

    Raises
    ------
    InputError
        Another suffix.
    DataFileError
        As `microdsd.io.atomic_write`.
    """
    check_picture(path)
    names = [str(name) for name in measured.data_vars]
    with figure_style():
        figure = blank_figure(3.2 * len(names), 2.7)
        for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
            _draw(axes, measured, name)
        figure.tight_layout(w_pad=1.6)
        with atomic_write(path, overwrite=overwrite) as temporary:
            if Path(path).suffix.lower() == ".png":
                temporary.write_bytes(figure_png(figure))
            else:
                figure.savefig(temporary, format="svg", metadata={"Date": None})


def _draw(axes: Axes, measured: xr.Dataset, name: str) -> None:
    edges = measured["voxels"].values
    values = np.where(np.isfinite(measured[name]), measured[name], np.nan)
    axes.plot(edges, values, ".", color=MUTED, ms=4, alpha=0.7)
    known = np.isfinite(values).sum(axis=1) > 1
    mean, spread = np.nanmean(values[known], axis=1), np.nanstd(values[known], axis=1, ddof=1)
    axes.plot(edges[known], mean, color=ACCENT)
    axes.fill_between(
        edges[known], mean - spread, mean + spread, color=ACCENT, alpha=0.18, linewidth=0
    )
    units = str(measured[name].attrs["units"])
    axes.set_title(TITLES.get(name, name) + ("" if units == "1" else f" ({units})"))
    axes.set_xlabel("edge of the window (voxels)")
