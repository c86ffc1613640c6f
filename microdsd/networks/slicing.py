"""The slices of a volume: how its fields are cut, and put together again."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from torch import Tensor

from microdsd.process.kernel import TransitionKernel
from microdsd.process.lattice import Lattice

AXES = 3

SLICE_SITES = 1 << 16
"""Sites of the slices that a network is asked about at a time.

A constant: samples must not depend on the machine's memory."""


@dataclass(frozen=True)
class Slices:
    """Hold the slices of a volume that are normal to one axis.

    Attributes
    ----------
    kernel : TransitionKernel
        Of the volume.
    axis : int

    Examples
    --------
    >>> import torch
    >>> slices = Slices(TransitionKernel(Lattice.box((2, 4, 5), "no-flux")), axis=1)
    >>> field = torch.arange(80.0).view(2, 2, 4, 5)
    >>> slices.cut(field).shape
    torch.Size([4, 2, 2, 5])
    >>> bool((slices.joined(slices.cut(field)) == field).all())
    True
    """

    kernel: TransitionKernel
    axis: int

    @cached_property
    def plane(self) -> TransitionKernel:
        """Return the kernel of a slice."""
        return TransitionKernel(slice_of(self.kernel.lattice, self.axis), self.kernel.device)

    def cut(self, field: Tensor) -> Tensor:
        """Return slices (slices, ..., *plane) of a field (..., *space)."""
        return field.movedim(field.ndim - AXES + self.axis, 0)

    def joined(self, layers: Tensor) -> Tensor:
        """Return the field (channels, *space) of slices (slices, channels, *plane)."""
        return layers.movedim(0, 1 + self.axis)

    def parts(self, number: int) -> Iterator[slice]:
        """Yield which of a number of slices go to a network together."""
        step = max(1, SLICE_SITES // self.plane.lattice.n_sites)
        for first in range(0, number, step):
            yield slice(first, first + step)

    def fractions(self, occupation: Tensor) -> Tensor:
        """Return the composition (slices, species) that slices have at the moment."""
        return occupation.flatten(2).sum(2) / math.prod(self.plane.lattice.voxels)


def slice_of(lattice: Lattice, axis: int) -> Lattice:
    """Return the lattice of the slices normal to an axis.

    Examples
    --------
    >>> slice_of(Lattice.box((4, 5, 6), ("periodic", "no-flux", "no-flux")), 1)
    Lattice(voxels=(4, 6), boundary=('periodic', 'no-flux'), block=1)
    """
    keep = [k for k in range(lattice.ndim) if k != axis]
    return Lattice(
        tuple(lattice.voxels[k] for k in keep),
        tuple(lattice.boundary[k] for k in keep),
        lattice.block,
    )
