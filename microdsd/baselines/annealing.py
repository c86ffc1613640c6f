"""Simulated annealing of one box towards target statistics, by swaps of voxels."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from microdsd.baselines.targets import DirectionalTargets

Array = NDArray[np.float64]

_BLOCKS = 200
_QUENCHED = 20  # of the blocks, the last: no rise is accepted any more
_RATES = (0.5, 0.001)  # aimed at by the first and the last block that is not quenched
_COOLING = 0.85
_TRIALS = 200
_FREE = 0.1  # share of picks away from interfaces, without which no new component could begin


class AnnealedBox:
    r"""Hold voxels of given phases, and the distance of their statistics from targets.

    Parameters
    ----------
    phase : ndarray of int8
        Position of every voxel's phase among the phases.
    targets : DirectionalTargets
    periodic : bool

    Notes
    -----
    The energy is the mean over directions and lags of the squared differences, in units of what
    each function varies by:

    .. math:: E = \sum_{ab}\Big\langle\Big(\frac{S_2^{ab} - \hat S_2^{ab}}
        {\phi_a(\delta_{ab} - \phi_b)}\Big)^2\Big\rangle
        + \sum_a \Big\langle\Big(\frac{L_a - \hat L_a}{\phi_a}\Big)^2\Big\rangle
    """

    def __init__(
        self, phase: NDArray[np.int8], targets: DirectionalTargets, *, periodic: bool
    ) -> None:
        self.shape = phase.shape
        shortest = min(phase.shape)
        limit = shortest // 2 if periodic else shortest - 1
        self.reach = np.minimum(targets.reach, limit)
        far = int(self.reach.max())
        self._directions = targets.directions
        self._pairs = targets.pairs
        self._periodic = periodic

        padded = (
            np.pad(phase, far, mode="wrap")
            if periodic
            else np.pad(phase, far, constant_values=np.int8(-1))
        )
        self._margin = far
        self._padded_shape = padded.shape
        self._labels = np.ascontiguousarray(padded).ravel()
        item = np.cumprod((1, *padded.shape[:0:-1]))[::-1]
        self._strides = self._directions @ item
        self._copies = _copies(phase.shape, far, item, periodic)

        n_phases = len(targets.persistence)
        self._pair_of = np.full((n_phases, n_phases), len(self._pairs))
        for row, (a, b) in enumerate(self._pairs):
            self._pair_of[a, b] = self._pair_of[b, a] = row

        fractions = np.bincount(phase.ravel(), minlength=n_phases) / phase.size
        lags = np.arange(far + 1)
        counted = (lags >= 1) & (lags <= self.reach[:, None])
        places = self._places(lags)
        twice = np.array([1 if a == b else 2 for a, b in self._pairs])[:, None, None]
        self._pair_aim = targets.two_point(fractions)[..., : far + 1] * twice * places
        line_aim = targets.lineal_path(fractions)[..., : far + 1] * places
        known = np.isfinite(line_aim)
        self._line_aim = np.where(known, line_aim, 0.0)
        pair_scale = np.array([fractions[a] * ((a == b) - fractions[b]) for a, b in self._pairs])
        share = counted / counted.sum()
        # A phase that is absent, or alone, cannot differ from its target.
        self._pair_weight = share / (places * twice * _or_one(pair_scale)[:, None, None]) ** 2
        self._line_weight = known * share / (places * _or_one(fractions)[:, None, None]) ** 2
        pairs, self._line_count = self.counts()
        # Pairs that are not counted go to a row of their own.
        self._pair_count = np.concatenate([pairs, np.zeros_like(pairs[:1])])
        self.energy = self.recomputed_energy()

    @property
    def phase(self) -> NDArray[np.int8]:
        """Return the position of every voxel's phase among the phases."""
        return np.ascontiguousarray(self._padded()[self._core(0)])

    def counts(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Count the pairs (pairs, directions, lags) and lines (phases, directions, lags) anew.

        Lag zero is left at zero.
        """
        n_phases, far = len(self._pair_of), int(self.reach.max())
        pairs = np.zeros((len(self._pairs), len(self._directions), far + 1), dtype=np.int64)
        lines = np.zeros((n_phases, len(self._directions), far + 1), dtype=np.int64)
        padded = self._padded()
        core = padded[self._core(0)]
        for d, step in enumerate(self._directions):
            inside = [core == p for p in range(n_phases)]
            for k in range(1, self.reach[d] + 1):
                ahead = padded[self._core(k * step)]
                for row, (a, b) in enumerate(self._pairs):
                    pairs[row, d, k] = np.sum((core == a) & (ahead == b))
                    if a != b:
                        pairs[row, d, k] += np.sum((core == b) & (ahead == a))
                for p in range(n_phases):
                    inside[p] &= ahead == p
                    lines[p, d, k] = inside[p].sum()
        return pairs, lines

    def recomputed_energy(self) -> float:
        """Compute the energy from new counts, to check the running ones."""
        pairs, lines = self.counts()
        return float(
            (self._pair_weight * (pairs - self._pair_aim) ** 2).sum()
            + (self._line_weight * (lines - self._line_aim) ** 2).sum()
        )

    def swap(
        self, proposals: int, temperature: float, rng: np.random.Generator
    ) -> tuple[float, float]:
        """Propose swaps; return the accepted share, and the mean proposed increase.

        A negative temperature takes every swap back.
        """
        # Compiled code takes a second to load, which no other part of the package needs.
        from microdsd.baselines.swaps import swap_voxels

        accepted, change, raised, rises = swap_voxels(
            self._labels,
            self._copies,
            len(self.shape),
            self._strides,
            self.reach,
            self._pair_of,
            self._pair_count,
            self._line_count,
            self._pair_aim,
            self._line_aim,
            self._pair_weight,
            self._line_weight,
            float(temperature),
            proposals,
            _FREE,
            rng,
        )
        self.energy += change
        return accepted / max(proposals, 1), raised / max(rises, 1)

    def anneal(
        self, sweeps: float, rng: np.random.Generator, *, tolerance: float = 0.0
    ) -> Iterator[float]:
        """Anneal the box; yield the completed share of the work, block by block.

        Parameters
        ----------
        sweeps : float
            Swaps proposed per voxel.
        rng : Generator
        tolerance : float
            Energy that is low enough to stop.

        Notes
        -----
        The first temperature accepts half of the proposed rises. From block to block the share
        of accepted swaps is to fall geometrically; the temperature follows whatever it takes.
        """
        if len(np.unique(self.phase)) < 2:
            return
        _, rise = self.swap(_TRIALS, -1.0, rng)
        temperature = rise / np.log(2)
        proposals = max(1, round(sweeps * int(np.prod(self.shape)) / _BLOCKS))
        cooled = _BLOCKS - _QUENCHED
        rates = np.geomspace(*_RATES, cooled)
        for block in range(_BLOCKS):
            rate, _ = self.swap(proposals, temperature if block < cooled else 0.0, rng)
            if self.energy <= tolerance:
                return
            if block < cooled:
                temperature *= _COOLING if rate > rates[block] else 1 / _COOLING
            yield (block + 1) / _BLOCKS

    def _padded(self) -> NDArray[np.int8]:
        return self._labels.reshape(self._padded_shape)

    def _core(self, shift: Sequence[int] | NDArray[np.int64] | int) -> tuple[slice, ...]:
        steps = np.broadcast_to(shift, len(self.shape)).tolist()
        starts = [self._margin + step for step in steps]
        return tuple(slice(s, s + n) for s, n in zip(starts, self.shape, strict=True))

    def _places(self, lags: NDArray[np.int64]) -> Array:
        """Count the places (directions, lags) at which a lag fits; 1 where it does not fit."""
        if self._periodic:
            return np.full((len(self._directions), len(lags)), float(np.prod(self.shape)))
        lost = lags[:, None] * np.abs(self._directions)[:, None, :]
        places = np.prod(np.maximum(np.array(self.shape) - lost, 0), axis=-1)
        return np.asarray(np.maximum(places, 1), dtype=np.float64)


def _or_one(scale: Array) -> Array:
    return np.where(scale == 0, 1.0, scale)


def _copies(
    shape: tuple[int, ...], margin: int, item: NDArray[np.int64], periodic: bool
) -> NDArray[np.int64]:
    """Return the places (voxels, copies) of every voxel in the flat padded box; -1 for none."""
    places = np.indices(shape).reshape(len(shape), -1).T + margin
    own = [places @ item]
    if periodic:
        padded = np.array(shape) + 2 * margin
        for wraps in itertools.product((-1, 0, 1), repeat=len(shape)):
            if any(wraps):
                moved = places + np.array(wraps) * shape
                in_box = np.all((moved >= 0) & (moved < padded), axis=1)
                own.append(np.where(in_box, moved @ item, -1))
    return np.ascontiguousarray(np.stack(own, axis=1).astype(np.int64))
