"""Surfaces of phases as triangles: of one body, closed, or of all phases with what they share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import psutil
import xarray as xr
from numpy.typing import NDArray

from microdsd.errors import InputError
from microdsd.meshes.faces import EXTERIOR, Faces, number_of_faces
from microdsd.meshes.manifold import lattice_points, separated
from microdsd.meshes.smoothing import edges_of, part_volumes, smoothed, with_volumes
from microdsd.microstructure import (
    LabelsLike,
    as_microstructure,
    phases_of,
    resolve_phase,
    voxel_size_of,
)
from microdsd.microstructure.outside import material_phases

SMOOTHING = 20
"""Iterations of the filter, unless others are asked for."""

_BYTES_PER_FACE = 1100
"""Most memory that the work on a face takes, as measured."""


@dataclass(frozen=True)
class PhaseVolume:
    """Compare the volume of a phase in the mesh and in the voxels.

    Attributes
    ----------
    phase : str
    voxels : int
    of_voxels, of_mesh : float
        In the unit of the mesh, cubed.
    of_smoothing : float
        What smoothing alone left, before the volume was put right.
    """

    phase: str
    voxels: int
    of_voxels: float
    of_mesh: float
    of_smoothing: float

    @property
    def error(self) -> float:
        """Return the volume of the mesh over that of the voxels, less one."""
        return self.of_mesh / self.of_voxels - 1

    @property
    def smoothing_error(self) -> float:
        """Return the relative error of the volume that smoothing alone makes."""
        return self.of_smoothing / self.of_voxels - 1

    def sentence(self, unit: str) -> str:
        """Say it in one line.

        Examples
        --------
        >>> PhaseVolume("pore", 8, 8.0, 8.04, 7.6).sentence("voxel")
        'pore: 8 voxels, 8 voxel^3; mesh 8.04 voxel^3, +0.5 % (smoothing alone: -5 %)'
        """
        return (
            f"{self.phase}: {self.voxels} voxels, {self.of_voxels:.6g} {unit}^3; mesh "
            f"{self.of_mesh:.6g} {unit}^3, {100 * self.error:+.3g} % "
            f"(smoothing alone: {100 * self.smoothing_error:+.3g} %)"
        )


@dataclass(frozen=True)
class Surface:
    """Hold triangles, and what lies on both sides of each.

    Attributes
    ----------
    points : ndarray, shape (n, 3)
        (x, y, z) in `unit`, voxel edges where no voxel size is known.
    triangles : ndarray of int64, shape (m, 3)
        Counter-clockwise seen from the side of `before`.
    behind, before : ndarray of int64, shape (m,)
        Label on both sides, -1 where there is no material.
    phases : dict of int to str
        Names of the labels.
    unit : str
    volumes : tuple of PhaseVolume
    """

    points: NDArray[np.float64]
    triangles: NDArray[np.int64]
    behind: NDArray[np.int64]
    before: NDArray[np.int64]
    phases: dict[int, str]
    unit: str
    volumes: tuple[PhaseVolume, ...]


def body_surface(
    ms: LabelsLike,
    phase: int | str | Sequence[int | str],
    *,
    smoothing: int = SMOOTHING,
    caps: bool = True,
) -> Surface:
    """Make the surface of one phase, or of several that are taken for one body.

    It is closed: every edge belongs to two triangles, also where voxels meet in an edge or a
    corner only. Where the phase meets a face of the box the surface lies in that face, flat, and
    closes it. After smoothing the surface is moved along its normals so that it holds the volume
    of the voxels.

    Parameters
    ----------
    ms : DataArray or ndarray, dims (z, y, x)
        One sample.
    phase : int, str or sequence of these
        Labels or names.
    smoothing : int
        Iterations; 0 leaves the faces of the voxels.
    caps : bool
        Whether what lies in the faces of the box belongs to it. Without, it is open there.

    Returns
    -------
    Surface
        Its normals point out of the phase.

    Raises
    ------
    InputError
        A phase that does not exist or has no voxel, a 2D sample, an ensemble, or a surface beyond
        the memory there is.

    Examples
    --------
    >>> ball = np.linalg.norm(np.indices((16, 16, 16)) - 7.5, axis=0) < 6
    >>> surface = body_surface(ball, 1)
    >>> int(surface.volumes[0].voxels), abs(surface.volumes[0].error) < 1e-6
    (912, True)
    """
    box = _box(ms, smoothing)
    several = [phase] if isinstance(phase, int | str | np.integer) else list(phase)
    labels = [resolve_phase(box, one) for one in several]
    if not labels:
        raise InputError("phase: name at least one")
    names = phases_of(box)
    name = " + ".join(names[label] for label in labels)
    rest = [label for label in material_phases(names) if label not in labels]
    within = np.isin(box.values, labels)
    numbers = within.astype(np.uint8)
    _require_memory(numbers)
    faces = Faces.between(numbers)
    if not len(faces.corners):
        raise InputError(f"phase={phase!r}: {name} has no voxel in this sample; nothing to mesh")
    inwards = faces.behind == EXTERIOR
    corners = np.where(inwards[:, None], faces.corners[:, ::-1], faces.corners)
    inside = np.where(inwards, faces.voxel[:, 1], faces.voxel[:, 0])
    sheets = separated(corners, inside, faces.shape)
    free = _free(sheets.points, faces.shape)
    sides = np.concatenate([_sides(sheets.squares), _sides(sheets.triangles)])
    polygon = np.concatenate([np.repeat(sheets.of_square, 4), np.repeat(sheets.of_triangle, 3)])
    edges, crease = edges_of(sides, faces.on_box[polygon])
    places = smoothed(sheets.points, edges, crease, free, smoothing)
    triangles = np.concatenate([_halves(places, sheets.squares), sheets.triangles])
    owner = np.concatenate([np.tile(sheets.of_square, 2), sheets.of_triangle])
    voxels = int(within.sum())
    all_behind = np.ones(len(triangles), dtype=bool)
    whole = [(all_behind, ~all_behind)]
    (after,) = part_volumes(places, triangles, whole)
    if smoothing:
        places = with_volumes(places, sheets.points, triangles, whole, free, [voxels])
    (final,) = part_volumes(places, triangles, whole)
    points, unit, voxel = _scaled(box, places)
    volume = PhaseVolume(name, voxels, voxels * voxel, float(final) * voxel, float(after) * voxel)
    label = np.full(len(triangles), labels[0])
    before = np.where(faces.on_box[owner], -1, _other_side(box, faces, owner, rest))
    surface = Surface(points, triangles, label, before, names, unit, (volume,))
    return surface if caps else _without(surface, faces.on_box[owner])


def phase_surfaces(ms: LabelsLike, *, smoothing: int = SMOOTHING) -> Surface:
    """Make the surfaces of all phases at once: every interface is there once, for both its sides.

    The part that borders on one phase is the closed surface of that phase: every edge in it
    belongs to an even number of its triangles. Points are shared, so that bodies fit together;
    where three phases meet, or voxels of one meet in an edge only, more than two triangles share
    an edge. After smoothing, surfaces are moved along their normals so that every phase holds the
    volume of its voxels.

    Parameters
    ----------
    ms : DataArray or ndarray, dims (z, y, x)
        One sample.
    smoothing : int
        Iterations; 0 leaves the faces of the voxels.

    Returns
    -------
    Surface

    Raises
    ------
    InputError
        A 2D sample, an ensemble, or a surface beyond the memory there is.

    Examples
    --------
    >>> halves = np.repeat([1, 2], 4)[:, None, None] * np.ones((8, 8, 8), dtype=int)
    >>> surface = phase_surfaces(halves)
    >>> [volume.voxels for volume in surface.volumes], int((surface.behind == surface.before).sum())
    ([256, 256], 0)
    """
    box = _box(ms, smoothing)
    names = phases_of(box)
    material = material_phases(names)
    labels = np.array(list(material), dtype=np.int64)
    numbers = _numbered(box.values, labels)
    _require_memory(numbers)
    faces = Faces.between(numbers)
    index, corner = np.unique(faces.corners, return_inverse=True)
    squares = corner.reshape(faces.corners.shape)
    start = lattice_points(index, faces.shape)
    free = _free(start, faces.shape)
    kind = np.sort([faces.behind, faces.before], axis=0).astype(np.int64)
    kind = 2 * (kind[0] * (len(labels) + 1) + kind[1]) + faces.on_box
    edges, crease = edges_of(_sides(squares), np.repeat(kind, 4))
    places = smoothed(start, edges, crease, free, smoothing)
    triangles = _halves(places, squares)
    known = np.concatenate([[-1], labels])
    behind, before = (np.tile(known[side], 2) for side in (faces.behind, faces.before))
    present = [label for label in material if (behind == label).any() or (before == label).any()]
    parts = [(behind == label, before == label) for label in present]
    voxels = [int((box.values == label).sum()) for label in present]
    after = part_volumes(places, triangles, parts)
    if smoothing:
        places = with_volumes(places, start, triangles, parts, free, voxels)
    final = part_volumes(places, triangles, parts)
    points, unit, voxel = _scaled(box, places)
    volumes = tuple(
        PhaseVolume(names[label], n, n * voxel, float(mesh) * voxel, float(left) * voxel)
        for label, n, mesh, left in zip(present, voxels, final, after, strict=True)
    )
    return Surface(points, triangles, behind, before, names, unit, volumes)


def in_unit(surface: Surface, unit: str) -> Surface:
    """Give lengths in another unit than metres.

    Raises
    ------
    InputError
        Where no voxel size is known.
    """
    factor = length_factor(surface.unit, unit)
    volumes = tuple(
        replace(
            v,
            of_voxels=v.of_voxels * factor**3,
            of_mesh=v.of_mesh * factor**3,
            of_smoothing=v.of_smoothing * factor**3,
        )
        for v in surface.volumes
    )
    return replace(surface, points=surface.points * factor, unit=unit, volumes=volumes)


UNITS = {"m": 1.0, "mm": 1e3, "um": 1e6, "nm": 1e9}
"""Units of lengths in a mesh: how many of them make a metre."""


def length_factor(known: str, wanted: str) -> float:
    """Find what lengths are multiplied by.

    Raises
    ------
    InputError
        An unknown unit, or lengths in voxels.

    Examples
    --------
    >>> length_factor("m", "um")
    1000000.0
    """
    if wanted == known:
        return 1.0
    if wanted not in UNITS:
        raise InputError(f"unit: {wanted!r} is not known; there are {', '.join(UNITS)}")
    if known != "m":
        raise InputError(f"unit: no voxel size is known, so no length in {wanted}; pass voxel_size")
    return UNITS[wanted]


def _box(ms: LabelsLike, smoothing: int) -> xr.DataArray:
    """Return one 3D sample, checked."""
    if smoothing < 0:
        raise InputError(f"smoothing: must be at least 0, got {smoothing}")
    box = as_microstructure(ms)
    if "sample" in box.dims:
        raise InputError("ms: a surface is of one sample; choose it with ms.isel(sample=0)")
    if box.ndim != 3:
        raise InputError("ms: only a volume has a surface, and this sample has two axes")
    return box


def _numbered(values: NDArray[np.integer], labels: NDArray[np.int64]) -> NDArray[np.integer]:
    """Label phases from 1, in the order of the labels; 0 where there is no material."""
    numbers = np.zeros(values.shape, dtype=np.min_scalar_type(len(labels)))
    for number, label in enumerate(labels.tolist(), start=1):
        numbers[values == label] = number
    return numbers


def _require_memory(numbers: NDArray[np.integer]) -> None:
    faces = number_of_faces(numbers)
    needed, there_is = faces * _BYTES_PER_FACE, psutil.virtual_memory().available
    if needed > there_is:
        raise InputError(
            f"ms: its surface is {faces} voxel faces, for which {needed / 2**30:.1f} GiB of memory "
            f"are needed and {there_is / 2**30:.1f} are free; crop or coarsen the volume"
        )


def _free(points: NDArray[np.float64], shape: Sequence[int]) -> NDArray[np.bool_]:
    """Return along which axes a point may move: none in the box's faces out of them."""
    return (points > 0) & (points < np.array(shape))


