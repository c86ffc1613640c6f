"""Margins of all tests: the largest differences that do not matter."""

from __future__ import annotations

from collections.abc import Mapping

from microdsd.errors import InputError
from microdsd.metrics.registry import Margin, descriptors

_OTHER_MARGINS: Mapping[str, Margin] = {
    "classifier": Margin(0.10, "points"),
    "network": Margin(0.10, "points"),
    "voxel_diversity": Margin(0.05, "mean"),
    "descriptor_diversity": Margin(0.20, "mean"),
    "memorisation": Margin(0.10, "points"),
}


def default_margins() -> dict[str, Margin]:
    """Return the margins of all descriptors that are tested, and of the tests beside them.

    docs/explanation/verdict.md gives the reasons.

    Examples
    --------
    >>> default_margins()["component_count"]
    Margin(value=0.1, kind='mean')
    """
    margins = {record.name: record.margin for record in descriptors() if record.margin is not None}
    return {**margins, **_OTHER_MARGINS}


def margins_with(changes: Mapping[str, float] | None) -> dict[str, Margin]:
    """Return the default margins with some of them changed.

    Parameters
    ----------
    changes : mapping of str to float, optional
        Shares, in the range (0, 1), by the name of a test or by a part of it, which stands for
        all names that hold it: "surface" for the specific and the pairwise surface area.

    Raises
    ------
    InputError
        If no name holds the word, or a margin is no share.

    Examples
    --------
    >>> margins_with({"surface": 0.1})["pair_surface_area"].value
    0.1
    """
    defaults = default_margins()
    margins = dict(defaults)
    for word, value in (changes or {}).items():
        names = [word] if word in defaults else [name for name in defaults if word in name]
        if not names or not word:
            raise InputError(
                f"margins: no test is called {word!r}; there are {', '.join(defaults)}"
            )
        if not 0 < value < 1:
            raise InputError(
                f"margins: {word}={value:g} must be a share between 0 and 1, 0.05 for 5 %"
            )
        margins.update({name: Margin(value, defaults[name].kind) for name in names})
    return margins
