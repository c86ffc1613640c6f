"""Synthetic media with known answers, seeded, on numpy and scipy alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import xarray as xr
from scipy import ndimage

from microdsd.errors import InputError
from microdsd.microstructure.axes import dims_of_ndarray
from microdsd.microstructure.schema import as_microstructure
from microdsd.microstructure.windows import Rng


def layers(shape: Sequence[int], *, widths: Sequence[int], axis: int = 0) -> xr.DataArray:
    """Make flat layers across one axis, with labels 0, 1, ... in turn until the box is full.

    Parameters
    ----------
    shape : sequence of int
        ``([z,] y, x)`` in voxels.
    widths : sequence of int
        Thickness of the layer of each phase, in voxels.
    axis : int
        Axis that the layers are normal to.

    Examples
    --------
    >>> layers((4, 2), widths=(1, 3)).values[:, 0]
    array([0, 1, 1, 1], dtype=uint8)
    """
    if not widths or min(widths) < 1:
        raise InputError(f"widths: every layer needs at least one voxel, got {tuple(widths)}")
    period = np.repeat(np.arange(len(widths), dtype=np.uint8), widths)
    along = np.resize(period, shape[axis])
    expand = [1] * len(shape)
    expand[axis] = shape[axis]
    labels = np.broadcast_to(along.reshape(expand), tuple(shape)).copy()
    return as_microstructure(
        xr.DataArray(labels, dims=dims_of_ndarray(labels.ndim, ensemble=False)),
        phases={phase: f"phase {phase}" for phase in range(len(widths))},
        provenance={"operation": "layers", "widths": list(widths), "axis": axis},
    )


def checkerboard(shape: Sequence[int], *, cell: int = 1) -> xr.DataArray:
    """Make squares or cubes of edge `cell` with labels 0 and 1 in turn.

    Examples
    --------
    >>> checkerboard((2, 3)).values
    array([[0, 1, 0],
           [1, 0, 1]], dtype=uint8)
    """
    if cell < 1:
        raise InputError(f"cell: needs at least one voxel, got {cell}")
    parity = np.sum(np.indices(tuple(shape)) // cell, axis=0) % 2
    return as_microstructure(
        parity.astype(np.uint8),
        phases={0: "phase 0", 1: "phase 1"},
        provenance={"operation": "checkerboard", "cell": cell},
    )


def overlapping_spheres(
    shape: Sequence[int],
    *,
    radius: float,
    number: int,
    rng: Rng,
    periodic: bool = True,
) -> xr.DataArray:
    """Make discs or spheres (label 1) around random centres in a matrix (label 0).

    The expected matrix fraction of a periodic box is ``(1 - v / V)**number`` with v the volume of
    one sphere and V that of the box.

    Parameters
    ----------
    shape : sequence of int
        ``([z,] y, x)`` in voxels.
    radius : float
        Voxels.
    number : int
        Number of centres, uniform in the box.
    rng : None, int or numpy Generator
    periodic : bool
        Whether spheres wrap around the box.

    References
    ----------
    Torquato, Random Heterogeneous Materials (2002), chapter 5. doi:10.1007/978-1-4757-6355-3

    Examples
    --------
    >>> overlapping_spheres((8, 8), radius=2, number=3, rng=0).shape
    (8, 8)
    """
    if radius <= 0 or number < 0:
        raise InputError(f"radius must be > 0 and number >= 0, got {radius} and {number}")
    if periodic and 2 * radius > min(shape):
        raise InputError(
            f"radius: a sphere of radius {radius} meets itself in a box {tuple(shape)}"
        )
    generator = np.random.default_rng(rng)
    covered = np.zeros(tuple(shape), dtype=bool)
    reach = np.arange(-int(radius) - 1, int(radius) + 2)
    for centre in generator.random((number, len(shape))) * np.array(shape):
        near = [np.floor(c).astype(int) + reach for c in centre]
        square = [(voxel + 0.5 - c) ** 2 for voxel, c in zip(near, centre, strict=True)]
        inside = np.sum(np.meshgrid(*square, indexing="ij"), axis=0) <= radius**2
        voxels = np.stack(np.meshgrid(*near, indexing="ij"), axis=-1)[inside]
        if not periodic:
            voxels = voxels[np.all((voxels >= 0) & (voxels < np.array(shape)), axis=1)]
        covered[tuple((voxels % np.array(shape)).T)] = True
    return as_microstructure(
        covered,
        phases={0: "matrix", 1: "spheres"},
        provenance={"operation": "overlapping_spheres", "radius": radius, "number": number},
    )


def blobs(
    shape: Sequence[int],
    *,
    fractions: Sequence[float],
    scale: float | Sequence[float],
    rng: Rng,
    periodic: bool = True,
) -> xr.DataArray:
    """Make level cuts of a smooth Gaussian random field, with exact phase counts.

    Parameters
    ----------
    shape : sequence of int
        ``([z,] y, x)`` in voxels.
    fractions : sequence of float
        Fraction of labels 0, 1, ...; they sum to one and each is rounded to voxels.
    scale : float or sequence of float
        Standard deviation of the Gaussian filter, in voxels, for all axes or per axis.
    rng : None, int or numpy Generator
    periodic : bool
        Whether the field wraps around the box.

    Examples
    --------
    >>> ms = blobs((8, 8), fractions=(0.25, 0.75), scale=2, rng=0)
    >>> int((ms == 0).sum())
    16
    """
    if min(fractions) < 0 or not np.isclose(sum(fractions), 1):
        raise InputError(f"fractions: must be >= 0 and sum to one, got {tuple(fractions)}")
    generator = np.random.default_rng(rng)
    field: npt.NDArray[np.float64] = ndimage.gaussian_filter(
        generator.standard_normal(tuple(shape)), scale, mode="wrap" if periodic else "reflect"
    )
    bounds = np.rint(np.cumsum(fractions) * field.size).astype(int)
    rank = np.empty(field.size, dtype=np.intp)
    rank[np.argsort(field, axis=None, kind="stable")] = np.arange(field.size)
    labels = np.searchsorted(bounds, rank, side="right").reshape(field.shape)
    return as_microstructure(
        labels,
        phases={phase: f"phase {phase}" for phase in range(len(fractions))},
        provenance={
            "operation": "blobs",
            "fractions": list(fractions),
            "scale": np.asarray(scale).tolist(),
        },
    )
