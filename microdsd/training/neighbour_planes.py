"""What noise carries into a slice from the planes of the volume around it, where none is known.

A slice of a noised volume is no noised slice: part of its walkers came from other planes. A network
that is to read such slices learns from them, and their targets are always a real picture. The
planes around it are made of real pictures too: at distance d the signed distances of the phases are
mixed with those of another window,

    s_d = rho(d) s_0 + sqrt(1 - rho(d)^2) s',

and cut at the windows' fractions; rho(d) is such that planes at distance d agree as often as points
of the picture do at that distance. Farther away, s' changes to a next window, and so on.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import scipy.special
import torch
from scipy.ndimage import distance_transform_edt
from torch import Tensor

from microdsd.process.noise import noise_level

_REACH = 3.5
"""Noise levels beyond which planes send nothing."""

_MOST = 16
"""Planes per side; where more send walkers, neighbouring ones are taken for one."""

_CORRELATIONS = np.linspace(0.0, 1.0, 11)
"""For which agreement is measured."""

_INDEPENDENT = 0.3
"""Excess agreement, over that of neighbours, at which planes are made of a next window."""


class NeighbourPlanes:
    """Draw what arrives in slices from the planes around them.

    Parameters
    ----------
    correlation : sequence of float
        Share rho of a slice in the planes at distance 0, 1, 2, ... voxels; 0 beyond.
    length : float
        Distance, voxels, over which one window changes to the next.
    """

    def __init__(self, correlation: Sequence[float], length: float) -> None:
        self._correlation, self._length = np.asarray(correlation, dtype=float), length

    @classmethod
    def of(cls, occupation: Tensor) -> NeighbourPlanes:
        """Measure how the planes of an isotropic material agree, on windows of a picture.

        Parameters
        ----------
        occupation : Tensor, shape (windows, species, y, x)
        """
        phase = _phases(occupation)
        reach = min(phase.shape[1:]) // 2
        agreement = [1.0]
        for d in range(1, reach):
            down, right = phase[:, d:] == phase[:, :-d], phase[:, :, d:] == phase[:, :, :-d]
            agreement.append(float(np.concatenate([down.ravel(), right.ravel()]).mean()))
        shares = np.stack([(phase == k).mean() for k in range(1 + occupation.shape[1])])
        apart = float((shares**2).sum())
        excess = (np.array(agreement) - apart) / (1 - apart)
        distances = np.stack([_signed_distances(one, len(shares)) for one in phase])
        others = np.roll(distances, 1, axis=0)
        counts = _counts(phase, len(shares))
        achieved = []
        for rho in _CORRELATIONS:
            planes = _cut(_mixed(distances, others, rho), counts)
            achieved.append(float((planes == phase).mean()))
        gained = (np.maximum.accumulate(achieved) - achieved[0]) / (achieved[-1] - achieved[0])
        correlation = np.interp(excess.clip(0, 1), gained, _CORRELATIONS)
        falls = np.flatnonzero(excess < _INDEPENDENT * excess[1])
        length = float(falls[0]) if len(falls) else float(reach)
        return cls(correlation.tolist(), length)

    def arrivals(self, occupation: Tensor, t: Tensor, rng: np.random.Generator) -> Tensor:
        """Return how many walkers noise brings to every pixel, before they move in the plane.

        Parameters
        ----------
        occupation : Tensor, shape (batch, species, y, x)
            Real slices, of which those of others are made of as well.
        t : Tensor, shape (batch,)
            Times since the data.
        rng : Generator

        Returns
        -------
        Tensor, same shape
            Whole numbers; that of a slice is no longer that of its material.
        """
        phase = _phases(occupation)
        phases = 1 + occupation.shape[1]
        distances = np.stack([_signed_distances(one, phases) for one in phase])
        counts = _counts(phase, phases)
        arrived = [
            self._into(b, phase[b], distances, counts, float(time), rng) for b, time in enumerate(t)
        ]
        return torch.from_numpy(np.stack(arrived)).to(occupation)

    def _into(
        self,
        b: int,
        own: np.ndarray,
        distances: np.ndarray,
        counts: np.ndarray,
        t: float,
        rng: np.random.Generator,
    ) -> np.ndarray:
        """Return the arrivals in one slice, (species, y, x)."""
        species = range(1, len(counts[0]))
        stays = rng.random(own.shape) < scipy.special.ive(0, 2 * t)
        arrived = np.stack([(own == c) & stays for c in species]).astype(np.float32)
        places, odds = _strata(t)
        for _ in range(2):  # above and below
            order = (
                rng.permutation(np.delete(np.arange(len(distances)), b))
                if len(distances) > 1
                else np.array([b])
            )
            for place, p in zip(places, odds, strict=True):
                j, share = divmod(place / self._length, 1.0)
                one, other = (order[int(j + k) % len(order)] for k in (0, 1))
                beyond = _mixed(distances[other], distances[one], math.sin(math.pi / 2 * share))
                rho = float(np.interp(place, range(len(self._correlation)), self._correlation))
                plane_counts = rho**2 * counts[b] + (1 - rho**2) * counts[one]
                plane = _cut(
                    _mixed(distances[b], beyond, rho)[None], plane_counts.round().astype(int)[None]
                )[0]
                comes = rng.random(own.shape) < p
                arrived += np.stack([(plane == c) & comes for c in species])
        return arrived


def _strata(t: float) -> tuple[list[float], list[float]]:
    """Return distances of planes on one side, and how likely a walker comes from each."""
    farthest = math.ceil(_REACH * noise_level(t)) + 1
    d = np.arange(1, farthest + 1)
    odds = scipy.special.ive(d, 2 * t)
    groups = np.array_split(d, min(_MOST, len(d)))
    places, sums = [], []
    for group in groups:
        weight = odds[group - 1]
        if weight.sum() > 1e-6:
            places.append(float((group * weight).sum() / weight.sum()))
            sums.append(float(weight.sum()))
    return places, sums


def _phases(occupation: Tensor) -> np.ndarray:
    """Return the phase of every pixel (windows, y, x); 0 is the background."""
    number = torch.arange(1, 1 + occupation.shape[1], device=occupation.device)
    phase: np.ndarray = (occupation * number.view(-1, 1, 1)).sum(1).long().cpu().numpy()
    return phase


def _counts(phase: np.ndarray, phases: int) -> np.ndarray:
    """Return pixels per window and phase."""
    return np.stack([(phase == k).sum((1, 2)) for k in range(phases)], axis=1)


def _signed_distances(phase: np.ndarray, phases: int) -> np.ndarray:
    """Return the distance to the edge of every phase (phases, y, x), positive inside."""
    return np.stack([_signed_distance(phase == k) for k in range(phases)]).astype(np.float32)


def _signed_distance(inside: np.ndarray) -> np.ndarray:
    if inside.all() or not inside.any():
        nowhere: np.ndarray = np.where(inside, 1.0, -1.0) * max(inside.shape)
        return nowhere
    signed: np.ndarray = distance_transform_edt(inside) - distance_transform_edt(~inside)
    return signed


def _mixed(one: np.ndarray, other: np.ndarray, rho: float) -> np.ndarray:
    mixed: np.ndarray = rho * one + math.sqrt(max(0.0, 1 - rho**2)) * other
    return mixed


def _cut(scores: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Give every phase but the background its pixels of the largest scores, the scarcest first."""
    planes = np.zeros((len(scores), scores.shape[2] * scores.shape[3]), dtype=np.int64)
    for plane, score, count in zip(
        planes, scores.reshape(*scores.shape[:2], -1), counts, strict=True
    ):
        free = np.ones(len(plane), dtype=bool)
        for k in sorted(range(1, len(count)), key=count.__getitem__):
            number = min(int(count[k]), int(free.sum()))
            if number:
                ranked = np.where(free, score[k], -np.inf)
                chosen = np.argpartition(-ranked, number - 1)[:number]
                plane[chosen], free[chosen] = k, False
    return planes.reshape(len(scores), *scores.shape[2:])
