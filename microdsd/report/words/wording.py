"""Numbers and verdicts as text."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from microdsd.evaluation.verdict import CANNOT_TELL, DIFFERS, WITHIN, Answer
from microdsd.report.words.verdict_sentence import amount_of

NONE = "–"
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float | None, *, sign: bool = False, digits: int = 3) -> str:
    """Write a number with three significant digits, without an exponent where it can be avoided.

    Examples
    --------
    >>> number(0.04321), number(-1234.5), number(0.0), number(2e-7), number(float("nan"))
    ('0.0432', '−1\u202f234', '0', '2.00×10⁻⁷', '–')
    """
    if value is None or math.isnan(value):
        return NONE
    plus = "+" if sign and value > 0 else ""
    if math.isinf(value):
        return f"{plus or ('−' if value < 0 else '')}∞"
    if value == 0:
        return "0"
    power = int(f"{value:.{digits - 1}e}".partition("e")[2])
    if power < -4 or power > 6:
        text = f"{value / 10**power:.{digits - 1}f}×10{str(power).translate(_SUPERSCRIPT)}"
    else:
        text = f"{value:,.{max(0, digits - 1 - power)}f}".replace(",", "\u202f")
    return plus + text.replace("-", "−", 1)


def count_range(values: ArrayLike) -> str:
    """Write integer counts, as one number where they are all the same.

    Examples
    --------
    >>> count_range([800, 800]), count_range([700, 1200, 800])
    ('800', '700 – 1\u202f200')
    """
    low, high = (f"{int(v):,}".replace(",", "\u202f") for v in (np.min(values), np.max(values)))
    return low if low == high else f"{low} – {high}"


def fraction_range(values: ArrayLike) -> str:
    """Write fractions, as one number where they agree to four decimals.

    Examples
    --------
    >>> fraction_range([0.25, 0.25]), fraction_range([0.1, 0.25])
    ('0.2500', '0.1000 – 0.2500')
    """
    low, high = (f"{float(v):.4f}" for v in (np.min(values), np.max(values)))
    return low if low == high else f"{low} – {high}"


def phase_words(name: str) -> str:
    """Name a phase in a sentence.

    Examples
    --------
    >>> phase_words("pore"), phase_words("phase 2")
    ('the pore phase', 'phase 2')
    """
    return name if name.startswith("phase ") else f"the {name} phase"


def level_of(answer: Answer) -> str:
    """Return the class of the style sheet for an answer of the verdict.

    Examples
    --------
    >>> [level_of(answer) for answer in (WITHIN, DIFFERS, CANNOT_TELL)]
    ['within', 'differs', 'open']
    """
    return {WITHIN: "within", DIFFERS: "differs", CANNOT_TELL: "open"}[answer]


def amount(name: str, share: float | None, *, sign: bool = False) -> str:
    """Write a difference on the scale of the margin of a test: in per cent, or in points.

    Examples
    --------
    >>> amount("component_count", 0.0312, sign=True), amount("percolates", -0.12)
    ('+3.1 %', '−12 points')
    >>> amount("joint", None)
    '–'
    """
    if share is None:
        return NONE
    return f"{'+' if sign and share > 0 else ''}{amount_of(name, share)}"


def interval_words(name: str, interval: tuple[float, float] | None) -> str:
    """Write an interval on the scale of the margin of a test.

    Examples
    --------
    >>> interval_words("component_count", (-0.02, 0.104))
    '−2.0 to +10 %'
    """
    if interval is None:
        return NONE
    low, high = (amount(name, end, sign=True) for end in interval)
    return f"{low.rpartition(' ')[0]} to {high}"
