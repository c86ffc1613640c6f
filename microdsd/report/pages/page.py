"""The verdict as one self-contained HTML page, with its numbers as JSON beside it."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from microdsd.errors import InputError
from microdsd.evaluation.evaluation import Evaluation
from microdsd.evaluation.memorisation import Memorisation
from microdsd.io import atomic_write
from microdsd.io.order import path_first
from microdsd.microstructure import LabelsLike
from microdsd.microstructure.arguments import require_kind
from microdsd.report.pages import illustrations
from microdsd.report.pages.nearest import nearest_section
from microdsd.report.pages.template import SCRIPTS, VOLUME_SCRIPTS, render
from microdsd.report.pages.verdict_section import verdict_section
from microdsd.report.training_log import TrainingLog, read_training_log
from microdsd.report.words import findings, tables
from microdsd.report.words.document import evaluation_document
from microdsd.report.words.methods import methods_paragraph
from microdsd.report.words.verdict_sentence import verdict_sentence


@path_first
def write_report(
    path: str | Path,
    evaluation: Evaluation,
    *,
    overwrite: bool = False,
    title: str | None = None,
    training_log: str | Path | None = None,
    memorisation: Memorisation | None = None,
    training: LabelsLike | None = None,
) -> tuple[Path, Path]:
    """Write the page and, beside it under the same name, the JSON.

    Parameters
    ----------
    path : str or Path
        Path of the page, ending in ``.html``.
    evaluation : Evaluation
    overwrite : bool
        Whether existing files may be replaced.
    title : str, optional
        Heading of the page.
    training_log : str or Path, optional
        CSV that training wrote; its curves are drawn.
    memorisation : Memorisation, optional
        How near the samples come to the training scan.
    training : DataArray or ndarray, optional
        That scan; needed with `memorisation`.

    Returns
    -------
    html, json : Path
        What was written.

    Raises
    ------
    InputError
        If the name does not end in ``.html``, or the training log is not one.
    DataFileError
        If a file exists and may not be replaced, or cannot be written.
    """
    remedy = "give the name of the page, and then the result of microdsd.evaluate"
    require_kind(evaluation, Evaluation, "evaluation", remedy)
    html, numbers = report_paths(path)
    log = None if training_log is None else read_training_log(training_log)
    with ExitStack() as files:
        # The names are claimed before the figures are drawn: a refusal comes at once.
        page = files.enter_context(atomic_write(html, overwrite=overwrite))
        data = files.enter_context(atomic_write(numbers, overwrite=overwrite))
        nearest = None
        if memorisation is not None and training is not None:
            nearest = nearest_section(memorisation, evaluation.generated, training)
        document = evaluation_document(evaluation, memorisation)
        text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        data.write_text(text, encoding="utf-8")
        page.write_text(
            _render(
                evaluation,
                title=title,
                log=log,
                nearest=nearest,
                json_name=numbers.name,
                numbers=text,
            ),
            encoding="utf-8",
        )
    return html, numbers


def report_paths(path: str | Path) -> tuple[Path, Path]:
    """Return the names of the page and of its JSON.

    Raises
    ------
    InputError
        If the name does not end in ``.html``.
    """
    html = Path(path)
    if html.suffix.lower() not in {".html", ".htm"}:
        raise InputError(f"report path {str(html)!r} must end in .html; the JSON goes beside it")
    return html, html.with_suffix(".json")


def _render(
    evaluation: Evaluation,
    *,
    title: str | None,
    log: TrainingLog | None,
    nearest: dict[str, Any] | None,
    json_name: str,
    numbers: str,
) -> str:
    two_point = {
        "rows": findings.two_point_rows(evaluation),
        "radial": illustrations.radial_panels(evaluation),
        "pairs": illustrations.pair_panels(evaluation),
        "axes": illustrations.axis_panels(evaluation),
        "last_lag": evaluation.comparison.two_point[0].last_lag,
    }
    pictures = illustrations.pictures(evaluation)
    return render(
        "report.html.j2",
        sections=_sections(nearest is not None, log is not None),
        numbers=numbers,
        scripts=SCRIPTS + VOLUME_SCRIPTS if pictures.get("volumes") else SCRIPTS,
        title=title or "Generated samples against real material",
        json_name=json_name,
        headline=verdict_sentence(evaluation.verdict),
        subline=findings.headline(evaluation),
        verdicts=verdict_section(evaluation),
        facts=findings.facts(evaluation),
        flatters=evaluation.flatters,
        notes=evaluation.notes,
        at_fractions=""
        if evaluation.verdict.status == "not comparable"
        else " at the fractions of the samples",
        phases=tables.legend(evaluation),
        composition=tables.composition_table(evaluation),
        pictures=pictures,
        two_point=two_point,
        descriptors=findings.descriptor_rows(evaluation),
        comparison=evaluation.comparison,
        training=None if log is None else illustrations.training(log),
        nearest=nearest,
        definitions=findings.definitions(evaluation),
        methods=methods_paragraph(evaluation),
        provenance=tables.provenance_rows(evaluation),
    )


def _sections(nearest: bool, training: bool) -> dict[str, str]:
    return {
        "verdict": "Verdict",
        "composition": "Composition",
        "pictures": "Pictures",
        "two-point": "Two-point probability",
        "descriptors": "Descriptors",
        **({"nearest": "Nearest training windows"} if nearest else {}),
        **({"training": "Training"} if training else {}),
        "definitions": "Definitions",
        "methods": "Methods, for a paper",
        "provenance": "Provenance",
    }
