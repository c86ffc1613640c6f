"""How a model of slices walks back in a volume."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from microdsd.models.walk_back import WalkBack
from microdsd.networks.slices import SliceReading


@dataclass(frozen=True)
class VolumeWalk:
    """Hold the settings of volumes that the slices of a 2D model are combined to.

    Attributes
    ----------
    evaluations : int
        Evaluations of all slices, in three directions.
    first, last : float
        Noise levels, voxels: where walkers start uniform, and where they are assigned to voxels.
    sharpness : tuple of float
        Exponent of every species' potential, 1 where there is none; see `WalkBack`.
    reading : SliceReading
        How slices are asked about, and how what they say is weighed.
    """

    evaluations: Annotated[int, Field(ge=2)]
    first: float
    last: float
    sharpness: tuple[float, ...]
    reading: SliceReading

    def walk_back(self, sigma_min: float, sigma_max: float, species: int) -> WalkBack:
        """Return the walk of the volume, within the levels that the networks know.

        The last level is that of the volume: slices are read at a higher one.
        """
        first = min(self.first, sigma_max)
        last = min(max(self.last, sigma_min / self.reading.level), 0.5 * first)
        return WalkBack(self.evaluations, first, last, self.sharpness or (1.0,) * species)


UNCALIBRATED = VolumeWalk(24, 30.0, 0.45, (), SliceReading())
"""What models make volumes with that were not trained for them (docs/decisions/0024)."""
