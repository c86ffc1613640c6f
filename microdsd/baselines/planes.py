"""Statistics of volumes from pictures: the correlation in 3D from that in planes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from microdsd.baselines.material import KnownMaterial
from microdsd.baselines.reference import ReferenceWindows
from microdsd.errors import InputError
from microdsd.microstructure import LabelsLike, VoxelSize
from microdsd.microstructure.axes import SPATIAL_DIMS
from microdsd.microstructure.symmetry import Symmetry, symmetry_elements

Array = NDArray[np.float64]
Planes = Mapping[str, LabelsLike]
"""Windows of pictures by the axis that the pictures are normal to."""

_DIRECTIONAL = 0.15
"""Difference of S2 along the two axes of a picture, over its fall, above which a note says so."""


@dataclass(frozen=True)
class PlaneWindows:
    """Hold windows of pictures, by the axis of the volume that each picture is normal to.

    Attributes
    ----------
    planes : dict of str to ReferenceWindows
        The rows of a picture run along the first of the two axes left, in the order z, y, x.
    symmetry : {"isotropic", "transverse", "none"}
        Of the volume; "transverse" leaves z alone.
    material : KnownMaterial
    """

    planes: Mapping[str, ReferenceWindows]
    symmetry: Symmetry
    material: KnownMaterial

    @classmethod
    def of(
        cls, planes: LabelsLike | Planes, *, symmetry: Symmetry | None, periodic: bool
    ) -> PlaneWindows:
        """Check windows of pictures.

        Parameters
        ----------
        planes : DataArray, ndarray, or mapping of "z", "y", "x" to these
            Dims ``([sample,] y, x)`` each. One picture without a direction stands for all of an
            isotropic material.
        symmetry : {"isotropic", "transverse", "none"}, optional
            By default "isotropic" for one picture without a direction, "none" for several.
        periodic : bool

        Raises
        ------
        InputError
            Directions that do not determine the material, or pictures that do not fit one
            another.
        """
        directed = isinstance(planes, Mapping)
        chosen: Symmetry = symmetry or ("none" if directed else "isotropic")
        pictures: Mapping[str, LabelsLike] = (
            planes if isinstance(planes, Mapping) else {"z": planes}
        )
        if not pictures or not set(pictures) <= set(SPATIAL_DIMS):
            raise InputError(f"planes: name the axes z, y or x, got {list(pictures)}")
        _refuse_unknown_directions(list(pictures), directed, chosen)
        windows = {
            axis: ReferenceWindows.of(picture, symmetry=_in_plane(axis, chosen), periodic=periodic)
            for axis, picture in pictures.items()
        }
        first = next(iter(windows.values()))
        for axis, one in windows.items():
            if len(one.window) != 2:
                raise InputError(
                    f"planes: {axis} has {len(one.window)}D windows; give pictures, "
                    "or fit the volume itself"
                )
            if dict(one.phases) != dict(first.phases):
                raise InputError(
                    f"planes: the phases {dict(one.phases)} of {axis} are not those of the other "
                    f"pictures, {dict(first.phases)}; relabel or rename them"
                )
            if one.reach != first.reach:
                raise InputError(
                    f"planes: the windows of {axis} are {one.window}, others {first.window}; cut "
                    "windows of one size"
                )
        mean = np.mean([one.fractions.mean(axis=0) for one in windows.values()], axis=0)
        length = 2 * first.reach
        notes = [] if directed else list(_direction_notes(first))
        material = KnownMaterial(
            first.phases,
            tuple(mean.tolist()),
            _voxel_size(windows, chosen),
            (length,) * 3,
            {
                "planes": {axis: one.record for axis, one in windows.items()},
                "symmetry": chosen,
                "notes": notes,
            },
        )
        return cls(windows, chosen, material)

    @property
    def reach(self) -> int:
        """Return the longest measured lag."""
        return next(iter(self.planes.values())).reach

    @property
    def by_normal(self) -> dict[str, ReferenceWindows]:
        """Return windows for every plane that is known, by symmetry too."""
        known = dict(self.planes)
        alike = {"isotropic": SPATIAL_DIMS, "transverse": ("y", "x"), "none": ()}[self.symmetry]
        given = [known[axis] for axis in alike if axis in known]
        for axis in alike:
            known.setdefault(axis, given[0])
        return known

    def correlation_map(self, measure: Callable[[ReferenceWindows], Array]) -> Array:
        """Return a correlation at all lags of a volume from the same in every plane.

        Parameters
        ----------
        measure : callable
            From the windows of a plane to its correlation, shape ``(2 reach + 1,) * 2``, lag zero
            in the middle.

        Returns
        -------
        ndarray, shape (2 reach + 1,) * 3
        """
        maps = {axis: measure(one) for axis, one in self.planes.items()}
        if self.symmetry == "isotropic":
            return isotropic_map(list(maps.values()))
        if self.symmetry == "transverse":
            sides = [maps[axis] for axis in ("y", "x") if axis in maps]
            maps["y"] = maps["x"] = np.mean(sides, axis=0)
        lifted = blended_map(maps)
        images = [
            np.flip(lifted.transpose(order), flips)
            for order, flips in symmetry_elements(self.symmetry, 3)
        ]
        return np.asarray(np.mean(images, axis=0))


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


def _in_plane(axis: str, symmetry: Symmetry) -> Symmetry:
    """Return the symmetry of a plane of a volume; the first axis of a side is z."""
    if symmetry == "transverse":
        return "isotropic" if axis == "z" else "transverse"
    return symmetry


def _refuse_unknown_directions(axes: list[str], directed: bool, symmetry: Symmetry) -> None:
    if symmetry == "isotropic" or len(axes) > 1:
        return
    if symmetry == "transverse" and directed and axes != ["z"]:
        return
    if symmetry == "transverse":
        raise InputError(
            'symmetry="transverse": a picture normal to z shows nothing of z; give a side, as '
            "planes={'y': side}"
        )
    raise InputError(
        f'symmetry="{symmetry}": one picture shows two directions of three; give pictures of '
        'two directions, or symmetry="isotropic" if the material is that'
    )


def _voxel_size(windows: Mapping[str, ReferenceWindows], symmetry: Symmetry) -> VoxelSize:
    """Return the edges of a voxel from those of pixels, if they agree."""
    units = {one.voxel_size.unit for one in windows.values()}
    edges: dict[str, set[float]] = {axis: set() for axis in SPATIAL_DIMS}
    for normal, one in windows.items():
        kept = SPATIAL_DIMS if symmetry == "isotropic" else _others(normal)
        sizes: Any = one.voxel_size.size
        pairs = [(axis, size) for axis in kept for size in sizes]
        if symmetry != "isotropic":
            pairs = list(zip(kept, sizes, strict=True))
        for axis, size in pairs:
            edges[axis].add(size)
    if symmetry == "transverse":
        edges["y"] = edges["x"] = edges["y"] | edges["x"]
    known = {axis: sorted(found) for axis, found in edges.items() if found}
    apart = any(found[-1] > found[0] * (1 + 1e-3) for found in known.values())
    if len(units) > 1 or apart:
        stated = {axis: one.voxel_size for axis, one in windows.items()}
        raise InputError(
            f"planes: pixel sizes {stated} do not fit one volume; resample the pictures to pixels "
            "of one size, or correct the size where it was entered"
        )
    return VoxelSize(tuple(known[axis][0] for axis in SPATIAL_DIMS), units.pop())


def _others(normal: str) -> tuple[str, ...]:
    return tuple(axis for axis in SPATIAL_DIMS if axis != normal)


def _direction_notes(windows: ReferenceWindows) -> list[str]:
    """Say where a picture that is taken to be isotropic is not."""
    raw = replace(windows, symmetry="none")
    notes = []
    for k, name in enumerate(windows.phases.values()):
        taken = windows.phase == k
        s2 = raw.two_point_map(taken)
        reach = raw.reach
        fall = s2[reach, reach] - s2[reach, reach] ** 2
        apart = np.abs(s2[reach:, reach] - s2[reach, reach:]).max() / fall
        if apart > _DIRECTIONAL:
            notes.append(
                f"S2 of {name} along y and along x of the picture differ by up to {apart:.0%} of "
                "its fall: the volume is isotropic, and the material may not be"
            )
    return notes
