"""Correlations at all lags of a volume from those in its planes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from microdsd.microstructure.axes import SPATIAL_DIMS

Array = NDArray[np.float64]


def isotropic_map(maps: list[Array]) -> Array:
    """Return the correlation in 3D that depends on the distance as it does in planes.

    Parameters
    ----------
    maps : list of ndarray, shape (2 reach + 1, 2 reach + 1)

    Examples
    --------
    >>> lags = np.arange(-2, 3)
    >>> plane = np.exp(-np.hypot(lags[:, None], lags))
    >>> bool(np.isclose(isotropic_map([plane])[2, 2, 3], np.exp(-1)))
    True
    """
    reach = maps[0].shape[0] // 2
    lags = np.arange(-reach, reach + 1)
    squared, place = np.unique(lags[:, None] ** 2 + lags**2, return_inverse=True)
    total = np.bincount(place.ravel(), np.mean(maps, axis=0).ravel())
    curve = total / np.bincount(place.ravel())
    length = np.sqrt(sum(lag.astype(float) ** 2 for lag in np.ix_(lags, lags, lags)))
    return np.asarray(np.interp(length, np.sqrt(squared), curve, right=0.0))


def blended_map(maps: Mapping[str, Array]) -> Array:
    r"""Return a correlation in 3D that in two or three planes is the given one.

    Parameters
    ----------
    maps : mapping of "z", "y", "x" to ndarray, shape (2 reach + 1, 2 reach + 1)
        By the axis that the plane is normal to; at least two.

    Notes
    -----
    Lags are scaled by the distance over which the correlation falls to one half along each axis;
    h and u are the length and the direction of a scaled lag. Then

    .. math:: \chi(h u) = \sum_p (1 - u_p^2)\, \chi_p(h \hat u_p) - \sum_i u_i^2 \chi_i(h)

    over the planes p, normal to axis p, with :math:`\hat u_p` the direction in that plane and
    :math:`\chi_i` the correlation along axis i. In each plane this is its own correlation, and it
    is exact for every material that is a stretched isotropic one. A plane without a picture
    has :math:`\sum_i u_i^2 \chi_i(h)` over its two axes.
    """
    reach = next(iter(maps.values())).shape[0] // 2
    lags = np.arange(-reach, reach + 1.0)
    rank = {axis: i for i, axis in enumerate(SPATIAL_DIMS)}
    along = [_along(maps, axis) for axis in SPATIAL_DIMS]
    half = np.array([_half_fall(curve) for curve in along])
    lag = np.meshgrid(lags, lags, lags, indexing="ij")
    scaled = [one / length for one, length in zip(lag, half, strict=True)]
    h = np.sqrt(sum(one**2 for one in scaled))
    unit = [np.divide(one, h, out=np.zeros_like(h), where=h > 0) for one in scaled]
    steps = np.arange(reach + 1.0)
    axial = [
        unit[i] ** 2 * np.interp(np.round(h * half[i], 9), steps, along[i], right=0.0)
        for i in range(3)
    ]
    total = -sum(axial)
    for axis in SPATIAL_DIMS:
        i, j = (rank[other] for other in SPATIAL_DIMS if other != axis)
        if axis not in maps:
            total = total + axial[i] + axial[j]
            continue
        share = unit[i] ** 2 + unit[j] ** 2
        stretch = np.divide(1.0, np.sqrt(share), out=np.zeros_like(share), where=share > 0)
        places = np.round([lag[i] * stretch + reach, lag[j] * stretch + reach], 9)
        inside = ndimage.map_coordinates(maps[axis], places, order=1, cval=0.0)
        total = total + share * inside
    total[(reach,) * 3] = 1.0
    return np.asarray(total)


def _along(maps: Mapping[str, Array], axis: str) -> Array:
    """Return the correlation along an axis: the mean over the planes that it lies in."""
    curves = []
    for normal, plane in maps.items():
        if axis != normal:
            reach = plane.shape[0] // 2
            first = [dim for dim in SPATIAL_DIMS if dim != normal].index(axis) == 0
            curves.append(plane[reach:, reach] if first else plane[reach, reach:])
    return np.asarray(np.mean(curves, axis=0))


def _half_fall(curve: Array) -> float:
    """Return the lag at which a correlation first falls to one half, at most the longest."""
    below = np.flatnonzero(curve <= 0.5)
    if not len(below):
        return float(len(curve) - 1)
    k = int(below[0])
    return k - 1 + float((curve[k - 1] - 0.5) / (curve[k - 1] - curve[k]))
