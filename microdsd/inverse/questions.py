"""What is asked of a material: properties to minimise and to maximise, and bounds on others."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from microdsd.errors import InputError
from microdsd.models.card import ModelCard
from microdsd.properties import Property, require_measurable

Direction = Literal["minimise", "maximise"]

_COMPARISON = re.compile(r"(.+?)(<=|>=)(.+)")


@dataclass(frozen=True)
class Requirement:
    """State a bound on a property.

    Attributes
    ----------
    property : Property
    relation : {"<=", ">="}
    bound : float
    """

    property: Property
    relation: Literal["<=", ">="]
    bound: float

    def excess(self, value: float) -> float:
        """Return by how much a value breaks the bound; not above 0 where it keeps it.

        Examples
        --------
        >>> Requirement(Property("euler_density", "pore"), ">=", 2.0).excess(3.0)
        -1.0
        """
        return value - self.bound if self.relation == "<=" else self.bound - value

    def __str__(self) -> str:
        return f"{self.property}{self.relation}{self.bound:g}"


@dataclass(frozen=True)
class Question:
    """Hold what is asked for.

    Attributes
    ----------
    objectives : dict of Property to {"minimise", "maximise"}
    requirements : tuple of Requirement
    """

    objectives: dict[Property, Direction]
    requirements: tuple[Requirement, ...]

    @classmethod
    def read(
        cls,
        card: ModelCard,
        minimise: str | Sequence[str],
        maximise: str | Sequence[str],
        require: str | Sequence[str],
        periodic: bool,
    ) -> Question:
        """Read the names of properties, and measure each on a small artificial sample.

        So what samples of this model cannot have is refused before any work.

        Raises
        ------
        InputError
            If there is no such property, no objective, or one of them twice.
        """
        objectives: dict[Property, Direction] = {}
        for direction, names in (("minimise", minimise), ("maximise", maximise)):
            for text in _several(names):
                one = _read(card, text, direction)
                if one in objectives:
                    raise InputError(f"{direction}={text!r}: is an objective already; give it once")
                objectives[one] = "minimise" if direction == "minimise" else "maximise"
        if not objectives:
            raise InputError("minimise: name at least one property to minimise or to maximise")
        question = cls(objectives, tuple(_requirement(card, text) for text in _several(require)))
        size = None if card.unit == "voxel" else tuple(card.voxel_size)
        require_measurable(
            question.properties, card.phases, len(card.window), size, periodic=periodic
        )
        return question

    @property
    def properties(self) -> list[Property]:
        """Return all properties to measure, each once, the objectives first."""
        return list(dict.fromkeys([*self.objectives, *(one.property for one in self.requirements)]))

    @property
    def directions(self) -> list[Direction]:
        """Return the directions of the objectives."""
        return list(self.objectives.values())


def _several(names: str | Sequence[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


def _read(card: ModelCard, text: str, argument: str) -> Property:
    try:
        return Property.parse(text, card.phases, len(card.window))
    except InputError as error:
        raise InputError(f"{argument}: {error}") from error


def _requirement(card: ModelCard, text: str) -> Requirement:
    parts = _COMPARISON.fullmatch(str(text).replace(" ", ""))
    try:
        bound = float(parts[3]) if parts else float("nan")
    except ValueError:
        bound = float("nan")
    if parts is None or not np.isfinite(bound):
        raise InputError(
            f"require={text!r}: give a property and a bound, as tortuosity_factor:z<=3"
        )
    relation: Literal["<=", ">="] = "<=" if parts[2] == "<=" else ">="
    return Requirement(_read(card, parts[1], "require"), relation, bound)
