"""Bridges: the exact law of a step back in time, given the potential h.

A walker found at x at time t came from y at time 0 with probability

    P(y | x) = K_t(x, y) h(y) / (K_t h)(x),                                              (1)

a Doob h-transform. With h_s = K_s h the walker's place z at any time s < t follows

    P(z | x) = K_{t-s}(x, z) h_s(z) / h_t(x),                                            (2)

whatever the length of the step. K is a product over axes, so (2) is drawn axis by axis: the
first coordinate from h_s smoothed along the later axes, and so on to the last.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from microdsd.process.kernel import TransitionKernel
from microdsd.process.walk import Walkers, uniforms

LOG_FLOOR = -50.0
"""Smallest log h relative to its maximum: keeps every step law positive in float32."""

CHUNK = 1 << 22
"""Weights held at a time while drawing: bounds the memory, whatever the number of walkers."""


def peak(log_h: Tensor) -> Tensor:
    """Maximum of log h per sample and species, with axes of length one for space."""
    return log_h.amax(dim=tuple(range(2, log_h.ndim)), keepdim=True)


def potential(log_h: Tensor) -> Tensor:
    """The field h with maximum 1 per sample and species; h matters only up to a factor."""
    return (log_h - peak(log_h)).clamp_min(LOG_FLOOR).exp()


def sample_bridge_step(
    walkers: Walkers,
    log_h: Tensor,
    kernel: TransitionKernel,
    t: float,
    s: float,
    generators: Sequence[torch.Generator],
) -> Walkers:
    """Move every walker from time t back to time s < t by equation (2).

    Parameters
    ----------
    walkers : Walkers
        At time t.
    log_h : Tensor, shape (batch, species, *space)
        Logarithm of the potential.
    kernel : TransitionKernel
    t, s : float
        Times, 0 <= s < t.
    generators : sequence of torch.Generator
        One per sample.

    Returns
    -------
    Walkers
        At time s: as many of every species in every sample as before.
    """
    ndim = walkers.lattice.ndim
    steps = [kernel.axis_matrix(axis, t - s) for axis in range(ndim)]
    fields = [kernel.apply(potential(log_h), s)]
    for axis in range(ndim - 1, 0, -1):
        fields.insert(0, kernel.apply_axis(fields[0], axis, steps[axis]))
    u = uniforms(walkers, generators)
    position = walkers.position.clone()
    for axis in range(ndim):
        _draw_along(fields[axis], steps[axis], walkers, position, axis, u[axis])
    return walkers.moved_to(position)


def _draw_along(
    field: Tensor, step: Tensor, walkers: Walkers, position: Tensor, axis: int, u: Tensor
) -> None:
    """Draw each walker's new coordinate on one axis from step(x, .) field(.), in place.

    The axis is cut into blocks: first the block is drawn, from sums that one matrix product per
    block gives for all sites at once, then the voxel in it.
    """
    length = walkers.lattice.shape[axis]
    line = walkers.channel
    for other, n in enumerate(walkers.lattice.shape):
        if other != axis:
            line = line * n + position[other]
    width = math.isqrt(length - 1) + 1
    lines = _blocks(field.movedim(2 + axis, -1).reshape(-1, length), width)
    weights = _blocks(step, width)
    n_blocks = lines.shape[1]
    size = max(1, CHUNK // width)
    row = line * length + position[axis]
    sums = torch.stack(
        [(lines[:, k] @ weights[:, k].T).reshape(-1)[row] for k in range(n_blocks)], dim=1
    )
    block, rest = _invert(sums.cumsum_(1), u)
    for first in range(0, len(u), size):
        chunk = slice(first, first + size)
        here = lines.flatten(0, 1)[line[chunk] * n_blocks + block[chunk]]
        there = weights.flatten(0, 1)[position[axis, chunk] * n_blocks + block[chunk]]
        within, _ = _invert((here * there).cumsum_(1), rest[chunk])
        position[axis, chunk] = block[chunk] * width + within


def _blocks(rows: Tensor, width: int) -> Tensor:
    """Rows (n, length) cut into blocks (n, blocks, width), filled up with zeros."""
    missing = -rows.shape[1] % width
    return torch.nn.functional.pad(rows, (0, missing)).reshape(len(rows), -1, width)


def _invert(cumulative: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
    """Per row, the first entry whose running sum exceeds the share u of the total; the rest of u.

    The rest is where in its entry u fell, from 0 to 1: as uniform as u.
    """
    total = cumulative[:, -1]
    # Strictly below the total: the entry found then has positive weight.
    target = torch.minimum(u * total, torch.nextafter(total, torch.zeros_like(total)))
    entry = torch.searchsorted(cumulative, target[:, None], right=True)
    entry.clamp_max_(cumulative.shape[1] - 1)
    upper = cumulative.gather(1, entry)
    lower = cumulative.gather(1, (entry - 1).clamp_min_(0)).where(entry > 0, 0.0)
    rest = (target[:, None] - lower) / (upper - lower).clamp_min_(torch.finfo(u.dtype).tiny)
    return entry.squeeze(1), rest.squeeze(1)


def expected_occupation(
    occupation: Tensor, log_h: Tensor, kernel: TransitionKernel, t: float
) -> Tensor:
    """Expected number of walkers of every species on every voxel at time 0.

    rho(y) = sum_x n_t(x) P(y | x) = h(y) K_t [n_t / (K_t h)](y), shape (batch, species, *space).
    """
    h = potential(log_h)
    return h * kernel.apply(occupation / kernel.apply(h, t), t)
