"""Pores that lead through a box that is mirrored or repeated along an axis."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from microdsd.transport.finite_volume import joined_components, on_paths

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]


def leads_through(pores: Mask, axis: int, *, repeats: bool, periodic_sides: bool) -> Mask:
    """Find the pores through which a fluid can flow without end along the axis.

    Parameters
    ----------
    pores : ndarray of bool
    axis : int
    repeats : bool
        Whether the box repeats along the axis. Otherwise its mirror image follows, and a path
        from face to face is enough.
    periodic_sides : bool
        Whether the other axes wrap.

    Examples
    --------
    >>> staircase = np.array([[1, 1, 0], [0, 1, 1]], dtype=bool)
    >>> leads_through(staircase, 1, repeats=False, periodic_sides=False).sum()
    np.int64(4)
    >>> leads_through(staircase, 1, repeats=True, periodic_sides=False).sum()
    np.int64(0)
    """
    if not repeats:
        return on_paths(pores, axis, periodic_sides=periodic_sides)
    components = joined_components(pores, axis, periodic_sides=periodic_sides)
    last, first = np.asarray(components.take(-1, axis)), np.asarray(components.take(0, axis))
    return np.isin(components, list(_endless(last, first)))


def _endless(last: NDArray[np.int64], first: NDArray[np.int64]) -> set[int]:
    """Find components in which some closed path crosses the ends more often up than down."""
    bonds = np.unique(np.stack([last.ravel(), first.ravel()], 1), axis=0)
    neighbours = defaultdict(set)
    for below, above in bonds[(bonds > 0).all(1)].tolist():
        neighbours[below].add((above, 1))
        neighbours[above].add((below, -1))
    height: dict[int, int] = {}
    endless: set[int] = set()
    for start in neighbours:
        if start in height:
            continue
        height[start] = 0
        component, winds = [start], False
        for body in component:
            for other, step in neighbours[body]:
                if other not in height:
                    height[other] = height[body] + step
                    component.append(other)
                winds |= height[other] != height[body] + step
        endless |= set(component) if winds else set()
    return endless
