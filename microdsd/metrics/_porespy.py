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


_OPENING = 3
"""Voxels that openings in the faces of the box reach beyond it."""

_PLACES = (
    "pore.coords",
    "pore.local_peak",
    "pore.global_peak",
    "pore.geometric_centroid",
    "throat.global_peak",
)


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


def local_thickness_field(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the radius of the largest ball that covers each voxel; 0 outside the mask.

    Parameters
    ----------
    mask : ndarray of bool
        Where the phase is; neither nowhere nor everywhere.
    """
    with porespy_sandbox() as porespy:
        sizes, number = porespy.filters.local_thickness(mask, return_indices=True)
    radii = np.asarray(sizes, dtype=np.float64)[number]
    return np.where(mask, radii, 0.0)


def snow_network(mask: NDArray[np.bool_], voxel_size: float) -> dict[str, NDArray[Any]] | None:
    """Extract the pore network of a mask by the SNOW algorithm, with the names of `snow2`.

    Parameters
    ----------
    mask : ndarray of bool
        Where the phase is, 3D.
    voxel_size : float

    Returns
    -------
    dict of str to ndarray, or None where no pore is found
        ``pore.*`` and ``throat.*``, places from the corner of the mask. Pores of ``pore.xmin`` are
        openings in the first face along the first axis of the mask, and so on; ``pore.boundary``
        are those of all faces.

    Notes
    -----
    porespy labels the outermost pores along an axis as boundaries, whether they lie in a face or
    not; here they are told by where they are.

    References
    ----------
    Gostick, Physical Review E 96 (2017) 023307, doi:10.1103/PhysRevE.96.023307.
    """
    with porespy_sandbox() as porespy:
        bars_hidden = porespy.settings.tqdm["disable"]
        porespy.settings.tqdm["disable"] = True
        logger = logging.getLogger("porespy")
        level = logger.level
        logger.setLevel(logging.ERROR)  # it warns that small boxes are not divided
        try:
            extracted = porespy.networks.snow2(
                mask, voxel_size=voxel_size, boundary_width=_OPENING, parallel_kw=None
            )
        except IndexError as error:  # porespy takes the first of its pores, and there is none
            if "size 0" not in str(error):
                raise
            return None
        finally:
            logger.setLevel(level)
            porespy.settings.tqdm["disable"] = bars_hidden
        network = dict(extracted.network)
    for name in _PLACES:
        network[name] = network[name] - _OPENING * voxel_size
    network["pore.boundary"] = np.zeros(len(network["pore.coords"]), dtype=bool)
    for letter, place, n in zip("xyz", network["pore.coords"].T, mask.shape, strict=True):
        ends = {f"pore.{letter}min": place < 0, f"pore.{letter}max": place > n * voxel_size}
        network |= ends
        network["pore.boundary"] |= np.any(list(ends.values()), axis=0)
    return network
