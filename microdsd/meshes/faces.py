"""The faces between voxels of different labels: squares on the lattice of the voxels' corners."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

EXTERIOR = 0
"""Number of all that lies around the box; parts of a material are numbered from 1."""


@dataclass(frozen=True)
class Faces:
    """Hold the faces between voxels of different numbers, and those of the box.

    Attributes
    ----------
    corners : ndarray of int64, shape (n, 4)
        Corners of every face in cyclic order, as flat indices into the lattice of
        ``shape + 1`` points. By the right-hand rule in (x, y, z) the normal points from
        `behind` to `before`.
    behind, before : ndarray, shape (n,)
        Numbers of the voxels on both sides.
    voxel : ndarray of int64, shape (n, 2)
        Those voxels themselves: flat indices into the box with one voxel more on every side.
    on_box : ndarray of bool, shape (n,)
        Whether the face lies in a face of the box.
    shape : tuple of int
        Voxels of the box, (z, y, x).
    """

    corners: NDArray[np.int64]
    behind: NDArray[np.integer]
    before: NDArray[np.integer]
    voxel: NDArray[np.int64]
    on_box: NDArray[np.bool_]
    shape: tuple[int, int, int]

    @classmethod
    def between(cls, numbers: NDArray[np.integer]) -> Faces:
        """Find the faces of a box of numbers, 0 where there is no material.

        Examples
        --------
        >>> faces = Faces.between(np.ones((1, 1, 2), dtype=np.uint8))
        >>> len(faces.corners), bool(faces.on_box.all())  # a brick of two voxels
        (10, True)
        """
        padded = np.pad(numbers, 1, constant_values=EXTERIOR)
        parts = [_faces_across(padded, axis) for axis in range(3)]
        corners, behind, before, voxel, on_box = (
            np.concatenate(part) for part in zip(*parts, strict=True)
        )
        z, y, x = numbers.shape
        return cls(corners, behind, before, voxel, on_box, (z, y, x))


def number_of_faces(numbers: NDArray[np.integer]) -> int:
    """Count the faces that `Faces.between` would find, without making them.

    Examples
    --------
    >>> number_of_faces(np.ones((2, 2, 2), dtype=np.uint8))
    24
    """
    count = 0
    for axis in range(3):
        lower = np.take(numbers, range(numbers.shape[axis] - 1), axis)
        upper = np.take(numbers, range(1, numbers.shape[axis]), axis)
        count += int((lower != upper).sum())
        count += sum(int((np.take(numbers, end, axis) != EXTERIOR).sum()) for end in (0, -1))
    return count


def _faces_across(padded: NDArray[np.integer], axis: int) -> tuple[NDArray[Any], ...]:
    """Find the faces normal to one axis: corners, numbers, voxels, whether on the box."""
    below = (slice(None),) * axis
    lower, upper = padded[(*below, slice(-1))], padded[(*below, slice(1, None))]
    place = np.stack(np.nonzero(lower != upper))
    behind, before = lower[tuple(place)], upper[tuple(place)]
    low = np.ravel_multi_index(tuple(place), padded.shape)
    step = int(np.prod(padded.shape[axis + 1 :], dtype=np.int64))
    voxels = np.stack([low, low + step], axis=1)
    # Corner 0 of padded voxel i along an axis across is lattice point i - 1; along the normal the
    # face between padded voxels i and i + 1 lies in the plane of lattice points i.
    points = tuple(n - 1 for n in padded.shape)
    corner = place - 1
    corner[axis] += 1
    u, v = (axis + 1) % 3, (axis + 2) % 3
    strides = np.array([points[1] * points[2], points[2], 1])
    start = strides @ corner
    corners = np.stack(
        [start, start + strides[v], start + strides[u] + strides[v], start + strides[u]], axis=1
    )
    plane = corner[axis]
    return corners, behind, before, voxels, (plane == 0) | (plane == points[axis] - 1)
