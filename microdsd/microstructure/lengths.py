"""Units of length in the spellings of people and files."""

from __future__ import annotations

from decimal import Decimal

_METRES = {
    "1": ("m", "metre", "meter"),
    "1e-2": ("cm", "centimetre", "centimeter"),
    "1e-3": ("mm", "millimetre", "millimeter"),
    # The micro sign, the Greek letter, and the sign as some files escape it.
    "1e-6": ("um", "µm", "μm", "\\u00b5m", "micron", "micrometre", "micrometer"),
    "1e-9": ("nm", "nanometre", "nanometer"),
    "1e-10": ("å", "angstrom", "ångström"),
    "1e-12": ("pm", "picometre", "picometer"),
    "0.0254": ("in", "inch", "inche"),
}
_BY_NAME = {name: Decimal(metres) for metres, names in _METRES.items() for name in names}
_SHORTEST_WITH_PLURAL = 4

UNITS = tuple(names[0] for names in _METRES.values())
"""The short name of every unit."""


def metres_in(unit: object) -> Decimal | None:
    """Return the exact length of a unit in metres; None for what is no unit of length.

    Examples
    --------
    >>> metres_in("microns"), metres_in("pixel"), metres_in("ms")
    (Decimal('0.000001'), None, None)
    """
    name = str(unit).strip().strip("\"'").lower()
    if len(name) > _SHORTEST_WITH_PLURAL:
        return _BY_NAME.get(name, _BY_NAME.get(name.removesuffix("s")))
    return _BY_NAME.get(name)


def metres_per(unit: object) -> float | None:
    """Return the length of a unit in metres; None for what is no unit of length.

    Examples
    --------
    >>> metres_per("microns"), metres_per("pixel")
    (1e-06, None)
    """
    metres = metres_in(unit)
    return None if metres is None else float(metres)
