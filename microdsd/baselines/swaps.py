"""Compiled loops that swap voxels at a temperature and update S2 and lineal path.

A box lies flat inside a margin as wide as the longest lag, which holds -1, or copies of the
opposite side where the box wraps: no loop below asks where a lag ends.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

_TRIES = 64


@numba.njit(cache=True)
def change_phase(
    labels: Array,
    copies: Array,
    new: int,
    strides: Array,
    reach: Array,
    pair_of: Array,
    pairs: Array,
    lines: Array,
) -> None:
    """Give one voxel another phase; add the change to the counts of pairs and lines.

    Parameters
    ----------
    labels : ndarray of int8
        The flat box with its margin.
    copies : ndarray of int
        All places of the voxel in it, its own first.
    new : int
    strides, reach : ndarray of int, shape (directions,)
        Distance of a step in the flat box, and how many are counted.
    pair_of : ndarray of int, shape (phases, phases)
        Row of a pair of phases in `pairs`; pairs that are not counted share the last row.
    pairs : ndarray of int, shape (pairs + 1, directions, lags)
    lines : ndarray of int, shape (phases, directions, lags)
        Lines of k steps that lie in one phase.
    """
    place = copies[0]
    old = labels[place]
    for d in range(len(strides)):
        stride, far = strides[d], reach[d]
        for k in range(1, far + 1):
            for other in (labels[place + k * stride], labels[place - k * stride]):
                if other >= 0:
                    pairs[pair_of[old, other], d, k] -= 1
                    pairs[pair_of[new, other], d, k] += 1
        for phase, sign in ((old, -1), (new, 1)):
            ahead = 0
            while ahead < far and labels[place + (ahead + 1) * stride] == phase:
                ahead += 1
            behind = 0
            while behind < far and labels[place - (behind + 1) * stride] == phase:
                behind += 1
            for k in range(1, min(far, ahead + behind) + 1):
                lines[phase, d, k] += sign * (min(ahead, k) - max(0, k - behind) + 1)
    for copy in copies:
        if copy >= 0:
            labels[copy] = new


@numba.njit(cache=True)
def _at_interface(labels: Array, place: int, strides: Array, axes: int) -> bool:
    phase = labels[place]
    for d in range(axes):
        for other in (labels[place + strides[d]], labels[place - strides[d]]):
            if other >= 0 and other != phase:
                return True
    return False


@numba.njit(cache=True)
def _pick(
    labels: Array, copies: Array, strides: Array, axes: int, excluded: int, free: float, rng: Any
) -> int:
    """Pick a voxel of another phase than `excluded`, at an interface or (share `free`) anywhere."""
    any_voxel = rng.random() < free
    site = 0
    for _ in range(_TRIES):
        site = int(rng.random() * len(copies))
        place = copies[site, 0]
        if labels[place] != excluded and (any_voxel or _at_interface(labels, place, strides, axes)):
            return site
    return site


@numba.njit(cache=True)
def _penalty(change: Array, count: Array, aim: Array, weight: Array) -> float:
    """Return the change of the energy with a change of counts."""
    total = 0.0
    for f in range(aim.shape[0]):
        for d in range(aim.shape[1]):
            for k in range(1, aim.shape[2]):
                by = change[f, d, k]
                if by != 0:
                    total += weight[f, d, k] * by * (2.0 * (count[f, d, k] - aim[f, d, k]) + by)
    return total


@numba.njit(cache=True)
def swap_voxels(
    labels: Array,
    copies: Array,
    axes: int,
    strides: Array,
    reach: Array,
    pair_of: Array,
    pairs: Array,
    lines: Array,
    pair_aim: Array,
    line_aim: Array,
    pair_weight: Array,
    line_weight: Array,
    temperature: float,
    proposals: int,
    free: float,
    rng: Any,
) -> tuple[int, float, float, int]:
    """Propose swaps of two voxels of different phases, accepted by Metropolis' rule.

    Parameters
    ----------
    axes : int
        How many of the directions, from the first, are axes of the box.
    pair_aim, line_aim : ndarray of float
        Counts that are aimed at.
    pair_weight, line_weight : ndarray of float
        Weights of the squared differences in the energy.
    temperature : float
        At zero no swap may raise the energy; below zero every swap is taken back, to measure.
    proposals : int
    free : float
        Share of picks that need not lie at an interface.
    rng : Generator

    Returns
    -------
    accepted : int
    change : float
        Change of the energy.
    raised : float
        Sum of the rises that were proposed.
    rises : int
    """
    pair_change = np.zeros_like(pairs)
    line_change = np.zeros_like(lines)
    accepted, total, raised, rises = 0, 0.0, 0.0, 0
    for _ in range(proposals):
        i = _pick(labels, copies, strides, axes, -1, free, rng)
        first = labels[copies[i, 0]]
        j = _pick(labels, copies, strides, axes, first, free, rng)
        second = labels[copies[j, 0]]
        if first == second:
            continue
        pair_change[:] = 0
        line_change[:] = 0
        change_phase(labels, copies[i], second, strides, reach, pair_of, pair_change, line_change)
        change_phase(labels, copies[j], first, strides, reach, pair_of, pair_change, line_change)
        rise = _penalty(pair_change, pairs, pair_aim, pair_weight) + _penalty(
            line_change, lines, line_aim, line_weight
        )
        if rise > 0:
            raised += rise
            rises += 1
        if temperature >= 0 and (
            rise <= 0 or (temperature > 0 and rng.random() < math.exp(-rise / temperature))
        ):
            pairs += pair_change
            lines += line_change
            accepted += 1
            total += rise
        else:
            for copy in copies[i]:
                if copy >= 0:
                    labels[copy] = first
            for copy in copies[j]:
                if copy >= 0:
                    labels[copy] = second
    return accepted, total, raised, rises
