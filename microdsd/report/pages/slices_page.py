"""The verdict on slices of volumes as one self-contained page, with its numbers as JSON."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from markupsafe import Markup

from microdsd.evaluation.slice_result import SliceDirection, SliceEvaluation
from microdsd.evaluation.verdict import Test
from microdsd.io import atomic_write
from microdsd.io.order import path_first
from microdsd.microstructure.arguments import require_kind
from microdsd.report.pages import illustrations
from microdsd.report.pages.inline_figure import inline_figure
from microdsd.report.pages.page import report_paths
from microdsd.report.pages.template import render
from microdsd.report.pictures.differences import intervals_in_margins
from microdsd.report.pictures.figures import orthogonal_slices, slice_panels
from microdsd.report.words.names import label_of
from microdsd.report.words.slice_sentence import (
    direction_sentence,
    slice_remarks,
    slice_sentence,
)
from microdsd.report.words.tables import composition_table, provenance_rows
from microdsd.report.words.wording import NONE, amount, interval_words, level_of

_TILES = 9


@path_first
def write_slice_report(
    path: str | Path,
    evaluation: SliceEvaluation,
    *,
    overwrite: bool = False,
    title: str | None = None,
) -> tuple[Path, Path]:
    """Write the page and, beside it under the same name, the JSON.

    Parameters
    ----------
    path : str or Path
        Path of the page, ending in ``.html``.
    evaluation : SliceEvaluation
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
    remedy = "give the name of the page, and then the result of microdsd.evaluate_slices"
    require_kind(evaluation, SliceEvaluation, "evaluation", remedy)
    html, numbers = report_paths(path)
    with ExitStack() as files:
        page = files.enter_context(atomic_write(html, overwrite=overwrite))
        data = files.enter_context(atomic_write(numbers, overwrite=overwrite))
        document = slice_document(evaluation)
        text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        data.write_text(text, encoding="utf-8")
        page.write_text(_render(evaluation, title, numbers.name, text), encoding="utf-8")
    return html, numbers


def slice_document(evaluation: SliceEvaluation) -> dict[str, Any]:
    """Return everything that was measured and judged, sentences included, as JSON can hold it."""
    document = evaluation.to_dict()
    document["sentence"] = slice_sentence(evaluation)
    document["remarks"] = slice_remarks(evaluation)
    for direction in evaluation.directions:
        document["directions"][direction.axis]["verdict"]["sentence"] = direction_sentence(
            direction
        )
    return document


def _render(evaluation: SliceEvaluation, title: str | None, json_name: str, numbers: str) -> str:
    axes = [direction.axis for direction in evaluation.directions]
    return render(
        "slices.html.j2",
        sections={
            "verdict": "Verdict, per direction",
            "composition": "Composition of the volumes",
            **{f"normal-to-{axis}": f"Slices normal to {axis}" for axis in axes},
            "provenance": "Provenance",
        },
        numbers=numbers,
        title=title or "Slices of generated volumes against pictures",
        json_name=json_name,
        headline=slice_sentence(evaluation),
        remarks=slice_remarks(evaluation),
        flatters=evaluation.flatters,
        composition=composition_table(evaluation),
        planes=inline_figure(
            orthogonal_slices(evaluation.generated.isel(sample=0)), "planes", "three planes"
        ),
        directions=[_direction(direction) for direction in evaluation.directions],
        rows=_rows(evaluation),
        provenance=provenance_rows(evaluation),
    )


def _direction(direction: SliceDirection) -> dict[str, Any]:
    evaluation, verdict, axis = direction.evaluation, direction.verdict, direction.axis
    tests = [verdict.test(d.descriptor) for d in verdict.descriptors]
    tiles = min(_TILES, len(evaluation.generated), len(evaluation.windows))
    return {
        "axis": axis,
        "sentence": direction_sentence(direction),
        "spacing": direction.spacing,
        "generated": inline_figure(
            slice_panels(evaluation.generated, count=tiles), f"{axis}-generated", "slices"
        ),
        "real": inline_figure(
            slice_panels(evaluation.windows, count=tiles), f"{axis}-real", "windows"
        ),
        "intervals": inline_figure(
            intervals_in_margins(
                [label_of(test.name) for test in tests],
                [_in_margins(test, test.difference) for test in tests],
                [_interval(test) for test in tests],
                [test.answer for test in tests],
            ),
            f"{axis}-intervals",
            f"differences normal to {axis} in margins",
        )
        if tests
        else None,
        "curves": [
            {**panel, "svg": Markup(panel["svg"].replace("radial-", f"{axis}-radial-"))}
            for panel in illustrations.radial_panels(evaluation)
        ],
    }


def _rows(evaluation: SliceEvaluation) -> list[dict[str, Any]]:
    """Return every test of every direction; all directions have the same tests."""
    by_name: dict[str, dict[str, Test]] = {}
    for direction in evaluation.directions:
        for test in direction.verdict.tests:
            by_name.setdefault(test.name, {})[direction.axis] = test
    return [
        {
            "name": label_of(name),
            "margin": amount(name, next(iter(tests.values())).margin),
            "cells": [
                _cell(tests.get(direction.axis), name) for direction in evaluation.directions
            ],
        }
        for name, tests in by_name.items()
    ]


def _cell(test: Test | None, name: str) -> dict[str, str]:
    if test is None:
        return {"difference": NONE, "interval": NONE, "level": "open", "answer": "not compared"}
    return {
        "difference": amount(name, test.difference, sign=True),
        "interval": interval_words(name, test.interval),
        "level": level_of(test.answer),
        "answer": test.answer,
    }


def _in_margins(test: Test, value: float | None) -> float | None:
    return None if value is None or not test.margin else value / test.margin


def _interval(test: Test) -> tuple[float, float] | None:
    if test.interval is None or not test.margin:
        return None
    return test.interval[0] / test.margin, test.interval[1] / test.margin
