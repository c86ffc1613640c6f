"""Boxes that are partly known, and boxes cut into regions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from microdsd.errors import InputError


def place_in(
    labels: ArrayLike, shape: Sequence[int], at: Sequence[int] | None = None
) -> tuple[NDArray[np.integer], NDArray[np.bool_]]:
    """Put a piece of material into a larger box, for out-painting.

    Parameters
    ----------
    labels : array_like of int, shape ([z,] y, x)
    shape : sequence of int
        Shape of the box.
    at : sequence of int, optional
        Voxel of the box where the piece begins; by default it is in the middle.

    Returns
    -------
    box : ndarray of int, shape ``shape``
        The piece; anything elsewhere.
    unknown : ndarray of bool, same shape

    Raises
    ------
    InputError
        If the piece does not fit.

    Examples
    --------
    >>> box, unknown = place_in(np.ones((2, 2), int), (3, 4))
    >>> unknown.astype(int)
    array([[1, 0, 0, 1],
           [1, 0, 0, 1],
           [1, 1, 1, 1]])
    """
    piece = np.asarray(labels)
    if len(shape) != piece.ndim:
        raise InputError(f"shape={tuple(shape)}: give {piece.ndim} numbers, as the piece has axes")
    at = [(n - m) // 2 for n, m in zip(shape, piece.shape, strict=True)] if at is None else at
    if len(at) != piece.ndim:
        raise InputError(f"at={tuple(at)}: give {piece.ndim} numbers, as the piece has axes")
    for n, m, start in zip(shape, piece.shape, at, strict=True):
        if not 0 <= start <= n - m:
            raise InputError(
                f"shape={tuple(shape)}: a piece of {piece.shape} that begins at {tuple(at)} does "
                "not fit; make the box larger"
            )
    box = np.full(shape, piece.flat[0], dtype=piece.dtype)
    unknown = np.ones(shape, dtype=bool)
    inside = tuple(slice(a, a + m) for a, m in zip(at, piece.shape, strict=True))
    box[inside], unknown[inside] = piece, False
    return box, unknown


def between_slices(shape: Sequence[int], every: int, axis: int = 0) -> NDArray[np.bool_]:
    """Return a mask of all voxels but those of every n-th slice.

    Parameters
    ----------
    shape : sequence of int
    every : int
        Distance of known slices, voxels; the first slice is known.
    axis : int
        Normal of the slices.

    Examples
    --------
    >>> between_slices((5, 2), 2).astype(int)[:, 0]
    array([0, 1, 0, 1, 0])
    """
    if every < 2:
        raise InputError(f"every={every}: at least 2, or no slice is unknown")
    unknown = np.ones(shape, dtype=bool)
    np.moveaxis(unknown, axis, 0)[::every] = False
    return unknown


def holding_planes(
    shape: Sequence[int], planes: Sequence[tuple[str, int, ArrayLike]]
) -> tuple[NDArray[np.integer], NDArray[np.bool_]]:
    """Put measured planes into a volume that is to be made around them.

    Parameters
    ----------
    shape : sequence of int
        Voxels of the volume, z, y and x.
    planes : sequence of (str, int, array_like)
        The axis that a plane is normal to, its voxel along that axis, and its labels.

    Returns
    -------
    box : ndarray of int, shape ``shape``
        The planes; anything elsewhere.
    unknown : ndarray of bool, same shape

    Raises
    ------
    InputError
        If a plane does not fit the volume, or differs from another where they cross.

    Examples
    --------
    >>> box, unknown = holding_planes((3, 2, 2), [("z", 1, [[4, 5], [6, 7]])])
    >>> box[1].tolist(), unknown[:, 0, 0].tolist()
    ([[4, 5], [6, 7]], [True, False, True])
    """
    if len(shape) != 3:
        raise InputError(f"plane: the box {tuple(shape)} is no volume; give a shape of three")
    box = np.zeros(shape, dtype=np.int64)
    unknown = np.ones(shape, dtype=bool)
    for axis, place, labels in planes:
        normal = "zyx".index(axis)
        plane = np.asarray(labels)
        across = tuple(n for k, n in enumerate(shape) if k != normal)
        if plane.shape != across or not 0 <= place < shape[normal]:
            raise InputError(
                f"plane: {axis}={place} of {plane.shape} pixels does not fit a volume of "
                f"{tuple(shape)}; planes normal to {axis} have {across}, at 0 to "
                f"{shape[normal] - 1}"
            )
        inside, free = np.moveaxis(box, normal, 0), np.moveaxis(unknown, normal, 0)
        differing = int((~free[place] & (inside[place] != plane)).sum())
        if differing:
            raise InputError(
                f"plane: {axis}={place} differs from an earlier plane on {differing} voxels where "
                "they cross; give planes of one specimen, or fewer"
            )
        inside[place], free[place] = plane, False
    return box, unknown


def fills_a_box(unknown: NDArray[np.bool_]) -> bool:
    """Tell whether the True voxels of a mask fill one box.

    Examples
    --------
    >>> mask = np.zeros((4, 4), bool)
    >>> mask[1:3, :2] = True
    >>> fills_a_box(mask), fills_a_box(~mask)
    (True, False)
    """
    places = np.argwhere(unknown)
    return len(places) > 0 and int(np.prod(np.ptp(places, axis=0) + 1)) == len(places)


def grid_regions(shape: Sequence[int], grid: Sequence[int]) -> NDArray[np.int64]:
    """Label the blocks of a grid that is laid over a box, in C order.

    Blocks differ by at most one voxel in length along an axis.

    Parameters
    ----------
    shape, grid : sequence of int
        Voxels, and blocks, per axis.

    Raises
    ------
    InputError
        If an axis has more blocks than voxels.

    Examples
    --------
    >>> grid_regions((2, 5), (1, 2))
    array([[0, 0, 1, 1, 1],
           [0, 0, 1, 1, 1]])
    """
    if len(grid) != len(shape):
        raise InputError(f"grid={tuple(grid)}: give {len(shape)} numbers, as the box has axes")
    regions = np.zeros(shape, dtype=np.int64)
    for axis, (n, blocks) in enumerate(zip(shape, grid, strict=True)):
        if not 1 <= blocks <= n:
            raise InputError(
                f"grid={tuple(grid)}: {blocks} blocks along an axis of {n} voxels; give 1 to {n}"
            )
        edges = np.arange(1, blocks) * n // blocks
        block = np.searchsorted(edges, np.arange(n), side="right")
        regions = regions * blocks + block.reshape(-1, *[1] * (len(shape) - axis - 1))
    return regions
