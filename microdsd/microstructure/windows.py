"""Windows: crops of a volume and ensembles of windows cut from it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from microdsd.errors import InputError
from microdsd.microstructure.axes import LabelsLike, spatial_dims
from microdsd.microstructure.outside import material_phases, outside_label, starts_inside
from microdsd.microstructure.schema import as_microstructure, derived_provenance, phases_of
from microdsd.microstructure.voxels import VoxelSize, voxel_coordinates, voxel_size_of

_ORIGINS = 4
"""Origins per axis of the grids that are tried on a specimen that does not fill its box."""

Rng = int | np.random.Generator | None


def crop(ms: LabelsLike, **ranges: slice | tuple[int, int]) -> xr.DataArray:
    """Cut a part out of a microstructure; coordinates keep their values.

    Parameters
    ----------
    ms : ndarray or DataArray
    **ranges : slice or (start, stop)
        Voxel indices per dim (``sample``, ``z``, ``y``, ``x``), with the meaning of Python slices
        without a step.

    Raises
    ------
    InputError
        An unknown dim, a step, or a range that leaves nothing or reaches beyond the volume.

    Examples
    --------
    >>> crop(np.zeros((4, 6), dtype=int), x=(2, 5)).shape
    (4, 3)
    """
    ms = as_microstructure(ms)
    chosen: dict[str, slice] = {}
    for dim, given in ranges.items():
        if dim not in ms.dims:
            raise InputError(f"crop: there is no dim {dim!r}; the dims are {ms.dims}")
        part = given if isinstance(given, slice) else slice(*given)
        start, stop, step = part.indices(ms.sizes[dim])
        beyond = max(part.start or 0, part.stop or 0) > ms.sizes[dim]
        if step != 1 or stop <= start or beyond:
            raise InputError(
                f"crop: {dim}={given} must be a range without step inside 0..{ms.sizes[dim]}"
            )
        chosen[dim] = slice(start, stop)
    steps = {dim: [part.start, part.stop] for dim, part in chosen.items()}
    return as_microstructure(
        ms.isel(chosen), provenance=derived_provenance(ms, "crop", ranges=steps)
    )


def cut_windows(
    ms: LabelsLike,
    window: Sequence[int],
    *,
    n: int,
    rng: Rng,
    disjoint: bool = True,
) -> xr.DataArray:
    """Cut random windows of a volume; none holds a voxel outside of the specimen.

    Parameters
    ----------
    ms : ndarray or DataArray
        A volume or an ensemble of volumes.
    window : sequence of int
        Voxels per axis. Two entries cut windows normal to z out of a 3D volume.
    n : int
        Number of windows.
    rng : None, int or numpy Generator
    disjoint : bool
        Whether windows may share no voxel: they are drawn from a grid with a random origin, of a
        specimen that does not fill its box from one of the grids that hold enough.
        (2D windows of neighbouring z share none either, though they are alike.)

    Returns
    -------
    DataArray, dims (sample, [z,] y, x)
        Its coordinate ``place`` numbers the first voxel of every window, along the axes in C
        order.

    Raises
    ------
    InputError
        A window larger than the volume, or more disjoint windows than fit into it or into the
        specimen.

    Examples
    --------
    >>> cut_windows(np.zeros((8, 8, 8), dtype=int), (4, 4), n=5, rng=0).shape
    (5, 4, 4)
    """
    ms = as_microstructure(ms)
    dims = spatial_dims(ms)
    lengths = [ms.sizes[dim] for dim in dims]
    edges = [int(edge) for edge in window]
    if len(edges) not in (2, len(dims)):
        raise InputError(f"window: needs one edge per axis of {dims}, got {tuple(window)}")
    if n < 1:
        raise InputError(f"n: needs at least one window, got {n}")
    box = [1] * (len(dims) - len(edges)) + edges
    if not all(1 <= edge <= length for edge, length in zip(box, lengths, strict=True)):
        raise InputError(
            f"window: {tuple(window)} does not fit into the volume {tuple(lengths)}; "
            "take a smaller window"
        )
    volumes = ms.values if "sample" in ms.dims else ms.values[np.newaxis]
    generator = np.random.default_rng(rng)
    outside = outside_label(phases_of(ms))
    if outside is not None:
        inside = np.stack([starts_inside(volume == outside, box) for volume in volumes])
        place = _grid_places_inside if disjoint else _free_places_inside
        places = place(inside, box, n, generator)
    elif disjoint:
        places = _grid_places(len(volumes), lengths, box, n, generator)
    else:
        places = _free_places(len(volumes), lengths, box, n, generator)
    shape = edges if len(edges) < len(dims) else box
    cut = np.stack(
        [
            volumes[(sample, *(slice(s, s + e) for s, e in zip(start, box, strict=True)))]
            for sample, *start in places.tolist()
        ]
    ).reshape(n, *shape)
    size, unit = voxel_size_of(ms)
    kept = dims[-len(edges) :]
    coords = voxel_coordinates(
        dict(zip(kept, shape, strict=True)), VoxelSize(size[-len(edges) :], unit)
    )
    place = np.ravel_multi_index(tuple(places.T), (len(volumes), *lengths))
    return as_microstructure(
        xr.DataArray(cut, dims=("sample", *kept), coords={**coords, "place": ("sample", place)}),
        phases=material_phases(phases_of(ms)),
        provenance=derived_provenance(ms, "cut_windows", window=edges, disjoint=disjoint),
    )


def disjoint_windows(ms: LabelsLike, window: Sequence[int]) -> int:
    """Count the disjoint windows that `cut_windows` can take.

    Parameters
    ----------
    ms : ndarray or DataArray
    window : sequence of int
        As in `cut_windows`.

    Examples
    --------
    >>> disjoint_windows(np.zeros((8, 8, 8), dtype=int), (4, 4))
    32
    """
    ms = as_microstructure(ms)
    dims = spatial_dims(ms)
    box = [1] * (len(dims) - len(window)) + [int(edge) for edge in window]
    outside = outside_label(phases_of(ms))
    if outside is None:
        fit = [ms.sizes[dim] // edge for dim, edge in zip(dims, box, strict=True)]
        return ms.sizes.get("sample", 1) * int(np.prod(fit))
    volumes = ms.values if "sample" in ms.dims else ms.values[np.newaxis]
    inside = np.stack([starts_inside(volume == outside, box) for volume in volumes])
    return max(number for _, number in _grids(inside, box))


def _grids(inside: npt.NDArray[np.bool_], box: list[int]) -> list[tuple[tuple[int, ...], int]]:
    """Draw origins of grids, and count how many windows of each lie in the specimen."""
    steps = [sorted({k * edge // _ORIGINS for k in range(_ORIGINS)}) for edge in box]
    return [
        (origin, int(np.count_nonzero(inside[_nodes(origin, box)]))) for origin in product(*steps)
    ]


def _nodes(origin: Sequence[int], box: Sequence[int]) -> tuple[slice, ...]:
    return (
        slice(None),
        *(slice(first, None, edge) for first, edge in zip(origin, box, strict=True)),
    )


def _grid_places_inside(
    inside: npt.NDArray[np.bool_], box: list[int], n: int, rng: np.random.Generator
) -> npt.NDArray[Any]:
    """Draw rows (sample, start per axis) of disjoint windows in the specimen."""
    grids = _grids(inside, box)
    enough = [origin for origin, number in grids if number >= n]
    if not enough:
        raise InputError(
            f"n: only {max(number for _, number in grids)} disjoint windows of {tuple(box)} lie "
            f"in the specimen, asked for {n}; take fewer, smaller ones, or disjoint=False"
        )
    origin = enough[rng.integers(len(enough))]
    cells = np.argwhere(inside[_nodes(origin, box)])
    chosen = cells[rng.choice(len(cells), size=n, replace=False)]
    return chosen * [1, *box] + [0, *origin]


def _free_places_inside(
    inside: npt.NDArray[np.bool_], box: list[int], n: int, rng: np.random.Generator
) -> npt.NDArray[Any]:
    """Draw rows (sample, start per axis) of windows in the specimen, equally likely."""
    places = np.flatnonzero(inside)
    if not len(places):
        raise InputError(
            f"window: none of {tuple(box)} lies in the specimen, all hold voxels outside; take a "
            "smaller window"
        )
    return np.column_stack(np.unravel_index(rng.choice(places, size=n), inside.shape))


def _grid_places(
    samples: int, lengths: list[int], box: list[int], n: int, rng: np.random.Generator
) -> npt.NDArray[Any]:
    """Draw rows (sample, start per axis) from a grid of random origin, without replacement."""
    fit = [length // edge for length, edge in zip(lengths, box, strict=True)]
    available = samples * int(np.prod(fit))
    if n > available:
        raise InputError(
            f"n: only {available} disjoint windows of {tuple(box)} fit into {tuple(lengths)}, "
            f"asked for {n}; take fewer, smaller ones, or disjoint=False"
        )
    slack = [length - number * edge for length, number, edge in zip(lengths, fit, box, strict=True)]
    origin = rng.integers(0, np.array(slack) + 1)
    chosen = rng.choice(available, size=n, replace=False)
    sample, *cell = np.unravel_index(chosen, (samples, *fit))
    starts = np.array(cell).T * np.array(box) + origin
    return np.column_stack([sample, starts])


def _free_places(
    samples: int, lengths: list[int], box: list[int], n: int, rng: np.random.Generator
) -> npt.NDArray[Any]:
    """Draw rows (sample, start per axis) of all positions, equally likely."""
    highest = [samples, *(length - edge + 1 for length, edge in zip(lengths, box, strict=True))]
    return rng.integers(0, highest, size=(n, len(highest)))
