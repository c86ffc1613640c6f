"""The section on memorisation: distances, and the sample that is nearest to training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from microdsd.evaluation.memorisation import Memorisation, nearest_window
from microdsd.microstructure import LabelsLike, phases_of
from microdsd.report.pages.inline_figure import inline_figure
from microdsd.report.pictures.drawing import axes_at, draw_labels, middle_slice
from microdsd.report.pictures.style import (
    ACCENT,
    HAIRLINE,
    INK,
    MUTED,
    blank_figure,
    figure_style,
    phase_colours,
)
from microdsd.report.words.memorisation_sentence import memorisation_sentence

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_TILE = 1.9
_GAP = 0.15
_STRIP = (0.9, 7.4)  # left margin, width


def nearest_section(
    memorisation: Memorisation, generated: xr.DataArray, training: LabelsLike
) -> dict[str, Any]:
    """Return the verdict and the figures of a memorisation check, for the page."""
    index = int(memorisation.generated["relative_distance"].values.argmin())
    text = memorisation_sentence(memorisation)
    return {
        "verdict": f"{text[:1].upper()}{text[1:]}.",
        "distances": inline_figure(
            distance_strips(memorisation), "nearest-distances", "distances to the training scan"
        ),
        "pair": inline_figure(
            nearest_pair(memorisation, generated, training, index),
            "nearest-pair",
            "sample and nearest window",
        ),
        "distance": f"{float(memorisation.generated['distance'][index]):.1%}",
        "held_back": memorisation.held_back.sizes["sample"],
    }


def distance_strips(memorisation: Memorisation) -> Figure:
    """Draw every relative distance as a dot: samples above, held-back windows below."""
    left, width = _STRIP
    with figure_style():
        figure = blank_figure(left + width + 0.15, 1.25)
        axes = axes_at(figure, left, 0.05, width, 0.75)
        for height, (side, colour) in enumerate(
            ((memorisation.held_back, MUTED), (memorisation.generated, ACCENT))
        ):
            values = side["relative_distance"].values
            axes.plot(
                values, np.full(len(values), height), ls="none", marker="o", ms=4.7, mew=0,
                color=colour, alpha=0.6, label="_relative distance",
            )  # fmt: skip
            axes.plot(np.median(values), height, marker="|", ms=16, color=INK)
        axes.set(
            xlim=(0, None),
            ylim=(-0.6, 1.6),
            yticks=[0, 1],
            yticklabels=["held back", "samples"],
            xlabel="differing voxels of the nearest training window, over unrelated windows",
        )
        axes.grid(axis="x", color=HAIRLINE, lw=0.5)
    return figure


def nearest_pair(
    memorisation: Memorisation, generated: xr.DataArray, training: LabelsLike, index: int
) -> Figure:
    """Draw a sample, its nearest training window and where they differ (volumes in the middle)."""
    sample = generated.values[index]
    window = nearest_window(memorisation.generated, index, training, sample.shape)
    planes = [middle_slice(labels, 0) for labels in (sample, window)]
    colours = phase_colours(phases_of(generated))
    with figure_style():
        figure = blank_figure(3 * _TILE + 2 * _GAP + 0.1, _TILE + 0.3)
        for k, title in enumerate(("sample", "nearest training window", "differing voxels")):
            axes = axes_at(figure, 0.05 + k * (_TILE + _GAP), 0.22, _TILE, _TILE)
            if k < 2:
                draw_labels(axes, planes[k], colours)
            else:
                axes.imshow(planes[0] != planes[1], cmap="Greys", interpolation="none")
                axes.set(xticks=[], yticks=[], aspect="auto")
                for spine in axes.spines.values():
                    spine.set(visible=True, color=HAIRLINE, linewidth=0.5)
            axes.set_title(title, pad=4)
    return figure
