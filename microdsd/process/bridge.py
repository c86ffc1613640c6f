"""Bridges: the exact law of a step back in time, given the potential h.

A walker found at x at time t came from y at time 0 with probability

    P(y | x) = K_t(x, y) h(y) / (K_t h)(x),                                              (1)

a Doob h-transform. With h_s = K_s h the walker's place z at any time s < t follows

    P(z | x) = K_{t-s}(x, z) h_s(z) / h_t(x),                                            (2)

whatever the length of the step. K is a product over axes, so (2) is drawn axis by axis: the
first coordinate from h_s smoothed along the later axes, and so on to the last.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from microdsd.process.kernel import TransitionKernel
from microdsd.process.lattice import Boundary
from microdsd.process.walk import Walkers, uniforms

LOG_FLOOR = -50.0
"""Smallest log h relative to its maximum: keeps every step law positive in float32."""

TAIL = 1e-7
"""Probability of a hop too long for the window in which a step is drawn."""

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
    """Draw each walker's new coordinate on one axis from step(x, .) field(.), in place."""
    lattice = walkers.lattice
    length, boundary = lattice.shape[axis], lattice.boundary[axis]
    band = _banded(step, boundary)
    width = band.shape[1]
    half = width // 2
    line = walkers.channel
    for other, n in enumerate(lattice.shape):
        if other != axis:
            line = line * n + position[other]
    lines = _padded(field.movedim(2 + axis, -1).reshape(-1, length), half, width, boundary)
    start = line * lines.shape[1] + position[axis]
    windows = lines.view(-1).unfold(0, width, 1)
    size = max(1, CHUNK // width)
    for first in range(0, len(u), size):
        chunk = slice(first, first + size)
        here = position[axis, chunk]
        cumulative = (windows[start[chunk]] * band[here]).cumsum(1)
        total = cumulative[:, -1]
        # Strictly below the total: the entry found then has positive weight.
        target = torch.minimum(u[chunk] * total, torch.nextafter(total, torch.zeros_like(total)))
        hop = torch.searchsorted(cumulative, target[:, None], right=True).squeeze(1) - half
        position[axis, chunk] = (here + hop) % length


def _banded(step: Tensor, boundary: Boundary) -> Tensor:
    """Rows step(x, x - half ... x + half), zero beyond walls, that hold all but ``TAIL``."""
    length = step.shape[0]
    site = torch.arange(length, device=step.device)
    distance = (site[:, None] - site).abs()
    if boundary == "periodic":
        distance = torch.minimum(distance, length - distance)
    reached = torch.zeros_like(step).scatter_add_(1, distance, step)
    beyond = reached.flip(1).cumsum(1).flip(1).amax(0)  # probability of a hop at least that long
    half = max(1, int((beyond > TAIL).sum()) - 1)
    if boundary == "periodic" and 2 * half + 1 >= length:
        offset = torch.arange(length, device=step.device) - length // 2
    else:
        offset = torch.arange(-half, half + 1, device=step.device)
    target = site[:, None] + offset
    band = step.gather(1, target % length)
    if boundary == "no-flux":
        band = band * ((target >= 0) & (target < length))
    return band


def _padded(lines: Tensor, half: int, width: int, boundary: Boundary) -> Tensor:
    """Lines extended so that a window of ``width`` starting ``half`` before any site exists."""
    before, after = half, width - 1 - half
    if boundary == "no-flux":
        return torch.nn.functional.pad(lines, (before, after))
    index = torch.arange(-before, lines.shape[1] + after, device=lines.device) % lines.shape[1]
    return lines[:, index]


def expected_occupation(
    occupation: Tensor, log_h: Tensor, kernel: TransitionKernel, t: float
) -> Tensor:
    """Expected number of walkers of every species on every voxel at time 0.

    rho(y) = sum_x n_t(x) P(y | x) = h(y) K_t [n_t / (K_t h)](y), shape (batch, species, *space).
    """
    h = potential(log_h)
    return h * kernel.apply(occupation / kernel.apply(h, t), t)
