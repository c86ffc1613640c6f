"""A sweep as one self-contained HTML page, with its numbers as JSON beside it."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from microdsd.evaluation.sweep import SweepColumn, SweepEvaluation
from microdsd.io import atomic_write
from microdsd.io.order import path_first
from microdsd.microstructure import phases_of, spatial_dims
from microdsd.microstructure.arguments import require_kind
from microdsd.report.pages.inline_figure import inline_figure
from microdsd.report.pages.page import report_paths
from microdsd.report.pages.template import render
from microdsd.report.pictures.curves import fraction_scatter
from microdsd.report.pictures.figures import sweep_grid
from microdsd.report.pictures.style import (
    ACCENT_COLOUR,
    PAIR_COLOUR,
    PhaseColour,
    phase_colours,
)
from microdsd.report.words.findings import explained, readable
from microdsd.report.words.names import label_of
from microdsd.report.words.tables import provenance_rows
from microdsd.report.words.wording import number, phase_words

_MOST_COLUMNS = 7
_SECTIONS = {
    "series": "The series",
    "descriptors": "Descriptors against the fraction",
    "definitions": "Definitions",
    "provenance": "Provenance",
}


@path_first
def write_sweep_report(
    path: str | Path, sweep: SweepEvaluation, *, overwrite: bool = False, title: str | None = None
) -> tuple[Path, Path]:
    """Write the page and, beside it under the same name, the JSON.

    Parameters
    ----------
    path : str or Path
        Path of the page, ending in ``.html``.
    sweep : SweepEvaluation
    overwrite : bool
        Whether existing files may be replaced.
    title : str, optional
        Heading of the page.

    Returns
    -------
    html, json : Path

    Raises
    ------
    InputError
        If the name does not end in ``.html``.
    DataFileError
        If a file exists and may not be replaced, or cannot be written.
    """
    remedy = "give the name of the page, and then the result of microdsd.evaluate_sweep"
    require_kind(sweep, SweepEvaluation, "sweep", remedy)
    html, numbers = report_paths(path)
    with ExitStack() as files:
        page = files.enter_context(atomic_write(html, overwrite=overwrite))
        data = files.enter_context(atomic_write(numbers, overwrite=overwrite))
        text = json.dumps(sweep.to_dict(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        data.write_text(text, encoding="utf-8")
        page.write_text(_render(sweep, title, numbers.name, text), encoding="utf-8")
    return html, numbers


def sweep_headline(sweep: SweepEvaluation) -> str:
    """State which samples were generated, and whether they are the requested ones."""
    members = sweep.members()
    name = phases_of(sweep.generated)[sweep.phase]
    samples = len(sweep.requested)
    kept = {True: "exactly", False: "not all", None: "as far as the file says"}[sweep.exact]
    return (
        f"{samples} samples at {len(members)} fractions of {phase_words(name)}, "
        f"{min(members):.4g} to {max(members):.4g}, carry {kept} the requested counts."
    )


def sweep_subline(sweep: SweepEvaluation) -> str:
    """State how much changes from one fraction to the next."""
    if not sweep.steps:
        return "There is one fraction only."
    changed = 100 * float(np.mean([step.changed for step in sweep.steps]))
    least = 100 * float(np.mean([step.least for step in sweep.steps]))
    kind = (
        "Paired: sample i of every fraction starts from the same walkers."
        if sweep.paired
        else ("Not paired: samples of different fractions have nothing in common.")
    )
    return (
        f"{kind} From one fraction to the next {changed:.1f} % of the voxels change; "
        f"{least:.1f} % would be the least possible."
    )


def _render(sweep: SweepEvaluation, title: str | None, json_name: str, numbers: str) -> str:
    names = {label_of(column.descriptor) for column in sweep.columns}
    return render(
        "sweep.html.j2",
        sections=_SECTIONS,
        numbers=numbers,
        title=title or f"A sweep over {phase_words(phases_of(sweep.generated)[sweep.phase])}",
        json_name=json_name,
        headline=sweep_headline(sweep),
        subline=sweep_subline(sweep),
        notes=sweep.notes,
        picture=_picture(sweep),
        windows=0 if sweep.windows is None else sweep.windows.sizes["sample"],
        trained=sweep.trained,
        curves=_panels(sweep),
        table_rows=_table(sweep),
        fractions=[f"{fraction:.4g}" for fraction in sweep.members()],
        definitions=explained(names),
        provenance=provenance_rows(sweep),
    )


def _picture(sweep: SweepEvaluation) -> Markup:
    """Draw the first samples of up to seven fractions, evenly chosen."""
    members = list(sweep.members().items())
    chosen = np.unique(np.linspace(0, len(members) - 1, _MOST_COLUMNS).round().astype(int))
    name = phases_of(sweep.generated)[sweep.phase]
    columns = {
        f"{name if k == 0 else ''} {members[k][0]:.3g}".strip(): sweep.generated.isel(
            sample=members[k][1]
        )
        for k in chosen
    }
    flat = len(spatial_dims(sweep.generated)) == 2
    figure = sweep_grid(columns, phase=sweep.phase, rows=3 if flat else 1, width=10.0)
    return inline_figure(figure, "series", "samples of every fraction")


def _panels(sweep: SweepEvaluation) -> list[dict[str, Any]]:
    """Draw one panel per descriptor against the fraction."""
    phases = phases_of(sweep.generated)
    by_label = phase_colours(phases, sweep.phase)
    colours = {name: by_label[label] for label, name in phases.items()}
    name = phases[sweep.phase]
    panels = []
    for i, column in enumerate(sweep.columns):
        phase = column.phase or ""
        colour = colours.get(phase, PAIR_COLOUR if phase else ACCENT_COLOUR)
        title = ", ".join(filter(None, (label_of(column.descriptor), column.phase)))
        figure = _scatter(sweep, column, colour, xlabel=f"fraction of {name}", legend=i == 0)
        svg = inline_figure(figure, f"panel-{i}", f"{title} against the fraction of {name}")
        panels.append({"title": title, "fill": colour.fill, "svg": svg})
    return panels


def _scatter(
    sweep: SweepEvaluation, column: SweepColumn, colour: PhaseColour, *, xlabel: str, legend: bool
) -> Any:
    factor, unit = _unit(column)
    achieved = np.array(sweep.fraction)
    at = [float(achieved[numbers].mean()) for numbers in sweep.members().values()]
    return fraction_scatter(
        achieved,
        _scaled(column.generated, factor),
        mean=(at, _scaled(sweep.mean(column), factor)),
        real=(sweep.real_fraction, _scaled(column.real, factor)) if column.real else None,
        trained=sweep.trained,
        colour=colour,
        xlabel=xlabel,
        ylabel=unit or "",
        legend=legend,
    )


def _table(sweep: SweepEvaluation) -> list[dict[str, Any]]:
    """Average every descriptor at every fraction."""
    return [
        {
            "descriptor": label_of(column.descriptor),
            "part": column.phase or "all phases",
            "unit": unit,
            "means": [number(None if v is None else v * factor) for v in sweep.mean(column)],
        }
        for column in sweep.columns
        for factor, unit in [_unit(column)]
    ]


def _unit(column: SweepColumn) -> tuple[float, str]:
    known = [abs(v) for v in (*column.generated, *column.real) if v is not None]
    return readable(column.units, max(known, default=0.0))


def _scaled(values: Any, factor: float) -> np.ndarray:
    return np.array([np.nan if v is None else v * factor for v in values])
