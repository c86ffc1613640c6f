"""Padding that continues a box as the walkers see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from microdsd.process.lattice import Boundary

Edge = Literal["no-flux", "periodic", "open"]
"""What is beyond the end of an axis; an open end is given with as many sites as are used up."""


@dataclass(frozen=True)
class Edges:
    """Say how a field goes on beyond the two ends of every axis, for convolutions of 3 sites.

    Attributes
    ----------
    ends : tuple of (Edge, Edge)
        Of each axis the low end and the high one; periodic are both or none.

    Examples
    --------
    >>> x = torch.arange(4.0).view(1, 1, 4, 1)
    >>> tile = Edges((("no-flux", "open"), ("no-flux", "no-flux")))
    >>> tile.extended(x)[0, 0, :, 1]
    tensor([0., 0., 1., 2., 3.])
    >>> tile.cropped(x, 2)[0, 0, :, 0]
    tensor([0., 1.])
    """

    ends: tuple[tuple[Edge, Edge], ...]

    @classmethod
    def of_box(cls, boundary: Sequence[Boundary]) -> Edges:
        """Return the edges of a whole box."""
        return cls(tuple((kind, kind) for kind in boundary))

    def extended(self, x: Tensor) -> Tensor:
        """Extend (batch, channels, *space) by one site at every end that is not open."""
        kinds = {kind for ends in self.ends for kind in ends}
        if "periodic" in kinds:
            if kinds == {"periodic"}:
                return F.pad(x, (1, 1) * len(self.ends), mode="circular")
            for axis, (kind, _) in enumerate(self.ends):
                if kind == "periodic":
                    last = x.shape[2 + axis] - 1
                    ring = x.narrow(2 + axis, last, 1), x, x.narrow(2 + axis, 0, 1)
                    x = torch.cat(ring, 2 + axis)
        if "no-flux" in kinds:
            # A wall mirrors the field about the face, which for one site repeats the edge.
            walls = [int(kind == "no-flux") for ends in reversed(self.ends) for kind in ends]
            # Left to itself, autocast would copy the box to float32 for this, and back.
            with torch.autocast(x.device.type, enabled=False):
                x = F.pad(x, walls, mode="replicate")
        return x

    def cropped(self, x: Tensor, sites: int) -> Tensor:
        """Take away the sites at open ends that so many convolutions use up."""
        for axis, (low, high) in enumerate(self.ends):
            first, last = (sites if kind == "open" else 0 for kind in (low, high))
            x = x.narrow(2 + axis, first, x.shape[2 + axis] - first - last)
        return x


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
