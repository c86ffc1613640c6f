"""Settings of the paper's own experiments with microstructures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from microdsd.process.lattice import Boundary
from microdsd.process.noise import noise_level
from microdsd.training.rate_objective import RateLoss


@dataclass(frozen=True)
class PaperSettings:
    """Hold the settings of one of the paper's experiments (its table 1).

    Attributes
    ----------
    rate : float
        Hop rate r per direction, for times up to 1: our horizon.
    time_schedule : str
        See `schedule_times`.
    boundary : {"no-flux", "periodic"}
    loss : {"likelihood", "l1", "l2"}
    epsilon : float
        Largest probability that a walker leaves its voxel within one step.
    """

    rate: float
    time_schedule: str
    boundary: Boundary
    loss: RateLoss
    epsilon: float

    @property
    def sigma_max(self) -> float:
        """Return the horizon as a noise level, voxels.

        The paper starts its samples from a noised training image, so it need not be mixed. For
        windows of more than 57 voxels the rocks' is not, and training from it is refused.
        """
        return noise_level(self.rate)

    def options(self) -> dict[str, Any]:
        """Return the settings as options of `microdsd.fit`."""
        return {
            "method": "tau-leaping",
            "loss": self.loss,
            "time_schedule": self.time_schedule,
            "boundary": self.boundary,
            "sigma_max": self.sigma_max,
        }


PAPER_SETTINGS = {
    "rocks": PaperSettings(250.0, "t^4", "periodic", "likelihood", 0.1),
    "electrodes": PaperSettings(200.0, "t^5", "periodic", "likelihood", 0.01),
}
"""The paper's settings for microstructures, by name; rocks were also run at 0.05 and 0.2."""
