"""Two-point cluster function: pairs of points in one connected component of a phase."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.fft
import xarray as xr
from scipy import ndimage

from microdsd.metrics._ensembles import MaskLike, per_sample, phase_in_specimen
from microdsd.metrics.correlation import Grid, Shells, checked_distance, pair_counts
from microdsd.metrics.registry import Descriptor, Group, Margin, Variables, Words
from microdsd.metrics.request import Request
from microdsd.metrics.topology import Connectivity, checked_connectivity, label_components
from microdsd.microstructure.schema import (
    LabelsLike,
    as_ensemble,
    phases_of,
    resolve_phase,
    voxel_size_of,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Counts = NDArray[np.float64]
    Places = NDArray[np.int64]

LARGEST_BY_PAIRS = 48
PAIRS_PER_BATCH = 2**20


def two_point_cluster(
    ms: LabelsLike,
    *,
    phase: int | str,
    periodic: bool,
    max_distance: int | None = None,
    connectivity: Connectivity = "face",
    mask: MaskLike | None = None,
) -> xr.DataArray:
    r"""Measure the two-point cluster function C2 of one phase, averaged over all directions.

    Parameters
    ----------
    ms : DataArray or ndarray
        Integer labels, dims ``([sample,] [z,] y, x)``.
    phase : int or str
        Label or name of the phase.
    periodic : bool
        True wraps the box, components included. False uses only pairs inside the box, divides each
        lag by the number of places where it fits, and joins components only inside the box. There
        is no default.
    max_distance : int, optional
        Largest distance, in the shortest voxel edge. By default half the shortest side.
    connectivity : {"face", "full"}
        Voxels of one component are joined across faces (edges in 2D) only, or also across edges and
        corners.
    mask : array_like of bool, dims ``([sample,] [z,] y, x)``, optional
        Where the specimen is, if it does not fill the box: components are connected as far
        as they are so inside the specimen, and each lag is divided by its pairs of voxels.

    Returns
    -------
    DataArray
        float64 probabilities, dims ``(sample, distance)``, on the shells of
        `two_point_probability`.

    Raises
    ------
    InputError
        If the phase or connectivity does not exist, or `max_distance` or the mask does not fit the
        box.

    Notes
    -----
    .. math:: C_2(r) = \sum_k \langle B_k(x)\, B_k(x + r) \rangle

    over the components :math:`B_k` of the phase. S2 less C2 is the probability of two different
    components. Components of up to 48 voxels are counted pair by pair, every larger one by a
    Fourier transform of its bounding box. Memory is that of S2. The time is that of S2 for one
    component that spans the box; many large components that wind around each other cost one
    transform of the common
    box each.

    References
    ----------
    Torquato, Beasley and Chiew, Journal of Chemical Physics 88 (1988) 6540,
    doi:10.1063/1.454440.
    Jiao, Stillinger and Torquato, PNAS 106 (2009) 17634, doi:10.1073/pnas.0905919106.

    Examples
    --------
    >>> import numpy as np
    >>> two = np.array([[1, 1, 0, 1]] * 4)
    >>> c2 = two_point_cluster(two, phase=1, periodic=False, max_distance=1)
    >>> c2.values.round(3), bool(c2[0, 0] == 0.75)
    (array([[0.75 , 0.438]]), True)
    """
    checked_connectivity(connectivity)
    ensemble = as_ensemble(ms)
    label = resolve_phase(ensemble, phase)
    size, unit = voxel_size_of(ensemble)
    grid = Grid.of(ensemble.shape[1:], size, periodic)
    default = min(ensemble.shape[1:]) // 2
    shells = Shells.of(grid, checked_distance(max_distance, default, grid.longest_shell()))
    in_phase, inside = phase_in_specimen(ensemble, label, mask)
    lengths = grid.transform_lengths(shells.reach)
    values = []
    for i, of_phase in enumerate(in_phase):
        counts = _pairs_in_components(of_phase, grid, shells.reach, connectivity)
        inside_sample = None if inside is None else inside[i : i + 1]
        places = (
            None
            if inside_sample is None
            else pair_counts(inside_sample, inside_sample, lengths, shells.reach)[0]
        )
        values.append(shells.mean(counts, places))
    return per_sample(
        ensemble,
        np.stack(values),
        name="two_point_cluster",
        long_name="two-point cluster function",
        dims=("distance",),
        coords={"distance": ("distance", shells.distance * min(size), {"units": unit})},
        phase=phases_of(ensemble)[label],
        connectivity=connectivity,
        periodic=int(periodic),
    )


def _pairs_in_components(
    mask: NDArray[np.bool_], grid: Grid, reach: tuple[int, ...], connectivity: Connectivity
) -> Counts:
    """Count the pairs of voxels in one component, for every lag of one orthant."""
    components = label_components(mask, connectivity, grid.periodic)
    sizes = np.bincount(components.ravel())
    counts = np.zeros([r + 1 for r in reach])
    boxes = ndimage.find_objects(components)
    for component in np.flatnonzero(sizes[1:] > LARGEST_BY_PAIRS):
        _add_large(counts, components[boxes[component]] == component + 1, grid, reach)
    small = (sizes <= LARGEST_BY_PAIRS) & (sizes > 0)
    small[0] = False
    _add_small(counts, components, np.where(small, sizes, 0), grid)
    return counts


def _add_large(
    counts: Counts, component: NDArray[np.bool_], grid: Grid, reach: tuple[int, ...]
) -> None:
    """Add the pairs of one component, given in its bounding box."""
    lengths, lags = [], []
    for axis, (n, r) in enumerate(zip(component.shape, reach, strict=True)):
        # A component that might meet itself around the box needs the whole axis.
        wraps = grid.periodic and n - 1 >= grid.shape[axis] - r
        lags.append(r if wraps else min(r, n - 1))
        lengths.append(grid.shape[axis] if wraps else scipy.fft.next_fast_len(n + lags[-1]))
    part = tuple(slice(lag + 1) for lag in lags)
    alone = component[None]
    counts[part] += pair_counts(alone, alone, lengths, lags)[0]


def _add_small(counts: Counts, components: NDArray[Any], sizes: NDArray[Any], grid: Grid) -> None:
    """Add the pairs of the components with a size, those of equal size together."""
    voxels = np.flatnonzero(sizes[components])
    order = np.argsort(sizes[components.flat[voxels]] * len(sizes) + components.flat[voxels])
    voxels = voxels[order]
    of_voxel = sizes[components.flat[voxels]]
    single = np.zeros(counts.shape)
    double = np.zeros(counts.size)
    single.flat[0] = len(voxels)
    for size in range(2, LARGEST_BY_PAIRS + 1):
        chosen = voxels[slice(*np.searchsorted(of_voxel, [size, size + 1]))].reshape(-1, size)
        first, second = np.triu_indices(size, 1)
        step = max(1, PAIRS_PER_BATCH // len(first))
        for start in range(0, len(chosen), step):
            block = np.array(np.unravel_index(chosen[start : start + step], components.shape))
            lag = np.abs(block[..., first] - block[..., second]).reshape(len(grid.shape), -1)
            if grid.periodic:
                sides = np.array(grid.shape)[:, None]
                lag = np.minimum(lag, sides - lag)
            near = (lag < np.array(counts.shape)[:, None]).all(axis=0)
            place = np.ravel_multi_index(tuple(lag[:, near]), counts.shape)
            double += np.bincount(place, minlength=counts.size)
    counts += single + 2 * double.reshape(counts.shape) / _senses(counts.shape, grid)


def _senses(shape: tuple[int, ...], grid: Grid) -> Counts:
    """Count the different lags that reflections make of each lag."""
    senses = np.ones(shape)
    for lag, n in zip(np.indices(shape, sparse=True), grid.shape, strict=True):
        alone = (lag == 0) | (grid.periodic & (2 * lag == n))
        senses *= np.where(alone, 1, 2)
    return senses


def _measure(request: Request) -> Variables:
    return {
        "two_point_cluster": request.by_phase(
            lambda phase: two_point_cluster(
                request.ensemble, phase=phase, periodic=request.periodic, mask=request.mask
            )
        )
    }


CLUSTER = Group(
    "cluster",
    _measure,
    (
        Descriptor(
            name="two_point_cluster",
            label="two-point cluster function",
            definition="C2(r): probability that two points r apart lie in one connected component, "
            "mean over shells",
            references="doi:10.1063/1.454440",
            symbol="C2(r)",
            points="distance",
            drawn=True,
            margin=Margin(0.05, "fall"),
            words=Words(
                "{phase} components contain", "too many pairs of points", "too few pairs of points"
            ),
            rank=5,
        ),
    ),
)
