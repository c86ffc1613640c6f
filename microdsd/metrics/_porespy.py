"""The one place that imports porespy, without letting it touch the state of the process.

Importing porespy adds a handler to the root logger and silences floating-point warnings of the
whole process; its functions may reseed numpy's global generator.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@contextlib.contextmanager
def porespy_sandbox() -> Iterator[Any]:
    """Import porespy; on leaving, restore root logging, `np.seterr` and numpy's global generator.

    Yields
    ------
    module
        porespy; use it inside the block only.

    Examples
    --------
    >>> import logging
    >>> before = list(logging.getLogger().handlers)
    >>> with porespy_sandbox() as porespy:
    ...     fraction = porespy.metrics.porosity(np.eye(4, dtype=bool))
    >>> float(fraction), logging.getLogger().handlers == before
    (0.25, True)
    """
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    generator = np.random.get_state()  # noqa: NPY002 - it is porespy that uses the global one
    try:
        with np.errstate():
            import porespy

            yield porespy
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        np.random.set_state(generator)  # noqa: NPY002


def two_point_correlation(mask: NDArray[np.bool_], edges: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the unbiased S2 of a `mask` that is not periodic, per bin of distances in voxels.

    Parameters
    ----------
    mask : ndarray of bool
        Where the phase is, 2D or 3D.
    edges : ndarray
        Edges of the bins; bin i holds ``edges[i] <= |r| < edges[i + 1]``.

    Returns
    -------
    ndarray
        float64; its first value is the phase fraction.
    """
    with porespy_sandbox() as porespy:
        result = porespy.metrics.two_point_correlation(mask, bins=edges)
    return np.asarray(result.probability_scaled)


def local_thickness_radii(
    masks: NDArray[np.bool_], inside: NDArray[np.bool_] | None = None
) -> list[NDArray[np.int64]]:
    """Count the voxels of each local thickness, for every mask of a stack.

    Parameters
    ----------
    masks : ndarray of bool, shape (sample, [z,] y, x)
        Where the phase is.
    inside : ndarray of bool, of the same shape, optional
        Where the specimen is, with the phase in it; what is outside bounds no ball.

    Returns
    -------
    list of ndarray
        Entry r: voxels of the phase whose largest covering ball has radius r, as porespy counts
        (one more than the voxels between its centre and its surface). Empty for a mask without
        voxels, or without a voxel of another phase.
    """
    rooms = masks if inside is None else masks | ~inside
    with porespy_sandbox() as porespy:
        return [
            _radii(porespy, mask, room)
            if mask.any() and not room.all()
            else np.zeros(1, dtype=np.int64)
            for mask, room in zip(masks, rooms, strict=True)
        ]


def _radii(porespy: Any, mask: NDArray[np.bool_], room: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Count the voxels of the mask by the radius of the largest ball that is centred in it."""
    sizes, number = porespy.filters.local_thickness(room, mask=mask, return_indices=True)
    voxels = np.bincount(number[mask], minlength=len(sizes))
    counts = np.zeros(int(max(sizes)) + 1, dtype=np.int64)
    counts[np.asarray(sizes, dtype=np.int64)] = voxels
    return counts
