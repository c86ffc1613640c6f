"""Figures on the lattice: a few voxels of a plane section, looked at wherever they fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

Direction = tuple[int, ...]
Figure = tuple[Direction, ...]

SQUARE: Figure = ((0, 0), (1, 0), (0, 1), (1, 1))
"""The corners x, x + u, x + v and x + u + v of a square of four voxels in 2D."""


def squares(ndim: int) -> list[Figure]:
    """Return the square of 2D, or those normal to every axis in 3D."""
    if ndim == 2:
        return [SQUARE]
    return [lattice_section(axis)[0] for axis in ((1, 0, 0), (0, 1, 0), (0, 0, 1))]


def lattice_section(normal: Direction) -> tuple[Figure, ...]:
    """Return the corners of the figures that tile one cell of a lattice plane.

    A rectangle, or, normal to a diagonal of space, the two triangles of a rhombus. The first
    three corners of the first figure are x, x + u and x + v.
    """
    (a, p), *rest = [(axis, n) for axis, n in enumerate(normal) if n]
    unit = np.eye(3, dtype=int)
    if len(rest) == 2:
        (b, q), (c, r) = rest
        u, v = unit[b] * p - unit[a] * q, (unit[c] * p - unit[a] * r) * q * r
        return _figure(0 * u, u, v), _figure(u, v, u + v)
    if len(rest) == 1:
        ((b, q),) = rest
        u, v = unit[b] * p - unit[a] * q, unit[3 - a - b]
    else:
        u, v = (unit[axis] for axis in range(3) if axis != a)
    return (_figure(0 * u, u, v, u + v),)


def _figure(*corners: NDArray[np.int64]) -> Figure:
    return tuple(tuple(corner.tolist()) for corner in corners)


def section_area(section: tuple[Figure, ...], size: tuple[float, ...]) -> float:
    """Return the area of one cell of a `lattice_section` of voxels with these edges."""
    _, u, v = np.multiply(section[0][:3], size)
    return float(np.linalg.norm(np.cross(u, v)))


def corners_of(field: Array, figure: Figure, periodic: bool) -> list[Array]:
    """Return the values on every corner of a figure, for every place at which it fits."""
    offsets = np.array(figure)
    if periodic:
        axes = tuple(range(1, field.ndim))
        return [np.roll(field, -offset, axis=axes) for offset in offsets]
    offsets -= offsets.min(axis=0)
    kept = np.array(field.shape[1:]) - offsets.max(axis=0)
    return [
        field[:, *(slice(o, o + n) for o, n in zip(offset, kept, strict=True))]
        for offset in offsets
    ]


def whole_figures(
    inside: NDArray[np.bool_] | None, figure: Figure, periodic: bool
) -> NDArray[np.bool_] | None:
    """Find the places where all corners of a figure are in the specimen."""
    if inside is None:
        return None
    return np.asarray(np.logical_and.reduce(corners_of(inside, figure, periodic)))


def mean_of_cells(cells: Array, among: NDArray[np.bool_] | None) -> NDArray[np.float64]:
    """Average each sample over all or some of its cells; NaN where there are none."""
    space = tuple(range(1, cells.ndim))
    if among is None:
        return np.asarray(cells.mean(axis=space, dtype=np.float64))
    number = among.sum(axis=space)
    total = (cells * among).sum(axis=space, dtype=np.float64)
    return np.asarray(np.divide(total, number, out=np.full(len(cells), np.nan), where=number > 0))
