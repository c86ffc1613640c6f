"""The lattice that the walkers live on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from microdsd.errors import InputError

Boundary = Literal["no-flux", "periodic"]

MIN_LENGTH = 4
"""Shortest axis of a box, voxels."""


@dataclass(frozen=True)
class Lattice:
    """Describe a box of voxels, its boundary condition per axis, and the blocks that are its sites.

    A site is a block of ``block`` voxels per axis. Where these do not divide the box, the last
    block of an axis holds the voxels that are left.

    Attributes
    ----------
    voxels : tuple of int
        Voxels per axis, in array order (``[z,] y, x``); 1 to 3 axes.
    boundary : tuple of {"no-flux", "periodic"}
        What a walker meets at the two faces of each axis: a wall, or the opposite face.
    block : int
        Voxels per axis of one site.

    Examples
    --------
    >>> Lattice.box((8, 12), "periodic").n_sites
    96
    >>> coarse = Lattice.box((8, 13), "periodic").coarsened(2)
    >>> coarse.shape, coarse.volumes(1)
    ((4, 7), (2, 2, 2, 2, 2, 2, 1))
    """

    voxels: tuple[int, ...]
    boundary: tuple[Boundary, ...]
    block: int = 1

    def __post_init__(self) -> None:
        if not 1 <= len(self.voxels) <= 3:
            raise InputError(f"shape={self.voxels}: give 1, 2 or 3 axes")
        if min(self.voxels) < 1:
            raise InputError(f"shape={self.voxels}: every axis needs at least one voxel")
        if self.block < 1:
            raise InputError(f"block={self.block}: a site needs at least one voxel per axis")
        if len(self.boundary) != len(self.voxels):
            raise InputError(
                f"boundary={self.boundary}: give one entry for each of the {self.ndim} axes"
            )
        for kind in self.boundary:
            if kind not in get_args(Boundary):
                raise InputError(
                    f"boundary={kind!r}: choose one of {', '.join(map(repr, get_args(Boundary)))}"
                )

    @classmethod
    def box(cls, shape: Sequence[int], boundary: Boundary | Sequence[Boundary]) -> Lattice:
        """Return the lattice of the given shape; one boundary name stands for all axes."""
        if isinstance(boundary, str):
            boundary = (boundary,) * len(shape)
        return cls(tuple(int(n) for n in shape), tuple(boundary))

    def coarsened(self, factor: int) -> Lattice:
        """Return the box's lattice with ``factor`` times as many voxels per axis in a site."""
        return replace(self, block=self.block * factor)

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the sites per axis."""
        return tuple(-(-n // self.block) for n in self.voxels)

    def volumes(self, axis: int) -> tuple[int, ...]:
        """Return the voxels in every site along one axis."""
        whole, rest = divmod(self.voxels[axis], self.block)
        return (self.block,) * whole + ((rest,) if rest else ())

    @property
    def ndim(self) -> int:
        """Return the number of axes D."""
        return len(self.voxels)

    @property
    def n_sites(self) -> int:
        """Return the number of sites."""
        return math.prod(self.shape)
