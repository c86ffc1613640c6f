"""The lattice that the walkers live on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from microdsd.errors import InputError

Boundary = Literal["no-flux", "periodic"]

MIN_LENGTH = 4
"""Shortest axis of a box, voxels."""


@dataclass(frozen=True)
class Lattice:
    """A box of voxels with a boundary condition per axis.

    Parameters
    ----------
    shape : tuple of int
        Voxels per axis, in array order (``[z,] y, x``); 1 to 3 axes.
    boundary : tuple of {"no-flux", "periodic"}
        What a walker meets at the two faces of each axis: a wall, or the opposite face.

    Examples
    --------
    >>> Lattice.box((8, 12), "periodic").n_sites
    96
    """

    shape: tuple[int, ...]
    boundary: tuple[Boundary, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.shape) <= 3:
            raise InputError(f"shape={self.shape}: give 1, 2 or 3 axes")
        if min(self.shape) < 1:
            raise InputError(f"shape={self.shape}: every axis needs at least one voxel")
        if len(self.boundary) != len(self.shape):
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
        """Lattice of the given shape; one boundary name stands for all axes."""
        if isinstance(boundary, str):
            boundary = (boundary,) * len(shape)
        return cls(tuple(int(n) for n in shape), tuple(boundary))

    @property
    def ndim(self) -> int:
        """Number of axes D."""
        return len(self.shape)

    @property
    def n_sites(self) -> int:
        """Number of voxels."""
        return math.prod(self.shape)
