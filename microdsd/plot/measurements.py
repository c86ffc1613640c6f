"""Measurements: curves with their bands, comparisons with real material, sweeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from microdsd.errors import InputError
from microdsd.evaluation.evaluation import Evaluation
from microdsd.evaluation.sweep import SweepColumn, SweepEvaluation
from microdsd.evaluation.verdict import Test, Verdict
from microdsd.microstructure import phases_of
from microdsd.microstructure.arguments import require_kind
from microdsd.plot.axes import axes_or_new
from microdsd.report.pictures.curves import draw_curve_bands, draw_fraction_scatter
from microdsd.report.pictures.description import draw_panel, panels_of
from microdsd.report.pictures.differences import draw_intervals
from microdsd.report.pictures.style import (
    ACCENT_COLOUR,
    PAIR_COLOUR,
    LengthScale,
    figure_style,
    phase_colours,
)
from microdsd.report.words.findings import readable, two_point_curves
from microdsd.report.words.names import label_of
from microdsd.report.words.verdict_sentence import verdict_sentence

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SIZE = (4.4, 3.2)  # inches
_RESULT = (
    "give the result of microdsd.evaluate; for curves of one material, "
    "plot.curves(microdsd.describe(ms, periodic=False))"
)


def curves(
    described: xr.Dataset, name: str = "two_point_probability", *, ax: Axes | None = None
) -> Axes:
    """Draw a curve of every phase; of ensembles, the mean and the band 5 to 95 % of the samples.

    Parameters
    ----------
    described : Dataset
        Result of `microdsd.describe`.
    name : str
        A variable of it that is a curve: ``two_point_probability``, ``two_point_cluster``,
        ``lineal_path``, ``chord_length_density``, ``local_thickness_share``,
        ``fraction_profile_z`` and others.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If there is no such curve; names those that there are.

    Examples
    --------
    >>> import microdsd
    >>> from microdsd.microstructure import blobs
    >>> rock = blobs((32, 32), fractions=(0.3, 0.7), scale=2, rng=0)
    >>> described = microdsd.describe(rock, periodic=True, descriptors=["two_point"])
    >>> curves(described).get_xlabel()
    'distance r (voxels)'
    """
    require_kind(described, xr.Dataset, "described", "give the result of microdsd.describe")
    panels = {panel.name: panel for panel in panels_of(described)}
    if name not in panels:
        known = ", ".join(panels) or "none; measure e.g. the group two_point"
        raise InputError(f"name={name!r}: no curve of that name; there are: {known}")
    axes = axes_or_new(ax, *_SIZE)
    with figure_style():
        draw_panel(axes, panels[name])
        axes.legend()
    return axes


def two_point(
    evaluation: Evaluation, phase: int | str | None = None, *, ax: Axes | None = None
) -> Axes:
    """Draw the two-point probability of a phase, generated over real, with bands of 5 to 95 %.

    Parameters
    ----------
    evaluation : Evaluation
        Result of `microdsd.evaluate`.
    phase : int or str, optional
        Label or name of a phase, or a pair of names such as ``"pore-solid"``; by default the phase
        in focus.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If that phase was not compared.
    """
    require_kind(evaluation, Evaluation, "evaluation", _RESULT)
    names = phases_of(evaluation.windows)
    by_phase = {curve.phase: curve for curve in two_point_curves(evaluation)}
    asked = evaluation.phases[0] if phase is None else phase
    name = names.get(asked, str(asked)) if isinstance(asked, int) else asked
    if name not in by_phase:
        raise InputError(f"phase={phase!r}: not compared; there are: {', '.join(by_phase)}")
    curve, length = by_phase[name], LengthScale.of(evaluation.windows)
    by_name = {
        names[label]: colour for label, colour in phase_colours(names, evaluation.phases[0]).items()
    }
    axes = axes_or_new(ax, *_SIZE)
    with figure_style():
        draw_curve_bands(
            axes,
            np.array(curve.distance) * length.factor,
            real=curve.real_mean,
            generated=curve.generated_mean,
            real_band=(curve.real_low, curve.real_high),
            generated_band=(curve.generated_low, curve.generated_high),
            colour=by_name.get(name, PAIR_COLOUR),
            xlabel=f"distance r ({length.symbol})",
            ylabel="two-point probability",
            level=curve.real_mean[0] ** 2 if name in by_name else None,
        )
        axes.set_title(name)
    return axes


def comparison(evaluation: Evaluation | Verdict, *, ax: Axes | None = None) -> Axes:
    """Draw how far every descriptor of the samples is from real material, in units of its margin.

    Intervals inside the shaded band are within the margin; those that leave it may not be.

    Parameters
    ----------
    evaluation : Evaluation or Verdict
        Result of `microdsd.evaluate` or `microdsd.judge`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If nothing was compared; says why.
    """
    require_kind(evaluation, (Evaluation, Verdict), "evaluation", _RESULT)
    verdict = evaluation.verdict if isinstance(evaluation, Evaluation) else evaluation
    if verdict.status != "compared":
        raise InputError(f"evaluation: {verdict_sentence(verdict)}")
    tests = [verdict.test(difference.descriptor) for difference in verdict.descriptors]
    axes = axes_or_new(ax, 7.4, 0.9 + 0.24 * len(tests))
    with figure_style():
        draw_intervals(
            axes,
            [label_of(test.name) for test in tests],
            [_in_margins(test, test.difference) for test in tests],
            [None if t.interval is None else _interval(t, t.interval) for t in tests],
            [test.answer for test in tests],
        )
    return axes


def sweep(
    evaluation: SweepEvaluation,
    descriptor: str = "specific_surface_area",
    phase: str | None = None,
    *,
    ax: Axes | None = None,
) -> Axes:
    """Draw a descriptor against the swept phase fraction, a mark per sample and real window.

    Parameters
    ----------
    evaluation : SweepEvaluation
        Result of `microdsd.evaluate_sweep`.
    descriptor : str
        A name of its ``columns``.
    phase : str, optional
        Phase or pair of phases, where the descriptor has several; by default the phase swept.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If there is no such descriptor; names those that there are.
    """
    remedy = "give the result of microdsd.evaluate_sweep"
    require_kind(evaluation, SweepEvaluation, "evaluation", remedy)
    column = _column(evaluation, descriptor, phase)
    names = phases_of(evaluation.generated)
    by_name = {
        names[label]: colour for label, colour in phase_colours(names, evaluation.phase).items()
    }
    known = [abs(v) for v in (*column.generated, *column.real) if v is not None]
    factor, unit = readable(column.units, max(known, default=0.0))

    def scaled(values: tuple[float | None, ...] | list[float | None]) -> list[float]:
        return [np.nan if value is None else value * factor for value in values]

    achieved = np.array(evaluation.fraction)
    means = [float(achieved[numbers].mean()) for numbers in evaluation.members().values()]
    colour = PAIR_COLOUR if column.phase else ACCENT_COLOUR
    axes = axes_or_new(ax, *_SIZE)
    with figure_style():
        draw_fraction_scatter(
            axes,
            achieved,
            scaled(column.generated),
            mean=(means, scaled(evaluation.mean(column))),
            real=(evaluation.real_fraction, scaled(column.real)) if column.real else None,
            trained=evaluation.trained,
            colour=by_name.get(column.phase or "", colour),
            xlabel=f"fraction of {names[evaluation.phase]}",
            ylabel=f"{label_of(column.descriptor)}{f' ({unit})' if unit else ''}",
        )
        if column.phase:
            axes.set_title(column.phase)
    return axes


def _column(evaluation: SweepEvaluation, descriptor: str, phase: str | None) -> SweepColumn:
    columns = [column for column in evaluation.columns if column.descriptor == descriptor]
    swept = phases_of(evaluation.generated)[evaluation.phase]
    of_phase = [column for column in columns if column.phase == (phase or swept)]
    if phase is None and not of_phase:
        of_phase = columns
    if of_phase:
        return of_phase[0]
    known = dict.fromkeys(column.descriptor for column in evaluation.columns)
    parts = ", ".join(str(column.phase) for column in columns)
    raise InputError(
        f"phase={phase!r}: {descriptor} was measured of {parts}"
        if columns
        else f"descriptor={descriptor!r}: not measured; there are: {', '.join(known)}"
    )


def _in_margins(test: Test, value: float | None) -> float | None:
    return None if value is None or not test.margin else value / test.margin


def _interval(test: Test, interval: tuple[float, float]) -> tuple[float, float] | None:
    return (interval[0] / test.margin, interval[1] / test.margin) if test.margin else None
