"""What training minimises; for bridges, minus the log likelihood of the walkers' true origins."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from microdsd.process.blocks import site_volumes
from microdsd.process.bridge import peak
from microdsd.process.noise import time_of
from microdsd.process.octaves import Moment, Octaves
from microdsd.training.noised_batch import NoisedBatch


class Objective(Protocol):
    """Define how a network of one method is trained and judged."""

    @property
    def settings(self) -> Mapping[str, str]:
        """Return the settings of the objective, for the record."""
        ...

    def draw_times(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Draw times (n,) at which n windows are noised, spread by stratified draws."""
        ...

    def loss(self, network: Callable[..., Tensor], batch: NoisedBatch) -> Tensor:
        """Return the loss (batch,) of walkers that are known to come from their origins."""
        ...

    def gain(self, network: Callable[..., Tensor], batch: NoisedBatch) -> Tensor:
        """Return the information gained (batch,); 0 for an uninformed network."""
        ...


class OriginObjective:
    """Maximise the likelihood of the origins at log-uniform noise levels.

    The gain is in nats per walker.

    Parameters
    ----------
    sigma_min, sigma_max : float
        Range of the noise levels, voxels.
    """

    def __init__(self, sigma_min: float, sigma_max: float) -> None:
        self._log_range = math.log(sigma_min), math.log(sigma_max)
        self.settings: Mapping[str, str] = {}

    def draw_times(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Draw times; see `Objective`."""
        low, high = self._log_range
        level = np.exp(low + (high - low) * (np.arange(n) + rng.random(n)) / n)
        return time_of(torch.from_numpy(level)).numpy()

    def loss(self, network: Callable[..., Tensor], batch: NoisedBatch) -> Tensor:
        """Return the loss; see `Objective`."""
        return _origin_loss(network(*batch.shown), batch)

    def gain(self, network: Callable[..., Tensor], batch: NoisedBatch) -> Tensor:
        """Return the gain of the origins alone, whatever a subclass adds to the loss."""
        return -_origin_loss(network(*batch.shown), batch)


class LabelObjective(OriginObjective):
    """Maximise the likelihood of origins, and of every voxel's phase as the network reads it out.

    The phase of a voxel is known from the walkers only through a sum over their origins, in
    which each of them is drawn independently; read out directly it is a voxel with one phase.
    The gain is that of the origins alone.

    Parameters
    ----------
    sigma_min, sigma_max : float
        Range of the noise levels, voxels.
    """

    def loss(self, network: Callable[..., Tensor], batch: NoisedBatch) -> Tensor:
        """Return the loss that the network's ``joint`` output gives; see `Objective`."""
        joint: Callable[..., tuple[Tensor, Tensor]] = network.joint  # type: ignore[attr-defined]
        log_h, log_p = joint(*batch.shown)
        volumes = site_volumes(batch.kernel.lattice, log_p.device)
        return _origin_loss(log_h, batch) + label_loss(log_p, batch.occupation_0 / volumes)


def _origin_loss(log_h: Tensor, batch: NoisedBatch) -> Tensor:
    return origin_loss(log_h, batch.occupation_0, batch.occupation_t, batch.walk, batch.now)


def label_loss(log_p: Tensor, share: Tensor) -> Tensor:
    """Return the cross entropy (batch,) of the phases, nats per site.

    Parameters
    ----------
    log_p : Tensor, shape (batch, species + 1, *space)
        Log probabilities; the background comes first.
    share : Tensor, shape (batch, species, *space)
        Share of each site's voxels that are of every species; of a voxel 0 or 1.
    """
    background = 1 - share.sum(1, keepdim=True)
    phase = torch.cat([background, share], 1)
    return -(phase * log_p).sum(1).flatten(1).mean(1)


def origin_loss(
    log_h: Tensor, occupation_0: Tensor, occupation_t: Tensor, walk: Octaves, now: Moment
) -> Tensor:
    """Return the negative log likelihood of the origins, relative to an uninformed walker.

    Summing -log P(y | x) over the walkers, with P(y | x) = K_t(x, y) h(y) / (K_t h)(x), leaves

        loss = [ sum_x n_t(x) log (K_t h)(x) - sum_y n_0(y) log h(y) ] / walkers,

    which needs neither ratios nor the walkers' labels. h = 1 gives 0; minus the loss is the
    information gained, in nats per walker.

    Parameters
    ----------
    log_h : Tensor, shape (batch, species, *space)
    occupation_0, occupation_t : Tensor, same shape
        Occupation numbers at time 0 and t, on the lattice of one octave.
    walk : Octaves
    now : Moment
        The octave, and the time t of each sample, shape (batch,).

    Returns
    -------
    Tensor, shape (batch,)
        Nats per walker of each sample.
    """
    # K_t h must not leave float32: shift per sample and species, and add the shift back.
    top = peak(log_h.detach())
    smoothed = walk.smoothed(torch.exp(log_h - top), now).clamp_min(1e-30).log() + top
    loss = (occupation_t * smoothed - occupation_0 * log_h).flatten(1).sum(1)
    return loss / occupation_0.flatten(1).sum(1).clamp_min(1.0)
