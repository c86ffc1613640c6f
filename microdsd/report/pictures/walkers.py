"""Walkers of several species as colours, one place for the animation and for the schedule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from microdsd.report.pictures.style import phase_colours, rgb

_CROWDED = 0.7  # factor of brightness for every walker on a voxel but the first


def species_of(labels: Iterable[int], background: int) -> list[int]:
    """Find the labels that walkers stand for, in the order of the species.

    Examples
    --------
    >>> species_of([2, 0, 1], background=1)
    [0, 2]
    """
    return [label for label in sorted(labels) if label != background]


def walkers_picture(
    occupation: NDArray[Any], phases: Mapping[int, str], background: int
) -> NDArray[np.uint8]:
    """Mix the colours of the walkers on every voxel of a plane, the darker the more there are.

    Parameters
    ----------
    occupation : ndarray, shape (species, *space)
    phases : mapping of int to str
    background : int
        Label that no walker stands for.

    Returns
    -------
    ndarray of uint8, shape (*space, 3)

    Examples
    --------
    >>> picture = walkers_picture(np.array([[[0, 1, 2]]]), {0: "pore", 1: "solid"}, 1)
    >>> ["#%02x%02x%02x" % tuple(colour) for colour in picture[0]]
    ['#e9dfc7', '#27507f', '#1b3859']
    """
    fill = {label: np.array(rgb(c.fill)) for label, c in phase_colours(dict(phases)).items()}
    number = occupation.sum(0)[..., None]
    fills = np.array([fill[label] for label in species_of(phases, background)])
    mixed = np.tensordot(occupation, fills, axes=(0, 0)) / np.maximum(number, 1)
    crowded = mixed * _CROWDED ** np.maximum(number - 1, 0)
    colours = np.where(number > 0, crowded, fill[background])
    picture: NDArray[np.uint8] = np.round(255 * colours).astype(np.uint8)
    return picture
