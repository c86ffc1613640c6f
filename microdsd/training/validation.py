"""Information gained on windows that training never sees."""

from __future__ import annotations

import time
from collections.abc import Sequence

import torch
from torch import Tensor

from microdsd.networks.build import Network
from microdsd.process.noise import time_of
from microdsd.process.octaves import Moment, Octaves
from microdsd.process.streams import seeded_streams
from microdsd.process.walk import Walkers
from microdsd.training.noised_batch import NoisedBatch
from microdsd.training.objective import Objective, OriginObjective

_LEVELS = (0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 32.0, 48.0, 64.0)


class Validation:
    """Hold back windows, noised once and for all, and measure the gain of a network on them.

    Parameters
    ----------
    occupation : Tensor, shape (windows, species, *space)
    walk : Octaves
        Walk of the windows.
    sigma_min, sigma_max : float
        Noise levels of training; validation levels lie between them, and at both, but for the
        lowest of a coarse octave, which belongs to the octave below.
    seed : int
    objective : Objective, optional
        Measures the gain; by default that of bridges.
    classes : Tensor of int64, shape (windows,), optional
        Class of every window.
    octave : int
        On whose lattice noised windows are looked at.
    fractions : Tensor, shape (windows, species), optional
        What networks are told of the windows' compositions; by default those.
    properties : Tensor, shape (windows, properties), optional
        Normal scores of the windows' properties.
    """

    def __init__(
        self,
        occupation: Tensor,
        walk: Octaves,
        sigma_min: float,
        sigma_max: float,
        seed: int,
        objective: Objective | None = None,
        classes: Tensor | None = None,
        octave: int = 0,
        fractions: Tensor | None = None,
        properties: Tensor | None = None,
    ) -> None:
        inside = [level for level in _LEVELS if sigma_min < level < 0.9 * sigma_max]
        lowest = (sigma_min,) if octave == 0 else ()  # of others, the octave below has it
        self.levels: Sequence[float] = (*lowest, *inside, sigma_max)
        self._walk, self._octave = walk, octave
        self._device = device = walk.device
        self._objective = objective or OriginObjective(sigma_min, sigma_max)
        occupation = occupation.to(device)
        self._origins = Walkers.of(occupation, walk.voxels)
        given_fractions = occupation.flatten(2).mean(2) if fractions is None else fractions
        self._fractions = given_fractions.to(device)
        self._classes = None if classes is None else classes.to(device)
        self._properties = None if properties is None else properties.to(device)
        generators = seeded_streams(range(seed, seed + len(occupation)), device)
        self._noised = [
            walk.sample_forward(
                self._origins, Moment(0, 0.0), Moment(octave, self._times(level)), generators
            )
            for level in self.levels
        ]

    def _times(self, level: float) -> Tensor:
        return time_of(level).expand(self._origins.batch).to(self._device)

    @property
    def windows(self) -> int:
        """Return the number of windows."""
        return self._origins.batch

    def gains(self, network: Network, windows: int | None = None) -> list[float]:
        """Return information gained at every level, nats per walker; 0 is an uninformed walker.

        Parameters
        ----------
        network : UNet or OctaveUNets
        windows : int, optional
            How many of the windows to measure on; default: all.
        """
        return [
            self._gain(network, level, windows or self.windows) for level in range(len(self.levels))
        ]

    def seconds(self, network: Network, windows: int = 4) -> float:
        """Return the time per window that `gains` would take on this machine, as busy as it is."""
        windows = min(windows, self.windows)
        times = []
        for _ in range(2):  # the first call also warms up
            begun = time.perf_counter()
            self._gain(network, 0, windows)
            times.append(time.perf_counter() - begun)
        return min(times) * len(self.levels) / windows

    @torch.no_grad()
    def _gain(self, network: Network, level: int, windows: int) -> float:
        batch = NoisedBatch(
            self._origins.first(windows),
            self._noised[level].first(windows),
            self._walk,
            self._times(self.levels[level])[:windows],
            self._fractions[:windows],
            None if self._classes is None else self._classes[:windows],
            None if self._properties is None else self._properties[:windows],
            seeded_streams(range(windows), self._device),
        )
        return float(self._objective.gain(network, batch).mean())
