"""Statistics of volumes from pictures: the correlation in 3D from that in planes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from microdsd.baselines.lifting import blended_map, isotropic_map
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
    symmetry : {"isotropic", "transverse", "orthotropic", "none"}
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
        symmetry : {"isotropic", "transverse", "orthotropic", "none"}, optional
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
        alike = {"isotropic": SPATIAL_DIMS, "transverse": ("y", "x")}.get(self.symmetry, ())
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
    known = {axis: sorted(values) for axis, values in edges.items() if values}
    apart = any(values[-1] > values[0] * (1 + 1e-3) for values in known.values())
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
