"""One record for every descriptor: its definition, comparison and words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, TypeAlias

import xarray as xr

from microdsd.errors import InputError
from microdsd.metrics.request import Request

Variables: TypeAlias = Mapping[str, xr.DataArray]
Measure: TypeAlias = Callable[[Request], Variables]

MarginKind = Literal["mean", "size", "fall", "points"]


@dataclass(frozen=True)
class Margin:
    """Define the largest difference that does not matter.

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
    kind: MarginKind


class Words(NamedTuple):
    """Hold the words for a difference between generated and real material.

    "{phase}" stands for a phase or a pair of phases, "{axis}" for an axis.

    Attributes
    ----------
    subject, more, less : str
        What differs, the words for a value that is too large, and those for one too small.
    subject_of_both : str
        What differs if one value stands for both of two phases.
    """

    subject: str
    more: str
    less: str
    subject_of_both: str = ""


@dataclass(frozen=True, kw_only=True)
class Descriptor:
    """Describe one descriptor completely.

    Attributes
    ----------
    name : str
        Variable of `describe`, or name of what is derived from one.
    label : str
        As people write it.
    definition : str
        In one line; an attribute of the variable.
    references : str
        DOI or book; an attribute of the variable.
    unit : str
        "1", "length", "1/length" or, with d dims, "1/length^d".
    symbol : str
    explanation : str
        Sentences for the reader of a report; the definition where there are none.
    points : str or None
        Dim of the points of a curve; None for a scalar.
    points_in_voxels : bool
        Whether points are counted in voxels, whatever the unit of length.
    abscissa : str
        What the points are, for the axis of a figure.
    drawn : bool
        Whether the picture of `microdsd describe` shows the curve.
    bins : bool
        Whether its values belong to ranges of lengths, so that it is drawn in steps.
    per_axis : bool
        Whether every axis has a variable of its own, "NAME_z" and so on, with that axis as its
        points.
    derived_from : str or None
        Variable that `derive` makes it from, where it is none itself.
    derive : callable or None
        From that variable and the last lag in voxels to the array that is tested.
    compared : bool
        Whether ensembles are compared in it.
    margin : Margin or None
        Largest difference that does not matter to the verdict; None: the verdict does not test it.
    words : Words or None
        How a difference is said.
    same_for_both_phases : bool
        Whether the two phases of a material of two have one value.
    repeats_for_two_phases : bool
        Whether it repeats another descriptor where there are two phases.
    whole_numbers : bool
        Whether the value of a sample is a whole number.
    tolerance : float or None
        Relative difference, of shares the difference itself, that calibration weighs as one; None
        where it is not calibrated by it.
    rank : int
        Place in comparisons, verdicts and figures; of equal ones in the order of registration.
    """

    name: str
    label: str
    definition: str
    references: str
    unit: str = "1"
    symbol: str = ""
    explanation: str = ""
    points: str | None = None
    points_in_voxels: bool = False
    abscissa: str = "distance r"
    drawn: bool = False
    bins: bool = False
    per_axis: bool = False
    derived_from: str | None = None
    derive: Callable[[xr.DataArray, int], xr.DataArray] | None = None
    compared: bool = False
    margin: Margin | None = None
    words: Words | None = None
    same_for_both_phases: bool = False
    repeats_for_two_phases: bool = False
    whole_numbers: bool = False
    tolerance: float | None = None
    rank: int = 100

    @property
    def kind(self) -> Literal["scalar", "curve"]:
        """Tell whether the descriptor is a number or a curve."""
        return "scalar" if self.points is None and not self.per_axis else "curve"

    @property
    def tested(self) -> bool:
        """Tell whether the verdict tests the descriptor."""
        return self.margin is not None

    def describes(self, variable: str) -> bool:
        """Tell whether a variable of `describe` is this descriptor."""
        if self.per_axis:
            return variable.rpartition("_")[0] == self.name
        return variable == self.name and self.derived_from is None


