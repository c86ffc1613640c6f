"""Voxels around a specimen that does not fill its box.

The phase named "outside" is not a phase of the material. Its voxels are left out wherever
something is measured, no window that is cut or trained on holds one, and fractions are shares of
the specimen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from microdsd.microstructure.labels import OUTSIDE


def outside_label(phases: Mapping[int, str]) -> int | None:
    """Find the label of the outside; None where the box is full.

    Examples
    --------
    >>> outside_label({0: "pore", 1: "solid", 2: "outside"}), outside_label({0: "pore"})
    (2, None)
    """
    return next((label for label, name in phases.items() if name == OUTSIDE), None)


def material_phases(phases: Mapping[int, str]) -> dict[int, str]:
    """Remove the outside from the phases.

    Examples
    --------
    >>> material_phases({0: "pore", 1: "solid", 2: "outside"})
    {0: 'pore', 1: 'solid'}
    """
    return {label: name for label, name in phases.items() if name != OUTSIDE}


def starts_inside(outside: NDArray[np.bool_], window: Sequence[int]) -> NDArray[np.bool_]:
    """Mark where a window may begin so that it holds no voxel outside.

    Parameters
    ----------
    outside : ndarray of bool, any number of axes
    window : sequence of int
        Voxels per axis, at least one and at most the length of the axis.

    Returns
    -------
    ndarray of bool
        Shorter than `outside` by the window less one voxel, along every axis.

    Examples
    --------
    >>> starts_inside(np.array([True, False, False, False, True]), [2])
    array([False,  True,  True, False])
    """
    met = outside
    for axis, edge in enumerate(window):
        # Any of `reach` voxels from here on, in runs of twice the length as often as they fit.
        reach = 1
        while reach < edge:
            step = min(reach, edge - reach)
            length = met.shape[axis] - step
            before = (slice(None),) * axis
            met = met[(*before, slice(length))] | met[(*before, slice(step, None))]
            reach += step
    return ~met
