"""Results of the evaluation of slices against pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import xarray as xr

from microdsd.evaluation.evaluation import Evaluation
from microdsd.evaluation.recount import PhaseComposition
from microdsd.evaluation.verdict import DIFFERS, WITHIN, DescriptorDifference, Verdict
from microdsd.microstructure import phases_of, voxel_size_of
from microdsd.microstructure.axes import SPATIAL_DIMS


@dataclass(frozen=True)
class SliceDirection:
    """Hold the comparison of the slices of one direction.

    Attributes
    ----------
    axis : str
        The slices are normal to it.
    spacing : int or None
        Voxels between two slices of one volume, over which the correlation has decayed; None
        where it has not within half the volume: each volume then gives its middle slice alone.
    slices : int
        Independent slices that there are.
    evaluation : Evaluation
        Of windows of slices ("generated") against windows of the picture; it knows of no request.
    """

    axis: str
    spacing: int | None
    slices: int
    evaluation: Evaluation

    @property
    def verdict(self) -> Verdict:
        """Return the verdict on this direction."""
        return self.evaluation.verdict

    def to_dict(self) -> dict[str, Any]:
        """Convert everything but the arrays of labels to what JSON can hold."""
        document = self.evaluation.to_dict()
        for key in ("composition", "flatters", "provenance"):
            del document[key]
        return {"spacing": self.spacing, "independent_slices": self.slices, **document}


@dataclass(frozen=True)
class SliceEvaluation:
    """Hold all measurements of the slices of generated volumes and of windows of pictures.

    Attributes
    ----------
    generated : DataArray, dims (sample, z, y, x)
    phases : tuple of int
        Labels of the phases compared, the one in focus first.
    composition : tuple of PhaseComposition
        Requested and achieved counts of every phase, of the volumes.
    directions : tuple of SliceDirection
        In the order z, y, x; those that there is a picture of.
    notes : tuple of str
    flatters : str or None
        Warning where a picture is what the model was trained on.
    record : dict
        Provenance.
    """

    generated: xr.DataArray
    phases: tuple[int, ...]
    composition: tuple[PhaseComposition, ...]
    directions: tuple[SliceDirection, ...]
    notes: tuple[str, ...]
    flatters: str | None
    record: dict[str, Any]

    @property
    def exact(self) -> bool | None:
        """Tell whether all counts are the requested ones; None where no request is recorded."""
        known = [phase.exact for phase in self.composition if phase.exact is not None]
        return all(bool(exact.all()) for exact in known) if known else None

    @property
    def indistinguishable(self) -> bool | None:
        """Tell whether all directions are within the margins; None if one was not compared."""
        answers = [direction.verdict.indistinguishable for direction in self.directions]
        return None if None in answers else all(answers)

    @property
    def worst(self) -> tuple[SliceDirection, DescriptorDifference] | None:
        """Return the direction and descriptor furthest off in margins.

        Of those that differ, if any does; else of those that are not within the margin.
        """
        open_ones = [
            (direction, difference)
            for direction in self.directions
            for difference in direction.verdict.descriptors
            if direction.verdict.test(difference.descriptor).answer != WITHIN
        ]
        differing = [
            (direction, difference)
            for direction, difference in open_ones
            if direction.verdict.test(difference.descriptor).answer == DIFFERS
        ]

        def off(pair: tuple[SliceDirection, DescriptorDifference]) -> float:
            part = pair[1].largest
            return abs(part.relative or 0.0) / part.margin if differing else part.bound

        return max(differing or open_ones, key=off, default=None)

    def to_dict(self) -> dict[str, Any]:
        """Convert everything but the arrays of labels to what JSON can hold."""
        names = phases_of(self.generated)
        worst = self.worst
        return {
            "judged": "slices",
            "samples": self.generated.sizes["sample"],
            "shape": list(self.generated.shape[1:]),
            "voxel_size": voxel_size_of(self.generated)._asdict(),
            "phases": {str(label): name for label, name in names.items()},
            "compared_phases": list(self.phases),
            "indistinguishable": self.indistinguishable,
            "worst": worst and {"axis": worst[0].axis, "descriptor": worst[1].descriptor},
            "not_judged": [
                axis
                for axis in SPATIAL_DIMS
                if axis not in {direction.axis for direction in self.directions}
            ],
            "composition": {
                "exact": self.exact,
                "phases": [phase.to_dict() for phase in self.composition],
            },
            "directions": {direction.axis: direction.to_dict() for direction in self.directions},
            "notes": list(self.notes),
            "flatters": self.flatters,
            "provenance": self.record,
        }