@dataclass(frozen=True)
class Group:
    """Group descriptors that are measured together.

    Attributes
    ----------
    name : str
        Word of ``microdsd describe --descriptor``.
    measure : callable
        From a `Request` to variables by name; none of them where the group does not apply.
    descriptors : tuple of Descriptor
        Descriptors of the variables, and what is derived from them.
    optional : bool
        Whether it is measured only where it is named, or `included`.
    """

    name: str
    measure: Measure
    descriptors: tuple[Descriptor, ...]
    optional: bool = False

    def measured(self, request: Request) -> dict[str, xr.DataArray]:
        """Measure the group, and give every variable its definition and reference.

        Raises
        ------
        InputError
            If a variable has no record.
        """
        return {
            name: self._defined(name, variable) for name, variable in self.measure(request).items()
        }

    def _defined(self, name: str, variable: xr.DataArray) -> xr.DataArray:
        for record in self.descriptors:
            if record.describes(name):
                return variable.assign_attrs(
                    definition=record.definition, references=record.references
                )
        raise InputError(f"group {self.name!r}: measures {name!r} and has no Descriptor of it")


_groups: dict[str, Group] = {}


def register(group: Group) -> None:
    """Add a group to those that `describe` measures.

    Raises
    ------
    InputError
        If there is a group, or a descriptor, of one of its names.
    """
    if group.name in _groups:
        raise InputError(f"group {group.name!r}: is registered already; choose another name")
    known = {record.name for record in descriptors()}
    for record in group.descriptors:
        if record.name in known:
            raise InputError(
                f"descriptor {record.name!r} of group {group.name!r}: is registered already; "
                "choose another name"
            )
        known.add(record.name)
    _groups[group.name] = group


@contextmanager
def registered(group: Group) -> Iterator[None]:
    """Register a group for the duration of a with statement."""
    register(group)
    try:
        yield
    finally:
        del _groups[group.name]


def groups() -> dict[str, Group]:
    """Return all groups by name, in the order in which they are measured.

    Examples
    --------
    >>> list(groups())[:3]
    ['fractions', 'profiles', 'two_point']
    """
    return dict(_groups)


@contextmanager
def included(*names: str) -> Iterator[None]:
    """Add optional groups to all measurements for the duration of a with statement.

    Raises
    ------
    InputError
        If there is no such group.

    Examples
    --------
    >>> with included("pore_network"):
    ...     "pore_network" in judged_groups()
    True
    """
    before = dict(_groups)
    for name in names:
        if name not in _groups:
            raise InputError(f"include: no group {name!r}; there are {', '.join(_groups)}")
        _groups[name] = replace(_groups[name], optional=False)
    try:
        yield
    finally:
        _groups.update({name: before[name] for name in names})


def descriptors() -> list[Descriptor]:
    """Return all records by rank.

    Examples
    --------
    >>> [record.name for record in descriptors() if record.tested][:2]
    ['two_point_probability', 'cross_two_point_probability']
    """
    records = [record for group in _groups.values() for record in group.descriptors]
    return sorted(records, key=lambda record: record.rank)


def find(name: str) -> Descriptor | None:
    """Return the record of a name, or None where there is none.

    Examples
    --------
    >>> find("euler_density").label
    'Euler characteristic per volume'
    """
    return next((record for record in descriptors() if record.name == name), None)


def compared_groups() -> tuple[str, ...]:
    """Return the names of the groups that comparisons of ensembles need."""
    return tuple(
        group.name
        for group in _groups.values()
        if not group.optional and any(record.compared for record in group.descriptors)
    )


def judged_groups() -> tuple[str, ...]:
    """Return the names of the groups that the verdict needs, including those of comparisons."""
    return tuple(
        group.name
        for group in _groups.values()
        if not group.optional
        and any(record.compared or record.tested for record in group.descriptors)
    )
