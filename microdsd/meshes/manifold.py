"""Closed surfaces from faces of voxels: where voxels only touch, each keeps points of its own.

Voxels that touch along an edge only put four faces at that edge, and a corner contact joins two
sheets in one point: no solid has such a boundary. Both are taken apart by giving every sheet
points of its own, which lie at the same place until they are smoothed. Bodies are those of
voxels that share faces, as everywhere in this package.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Index = NDArray[np.int64]
Points = NDArray[np.float64]


@dataclass(frozen=True)
class Sheets:
    """Hold squares and triangles on points that no two sheets share.

    Attributes
    ----------
    points : ndarray, shape (n, 3)
        In voxels from the corner of the box, (z, y, x).
    squares : ndarray of int64, shape (m, 4)
    triangles : ndarray of int64, shape (k, 3)
    of_square, of_triangle : ndarray of int64
        The face that each is, or is a part of.
    """

    points: Points
    squares: Index
    triangles: Index
    of_square: Index
    of_triangle: Index


def lattice_points(index: Index, shape: tuple[int, ...]) -> Points:
    """Place flat indices of the corners of a box of voxels, (z, y, x)."""
    places = np.unravel_index(index, tuple(n + 1 for n in shape))
    return np.stack(places, axis=1).astype(np.float64)


def separated(corners: Index, inside: Index, shape: tuple[int, ...]) -> Sheets:
    """Give every sheet of a closed set of faces its own points.

    Parameters
    ----------
    corners : ndarray of int64, shape (n, 4)
        As of `Faces`, all with the body behind them.
    inside : ndarray of int64, shape (n,)
        The voxel behind each.
    shape : tuple of int
        Voxels of the box.

    Returns
    -------
    Sheets
        A surface without border, of which every edge belongs to exactly two faces and around
        every point of which the faces form one ring.
    """
    n = len(corners)
    first, second = _pairs(_edges(corners), inside)
    sheet = _rings(first, second, n)
    points, lattice = np.unique(sheet, return_index=True)[1], corners.reshape(-1)
    places = lattice_points(lattice[points], shape)
    squares = sheet.reshape(n, 4)
    middles, middle_of = _middles(squares, first, second, len(places))
    if not len(middles):
        empty = np.empty(0, dtype=np.int64)
        return Sheets(places, squares, empty.reshape(0, 3), np.arange(n), empty)
    places = np.concatenate([places, places[middles].mean(axis=1)])
    cut = np.flatnonzero((middle_of >= 0).any(axis=1))
    centres = places[squares[cut]].mean(axis=1)
    triangles, of_triangle = _fans(squares, middle_of, cut, len(places))
    whole = np.setdiff1d(np.arange(n), cut)
    return Sheets(np.concatenate([places, centres]), squares[whole], triangles, whole, of_triangle)


def _edges(squares: Index) -> Index:
    """Return both ends of every side of every square, the lower first, shape (4 n, 2)."""
    sides = np.stack([squares, np.roll(squares, -1, axis=1)], axis=2)
    return np.sort(sides.reshape(-1, 2), axis=1)


def _keys(edges: Index) -> Index:
    return edges[:, 0] * (int(edges.max(initial=0)) + 1) + edges[:, 1]


def _pairs(edges: Index, inside: Index) -> tuple[Index, Index]:
    """Pair the sides of squares that are one edge: where four meet, those of the same voxel."""
    key = _keys(edges)
    order = np.lexsort((np.repeat(inside, 4), key))
    return order[0::2], order[1::2]


def _rings(first: Index, second: Index, n: int) -> Index:
    """Label the rings of faces around points, one number for each corner of a face."""
    next_corner = np.roll(np.arange(4 * n).reshape(n, 4), -1, axis=1).reshape(-1)
    # Two faces of one side go along it in opposite directions: the start of one is the end of the
    # other.
    rows = np.concatenate([first, next_corner[first]])
    columns = np.concatenate([next_corner[second], second])
    links = coo_array((np.ones(len(rows), dtype=np.int8), (rows, columns)), shape=(4 * n, 4 * n))
    return connected_components(links, directed=False)[1].astype(np.int64)


def _middles(squares: Index, first: Index, second: Index, points: int) -> tuple[Index, Index]:
    """Return the ends of the edges that four faces still share, per pair, and where they go.

    Such an edge closes a hole of the body at both of its ends. A point in the middle, one for
    each of the two pairs of faces, opens it.
    """
    edges = _edges(squares)
    key = _keys(edges)[first]
    _, back, times = np.unique(key, return_inverse=True, return_counts=True)
    double = np.flatnonzero(times[back] > 1)
    middle_of = np.full(4 * len(squares), -1, dtype=np.int64)
    number = points + np.arange(len(double))
    middle_of[first[double]] = number
    middle_of[second[double]] = number
    return edges[first[double]], middle_of.reshape(-1, 4)


def _fans(squares: Index, middle_of: Index, cut: Index, points: int) -> tuple[Index, Index]:
    """Return triangles around the centres of the squares that have points on their sides."""
    start = squares[cut]
    end = np.roll(start, -1, axis=1)
    middle = middle_of[cut]
    centre = np.broadcast_to(points + np.arange(len(cut))[:, None], start.shape)
    owner = np.broadcast_to(cut[:, None], start.shape)
    halved = middle >= 0
    triangles = [
        np.stack([centre[~halved], start[~halved], end[~halved]], axis=1),
        np.stack([centre[halved], start[halved], middle[halved]], axis=1),
        np.stack([centre[halved], middle[halved], end[halved]], axis=1),
    ]
    owners = [owner[~halved], owner[halved], owner[halved]]
    return np.concatenate(triangles), np.concatenate(owners)
