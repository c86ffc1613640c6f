"""Symmetries of a material, as turns and mirrors of the voxel lattice."""

from __future__ import annotations

import itertools
from typing import Literal, get_args

from microdsd.errors import InputError

Symmetry = Literal["isotropic", "transverse", "orthotropic", "none"]


def symmetry_elements(
    symmetry: Symmetry, ndim: int
) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Return the axis orders and flipped axes of a symmetry group of the lattice.

    "isotropic" is the full group of the square (8) or cube (48); "transverse" leaves the first
    axis alone (in 3D the 8 of the plane, in 2D the mirror of x); "orthotropic" mirrors every axis
    and exchanges none; "none" is the identity.

    Examples
    --------
    >>> [len(symmetry_elements(name, 3)) for name in ("isotropic", "transverse", "orthotropic")]
    [48, 8, 8]
    """
    if symmetry not in get_args(Symmetry):
        raise InputError(
            f"symmetry={symmetry!r}: choose one of {', '.join(map(repr, get_args(Symmetry)))}"
        )
    exchanged = range({"isotropic": 0, "transverse": 1}.get(symmetry, ndim), ndim)
    mirrored = range(ndim) if symmetry == "orthotropic" else exchanged
    fixed = tuple(range(ndim - len(exchanged)))
    flips = [f for n in range(len(mirrored) + 1) for f in itertools.combinations(mirrored, n)]
    return [(fixed + order, flip) for order in itertools.permutations(exchanged) for flip in flips]
