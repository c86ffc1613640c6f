"""A small ray caster that draws one phase of a volume as a lit solid, on numpy and scipy alone.

matplotlib's 3D polygons have neither a depth buffer nor shadows, and need tens of seconds for the
hundred thousand triangles of a rock sample; this needs one or two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from microdsd.errors import InputError

Floats = NDArray[np.floating[Any]]

_LEVEL = 0.5  # the isosurface of a smoothed indicator that keeps flat interfaces in place
_SMOOTHING = 0.8  # voxels, standard deviation of the Gaussian that rounds the staircase
_STEEPEST = 0.6  # per voxel: the smoothed indicator rises by 1 / (0.8 sqrt(2 pi)) at most
_STEP = 0.3  # voxels, the shortest step along a ray
_RAYS = 2  # per pixel and axis, for smooth outlines
_VIEW = (35.0, 24.0)  # azimuth and elevation of the camera, degrees
_LIGHT = (-0.45, 0.75, 0.70)  # towards the light: right, up, towards the viewer
_MARGIN = 1.03


@dataclass(frozen=True)
class Rendering:
    """Hold a picture of a phase and the place of the box in it.

    Attributes
    ----------
    image : ndarray of float32, shape (height, width, 4)
        RGB and opacity, range 0 to 1; opacity 0 where no ray meets the phase.
    corners : ndarray of float, shape (8, 2)
        Pixel position (column, row) of the box corners, in the order of
        ``itertools.product((0, 1), repeat=3)`` over (z, y, x).
    nearest, farthest : int
        Index of the corner closest to the camera and of the one hidden behind the box.
    """

    image: NDArray[np.float32]
    corners: Floats
    nearest: int
    farthest: int


@dataclass(frozen=True)
class _Camera:
    right: Floats
    up: Floats
    back: Floats  # from the scene to the viewer

    @classmethod
    def at(cls, azimuth: float, elevation: float) -> _Camera:
        a, e = np.radians([azimuth, elevation])
        back = np.array([np.sin(e), -np.cos(e) * np.cos(a), np.cos(e) * np.sin(a)])
        up = np.array([1.0, 0.0, 0.0]) - back[0] * back
        up /= np.linalg.norm(up)
        # Vectors are stored (z, y, x), which turns the sign of the cross product.
        return cls(right=np.cross(back, up), up=up, back=back)


def render_phase(
    indicator: ArrayLike,
    *,
    colour: Sequence[float],
    cap_colour: Sequence[float],
    spacing: Sequence[float] = (1.0, 1.0, 1.0),
    pixels: int = 480,
) -> Rendering:
    """Draw the surface of one phase, seen obliquely from above with the z axis upright.

    Parameters
    ----------
    indicator : array_like of bool, shape (z, y, x)
        True where the phase is.
    colour, cap_colour : sequence of 3 float
        RGB (0 to 1) of the interface, and of the cut where the phase meets a face of the box.
    spacing : sequence of 3 float
        Voxel edge lengths, any common unit.
    pixels : int
        Width of the picture; the height follows from the box.

    Returns
    -------
    Rendering

    Raises
    ------
    InputError
        If the indicator is not three-dimensional.

    Examples
    --------
    >>> import numpy as np
    >>> z, y, x = np.ogrid[:24, :24, :24]
    >>> ball = (x - 12) ** 2 + (y - 12) ** 2 + (z - 12) ** 2 < 100
    >>> render_phase(ball, colour=(0, 0.3, 0.6), cap_colour=(0.5, 0.6, 0.8), pixels=60).image.shape
    (64, 60, 4)
    """
    inside = np.asarray(indicator, dtype=np.float32)
    if inside.ndim != 3:
        raise InputError(
            f"indicator has {inside.ndim} dimensions; a surface picture needs a volume (z, y, x)"
        )
    edge = np.asarray(spacing, dtype=float) / np.min(spacing)
    scene = _Scene.of(inside, edge)
    camera = _Camera.at(*_VIEW)

    unit = np.stack(np.meshgrid(*[[0, 1]] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    corners = (unit - 0.5) * scene.box
    across, along = corners @ camera.right, corners @ camera.up
    extent = _MARGIN * np.array([across.max(), along.max()])
    scale = pixels / (2 * extent[0])
    rows = round(2 * extent[1] * scale)
    u = (np.arange(_RAYS * pixels) + 0.5) / (_RAYS * scale) - extent[0]
    v = extent[1] - (np.arange(_RAYS * rows) + 0.5) / (_RAYS * scale)

    origin = u[None, :, None] * camera.right + v[:, None, None] * camera.up
    origin += np.linalg.norm(scene.box) * camera.back
    hit, position, face = scene.cast(origin.reshape(-1, 3), -camera.back)
    light = np.zeros((u.size * v.size, 4), dtype=np.float32)
    light[hit, :3] = _shade(scene, camera, position, face, colour, cap_colour)
    light[hit, 3] = 1.0
    image = light.reshape(rows, _RAYS, pixels, _RAYS, 4).mean(axis=(1, 3))
    image[..., :3] /= np.maximum(image[..., 3:], 1e-6)

    depth = corners @ camera.back
    return Rendering(
        image=image,
        corners=np.stack([(across + extent[0]) * scale, (extent[1] - along) * scale], axis=-1),
        nearest=int(depth.argmax()),
        farthest=int(depth.argmin()),
    )


@dataclass(frozen=True)
class _Scene:
    """Hold the smoothed indicator; positions are relative to the middle of the box."""

    density: NDArray[np.float32]
    clearance: NDArray[np.float32]  # a distance that holds none of the phase, per voxel
    edge: Floats  # voxel edges
    box: Floats  # box edges

    @classmethod
    def of(cls, inside: NDArray[np.float32], edge: Floats) -> _Scene:
        density = ndimage.gaussian_filter(inside, _SMOOTHING, mode="nearest", truncate=3)
        distance = ndimage.distance_transform_edt(density < _LEVEL, sampling=edge)
        # Interpolation carries the phase one cell outwards; the look-up is off by half a cell.
        clearance = (distance - 1.5 * np.linalg.norm(edge)).astype(np.float32)
        return cls(density, clearance, edge, np.array(inside.shape) * edge)

    def index(self, position: Floats) -> Floats:
        """Return fractional voxel indices, one row per axis, as ``map_coordinates`` needs them."""
        return np.ascontiguousarray(((position + self.box / 2) / self.edge - 0.5).T, np.float32)

    def sample(self, field: NDArray[np.float32], index: Floats) -> Floats:
        values: Floats = ndimage.map_coordinates(
            field, index, order=1, mode="nearest", output=np.float32
        )
        return values

    def slope(self, axis: int) -> NDArray[np.float32]:
        if self.density.shape[axis] == 1:  # a single layer: no slope across it
            return np.zeros_like(self.density)
        slope: NDArray[np.float32] = np.gradient(self.density, self.edge[axis], axis=axis)
        return slope

    def stride(self, index: Floats, density: Floats) -> Floats:
        """Return the lengths that can be walked without passing through the phase."""
        voxel = np.ravel_multi_index(
            tuple((index + 0.5).astype(np.intp)), self.density.shape, mode="clip"
        )
        rise = np.maximum((_LEVEL - density) / _STEEPEST, _STEP)
        steps: Floats = np.maximum(self.clearance.ravel()[voxel], rise)
        return steps

    def cast(
        self, origin: Floats, direction: Floats
    ) -> tuple[NDArray[np.intp], Floats, NDArray[np.int8]]:
        """Cast parallel rays at the phase.

        Returns the rays that meet it, where, and the axis of the box face if that is where the ray
        entered (-1 for the interface itself).
        """
        with np.errstate(divide="ignore"):
            near = (-np.sign(direction) * self.box / 2 - origin) / direction
            far = (np.sign(direction) * self.box / 2 - origin) / direction
        enter, leave = np.maximum(near.max(axis=1), 0.0), far.min(axis=1)
        ray = np.flatnonzero(enter < leave)
        t = enter[ray].astype(np.float32)
        place = self.index(origin[ray] + t[:, None] * direction)
        forward = (direction / self.edge).astype(np.float32)[:, None]
        before = self.sample(self.density, place)

        capped = before >= _LEVEL
        rays, distance = [ray[capped]], [t[capped]]
        faces = [near[ray[capped]].argmax(axis=1).astype(np.int8)]
        keep, left = ~capped, (leave[ray] - t).astype(np.float32)
        while True:
            ray, t, left, before, place = (
                ray[keep], t[keep], left[keep], before[keep], place[:, keep]
            )  # fmt: skip
            if not ray.size:
                break
            step = self.stride(place, before)
            t, left, place = t + step, left - step, place + step * forward
            now = self.sample(self.density, place)
            inside = (now >= _LEVEL) & (left > 0)
            back = (now[inside] - _LEVEL) / (now[inside] - before[inside])
            rays.append(ray[inside])
            distance.append(t[inside] - step[inside] * back)
            faces.append(np.full(int(inside.sum()), -1, dtype=np.int8))
            before, keep = now, ~inside & (left > 0)
        hit = np.concatenate(rays)
        position = origin[hit] + np.concatenate(distance)[:, None] * direction
        return hit, position, np.concatenate(faces)


def _shade(
    scene: _Scene,
    camera: _Camera,
    position: Floats,
    face: NDArray[np.int8],
    colour: Sequence[float],
    cap_colour: Sequence[float],
) -> Floats:
    light = _LIGHT[0] * camera.right + _LIGHT[1] * camera.up + _LIGHT[2] * camera.back
    light /= np.linalg.norm(light)

    index = scene.index(position)
    normal = -np.stack([scene.sample(scene.slope(axis), index) for axis in range(3)], axis=-1)
    capped = face >= 0
    normal[capped] = np.eye(3)[face[capped]] * np.sign(camera.back)[face[capped], None]
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-6)

    lit = np.ones(len(position), dtype=bool)
    shadowed, *_ = scene.cast(position[~capped] + 1.2 * normal[~capped], light)
    lit[np.flatnonzero(~capped)[shadowed]] = False

    diffuse = np.clip(normal @ light, 0, 1)
    # Much of the phase nearby means a hollow: little of the sky is seen from there.
    around: NDArray[np.float32] = ndimage.gaussian_filter(scene.density, 3.0, mode="nearest")
    crowd = scene.sample(around, index)
    open_sky = np.clip(1.45 - 1.1 * crowd, 0.35, 1.0)
    sky = 0.5 + 0.5 * normal @ camera.up
    brightness = (0.42 + 0.26 * sky) * open_sky + 0.58 * diffuse * np.where(lit, 1.0, 0.25)
    halfway = light + camera.back
    shine = np.clip(normal @ (halfway / np.linalg.norm(halfway)), 0, 1) ** 40 * lit * 0.18

    base = np.where(capped[:, None], np.asarray(cap_colour), np.asarray(colour))
    brightness = np.where(capped, 0.84 + 0.2 * diffuse, brightness)
    shine = np.where(capped, 0.0, shine)
    picture: Floats = np.clip(base * brightness[:, None] + shine[:, None], 0, 1)
    return picture
