"""Units of length as files spell them."""

from __future__ import annotations

_METRES = {
    1.0: ("m", "metre", "meter"),
    1e-2: ("cm", "centimetre", "centimeter"),
    1e-3: ("mm", "millimetre", "millimeter"),
    1e-6: ("um", "µm", "μm", "\\u00b5m", "micron", "micrometre", "micrometer"),
    1e-9: ("nm", "nanometre", "nanometer"),
    1e-10: ("å", "angstrom", "ångström"),
    1e-12: ("pm", "picometre", "picometer"),
    0.0254: ("in", "inch", "inche"),
}
_BY_NAME = {name: metres for metres, names in _METRES.items() for name in names}


def metres_per(unit: object) -> float | None:
    """Length of a unit in metres; None for what is no unit of length, such as ``"pixel"``.

    Examples
    --------
    >>> metres_per("microns"), metres_per("pixel")
    (1e-06, None)
    """
    name = str(unit).strip().strip("\"'").lower()
    return _BY_NAME.get(name, _BY_NAME.get(name.removesuffix("s")))
