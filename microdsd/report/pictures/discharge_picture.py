"""Capacity against rate of several sets of electrodes, and their voltage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from microdsd.report.pictures.drawing import axes_at
from microdsd.report.pictures.style import (
    HAIRLINE,
    MUTED,
    REAL,
    blank_figure,
    figure_style,
    phase_colours,
)

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PANEL = (3.5, 2.7)  # width, height
_MARGIN = (0.62, 0.3, 0.5)  # left, top, bottom
_TO_CELL = 0.1  # from A h/m^2 to mA h/cm^2
_SHOWN_RATES = 3


def discharge_picture(sets: Mapping[str, xr.Dataset]) -> Figure:
    """Draw capacity against rate, and voltage against capacity, of sets of electrodes.

    Parameters
    ----------
    sets : mapping of str to Dataset
        Name, such as "real", and result of `microdsd.transport.rate_capability`; same rates.
        The first one is drawn in grey.

    Returns
    -------
    matplotlib.figure.Figure
        Left: mean over the samples, and their range. Right: the means of charge and voltage
        along the discharge, at the slowest, a middle and the fastest rate.
    """
    colours = [REAL, *(c.line for c in phase_colours(dict.fromkeys(range(5), "")).values())]
    left, top, bottom = _MARGIN
    width, height = _PANEL
    with figure_style():
        figure = blank_figure(2 * (left + width) + 0.15, top + height + bottom)
        capacity = axes_at(figure, left, top, width, height)
        voltage = axes_at(figure, 2 * left + width, top, width, height)
        for (name, discharges), colour in zip(sets.items(), colours, strict=False):
            _draw_capacity(capacity, discharges, name, colour)
            _draw_voltage(voltage, discharges, colour)
        rates = next(iter(sets.values()))["rate"].values
        capacity.set(xlabel="C-rate / (1/h)", ylabel="capacity / (mA h/cm²)", xscale="log")
        capacity.set_xticks(rates, [f"{rate:g}" for rate in rates])
        capacity.minorticks_off()
        capacity.set_ylim(bottom=0)
        capacity.legend(loc="lower left")
        voltage.set(xlabel="discharged / (mA h/cm²)", ylabel="voltage / V")
        voltage.set_xlim(left=0)
        for axes in (capacity, voltage):
            axes.grid(color=HAIRLINE, lw=0.4)
        if all(discharges.sizes["sample"] > 1 for discharges in sets.values()):
            capacity.set_title("mean and range of the samples", color=MUTED)
        chosen = ", ".join(f"{rates[i]:g}" for i in _selected(len(rates)))
        voltage.set_title(f"means at C-rates {chosen}, from right to left", color=MUTED)
    return figure


def _draw_capacity(axes: Axes, discharges: xr.Dataset, name: str, colour: str) -> None:
    capacity = discharges["capacity"] * _TO_CELL
    number = f"{capacity.sizes['sample']} sample{'s' * (capacity.sizes['sample'] > 1)}"
    mean, low, high = (getattr(capacity, kind)("sample") for kind in ("mean", "min", "max"))
    axes.plot(capacity["rate"], mean, "o-", ms=3, color=colour, label=f"{name}, {number}")
    axes.fill_between(capacity["rate"], low, high, color=colour, alpha=0.15, lw=0)


def _draw_voltage(axes: Axes, discharges: xr.Dataset, colour: str) -> None:
    charge = discharges["discharged"].values * _TO_CELL
    carried = np.isfinite(discharges["voltage"].values).all(-1)
    for i in _selected(discharges.sizes["rate"]):
        kept = carried[:, i]
        if kept.any():
            axes.plot(
                charge[kept, i].mean(0), discharges["voltage"].values[kept, i].mean(0), color=colour
            )


def _selected(number: int) -> list[int]:
    """Return the numbers of the slowest, a middle and the fastest rate."""
    return sorted({int(i + 0.5) for i in np.linspace(0, number - 1, _SHOWN_RATES)})
