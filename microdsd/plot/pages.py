"""Results as notebooks show them: the verdict in words, and the pictures that tell most."""

from __future__ import annotations

import html
import itertools
from functools import singledispatch
from typing import TYPE_CHECKING

from microdsd.evaluation.comparison_result import Comparison
from microdsd.evaluation.evaluation import Evaluation
from microdsd.evaluation.sweep import SweepEvaluation
from microdsd.evaluation.verdict import Verdict
from microdsd.notebooks import table
from microdsd.plot.measurements import comparison, sweep, two_point
from microdsd.report.pages.sweep_page import sweep_headline, sweep_subline
from microdsd.report.pictures.figures import slice_panels
from microdsd.report.pictures.style import blank_figure, figure_style, figure_svg
from microdsd.report.words.findings import headline
from microdsd.report.words.names import label_of
from microdsd.report.words.verdict_sentence import verdict_sentence
from microdsd.report.words.wording import number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SAMPLES = 3
_NUMBERS = itertools.count(1)  # identifiers of pictures differ throughout a notebook


@singledispatch
def page_of(result: object) -> str:
    """Return a result as HTML."""
    return f"<pre>{html.escape(repr(result))}</pre>"


@page_of.register
def _(result: Evaluation) -> str:
    generated = slice_panels(result.generated, count=_SAMPLES, width=4.2)
    real = slice_panels(result.windows, count=_SAMPLES, width=4.2)
    parts = [
        _paragraph(verdict_sentence(result.verdict), bold=True),
        _paragraph(headline(result)),
        *(_paragraph(note) for note in (result.flatters, *result.notes) if note),
        _row(
            _picture(generated, "generated", "generated samples"),
            _picture(real, "real", "real windows"),
        ),
    ]
    if result.verdict.status == "compared":
        parts.append(_row(_drawn_comparison(result.verdict), _drawn_two_point(result)))
    return _frame("".join(parts))


@page_of.register
def _(result: Verdict) -> str:
    text = _paragraph(verdict_sentence(result), bold=True)
    return _frame(text + (_drawn_comparison(result) if result.status == "compared" else ""))


@page_of.register
def _(result: Comparison) -> str:
    rows = [
        [
            label_of(d.descriptor),
            ", ".join(filter(None, (d.phase, d.axis))) or "all phases",
            number(d.real_mean),
            number(d.generated_mean),
            "" if d.units == "1" else d.units,
            number(None if d.relative_difference is None else 100 * d.relative_difference),
        ]
        for d in result.descriptors
    ]
    heading = ["descriptor", "of", "real", "generated", "unit", "difference / %"]
    return table(heading, rows) + "".join(map(_paragraph, result.notes))


@page_of.register
def _(result: SweepEvaluation) -> str:
    named = dict.fromkeys(column.descriptor for column in result.columns)
    pictures = []
    for name in list(named)[:_SAMPLES]:
        with figure_style():
            figure = blank_figure(4.0, 3.0)
            sweep(result, name, ax=figure.subplots())
            figure.tight_layout()
        pictures.append(_picture(figure, name, label_of(name)))
    words = _paragraph(sweep_headline(result), bold=True) + _paragraph(sweep_subline(result))
    return _frame(words + _row(*pictures))


def _drawn_comparison(verdict: Verdict) -> str:
    with figure_style():
        figure = blank_figure(7.0, 0.9 + 0.24 * len(verdict.descriptors))
        comparison(verdict, ax=figure.subplots())
        figure.tight_layout()
    return _picture(figure, "comparison", "difference of every descriptor, in margins")


def _drawn_two_point(evaluation: Evaluation) -> str:
    with figure_style():
        figure = blank_figure(4.0, 3.0)
        two_point(evaluation, ax=figure.subplots())
        figure.tight_layout()
    return _picture(figure, "two-point", "two-point probability")


def _picture(figure: Figure, name: str, caption: str) -> str:
    svg = figure_svg(figure, name=f"{name}-{next(_NUMBERS)}", label=caption)
    width = round(96 * figure.get_figwidth())
    words = f"<figcaption>{html.escape(caption)}</figcaption>"
    return f'<figure style="margin:0 1em 0 0;width:{width}px">{svg}{words}</figure>'


def _row(*pictures: str) -> str:
    return (
        f'<div style="display:flex;flex-wrap:wrap;align-items:flex-end">{"".join(pictures)}</div>'
    )


def _paragraph(text: str, *, bold: bool = False) -> str:
    words = html.escape(text)
    return f"<p>{f'<b>{words}</b>' if bold else words}</p>"


def _frame(content: str) -> str:
    """Put dark ink on white, whatever the theme of the notebook."""
    return f'<div style="background:#fff;color:#1f2328;padding:0.5em 1em">{content}</div>'
