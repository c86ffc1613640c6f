"""Properties that a design can be asked for: their names, and their values for samples."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from microdsd.errors import InputError, MicrodsdError
from microdsd.metrics.descriptors import describe
from microdsd.metrics.registry import groups
from microdsd.microstructure import as_microstructure, blobs
from microdsd.microstructure.axes import SPATIAL_DIMS
from microdsd.microstructure.labels import named_pores
from microdsd.models.card import ModelCard
from microdsd.transport import describe_transport

TRANSPORT = {
    "relative_diffusivity": "diffusivity",
    "tortuosity_factor": "diffusivity",
    "formation_factor": "diffusivity",
    "permeability": "permeability",
}
"""Property of `describe_transport` by its variable."""

_TRIAL_EDGE = 12
_COMPARISON = re.compile(r"(.+?)(<=|>=)(.+)")

Dims = tuple[str, ...]


@dataclass(frozen=True)
class Property:
    """Name one number of a sample.

    Attributes
    ----------
    name : str
        As it was asked for, such as "tortuosity_factor:z".
    variable : str
        Of `describe` or `describe_transport`.
    label : int or None
        Phase; None where there is one number for all.
    pair, axis : str or None
        Pair of phases, axis; without an axis, the mean over all.
    unit : str
    """

    name: str
    variable: str
    label: int | None = None
    pair: str | None = None
    axis: str | None = None
    unit: str = "1"

    def of_samples(self, measured: xr.Dataset) -> NDArray[np.float64]:
        """Return the values (sample) from a Dataset of measurements."""
        values = measured[self.variable].astype(float)
        if self.label is not None:
            values = values.sel(phase=self.label)
        if self.pair is not None:
            values = values.sel(pair=self.pair)
        if self.axis is not None:
            values = values.sel(axis=self.axis)
        rest = [dim for dim in values.dims if dim != "sample"]
        return np.asarray(values.mean(rest).values, dtype=float)


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
        """Return by how much a value breaks the bound; not above 0 where it keeps it."""
        return value - self.bound if self.relation == "<=" else self.bound - value

    def __str__(self) -> str:
        return f"{self.property.name}{self.relation}{self.bound:g}"


class PropertyNames:
    """Read names of properties for the samples of a model.

    What a property has one number for, a phase, a pair or an axis, is found by measuring a small
    artificial sample; so a property that samples cannot have is refused before any work.

    Parameters
    ----------
    card : ModelCard
    phase : int or str, optional
        Of properties whose names have none; by default the pores.
    periodic : bool
        Boundary of the samples.
    """

    def __init__(self, card: ModelCard, phase: int | str | None, periodic: bool) -> None:
        self._phases = dict(card.phases)
        self._dims = SPATIAL_DIMS[-len(card.window) :]
        self._phase = phase
        self._periodic = periodic
        share = 1 / len(self._phases)
        trial = blobs(
            (_TRIAL_EDGE,) * len(self._dims),
            fractions=(share,) * len(self._phases),
            scale=1.5,
            rng=0,
        )
        labels = np.array(list(self._phases))[trial.values]
        voxel_size = None if card.unit == "voxel" else tuple(card.voxel_size)
        self._trial = as_microstructure(
            labels, phases=self._phases, voxel_size=voxel_size, ensemble=False
        )
        self._measured: dict[str, xr.Dataset] = {}

    def read(self, name: str) -> Property:
        """Read ``NAME``, ``NAME:AXIS``, ``NAME:PHASE`` or ``NAME:PHASE:AXIS``.

        Raises
        ------
        InputError
            If there is no such property, or samples of this model cannot have it.
        """
        variable, *places = str(name).split(":")
        found = self._variable(variable, name)
        label: int | None = None
        pair: str | None = None
        axis: str | None = None
        pairs = found["pair"].values.tolist() if "pair" in found.dims else []
        for place in places:
            if place in SPATIAL_DIMS and axis is None and "axis" in found.dims:
                if place not in self._dims:
                    raise InputError(
                        f"{name}: samples of this model have the axes {', '.join(self._dims)}"
                    )
                axis = place
            elif place in pairs and pair is None:
                pair = place
            elif "phase" in found.dims and label is None:
                label = self._label(place, name)
            else:
                raise InputError(f"{name}: {place!r} is {self._what_is_possible(found, pairs)}")
        if "phase" in found.dims and label is None:
            label = self._default(name)
        if "pair" in found.dims and pair is None:
            if len(pairs) > 1:
                raise InputError(f"{name}: say of which pair, as {variable}:{pairs[0]}")
            pair = pairs[0]
        return Property(name, variable, label, pair, axis, str(found.attrs.get("units", "1")))

    def requirement(self, text: str) -> Requirement:
        """Read ``NAME<=VALUE`` or ``NAME>=VALUE``.

        Raises
        ------
        InputError
            If it is neither.
        """
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
        return Requirement(self.read(parts[1]), relation, bound)

    def _what_is_possible(self, found: xr.DataArray, pairs: Sequence[str]) -> str:
        kinds = {
            "phase": f"a phase ({', '.join(self._phases.values())})",
            "axis": f"an axis ({', '.join(self._dims)})",
            "pair": f"a pair ({', '.join(pairs)})",
        }
        having = [text for dim, text in kinds.items() if dim in found.dims]
        return f"none of what it has: {' or '.join(having) or 'one number for all'}"

    def _label(self, place: str, name: str) -> int:
        for label, phase in self._phases.items():
            if place in (phase, str(label)):
                return label
        raise InputError(
            f"{name}: there is no phase {place!r}, only {', '.join(self._phases.values())}"
        )

    def _default(self, name: str) -> int:
        if self._phase is not None:
            return self._label(str(self._phase), "phase")
        pores = named_pores(self._phases)
        if len(pores) != 1:
            raise InputError(
                f"{name}: say of which phase, as {name}:{next(iter(self._phases.values()))}, or "
                "with phase"
            )
        return int(pores[0])

    def _variable(self, variable: str, name: str) -> xr.DataArray:
        """Return a variable as it is measured on the trial sample."""
        source = source_of(variable)
        if source is None:
            raise InputError(
                f"{name}: there is no property {variable!r}; there are {', '.join(known_names())}"
            )
        if source not in self._measured:
            try:
                self._measured[source] = measure(self._trial, [source], self._periodic)
            except MicrodsdError as error:
                raise InputError(
                    f"{name}: samples of this model cannot have it ({error})"
                ) from error
        if variable not in self._measured[source]:
            raise InputError(
                f"{name}: samples of this model, in {len(self._dims)}D and of "
                f"{len(self._phases)} phases, have none"
            )
        return self._measured[source][variable]


def source_of(variable: str) -> str | None:
    """Return the group of descriptors, or the property of transport, that a number comes from.

    Examples
    --------
    >>> source_of("euler_density"), source_of("tortuosity_factor"), source_of("colour")
    ('euler', 'diffusivity', None)
    """
    if variable in TRANSPORT:
        return TRANSPORT[variable]
    for group in groups().values():
        for record in group.descriptors:
            if record.kind == "scalar" and record.describes(variable):
                return group.name
    return None


def known_names() -> list[str]:
    """List the names of all properties that are one number of a sample."""
    names = [
        record.name
        for group in groups().values()
        for record in group.descriptors
        if record.kind == "scalar" and record.derived_from is None
    ]
    return [*names, *TRANSPORT]


def measure(
    samples: xr.DataArray,
    sources: Iterable[str],
    periodic: bool,
    phases: Sequence[int] | None = None,
    axes: Sequence[str] | None = None,
) -> xr.Dataset:
    """Measure samples with what properties come from; transport along some axes of some phases."""
    wanted = list(dict.fromkeys(sources))
    transport = [one for one in wanted if one in {*TRANSPORT.values()}]
    descriptors = [one for one in wanted if one not in transport]
    parts = []
    if descriptors:
        parts.append(describe(samples, periodic=periodic, descriptors=descriptors))
    if transport:
        parts.append(
            describe_transport(samples, properties=transport, phase=phases, axes=axes)  # type: ignore[arg-type]
        )
    joined = xr.Dataset()
    for part in parts:
        joined = joined.merge(part.drop_attrs(deep=False), join="outer", compat="override")
    return joined


def values_of(
    samples: xr.DataArray, properties: Sequence[Property], periodic: bool
) -> Mapping[str, NDArray[np.float64]]:
    """Return the values of every property by its name, one for each sample."""
    transport = [one for one in properties if one.variable in TRANSPORT]
    phases = sorted({one.label for one in transport if one.label is not None})
    named = {one.axis for one in transport}
    axes = None if None in named else [dim for dim in SPATIAL_DIMS if dim in named]
    sources = [source for one in properties if (source := source_of(one.variable))]
    measured = measure(samples, sources, periodic, phases or None, axes)
    return {one.name: one.of_samples(measured) for one in properties}
