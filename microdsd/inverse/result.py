"""What a design found: all candidates, and those that none is better than."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import xarray as xr

from microdsd.inverse.questions import Direction, Requirement
from microdsd.notebooks import facts


@dataclass(frozen=True)
class Candidate:
    """Describe a composition that was tried.

    Attributes
    ----------
    number : int
    streams : tuple of int
        Its samples depend on (seed, stream) alone.
    variables : dict of str to float
    fractions : dict of str to float
        What samples have, by phase; exact counts over the voxels of the box.
    means : dict of str to float
        Of every property, over the samples.
    standard_errors : dict of str to float or None
        Of these means; None of a single sample.
    feasible : bool
        Whether the means keep all requirements.
    on_front : bool
        Whether no other feasible candidate is better in one objective and as good in all.
    """

    number: int
    streams: tuple[int, ...]
    variables: Mapping[str, float]
    fractions: Mapping[str, float]
    means: Mapping[str, float]
    standard_errors: Mapping[str, float | None]
    feasible: bool
    on_front: bool


@dataclass(frozen=True, repr=False)
class DesignResult:
    """Hold the outcome of a design.

    Attributes
    ----------
    candidates : tuple of Candidate
        In the order in which they were tried.
    objectives : dict of str to {"minimise", "maximise"}
        By the name of the property.
    requirements : tuple of Requirement
    samples : DataArray or None
        All samples of the front, candidate after candidate; None where no candidate is feasible.
    record : dict
        What the design was of: model, seed, variables.
    notes : tuple of str
        What the compositions mean for the samples, in plain sentences.
    """

    candidates: tuple[Candidate, ...]
    objectives: Mapping[str, Direction]
    requirements: tuple[Requirement, ...]
    samples: xr.DataArray | None
    record: Mapping[str, Any]
    notes: tuple[str, ...] = ()

    @property
    def front(self) -> list[Candidate]:
        """Return the candidates of the Pareto front, best in the first objective first."""
        first, direction = next(iter(self.objectives.items()))
        sign = 1 if direction == "minimise" else -1
        chosen = [one for one in self.candidates if one.on_front]
        return sorted(chosen, key=lambda one: sign * one.means[first])

    def __repr__(self) -> str:
        asked = ", ".join(f"{word} {name}" for name, word in self.objectives.items())
        return f"<design: {asked}; {len(self.front)} of {len(self.candidates)} on the front>"

    def _repr_html_(self) -> str:
        entries = {"candidates": str(len(self.candidates)), "on the front": str(len(self.front))}
        for one in self.front:
            where = ", ".join(f"{name} {value:.4g}" for name, value in one.variables.items())
            entries[f"candidate {one.number}: {where}"] = ", ".join(
                f"{name} {one.means[name]:.4g}" for name in self.objectives
            )
        return facts("microdsd design", entries)

    def to_dict(self) -> dict[str, Any]:
        """Return all numbers as JSON can hold them; what is not finite is None."""
        return {
            **self.record,
            "objectives": dict(self.objectives),
            "requirements": [str(one) for one in self.requirements],
            "candidates": [
                {
                    "number": one.number,
                    "streams": list(one.streams),
                    "variables": dict(one.variables),
                    "fractions": dict(one.fractions),
                    "means": _finite(one.means),
                    "standard_errors": _finite(one.standard_errors),
                    "feasible": one.feasible,
                    "on_front": one.on_front,
                }
                for one in self.candidates
            ],
            "front": [one.number for one in self.front],
            "notes": list(self.notes),
        }

    def rows(self) -> tuple[list[str], list[list[str]]]:
        """Return the heads and the lines of a table of all candidates."""
        first = self.candidates[0]
        heads = [
            "candidate",
            *first.variables,
            *(f"fraction {name}" for name in first.fractions),
            *(head for name in first.means for head in (name, f"standard error of {name}")),
            "feasible",
            "on front",
        ]
        lines = []
        for one in self.candidates:
            measured = [
                _text(number)
                for name in one.means
                for number in (one.means[name], one.standard_errors[name])
            ]
            lines.append(
                [
                    str(one.number),
                    *map(_text, one.variables.values()),
                    *map(_text, one.fractions.values()),
                    *measured,
                    *(str(int(flag)) for flag in (one.feasible, one.on_front)),
                ]
            )
        return heads, lines


def _finite(values: Mapping[str, float | None]) -> dict[str, float | None]:
    return {
        name: value if value is not None and math.isfinite(value) else None
        for name, value in values.items()
    }


def _text(number: float | None) -> str:
    return "" if number is None else repr(float(number))
