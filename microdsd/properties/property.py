"""One number of a sample by name: a descriptor or a transport property, of a phase, along an axis.

A name is written as ``mean_chord_length:pore:z``. Phase and axis are left out where a quantity has
none.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

from microdsd.errors import InputError
from microdsd.metrics.registry import find, groups
from microdsd.microstructure.axes import SPATIAL_DIMS

_TRANSPORT = {
    "relative_diffusivity": "diffusivity",
    "tortuosity_factor": "diffusivity",
    "formation_factor": "diffusivity",
    "permeability": "permeability",
}
"""Names of transport properties, and what `describe_transport` calls their solution."""

_UNITS_OF_TRANSPORT = {"permeability": "length^2"}
"""Units of transport properties that have one."""

_OF_THE_WHOLE = ("interface_density", "triple_phase_boundary")
"""What has no phase."""

_OF_THE_COMPOSITION = ("phase_fraction", "minkowski_volume")
"""What nothing but the counts of the phases decides."""


def known_properties() -> tuple[str, ...]:
    """Return the names of all quantities that have one number per sample, phase or axis.

    Examples
    --------
    >>> "specific_surface_area" in known_properties(), "tortuosity_factor" in known_properties()
    (True, True)
    """
    return (*_groups_by_name(), *_TRANSPORT)


def _groups_by_name() -> dict[str, str]:
    """Return the group of every scalar of `describe`."""
    return {
        record.name: group.name
        for group in groups().values()
        for record in group.descriptors
        if record.kind == "scalar" and record.derived_from is None
    }


@dataclass(frozen=True)
class Property:
    """Name one number of a sample.

    Attributes
    ----------
    name : str
        Variable of `microdsd.describe` or `microdsd.describe_transport`.
    phase : str
        Name of the phase, or of a pair of phases such as "pore-solid"; empty where both of two
        phases have the same number.
    axis : str
        "z", "y" or "x"; the mean over the axes where it is empty.

    Examples
    --------
    >>> Property.parse("tortuosity_factor:z", {0: "pore", 1: "solid"}, 3)
    Property(name='tortuosity_factor', phase='pore', axis='z')
    >>> str(Property.parse("euler_density:solid", {0: "pore", 1: "solid"}, 2))
    'euler_density:solid'
    """

    name: str
    phase: str = ""
    axis: str = ""

    @classmethod
    def parse(cls, text: str, phases: Mapping[int, str], ndim: int) -> Property:
        """Read a name, with a phase and an axis in any order.

        Parameters
        ----------
        text : str
        phases : mapping of int to str
            Label and name of every phase. The first one is meant where none is named.
        ndim : int
            Space axes.

        Raises
        ------
        InputError
            If there is no such quantity, phase or axis.
        """
        name, *qualifiers = str(text).split(":")
        if name not in known_properties():
            near = difflib.get_close_matches(name, known_properties(), 1)
            hint = f"did you mean {near[0]}? There are" if near else "choose one of"
            raise InputError(
                f"property {text!r}: there is no {name!r}; {hint} {', '.join(known_properties())}"
            )
        names = [phases[label] for label in sorted(phases)]
        of_phases = [*names, *("-".join(pair) for pair in combinations(names, 2))]
        axes = SPATIAL_DIMS[-ndim:]
        phase = axis = ""
        for one in qualifiers:
            if one in of_phases and not phase:
                phase = one
            elif one in axes and not axis:
                axis = one
            else:
                raise InputError(
                    f"property {text!r}: {one!r} is no phase and no axis; write it as "
                    f"{name}:PHASE:AXIS with the phases {', '.join(names)} and the axes "
                    f"{', '.join(axes)}"
                )
        record = find(name)
        alike = len(names) == 2 and record is not None and record.same_for_both_phases
        if alike or name in _OF_THE_WHOLE:
            return cls(name, "", axis)
        return cls(name, phase or names[0], axis)

    def __str__(self) -> str:
        return ":".join(filter(None, (self.name, self.phase, self.axis)))

    @property
    def group(self) -> str:
        """Return the group of descriptors that it is measured with; of transport, the solution."""
        return _TRANSPORT.get(self.name) or _groups_by_name()[self.name]

    def unit(self, length: str, ndim: int) -> str:
        """Return the unit of its numbers; "1" where there is none.

        Parameters
        ----------
        length : str
            Unit of length: "m" or "voxel".
        ndim : int
            Space axes.

        Examples
        --------
        >>> Property("euler_density", "pore").unit("m", 2), Property("permeability").unit("m", 3)
        ('1/m^2', 'm^2')
        """
        record = find(self.name)
        unit = record.unit if record else _UNITS_OF_TRANSPORT.get(self.name, "1")
        return unit.replace("length", length).replace("^d", f"^{ndim}")

    @property
    def of_composition(self) -> bool:
        """Tell whether the composition alone decides it."""
        return self.name in _OF_THE_COMPOSITION

    @property
    def transport(self) -> bool:
        """Tell whether a transport problem has to be solved for it."""
        return self.name in _TRANSPORT
