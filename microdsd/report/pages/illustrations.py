"""The figures of one evaluation, as inline SVG with captions."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from microdsd.evaluation.comparison import TwoPointComparison
from microdsd.evaluation.directional import AxisCurves
from microdsd.evaluation.evaluation import Evaluation
from microdsd.microstructure import phase_fractions, phases_of, spatial_dims
from microdsd.report.pages.inline_figure import inline_figure
from microdsd.report.pages.packed_volumes import packed_pair
from microdsd.report.pictures.curves import curve_bands, training_curves
from microdsd.report.pictures.figures import isosurface_picture, orthogonal_slices, slice_panels
from microdsd.report.pictures.style import (
    PAIR_COLOUR,
    LengthScale,
    PhaseColour,
    phase_colours,
)
from microdsd.report.training_log import TrainingLog
from microdsd.report.words.findings import two_point_curves
from microdsd.report.words.wording import phase_words

if TYPE_CHECKING:
    pass

_MOST_TILES = 9
_MOST_LEVELS = 6


def pictures(evaluation: Evaluation) -> dict[str, Any]:
    """Draw slices of both sides; for volumes also a surface and three planes of one of each."""
    new, real = evaluation.generated, evaluation.windows
    flat = len(spatial_dims(new)) == 2
    tiles = min(_MOST_TILES, new.sizes["sample"], real.sizes["sample"])
    kind = "samples" if flat else "slices"
    drawn: dict[str, Any] = {
        "slices": {
            "generated": inline_figure(
                slice_panels(new, count=tiles), "slices-generated", f"{kind}, generated"
            ),
            "real": inline_figure(slice_panels(real, count=tiles), "slices-real", f"{kind}, real"),
            "note": {
                "generated": f"{tiles} of {new.sizes['sample']}",
                "real": f"{tiles} of {real.sizes['sample']}",
            },
            "caption": "The first generated samples and the first windows of the real material, "
            "not selected, at the same scale."
            + ("" if flat else " Of each volume, the middle slice normal to z."),
        }
    }
    return drawn if flat else drawn | _volumes(evaluation)


def _volumes(evaluation: Evaluation) -> dict[str, Any]:
    label = evaluation.phases[0]
    name = phases_of(evaluation.generated)[label]
    new, real, pair = _alike(evaluation.generated, evaluation.windows, label)
    note = {side: f"{name} {fraction:.4f}" for side, fraction in pair.items()}
    data, stride = packed_pair(new, real, label)
    return {
        "volumes": data,
        "solid": {
            "generated": inline_figure(
                isosurface_picture(new, phase=label), "solid-generated", f"{name}, generated"
            ),
            "real": inline_figure(
                isosurface_picture(real, phase=label), "solid-real", f"{name}, real"
            ),
            "note": note,
            "caption": f"Surface of {phase_words(name)}: the first generated volume, and the real "
            "window whose fraction of this phase is closest to it. Pale faces are cuts with the "
            "sides of the box. For the picture the indicator was smoothed with a Gaussian of 0.8 "
            "voxels; nothing is measured on it.",
            "live_caption": "The first generated volume, and the real window whose fraction of "
            f"{phase_words(name)} is closest to it. {_thinning(stride)} Pale faces are cuts. Drag, "
            "or use the arrow keys, to turn both; press + and − or, after a click, use the wheel "
            "to zoom; Home starts again.",
        },
        "planes": {
            "generated": inline_figure(
                orthogonal_slices(new), "planes-generated", "planes, generated"
            ),
            "real": inline_figure(orthogonal_slices(real), "planes-real", "planes, real"),
            "note": note,
            "caption": "The three middle slices of the same two volumes.",
            "live_caption": "Slices of the same two volumes, normal to z, y and x. The lines show "
            "where the other two lie; a click moves them there.",
        },
    }


def _thinning(stride: int) -> str:
    """State which voxels a reader can turn and cut."""
    if stride == 1:
        return "Every cube is a voxel; nothing was smoothed."
    return (
        f"Every cube is one voxel out of {stride} along each axis, as it is in the file: the "
        "volumes are too large for a page and were thinned, not averaged. All that is measured is "
        "measured on every voxel."
    )


def _alike(
    generated: xr.DataArray, windows: xr.DataArray, label: int
) -> tuple[xr.DataArray, xr.DataArray, dict[str, float]]:
    """Choose the first generated sample and the window with the closest fraction of a phase."""
    new_fraction = float(phase_fractions(generated).sel(phase=label)[0])
    real_fractions = phase_fractions(windows).sel(phase=label).values
    nearest = int(np.abs(real_fractions - new_fraction).argmin())
    fractions = {"generated": new_fraction, "real": float(real_fractions[nearest])}
    return generated.isel(sample=0), windows.isel(sample=nearest), fractions


def radial_panels(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Draw radial S2, one panel per phase."""
    curves_by_phase = two_point_curves(evaluation)[: len(evaluation.phases)]
    size = _panel_size(len(curves_by_phase))
    return [
        _phase_panel(evaluation, label, curves, "all directions", f"radial-{i}", size, i == 0)
        for i, (label, curves) in enumerate(zip(evaluation.phases, curves_by_phase, strict=True))
    ]


