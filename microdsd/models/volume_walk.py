"""How a model of slices walks back in a volume."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import Field

from microdsd.models.walk_back import JOINT_TEMPERATURE, WalkBack
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
    passes : int
        In which phases are drawn, each given those drawn before in the three slices through a
        voxel, by models that have learned it; see `WalkBack`.
    """

    evaluations: Annotated[int, Field(ge=2)]
    first: float
    last: float
    sharpness: tuple[float, ...]
    reading: SliceReading
    passes: Annotated[int, Field(ge=0, le=8)] = 0

    def walk_back(self, sigma_min: float, sigma_max: float, species: int) -> WalkBack:
        """Return the walk of the volume, within the levels that the networks know.

        The last level is that of the volume: slices are read at a higher one.
        """
        first = min(self.first, sigma_max)
        last = min(max(self.last, sigma_min / self.reading.level), 0.5 * first)
        sharpness = self.sharpness or (1.0,) * species
        temperature = JOINT_TEMPERATURE if self.passes else 0.0
        return WalkBack(self.evaluations, first, last, sharpness, temperature, self.passes)


_UNCALIBRATED = VolumeWalk(24, 30.0, 0.45, (), SliceReading())
_UNCALIBRATED_IN_PASSES = replace(
    _UNCALIBRATED, first=45.0, last=0.9, passes=8, reading=SliceReading((0.4, 0.4), fused=True)
)


def uncalibrated(*, last_draw: bool) -> VolumeWalk:
    """Return how models make volumes that were not calibrated for them.

    Parameters
    ----------
    last_draw : bool
        Whether they have learned to draw phases in passes (docs/decisions/0024 and 0034). What
        slices say is then combined by a network (docs/decisions/0035).
    """
    return _UNCALIBRATED_IN_PASSES if last_draw else _UNCALIBRATED
