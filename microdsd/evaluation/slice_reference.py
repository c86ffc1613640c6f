"""Pictures with which slices of volumes can be compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import xarray as xr

from microdsd.errors import InputError
from microdsd.evaluation.reference import same_phases, same_voxel_size, sizes
from microdsd.evaluation.slice_cutting import slices_of
from microdsd.evaluation.training_scan import FLATTERS, without_training
from microdsd.evaluation.verdict.judging import fewest_for
from microdsd.microstructure import LabelsLike, as_microstructure, phases_of, spatial_dims
from microdsd.microstructure.axes import SPATIAL_DIMS
from microdsd.microstructure.windows import disjoint_windows

SMALLEST_WINDOW = 8


@dataclass(frozen=True)
class MatchedPictures:
    """Hold slices and pictures of the same phases and pixel size, by the axis they are normal to.

    Attributes
    ----------
    slices : dict of str to DataArray, dims (sample, slice, y, x)
    pictures : dict of str to DataArray, dims ([sample,] y, x)
    given : dict of str to DataArray
        The pictures as they were given; one object where one stands for several directions.
    notes : tuple of str
    """

    slices: dict[str, xr.DataArray]
    pictures: dict[str, xr.DataArray]
    given: dict[str, xr.DataArray]
    notes: tuple[str, ...]


def match_pictures(
    volumes: xr.DataArray, reference: LabelsLike | Mapping[str, LabelsLike]
) -> MatchedPictures:
    """Give slices and pictures the same phases and pixel size.

    Raises
    ------
    InputError
        Unknown directions, volumes among the pictures, or phases and pixels that do not match.
    """
    pictures = _pictures(reference)
    slices: dict[str, xr.DataArray] = {}
    reals: dict[str, xr.DataArray] = {}
    notes: list[str] = []
    for axis, picture in pictures.items():
        stacked = slices_of(volumes, axis)
        plane = stacked.isel(slice=0, drop=True)
        plane, real, remarks = same_voxel_size(as_microstructure(plane), picture)
        plane, reals[axis] = same_phases(plane, real)
        stacked = stacked.assign_coords(
            {dim: plane[dim] for dim in ("y", "x") if dim in plane.coords}
        )
        slices[axis] = stacked.assign_attrs(phases=plane.attrs["phases"])
        notes += [note for note in remarks if note not in notes]
    return MatchedPictures(slices, reals, pictures, tuple(notes))


def common_window(
    window: int | Sequence[int] | None, matched: MatchedPictures
) -> tuple[int, int] | None:
    """Return the window asked for, or None for whole slices, if pictures hold enough of it.

    Raises
    ------
    InputError
        If they do not; says which window they hold enough of.
    """
    slices, pictures = matched.slices, matched.pictures
    if window is not None:
        edges = [window] * 2 if isinstance(window, int) else [int(edge) for edge in window]
        edges = edges * 2 if len(edges) == 1 else edges
        if len(edges) != 2 or min(edges) < 1:
            raise InputError(f"window={window}: give one number, or one per axis of a slice")
    for axis, planes in slices.items():
        slice_shape, picture = planes.shape[-2:], pictures[axis]
        shape = slice_shape if window is None else tuple(edges)
        extent = tuple(picture.sizes[dim] for dim in spatial_dims(picture))
        if any(edge > length for edge, length in zip(shape, slice_shape, strict=True)):
            raise InputError(
                f"window={sizes(shape)}: larger than the slices normal to {axis}, of "
                f"{sizes(slice_shape)} voxels; take a smaller one"
            )
        fits = all(edge <= length for edge, length in zip(shape, extent, strict=True))
        number = disjoint_windows(picture, shape) if fits else 0
        fewest = fewest_for(phases_of(picture)).windows
        if number >= (fewest if window is None else 1):
            continue
        what = (
            f"the picture of {sizes(extent)} pixels is smaller than the slices normal to {axis}, "
            f"of {sizes(shape)} voxels"
            if not fits and window is None
            else f"the picture of {sizes(extent)} pixels holds {number} windows of "
            f"{sizes(shape)} without overlap, and a verdict needs {fewest}"
        )
        raise InputError(f"reference: {what}; {_remedy(slices, pictures)}")
    return None if window is None else (edges[0], edges[1])


def unseen_part(
    training: Mapping[str, Any], picture: xr.DataArray, edges: tuple[int, ...]
) -> tuple[xr.DataArray, str | None, str | None]:
    """Return the part of a picture that training has not seen, if it is enough; else all of it.

    Returns
    -------
    picture : DataArray
    note, flatters : str or None
        Which part it is, or a warning that it was seen.
    """
    part, note, flatters = without_training(training, picture, edges[0])
    if flatters is None and part.shape != picture.shape:
        fewest = fewest_for(phases_of(picture)).windows
        if min(part.shape[-2:]) < min(edges) or disjoint_windows(part, edges) < fewest:
            return picture, None, FLATTERS
    return part, note, flatters


def _pictures(reference: LabelsLike | Mapping[str, LabelsLike]) -> dict[str, xr.DataArray]:
    if isinstance(reference, Mapping):
        if not reference or not set(reference) <= set(SPATIAL_DIMS):
            raise InputError(f"reference: name the axes z, y or x, got {list(reference)}")
        pictures = {
            axis: as_microstructure(reference[axis]) for axis in SPATIAL_DIMS if axis in reference
        }
    else:
        pictures = dict.fromkeys(SPATIAL_DIMS, as_microstructure(reference))
    for axis, picture in pictures.items():
        if len(spatial_dims(picture)) != 2:
            raise InputError(
                f"reference: that of {axis} is a volume; compare volumes with evaluate, or give a "
                "picture of every direction"
            )
    return pictures


def _remedy(slices: Mapping[str, xr.DataArray], pictures: Mapping[str, xr.DataArray]) -> str:
    """Say which window fits often enough into every picture."""
    edge = min(min(planes.shape[-2:]) for planes in slices.values())
    for axis, picture in pictures.items():
        fewest = fewest_for(phases_of(picture)).windows
        extent = [picture.sizes[dim] for dim in spatial_dims(picture)]
        while edge >= SMALLEST_WINDOW and (
            edge > min(extent) or disjoint_windows(picture, (edge, edge)) < fewest
        ):
            edge -= 1
        if edge < SMALLEST_WINDOW:
            return (
                f"nor does that of {axis} hold {fewest} windows of "
                f"{sizes((SMALLEST_WINDOW,) * 2)}; take a larger picture"
            )
    return f"compare windows of {edge} x {edge}, window={edge} (--window {edge})"