def pair_panels(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Draw radial S2 of two phases, one panel per pair; none if there are only two phases."""
    curves_by_pair = two_point_curves(evaluation)[len(evaluation.phases) :]
    names = phases_of(evaluation.windows).values()
    fraction = {curves.phase: curves.real_mean[0] for curves in evaluation.comparison.two_point}
    limit = {f"{a}-{b}": fraction[a] * fraction[b] for a, b in combinations(names, 2)}
    size = _panel_size(len(curves_by_pair))
    return [
        _panel(
            evaluation, curves, curves.phase, PAIR_COLOUR, limit[curves.phase], f"pair-{i}", size
        )
        for i, curves in enumerate(curves_by_pair)
    ]


def axis_panels(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Draw S2 along each axis, one panel per phase and axis."""
    size = _panel_size(len(spatial_dims(evaluation.windows)))
    return [
        _phase_panel(
            evaluation, curves.label, curves, f"along {curves.axis}", f"axis-{i}", size, i == 0
        )
        for i, curves in enumerate(evaluation.along_axes)
    ]


def _phase_panel(
    evaluation: Evaluation,
    label: int,
    curves: TwoPointComparison | AxisCurves,
    direction: str,
    name: str,
    size: tuple[float, float],
    legend: bool,
) -> dict[str, Any]:
    phases = phases_of(evaluation.windows)
    colour = phase_colours(phases, evaluation.phases[0])[label]
    title = f"{phases[label]}, {direction}"
    limit = curves.real_mean[0] ** 2
    return _panel(evaluation, curves, title, colour, limit, name, size, legend)


def _panel(
    evaluation: Evaluation,
    curves: TwoPointComparison | AxisCurves,
    title: str,
    colour: PhaseColour,
    limit: float,
    name: str,
    size: tuple[float, float],
    legend: bool = False,
) -> dict[str, Any]:
    length = LengthScale.of(evaluation.windows)
    figure = curve_bands(
        np.array(curves.distance) * length.factor,
        real=curves.real_mean,
        generated=curves.generated_mean,
        real_band=(curves.real_low, curves.real_high),
        generated_band=(curves.generated_low, curves.generated_high),
        colour=colour,
        xlabel=f"distance r / {length.symbol}",
        ylabel="S₂(r)",
        level=limit,
        legend=legend,
        size=size,
    )
    return {"title": title, "fill": colour.fill, "svg": inline_figure(figure, name, f"S2, {title}")}


def training(log: TrainingLog) -> dict[str, Any]:
    """Draw the loss and, where it was measured, the validation gain."""
    size = _panel_size(2)
    panels = [
        {
            "title": "Loss",
            "svg": inline_figure(
                training_curves(
                    log.minutes, {"loss": log.loss}, ylabel="loss / nats per walker", size=size
                ),
                "training-loss",
                "training loss over time",
            ),
        }
    ]
    if log.gains:
        names = list(log.gains)
        kept = np.unique(np.linspace(0, len(names) - 1, _MOST_LEVELS).round().astype(int))
        gains_by_level = {names[i]: log.gains[names[i]] for i in kept}
        gains = training_curves(
            log.minutes, gains_by_level, ylabel="gain / nats per walker", size=size
        )
        panels.append(
            {
                "title": "Gain on validation windows",
                "svg": inline_figure(gains, "training-gain", "validation gain over time"),
            }
        )
    return {
        "panels": panels,
        "caption": "Loss on training windows (0 for a network that knows nothing), and information "
        "gained per walker on windows held back from training, at up to six of the noise levels σ "
        "(voxels).",
    }


def _panel_size(count: int) -> tuple[float, float]:
    """Return the size in inches of one of `count` panels: two fill a row, and so do three."""
    return (4.5, 3.05) if count <= 2 else (3.5, 2.7)
