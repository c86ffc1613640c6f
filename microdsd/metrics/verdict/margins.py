"""How far off samples may be and still be called equal: one margin for every test."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Literal

from microdsd.errors import InputError

Kind = Literal["mean", "size", "fall", "points"]


@dataclasses.dataclass(frozen=True)
class Margin:
    """Largest difference that does not matter.

    Attributes
    ----------
    value : float
    kind : {"mean", "size", "fall", "points"}
        What it is a share of: the mean of the real windows (of curves that are shares of at
        least each length: the mean length); the mean size of what has both signs; the fall of a
        curve from its largest to its least value, to be kept at every distance; or of nothing,
        where the quantity is itself a share.
    """

    value: float
    kind: Kind


MARGINS: Mapping[str, Margin] = {
    "two_point_probability": Margin(0.05, "fall"),
    "cross_two_point_probability": Margin(0.05, "fall"),
    "anisotropy": Margin(0.05, "points"),
    "two_point_cluster": Margin(0.05, "fall"),
    "lineal_path": Margin(0.05, "fall"),
    "chord_length": Margin(0.05, "mean"),
    "local_thickness": Margin(0.05, "mean"),
    "specific_surface_area": Margin(0.05, "mean"),
    "pair_surface_area": Margin(0.05, "mean"),
    "triple_phase_boundary": Margin(0.05, "mean"),
    "interface_density": Margin(0.05, "mean"),
    "euler_density": Margin(0.10, "size"),
    "body_count": Margin(0.10, "mean"),
    "largest_body_share": Margin(0.05, "points"),
    "percolates": Margin(0.10, "points"),
    "classifier": Margin(0.10, "points"),
    "network": Margin(0.10, "points"),
    "voxel_diversity": Margin(0.05, "mean"),
    "descriptor_diversity": Margin(0.20, "mean"),
    "memorisation": Margin(0.10, "points"),
}
"""Default margins; docs/explanation/verdict.md gives the reasons."""


def margins_with(changes: Mapping[str, float] | None) -> dict[str, Margin]:
    """Default margins with some of them changed.

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
    margins = dict(MARGINS)
    for word, value in (changes or {}).items():
        names = [word] if word in MARGINS else [name for name in MARGINS if word in name]
        if not names or not word:
            raise InputError(f"margins: no test is called {word!r}; there are {', '.join(MARGINS)}")
        if not 0 < value < 1:
            raise InputError(
                f"margins: {word}={value:g} must be a share between 0 and 1, 0.05 for 5 %"
            )
        margins.update({name: Margin(value, MARGINS[name].kind) for name in names})
    return margins