def _sides(polygons: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.stack([polygons, np.roll(polygons, -1, axis=1)], axis=2).reshape(-1, 2)


def _halves(points: NDArray[np.float64], squares: NDArray[np.int64]) -> NDArray[np.int64]:
    """Cut every square along its shorter diagonal into two triangles; all first ones come first."""
    a, b, c, d = squares.T
    across = np.linalg.norm(points[a] - points[c], axis=1)
    other = np.linalg.norm(points[b] - points[d], axis=1)
    # Of equal ones the first, whatever the rounding.
    along = across <= other * (1 + 1e-9)
    one = np.where(along, [a, b, c], [b, c, d])
    two = np.where(along, [a, c, d], [b, d, a])
    return np.concatenate([one.T, two.T])


def _other_side(
    box: xr.DataArray, faces: Faces, owner: NDArray[np.int64], rest: Sequence[int]
) -> NDArray[np.int64]:
    """Label before each triangle of a body, -1 where there is no material."""
    inwards = faces.behind == EXTERIOR
    beyond = np.where(inwards, faces.voxel[:, 0], faces.voxel[:, 1])
    place = np.unravel_index(beyond, tuple(n + 2 for n in faces.shape))
    inside = tuple(np.clip(p - 1, 0, n - 1) for p, n in zip(place, faces.shape, strict=True))
    label = box.values[inside].astype(np.int64)
    return np.where(np.isin(label, rest), label, -1)[owner]


def _without(surface: Surface, left_out: NDArray[np.bool_]) -> Surface:
    """Leave triangles out, and the points that only they have."""
    kept, number = np.unique(surface.triangles[~left_out], return_inverse=True)
    return replace(
        surface,
        points=surface.points[kept],
        triangles=number.reshape(-1, 3),
        behind=surface.behind[~left_out],
        before=surface.before[~left_out],
    )


def _scaled(
    box: xr.DataArray, places: NDArray[np.float64]
) -> tuple[NDArray[np.float64], str, float]:
    """Return points (x, y, z) where the box lies, the unit (metres or voxels), a voxel's volume."""
    size, unit = voxel_size_of(box)
    start = [float(box.coords[d][0]) - s / 2 for d, s in zip(box.dims, size, strict=True)]
    points = places * np.array(size) + np.array(start)
    return np.ascontiguousarray(points[:, ::-1]), unit, float(np.prod(size))


def volume_record(volumes: Sequence[PhaseVolume], unit: str) -> Mapping[str, object]:
    """Put the volumes in a form that JSON can hold."""
    return {
        "unit": f"{unit}^3",
        "phases": {
            v.phase: {
                "voxels": v.voxels,
                "of_voxels": v.of_voxels,
                "of_mesh": v.of_mesh,
                "error": v.error,
                "error_of_smoothing_alone": v.smoothing_error,
            }
            for v in volumes
        },
    }
