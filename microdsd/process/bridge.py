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

SLAB, GPU_SLAB = 1 << 18, 1 << 24
"""Sites whose walkers draw together: bounds the memory; on a CPU what they look up stays in a
cache, and a GPU sorts no walkers, and waits for no count of them, in boxes up to 256^3."""

_BELOW_ONE = 1 - 2.0**-24
"""Largest float32 below one, and the largest that `uniforms` gives: times a total it lies below the
total, rounded as well, so that what it falls into has positive weight."""


def peak(log_h: Tensor) -> Tensor:
    """Return the maximum of log h per sample and species, with axes of length one for space."""
    return log_h.amax(dim=tuple(range(2, log_h.ndim)), keepdim=True)


def potential(log_h: Tensor) -> Tensor:
    """Return the field h with maximum 1 per sample and species; h matters only up to a factor."""
    return (log_h - peak(log_h)).clamp_min(LOG_FLOOR).exp()


@torch.no_grad()
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
    axes = range(walkers.lattice.ndim)
    smoothing = [kernel.axis_matrix(axis, s) for axis in axes]
    steps = [kernel.axis_matrix(axis, t - s) for axis in axes]
    return draw_back(walkers, log_h, kernel, smoothing, steps, uniforms(walkers, generators))


@torch.no_grad()
def draw_back(
    walkers: Walkers,
    log_h: Tensor,
    kernel: TransitionKernel,
    smoothing: Sequence[Tensor],
    steps: Sequence[Tensor],
    u: Tensor,
) -> Walkers:
    """Draw every walker's earlier site from law (2), given its matrices.

    Parameters
    ----------
    walkers : Walkers
    log_h : Tensor, shape (batch, species, *origins)
        Logarithm of the potential.
    kernel : TransitionKernel
        On the lattice of the earlier sites.
    smoothing : sequence of Tensor, shape (earlier sites, origins)
        K_s along every axis.
    steps : sequence of Tensor, shape (sites, earlier sites)
        K_{t-s} along every axis, from where a walker is to where it can have been.
    u : Tensor, shape (axes, walkers)
        Uniform numbers.

    Returns
    -------
    Walkers
        On the kernel's lattice.
    """
    axes = len(steps)
    # Half the bytes of every index below.
    position, log_h = walkers.position.int(), log_h.flatten(0, 1)
    # The networks' bfloat16 must not reach the laws that are said to be exact.
    with torch.autocast(position.device.type, enabled=False):
        for channels, members in walkers.groups():
            field = potential(log_h[None, channels])
            for axis, matrix in enumerate(smoothing):
                field = kernel.apply_axis(field, axis, matrix)
            fields = [field]
            for axis in range(axes - 1, 0, -1):
                fields.insert(0, kernel.apply_axis(fields[0], axis, steps[axis]))
            channel = (walkers.channel[members] - channels.start).int()
            for axis, (field, step) in enumerate(zip(fields, steps, strict=True)):
                draw_along(field[0], step, channel, position[:, members], axis, u[axis, members])
    return walkers.moved_to(position.long(), kernel.lattice)


def draw_along(
    field: Tensor, step: Tensor, channel: Tensor, position: Tensor, axis: int, u: Tensor
) -> None:
    """Draw each walker's new coordinate on one axis from step(x, .) field(.), in place.

    The field is (channels, *space). Lines along the axis are taken a slab at a time, with the
    walkers on them.
    """
    length, current = step.shape[1], position[axis]
    line = channel
    for other, n in enumerate(field.shape[1:]):
        if other != axis:
            line = line * n + position[other]
    lines = field.movedim(1 + axis, -1).reshape(-1, length)
    slab_sites = SLAB if field.device.type == "cpu" else GPU_SLAB
    bits = max(0, (slab_sites // length).bit_length() - 1)
    per_slab = 1 << bits
    if len(lines) <= per_slab:
        position[axis] = _drawn(lines, step, line, current, u)
        return
    slab, place = line >> bits, line & (per_slab - 1)
    slabs = torch.split(lines, per_slab)
    sizes = torch.bincount(slab, minlength=len(slabs)).tolist()
    order = slab.short().argsort(stable=True)
    walkers = [torch.split(values.index_select(0, order), sizes) for values in (place, current, u)]
    coordinate = torch.cat(
        [_drawn(part, step, *values) for part, *values in zip(slabs, *walkers, strict=True)]
    )
    position[axis].scatter_(0, order, coordinate)


def _drawn(lines: Tensor, step: Tensor, line: Tensor, current: Tensor, u: Tensor) -> Tensor:
    """Draw the coordinates of walkers that are at ``current`` on lines (n, length).

    Lines are cut into blocks: first the block is drawn, from sums that one matrix product per
    block gives for all sites at once, then the voxel in it.
    """
    rows, length = step.shape
    # As many blocks as voxels in one, nearly; a power of two fills vector registers.
    width = 1 << math.ceil(math.log2(length) / 2)
    blocks, weights = _blocks(lines, width), _blocks(step, width)
    n_blocks = blocks.shape[1]
    site = line * rows + current
    # Weight of the blocks before the k-th, a row for each k.
    before = u.new_empty(n_blocks + 1, len(u))
    before[0] = 0
    # One table for all blocks: memory asked for anew costs several times the product.
    table = u.new_empty(len(lines), rows)
    for k in range(n_blocks):
        torch.mm(blocks[:, k], weights[:, k].T, out=table)
        torch.index_select(table.view(-1), 0, site, out=before[k + 1])
        before[k + 1] += before[k]
    target = u * before[-1]
    passed = torch.le(before[1:-1], target, out=u.new_empty(n_blocks - 1, len(u)))
    ones = u.new_ones(max(n_blocks, width))
    block = (ones[: n_blocks - 1] @ passed).int()
    entry = block * len(u) + torch.arange(len(u), device=u.device, dtype=torch.int32)
    lower, upper = (before.view(-1).index_select(0, at) for at in (entry, entry + len(u)))
    # Where in its block u fell, from 0 to 1: as uniform as u.
    rest = (target - lower) / (upper - lower).clamp_min_(torch.finfo(u.dtype).tiny)
    weight = blocks.flatten(0, 1).index_select(0, line * n_blocks + block)
    weight *= weights.flatten(0, 1).index_select(0, current * n_blocks + block)
    # Running sums over the block, a row for each of its voxels.
    upto = u.new_ones(width, width).tril_() @ weight.T
    target = rest.clamp_max_(_BELOW_ONE) * upto[-1]
    passed = torch.le(upto[:-1], target, out=torch.empty_like(upto[:-1]))
    return block * width + (ones[: width - 1] @ passed).int()


def _blocks(rows: Tensor, width: int) -> Tensor:
    """Cut rows (n, length) into blocks (n, blocks, width), filled up with zeros."""
    missing = -rows.shape[1] % width
    return torch.nn.functional.pad(rows, (0, missing)).reshape(len(rows), -1, width)


def expected_occupation(
    occupation: Tensor, log_h: Tensor, kernel: TransitionKernel, t: Tensor | float
) -> Tensor:
    """Return the expected number of walkers of every species on every voxel at time 0.

    rho(y) = sum_x n_t(x) P(y | x) = h(y) K_t^T [n_t / (K_t h)](y), shape (batch, species, *space).
    """
    h = potential(log_h)
    return h * kernel.carry(occupation / kernel.apply(h, t), t)
