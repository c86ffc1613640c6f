"""Symmetries of a material, as turns and mirrors of the voxel lattice."""

from __future__ import annotations

import itertools
from typing import Literal, get_args

from microdsd.errors import InputError

Symmetry = Literal["isotropic", "transverse", "none"]


def symmetry_elements(
    symmetry: Symmetry, ndim: int
) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Return the axis orders and flipped axes of a symmetry group of the lattice.

    "isotropic" is the full group of the square (8) or cube (48); "transverse" leaves the first
    axis alone (in 3D the 8 of the plane, in 2D the mirror of x); "none" is the identity.

    Examples
    --------
    >>> len(symmetry_elements("isotropic", 3)), len(symmetry_elements("transverse", 3))
    (48, 8)
    """
    if symmetry not in get_args(Symmetry):
        raise InputError(
            f"symmetry={symmetry!r}: choose one of {', '.join(map(repr, get_args(Symmetry)))}"
        )
    fixed = {"isotropic": 0, "transverse": 1, "none": ndim}[symmetry]
    head, free = tuple(range(fixed)), range(fixed, ndim)
    flips = [f for n in range(len(free) + 1) for f in itertools.combinations(free, n)]
    return [(head + order, flip) for order in itertools.permutations(free) for flip in flips]
