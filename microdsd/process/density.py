"""Walkers in proportion to a density on the sites of a lattice."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from microdsd.process.lattice import Lattice
from microdsd.process.walk import Walkers, draw_key, numbered_uniforms


def sample_density(
    counts: Tensor, density: Tensor, lattice: Lattice, generators: Sequence[torch.Generator]
) -> Walkers:
    """Draw independent walkers whose law is a density of their species, with exact counts.

    Parameters
    ----------
    counts : Tensor of int, shape (batch, species)
    density : Tensor of float64, shape (batch, species, *sites)
        Positive; only ratios matter.
    lattice : Lattice
    generators : sequence of torch.Generator
        One per sample.
    """
    batch, species = counts.shape
    channel, position = [], []
    for sample, generator in enumerate(generators):
        key = draw_key(generator)
        for c, count in enumerate(counts[sample].tolist()):
            number = torch.arange(count, device=density.device)
            u = numbered_uniforms(key, number, axes=lattice.ndim, species=species, c=c)
            position.append(places(density[sample, c], u))
            channel.append(torch.full_like(number, sample * species + c))
    return Walkers(lattice, batch, species, torch.cat(channel), torch.cat(position, dim=1))


def places(density: Tensor, u: Tensor) -> Tensor:
    """Return sites (axes, walkers) that uniform numbers (axes, walkers) draw from a density.

    The site along an axis is drawn given those along the axes before, so that equal numbers lead
    to near places where densities are alike.

    Examples
    --------
    >>> density = torch.tensor([[1.0, 0.0], [1.0, 2.0]], dtype=torch.float64)
    >>> places(density, torch.tensor([[0.1, 0.5, 0.9], [0.9, 0.2, 0.9]])).tolist()
    [[0, 1, 1], [0, 0, 1]]
    """
    row = torch.zeros(u.shape[1], dtype=torch.int64, device=u.device)
    along = []
    for axis, sites in enumerate(density.shape):
        total = density.flatten(axis + 1).sum(-1) if axis + 1 < density.ndim else density
        total = total.flatten().cumsum(0)
        first = row * sites
        below = torch.where(first > 0, total[(first - 1).clamp_min(0)], 0.0)
        above = total[first + sites - 1]
        target = below + u[axis] * (above - below)
        site = torch.searchsorted(total, target, right=True)
        row = torch.minimum(torch.maximum(site, first), first + sites - 1)
        along.append(row - first)
    return torch.stack(along)
