"""Numbers as people of several countries write them."""

from __future__ import annotations


def number_remedy(text: str) -> str:
    """Say how numbers are written, if the text looks like one of another notation.

    Examples
    --------
    >>> number_remedy("0,2"), number_remedy("20%"), number_remedy("64x64")
    ('; write 0.2, with a decimal point', '; write 0.2 for 20 %', '; write 64 64')
    >>> number_remedy("much")
    ''
    """
    text = text.strip()
    if "%" in text:
        share = _number(text.replace("%", "").replace(",", "."))
        return "" if share is None else f"; write {share / 100:g} for {share:g} %"
    if text.count(",") == 1 and (point := _number(text.replace(",", "."))) is not None:
        return f"; write {point:g}, with a decimal point"
    parts = text.lower().replace("×", "x").replace(",", "x").replace(";", "x").split("x")
    if len(parts) > 1 and all(_number(part) is not None for part in parts):
        return f"; write {' '.join(part.strip() for part in parts)}"
    return ""


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
