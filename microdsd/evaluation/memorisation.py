"""Search for copies of training windows among samples."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.fft
import scipy.stats
import xarray as xr

from microdsd.errors import InputError
from microdsd.microstructure.labels import label_ranks
from microdsd.microstructure.schema import LabelsLike, as_ensemble, phases_of, spatial_dims
from microdsd.microstructure.symmetry import Symmetry, symmetry_elements

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

VOXELS_PER_BLOCK = 1 << 22
"""Voxels of the scan that are transformed at a time."""


@dataclass(frozen=True)
class Memorisation:
    """Hold the distances of samples and of real windows from the training scan.

    Attributes
    ----------
    generated, held_back : Dataset, dims (sample,)
        Results of `nearest_windows`; held-back windows are real ones that training never saw.
    """

    generated: xr.Dataset
    held_back: xr.Dataset

    @property
    def nearer(self) -> int:
        """Count the samples that are nearer to the training scan than every held-back window."""
        closest = self.held_back["relative_distance"].min()
        return int((self.generated["relative_distance"] < closest).sum())

    @property
    def nearer_by_chance(self) -> float:
        """Return the expected `nearer` if samples and held-back windows were alike."""
        return self.generated.sizes["sample"] / (self.held_back.sizes["sample"] + 1)

    @property
    def p_value(self) -> float:
        """Return the probability that held-back windows come as near (Mann-Whitney)."""
        test = scipy.stats.mannwhitneyu(
            self.generated["relative_distance"],
            self.held_back["relative_distance"],
            alternative="less",
        )
        return float(test.pvalue)

    def to_dict(self) -> dict[str, Any]:
        """Convert everything to what JSON can hold."""
        return {
            "nearer": self.nearer,
            "nearer_by_chance": self.nearer_by_chance,
            "p_value": self.p_value,
            "generated": _columns(self.generated),
            "held_back": _columns(self.held_back),
        }


def memorisation(
    generated: LabelsLike,
    training: LabelsLike,
    held_back: LabelsLike,
    *,
    symmetry: Symmetry = "none",
) -> Memorisation:
    """Compare the nearest training windows of samples with those of held-back real windows.

    Parameters
    ----------
    generated : DataArray or ndarray
        Samples.
    training : DataArray or ndarray
        All that training saw; for plane samples it may be a volume.
    held_back : DataArray or ndarray
        Real windows that training did not see, of the samples' shape and, for a fair comparison,
        of like composition.
    symmetry : {"none", "orthotropic", "transverse", "isotropic"}
        Turns and mirrors under which training showed its windows.

    Returns
    -------
    Memorisation

    Raises
    ------
    InputError
        If the samples are larger than the scan, or have phases that it has not.

    Examples
    --------
    >>> from microdsd.microstructure import blobs, cut_windows
    >>> scan = blobs((64, 64), fractions=(0.3, 0.7), scale=2, rng=0)
    >>> copies = cut_windows(scan, (16, 16), n=5, rng=1)
    >>> fresh = cut_windows(blobs((64, 64), fractions=(0.3, 0.7), scale=2, rng=2), (16, 16),
    ...                     n=5, rng=1)
    >>> memorisation(copies, scan, fresh).nearer
    5
    """
    return Memorisation(
        nearest_windows(generated, training, symmetry=symmetry),
        nearest_windows(held_back, training, symmetry=symmetry),
    )


def nearest_windows(
    samples: LabelsLike, scan: LabelsLike, *, symmetry: Symmetry = "none"
) -> xr.Dataset:
    """Find the window of a scan with the fewest differing voxels, for each sample.

    Parameters
    ----------
    samples : DataArray or ndarray, dims ([sample,] [z,] y, x)
    scan : DataArray or ndarray
        Of the same number of axes; or a volume for plane samples, whose slices normal to z are
        searched, with "isotropic" symmetry those normal to all axes.
    symmetry : {"none", "orthotropic", "transverse", "isotropic"}
        The sample is also turned and mirrored in these ways.

    Returns
    -------
    Dataset, dims (sample,)
        ``distance``, the share of differing voxels; ``relative_distance``, the same over what two
        unrelated windows of these compositions have; ``normal``, the axis that slices were cut
        normal to (-1 for whole windows); ``layer``, the slice or the member of an ensemble;
        ``start_y`` and so on, the corner in the slice or volume; ``turn``, the index of the
        turn in `microdsd.microstructure.symmetry.symmetry_elements`.

    Raises
    ------
    InputError
        If a sample is larger than the scan, or has phases that it has not.

    Notes
    -----
    Like voxels are counted by cross-correlation, exactly: phases are the corners of a simplex, so
    that a correlation is a count up to a factor and a shift, and counts are rounded to the
    integers that they are. Memory is linear in a slab of the scan.
    """
    ensemble, real = as_ensemble(samples), as_ensemble(scan)
    names = set(phases_of(ensemble)), set(phases_of(real))
    if not names[0] <= names[1]:
        raise InputError(
            f"samples: hold labels {sorted(names[0])}, the scan {sorted(names[1])}; "
            "relabel one of them"
        )
    new, scanned = (label_ranks(ms.values, names[1]) for ms in (ensemble, real))
    stacks = _stacks(scanned, new.ndim - 1, symmetry)
    corners = _simplex(len(names[1]))
    n, dims = len(new), spatial_dims(ensemble)
    best: dict[str, Array] = {
        name: np.full(n, -1)
        for name in ("like", "normal", "layer", "turn", *(f"start_{dim}" for dim in dims))
    }
    for normal, stack in stacks:
        for layer, offset, block in _blocks(stack, new.shape[1:]):
            spectra = _spectrum(corners[block], block.shape[1:])
            for turn, (order, flip) in enumerate(symmetry_elements(symmetry, new.ndim - 1)):
                for i in range(n):
                    sample = np.flip(new[i].transpose(order), flip)
                    if any(a > b for a, b in zip(sample.shape, block.shape[1:], strict=True)):
                        continue
                    like = _equal_voxels(spectra, corners[sample], block.shape[1:])
                    where = np.unravel_index(like.argmax(), like.shape)
                    if like[where] > best["like"][i]:
                        place = (like[where], normal, layer + where[0], turn, *where[1:])
                        for name, value in zip(best, place, strict=True):
                            best[name][i] = value
                        best[f"start_{dims[0]}"][i] += offset
    result = _dataset(ensemble, real, best, sorted(names[1]))
    return result.assign_attrs(symmetry=symmetry)


def nearest_window(
    nearest: xr.Dataset, index: int, scan: LabelsLike, shape: tuple[int, ...]
) -> Array:
    """Return the labels of the window that `nearest_windows` found for one sample.

    Parameters
    ----------
    nearest : Dataset
        Result of `nearest_windows`.
    index : int
        Number of the sample.
    scan : DataArray or ndarray
        The one that was searched.
    shape : tuple of int
        Shape of the sample.
    """
    row = {str(name): values.values[index] for name, values in nearest.data_vars.items()}
    order, flip = symmetry_elements(nearest.attrs["symmetry"], len(shape))[row["turn"]]
    volumes = as_ensemble(scan).values
    if row["normal"] < 0:
        space = volumes[row["layer"]]
    else:
        member, layer = divmod(row["layer"], volumes.shape[1 + row["normal"]])
        space = volumes[member].take(layer, axis=row["normal"])
    start = [value for name, value in row.items() if name.startswith("start_")]
    turned = [shape[axis] for axis in order]
    window = space[tuple(slice(a, a + n) for a, n in zip(start, turned, strict=True))]
    back: Array = np.flip(window, flip).transpose(np.argsort(order))
    return back


def _dataset(
    ensemble: xr.DataArray, real: xr.DataArray, best: dict[str, Array], labels: list[int]
) -> xr.Dataset:
    new_fractions = np.stack(
        [(ensemble.values == k).mean(tuple(range(1, ensemble.ndim))) for k in labels]
    )
    real_fractions = np.array([(real.values == k).mean() for k in labels])
    distance = 1 - best["like"] / math.prod(ensemble.shape[1:])
    by_chance = (new_fractions * (1 - real_fractions[:, None])).sum(0)
    relative = distance / np.where(by_chance > 0, by_chance, 1)
    columns = {
        "distance": (distance, "share of differing voxels"),
        "relative_distance": (relative, "share of differing voxels over that of unrelated windows"),
        **{name: (values, name) for name, values in best.items() if name != "like"},
    }
    return xr.Dataset(
        {
            name: ("sample", values, {"units": "1", "long_name": text})
            for name, (values, text) in columns.items()
        }
    )


def _stacks(scan: Array, ndim: int, symmetry: Symmetry) -> list[tuple[int, Array]]:
    """Yield arrays (member, *space) with the axes of the samples, and the axis normal to them."""
    axes = scan.ndim - 1
    if ndim == axes:
        return [(-1, scan)]
    if ndim != axes - 1:
        raise InputError(f"samples: have {ndim} axes, the scan has {axes}; pass a volume")
    normals = range(axes) if symmetry == "isotropic" else range(1)
    return [
        (axis, np.concatenate([np.moveaxis(volume, axis, 0) for volume in scan]))
        for axis in normals
    ]


def _blocks(stack: Array, window: tuple[int, ...]) -> Iterator[tuple[int, int, Array]]:
    """Yield parts (member, *space) of a stack that together contain every window.

    Yields the first member, the offset along the first axis, and the part.
    """
    longest = max(window)
    if any(edge > length for edge, length in zip(window, stack.shape[1:], strict=True)):
        raise InputError(
            f"samples: {window} are larger than the scan {stack.shape[1:]}; "
            "pass the scan they were trained on"
        )
    members = max(1, VOXELS_PER_BLOCK // math.prod(stack.shape[1:]))
    layer = math.prod(stack.shape[2:])
    step = max(longest, VOXELS_PER_BLOCK // layer - longest + 1)
    for first in range(0, len(stack), members):
        part = stack[first : first + members]
        for offset in range(0, max(1, stack.shape[1] - min(window) + 1), step):
            yield first, offset, part[:, offset : offset + step + longest - 1]


def _simplex(n: int) -> Array:
    """Return the corners (n, n - 1) of a simplex: unit vectors whose products are -1 / (n - 1)."""
    if n < 2:
        return np.ones((n, 1))
    gram = (n * np.eye(n) - 1) / (n - 1)
    values, vectors = np.linalg.eigh(gram)
    corners: Array = vectors[:, 1:] * np.sqrt(values[1:])
    return corners


def _spectrum(vectors: Array, shape: tuple[int, ...]) -> Array:
    """Transform vectors (..., *space, component) to (component, ..., *frequency)."""
    box = [scipy.fft.next_fast_len(n, real=True) for n in shape]
    fields = np.moveaxis(vectors, -1, 0)
    spectrum: Array = scipy.fft.rfftn(fields, s=box, axes=range(-len(box), 0))
    return spectrum


def _equal_voxels(spectra: Array, sample: Array, shape: tuple[int, ...]) -> Array:
    """Count the equal voxels at every position (member, *start) that lies inside."""
    box = [scipy.fft.next_fast_len(n, real=True) for n in shape]
    window = sample.shape[:-1]
    product = spectra * _spectrum(sample, shape).conj()[:, None]
    # Positions inside need no padding: only others wrap around.
    products = scipy.fft.irfftn(product.sum(0), s=box, axes=range(-len(box), 0))
    inside = tuple(slice(0, n - w + 1) for n, w in zip(shape, window, strict=True))
    n_phases = sample.shape[-1] + 1
    voxels = math.prod(window)
    like: Array = np.rint(((n_phases - 1) * products[(slice(None), *inside)] + voxels) / n_phases)
    return like.astype(np.int64)


def _columns(nearest: xr.Dataset) -> dict[str, list[Any]]:
    return {str(name): values.values.tolist() for name, values in nearest.data_vars.items()}
