"""The common look of all figures: colours per phase, lengths with units, SVG for a page."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from microdsd.microstructure import voxel_size_of
from microdsd.microstructure.labels import focus_phase

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

INK = "#1f2328"
MUTED = "#6b7280"
HAIRLINE = "#c9ccd1"
RULE = "#e4e6e9"
ACCENT = "#27507f"
REAL = "#3c4148"
REAL_BAND = "#d5d8dc"
SHADE = "#f0f3f7"


@dataclass(frozen=True)
class PhaseColour:
    """Hold the colours of one phase: areas, lines on white, lit surface, cut faces."""

    fill: str
    line: str
    solid: str
    cut: str


# Dark blue, pale sand, vermilion, teal, plum, grey: apart in lightness as well as in hue, so that
# they survive colour blindness and a black-and-white printer.
_PALETTE = (
    PhaseColour("#27507f", "#27507f", "#33689f", "#a9c2de"),
    PhaseColour("#e9dfc7", "#94742f", "#dcc48e", "#f4eddc"),
    PhaseColour("#d1603d", "#bb4a27", "#d9714f", "#efbfae"),
    PhaseColour("#7fb5a6", "#3f8271", "#6fae9d", "#bfdcd4"),
    PhaseColour("#8d5a86", "#8d5a86", "#a470a0", "#cfb6cb"),
    PhaseColour("#9aa0a6", "#70767c", "#9aa0a6", "#cfd2d5"),
)

LINE_COLOURS = tuple(colour.line for colour in _PALETTE)
ACCENT_COLOUR = _PALETTE[0]
PAIR_COLOUR = _PALETTE[-1]
"""Of curves that belong to two phases."""


def phase_colours(phases: Mapping[int, str], focus: int | None = None) -> dict[int, PhaseColour]:
    """Give every label a colour; the phase in focus is the dark blue one.

    Examples
    --------
    >>> phase_colours({0: "solid", 1: "pore"})[1].fill
    '#27507f'
    """
    first = focus_phase(phases) if focus is None else focus
    order = [first, *(label for label in sorted(phases) if label != first)]
    return {label: _PALETTE[i % len(_PALETTE)] for i, label in enumerate(order)}


def rgb(colour: str) -> tuple[float, float, float]:
    """Split a ``#rrggbb`` string into red, green and blue from 0 to 1."""
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue


@dataclass(frozen=True)
class LengthScale:
    """Hold the factor from stored lengths to the shown unit, and the symbol of that unit."""

    factor: float
    symbol: str

    @classmethod
    def fitting(cls, extent: float, unit: str) -> LengthScale:
        """Choose the SI prefix in which `extent` reads as a number from 1 to 1000.

        Examples
        --------
        >>> LengthScale.fitting(384e-6, "m").symbol, LengthScale.fitting(64, "voxel").symbol
        ('µm', 'voxels')
        """
        if unit != "m":
            return cls(1.0, "voxels")
        for size, symbol in ((1.0, "m"), (1e-3, "mm"), (1e-6, "µm")):
            if extent >= size:
                return cls(1 / size, symbol)
        return cls(1e9, "nm")

    @classmethod
    def of(cls, ms: xr.DataArray) -> LengthScale:
        """Choose one unit for all pictures of an ensemble: that of its longest edge."""
        voxel = voxel_size_of(ms)
        lengths = ms.shape[-len(voxel.size) :]
        edges = [n * edge for n, edge in zip(lengths, voxel.size, strict=True)]
        return cls.fitting(max(edges), voxel.unit)

    def text(self, length: float) -> str:
        """Write a stored length for a person."""
        return f"{length * self.factor:.3g} {self.symbol}"


def round_length(extent: float) -> float:
    """Find the largest 1, 2 or 5 times a power of ten that is not above `extent`.

    Examples
    --------
    >>> round_length(37.0), round_length(0.9)
    (20.0, 0.5)
    """
    power = 10.0 ** np.floor(np.log10(extent))
    return float(max(m for m in (1, 2, 5) if m * power <= extent * (1 + 1e-9)) * power)


def blank_figure(width: float, height: float) -> Figure:
    """Make a figure of this size in inches that pyplot does not know of."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    return figure


@contextmanager
def figure_style() -> Iterator[None]:
    """Set matplotlib's parameters for the time of one figure, and put them back."""
    import matplotlib as mpl

    with mpl.rc_context(
        {
            "font.family": "DejaVu Sans",  # comes with matplotlib: same layout on every machine
            "font.size": 8.6,
            "text.color": INK,
            "axes.edgecolor": MUTED,
            "axes.labelcolor": INK,
            "axes.linewidth": 0.6,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.titlesize": 8.5,
            "axes.titlelocation": "left",
            "axes.axisbelow": True,
            "xtick.color": MUTED,
            "ytick.color": MUTED,
            "xtick.labelcolor": INK,
            "ytick.labelcolor": INK,
            "xtick.major.width": 0.6,
            "ytick.major.width": 0.6,
            "xtick.major.size": 3.0,
            "ytick.major.size": 3.0,
            "legend.frameon": False,
            "legend.fontsize": 8.0,
            "lines.linewidth": 1.6,
            "image.composite_image": False,
            "svg.fonttype": "none",  # the page's own fonts; readable by search and screen reader
            "svg.hashsalt": "microdsd",
        }
    ):
        yield


def figure_svg(figure: Figure, *, name: str, label: str) -> str:
    """Write a figure as inline SVG: same bytes each time, identifiers made unique by `name`.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    name : str
        Prefix of all identifiers, unique in the page.
    label : str
        What the figure shows, for screen readers.
    """
    from markupsafe import escape

    buffer = io.StringIO()
    with figure_style():
        figure.savefig(
            buffer,
            format="svg",
            metadata={"Date": None, "Creator": None, "Format": None, "Type": None},
            transparent=True,
        )
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", svg)
    width = figure.get_figwidth() * 96
    opening = re.sub(r'\s(width|height|version|xmlns)="[^"]*"', "", svg[: svg.index(">")])
    opening += (
        f' xmlns="http://www.w3.org/2000/svg" style="max-width:{1.2 * width:.0f}px" role="img"'
        f' aria-label="{escape(label)}"'
    )
    return opening + svg[svg.index(">") :]


def figure_png(figure: Figure, *, dpi: float = 200) -> bytes:
    """Write a figure as PNG, without date or version, so that equal figures are equal files."""
    buffer = io.BytesIO()
    with figure_style():
        figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    return buffer.getvalue()
