"""Smoothing of a surface of voxel faces: the steps go, the box and the volume stay."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array

Points = NDArray[np.float64]
Index = NDArray[np.int64]

SHRINK, PASS_BAND = 0.5, 0.1
"""Of Taubin's filter: the weight of a shrinking step, and the frequency that passes unchanged."""

REACH = 0.45
"""Farthest that a point moves along an axis, in voxels: never out of the cell around it."""

_CORRECTIONS = 8
"""Most steps that put the volume right."""


def smoothed(
    points: Points,
    edges: Index,
    crease: NDArray[np.bool_],
    free: NDArray[np.bool_],
    iterations: int,
) -> Points:
    """Smooth the places of points by Taubin's filter, within the cell around each.

    Points on a crease, a line in which surfaces of different kinds meet, are smoothed along it.

    Parameters
    ----------
    points : ndarray, shape (n, 3)
        In voxels.
    edges : ndarray of int64, shape (m, 2)
        Neighbours.
    crease : ndarray of bool, shape (m,)
        Which of them are part of a crease.
    free : ndarray of bool, shape (n, 3)
        Along which axes a point may move: not out of the faces of the box.
    iterations : int
        Pairs of a shrinking and a growing step.

    References
    ----------
    Taubin, Proceedings of SIGGRAPH 95 (1995) 351, doi:10.1145/218380.218473.
    """
    if not iterations:
        return points
    mean = _mean_of_neighbours(edges, crease, len(points))
    grow = 1 / (PASS_BAND - 1 / SHRINK)
    place = points
    for _ in range(iterations):
        for weight in (SHRINK, grow):
            moved = place + weight * np.where(free, mean @ place - place, 0)
            place = np.clip(moved, points - REACH, points + REACH)
    return place


def with_volumes(
    points: Points,
    start: Points,
    triangles: Index,
    parts: Sequence[tuple[NDArray[np.bool_], NDArray[np.bool_]]],
    free: NDArray[np.bool_],
    volumes: Sequence[float],
) -> Points:
    """Move surfaces along their normals until every part holds its volume, as far as cells allow.

    Parts push at one another with one pressure each, as bubbles do: a triangle moves with the
    difference of the pressures on its sides.

    Parameters
    ----------
    points, start : ndarray, shape (n, 3)
        In voxels: smoothed, and before.
    triangles : ndarray of int64, shape (m, 3)
        Counter-clockwise seen from before them, in (x, y, z).
    parts : sequence of (ndarray of bool, ndarray of bool), each of shape (m,)
        For every part the triangles that it lies behind, and those that it lies before.
    free : ndarray of bool, shape (n, 3)
        Along which axes a point may move.
    volumes : sequence of float
        Volumes of the parts, in voxels.
    """
    wanted = np.array(volumes, dtype=np.float64)
    for _ in range(_CORRECTIONS):
        current = part_volumes(points, triangles, parts)
        missing = wanted - current
        if (np.abs(missing) <= 1e-9 * wanted).all():
            break
        area = _area_vectors(points, triangles)
        around = _at_points(np.linalg.norm(area, axis=1), triangles, len(points))
        gradients = [
            np.where(
                free, _at_points(area * (b.astype(float) - f)[:, None], triangles, len(points)), 0
            )
            for b, f in parts
        ]
        per_area = np.divide(1, around, out=np.zeros_like(around), where=around > 0)
        response = np.array(
            [[float((a * b * per_area).sum()) for b in gradients] for a in gradients]
        )
        # Where parts fill the box one pressure is free: the least of all solutions is taken.
        pressure = np.linalg.lstsq(response, missing, rcond=1e-9)[0]
        step = sum(p * g for p, g in zip(pressure, gradients, strict=True)) * per_area
        points = np.clip(points + step, start - REACH, start + REACH)
    return points


def part_volumes(
    points: Points,
    triangles: Index,
    parts: Sequence[tuple[NDArray[np.bool_], NDArray[np.bool_]]],
) -> Points:
    """Measure the volume of every part, in voxels; parts are as of `with_volumes`."""
    signed = signed_volumes(points, triangles)
    return np.array([signed[behind].sum() - signed[before].sum() for behind, before in parts])


def signed_volumes(points: Points, triangles: Index) -> Points:
    """Return the volume between each triangle and the middle of all points.

    The volumes of a closed surface add up to its own.

    Examples
    --------
    >>> corner = np.array([[0.0, 0, 0], [0, 0, 1], [0, 1, 0], [1, 0, 0]])
    >>> faces = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
    >>> round(6 * float(signed_volumes(corner, faces).sum()), 9)
    1.0
    """
    # Far from the origin differences of large numbers would cost digits.
    a, b, c = (points[triangles[:, i]] - points.mean(axis=0) for i in range(3))
    # The order z, y, x turns the sign of the product.
    product: Points = np.einsum("ij,ij->i", a, np.cross(b, c))
    return -product / 6


def _area_vectors(points: Points, triangles: Index) -> Points:
    """Return a third of each triangle's area, along its normal: what each corner moves of it."""
    a, b, c = (points[triangles[:, i]] for i in range(3))
    # The order z, y, x turns the sign of the product.
    return -np.cross(b - a, c - a) / 6


def _at_points(of_triangles: Points, triangles: Index, n: int) -> Points:
    """Sum what belongs to triangles at their corners, shape (n, 1) or (n, 3)."""
    columns = of_triangles.reshape(len(triangles), -1).T
    sums = [np.bincount(triangles.ravel(), np.repeat(column, 3), n) for column in columns]
    return np.stack(sums, axis=1)


def edges_of(sides: Index, kinds: NDArray[np.integer]) -> tuple[Index, NDArray[np.bool_]]:
    """Find the edges of polygons, each once, and which of them lie between different kinds.

    Parameters
    ----------
    sides : ndarray of int64, shape (n, 2)
        Sides of all polygons, in either direction.
    kinds : ndarray of int, shape (n,)
        Kind of the polygon that each belongs to.

    Returns
    -------
    edges : ndarray of int64, shape (m, 2)
    crease : ndarray of bool, shape (m,)

    Examples
    --------
    >>> edges, crease = edges_of(np.array([[0, 1], [1, 0], [1, 2]]), np.array([5, 6, 6]))
    >>> edges.tolist(), crease.tolist()
    ([[0, 1], [1, 2]], [True, False])
    """
    ends = np.sort(sides, axis=1)
    order = np.lexsort((kinds, ends[:, 1], ends[:, 0]))
    ends, kinds = ends[order], kinds[order]
    starts = np.flatnonzero(np.append(True, (ends[1:] != ends[:-1]).any(axis=1)))
    last = np.append(starts[1:], len(ends)) - 1
    return ends[starts], kinds[starts] != kinds[last]


def _mean_of_neighbours(edges: Index, crease: NDArray[np.bool_], n: int) -> csr_array:
    """Return the matrix that averages over every point's neighbours.

    A point on a crease is averaged over its neighbours on the crease.
    """
    from_, to = (np.concatenate([edges[:, i], edges[:, 1 - i]]) for i in (0, 1))
    along = np.tile(crease, 2)
    on_crease = np.zeros(n, dtype=bool)
    on_crease[edges[crease]] = True
    counted = along | ~on_crease[from_]
    from_, to = from_[counted], to[counted]
    number = np.bincount(from_, minlength=n)
    return csr_array(coo_array((1 / number[from_], (from_, to)), shape=(n, n)))
