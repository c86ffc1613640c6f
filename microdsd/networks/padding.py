"""Padding that continues a box as the walkers see it."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from microdsd.process.lattice import Boundary


def pad_one(x: Tensor, boundary: tuple[Boundary, ...]) -> Tensor:
    """Extend every space axis of (batch, channels, *space) by one voxel on each side.

    A no-flux wall mirrors the field about the face, which for one voxel repeats the edge.
    """
    if len(set(boundary)) == 1:
        mode = "replicate" if boundary[0] == "no-flux" else "circular"
        return F.pad(x, (1, 1) * len(boundary), mode=mode)
    for axis, kind in enumerate(boundary):
        dim, last = 2 + axis, x.shape[2 + axis] - 1
        low, high = x.narrow(dim, 0, 1), x.narrow(dim, last, 1)
        x = torch.cat([low, x, high] if kind == "no-flux" else [high, x, low], dim)
    return x


def with_faces_mended(
    inside: Tensor, x: Tensor, boundary: tuple[Boundary, ...], convolve: Callable[[Tensor], Tensor]
) -> Tensor:
    """Correct the outermost sites of a convolution that took nothing for what is outside.

    To extend a large box costs as much as to convolve it; its faces alone are a small part of it.

    Parameters
    ----------
    inside : Tensor, shape (batch, channels, *space)
        Convolution of ``x``, extended by zeros; changed in place.
    x : Tensor, shape (batch, channels, *space)
    boundary : tuple of {"no-flux", "periodic"}
    convolve : callable
        The convolution of 3 sites per axis, without any extension.
    """
    for axis, kind in enumerate(boundary):
        dim, last = 2 + axis, x.shape[2 + axis] - 1
        across = (*boundary[:axis], "no-flux", *boundary[axis + 1 :])
        # Of each face, three sites in order: what lies beyond it, its own, and the next one.
        for site, opposite in ((0, last), (last, 0)):
            beyond = x.narrow(dim, opposite if kind == "periodic" else site, 1)
            near = x.narrow(dim, min(site, last - 1), 2)
            slab = torch.cat([beyond, near] if site == 0 else [near, beyond], dim)
            face = convolve(pad_one(slab, across)).narrow(dim, 1, 1)
            inside.narrow(dim, site, 1).copy_(face)
    return inside


def extension(length: int, multiple: int, boundary: Boundary) -> tuple[int, int]:
    """Return the voxels to add before and after an axis to make it divisible by ``multiple``.

    A periodic axis that already divides needs none. One that does not cannot stay periodic
    inside the network: it is unrolled by a margin on both sides instead.
    """
    missing = -length % multiple
    if missing == 0:
        return 0, 0
    if boundary == "no-flux":
        return 0, missing
    return 2 * multiple, 2 * multiple + missing


def extend(x: Tensor, axis: int, before: int, after: int, boundary: Boundary) -> Tensor:
    """Continue a space axis by mirror images (no-flux) or copies (periodic) of the box."""
    if before == after == 0:
        return x
    index = torch.arange(-before, x.shape[2 + axis] + after, device=x.device)
    return x.index_select(2 + axis, extended_sites(index, x.shape[2 + axis], boundary))


def extended_sites(index: Tensor, length: int, boundary: Boundary) -> Tensor:
    """Return the sites of an axis that its continuation repeats at indices outside of it.

    Examples
    --------
    >>> extended_sites(torch.arange(-2, 5), 3, "no-flux").tolist()
    [1, 0, 0, 1, 2, 2, 1]
    >>> extended_sites(torch.arange(-2, 5), 3, "periodic").tolist()
    [1, 2, 0, 1, 2, 0, 1]
    """
    if boundary == "periodic":
        return index % length
    index = index % (2 * length)
    return torch.minimum(index, 2 * length - 1 - index)
