"""Phase fractions of a scan with their standard errors, from a few blocks of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from microdsd.metrics.correlation import Grid, Shells
from microdsd.metrics.representativity import radial_integrals
from microdsd.metrics.two_point import two_point_probability
from microdsd.microstructure import as_microstructure
from microdsd.microstructure.outside import material_phases, outside_label

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from microdsd.microstructure.voxels import VoxelSize

MeasuredFractions = dict[str, tuple[float, float]]
"""By phase: the fraction of a scan, and its standard error."""

BLOCK_VOXELS = (1 << 21, 1 << 23)
"""Of a block; larger ones where the phase is still correlated at half a smaller one's side."""

READ_VOXELS = 1 << 24
"""Of all blocks together."""

FEWEST_RANGES = 10
"""Integral ranges in a scan below which the formula does not hold: it is for large volumes."""


class ScanReader(Protocol):
    """Define what is needed of a scan; `microdsd.io.open_labels` returns one."""

    shape: tuple[int, ...]
    n_samples: int
    phases: dict[int, str]
    voxel_size: VoxelSize

    def read(self, sample: int, start: Sequence[int], size: Sequence[int]) -> NDArray[Any]:
        """Read the labels of a block."""

    def counts(self) -> dict[int, int]:
        """Count the labels."""


def scan_fractions(scan: ScanReader) -> MeasuredFractions:
    r"""Measure the phase fractions of a scan, and how well such a scan knows them.

    The fractions are counted. Their standard errors :math:`\sqrt{\phi (1 - \phi) A / V}` are those
    of `representativity`, with the volume of the whole scan; S2 is measured on blocks of it and
    averaged, so that a scan need not fit into memory.

    Parameters
    ----------
    scan : LabelSource
        Samples of an ensemble are parts of one material.

    Returns
    -------
    dict of str to (float, float)
        By name, fraction and standard error. A phase is left out that is absent, alone, or still
        correlated at half the shortest side of the largest block, or whose integral range is not
        a small part of the scan: that is then too small to say.

    Examples
    --------
    >>> from microdsd.io import open_labels
    >>> noise = np.random.default_rng(0).integers(0, 2, (64, 64))
    >>> measured = scan_fractions(open_labels(noise))
    >>> bool(0.007 < measured["phase 0"][1] < 0.010)  # 0.5 / 64 without correlation
    True
    """
    counts, phases = scan.counts(), material_phases(scan.phases)
    voxels = sum(counts.get(label, 0) for label in phases)
    present = [label for label in phases if 0 < counts.get(label, 0) < voxels]
    left = present[:1] if len(present) == 2 else list(present)
    ranges: dict[int, float] = {}
    tried: set[tuple[int, ...]] = set()
    for most in BLOCK_VOXELS:
        shape = _block_shape(scan.shape, most)
        if not left or shape in tried:
            break
        tried.add(shape)
        blocks = _read_blocks(scan, shape)
        for label in list(left):
            range_ = _integral_range(blocks, label, scan)
            if math.isfinite(range_):
                ranges[label] = range_
                left.remove(label)
    if len(present) == 2:  # which have one range
        ranges = dict.fromkeys(present, *ranges.values()) if ranges else {}
    volume = voxels * math.prod(scan.voxel_size.size)
    measured = {}
    for label, range_ in sorted(ranges.items()):
        share = counts[label] / voxels
        if volume >= FEWEST_RANGES * range_:
            measured[phases[label]] = share, math.sqrt(share * (1 - share) * range_ / volume)
    return measured


def _block_shape(shape: tuple[int, ...], voxels: int) -> tuple[int, ...]:
    """Return the largest block of at most so many voxels, as near to a cube as it fits.

    Examples
    --------
    >>> _block_shape((8, 300, 300), 1 << 17), _block_shape((40, 40), 1 << 17)
    ((8, 128, 128), (40, 40))
    """
    block = list(shape)
    left = voxels
    for place, axis in enumerate(sorted(range(len(shape)), key=shape.__getitem__)):
        block[axis] = min(shape[axis], int(left ** (1 / (len(shape) - place)) + 1e-9))
        left //= block[axis]
    return tuple(block)


def _read_blocks(scan: ScanReader, shape: tuple[int, ...]) -> NDArray[Any]:
    """Read blocks that share no voxel, spread evenly over the samples and over each."""
    cells = tuple(n // edge for n, edge in zip(scan.shape, shape, strict=True))
    number = scan.n_samples * math.prod(cells)
    chosen = np.linspace(0, number - 1, min(number, max(1, READ_VOXELS // math.prod(shape))))
    blocks = []
    for cell in chosen.round().astype(int):
        sample, *place = (int(i) for i in np.unravel_index(cell, (scan.n_samples, *cells)))
        start = [
            (n - edge) // 2 if number == 1 else (n - edge) * at // (number - 1)
            for n, edge, at, number in zip(scan.shape, shape, place, cells, strict=True)
        ]
        blocks.append(scan.read(sample, start, shape))
    return np.stack(blocks)


def _integral_range(blocks: NDArray[Any], label: int, scan: ScanReader) -> float:
    """Return the integral range of a phase."""
    outside = outside_label(scan.phases)
    inside = None if outside is None else blocks != outside
    size, unit = scan.voxel_size
    ensemble = as_microstructure(
        (blocks == label).astype(np.uint8),
        phases={0: "other", 1: "phase"},
        voxel_size=size if unit == "m" else None,
        ensemble=True,
    )
    s2 = two_point_probability(ensemble, phase=1, periodic=False, mask=inside)
    voxels = np.array([block.size for block in blocks], dtype=float)
    if inside is not None:
        voxels = inside.reshape(len(blocks), -1).sum(1).astype(float)
    curve = _pooled(s2.values, voxels)
    shells = Shells.of(Grid.of(blocks.shape[1:], size, False), len(curve) - 1)
    voxel = math.prod(size)
    return radial_integrals(curve, shells, min(size), voxel, float(voxels.sum()) * voxel)[1]


def _pooled(curves: NDArray[np.float64], voxels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Average curves by the voxels of their blocks; what a block cannot tell does not count."""
    weights = np.isfinite(curves) * voxels[:, None]
    sums = (np.nan_to_num(curves) * weights).sum(0)
    total = weights.sum(0)
    pooled: NDArray[np.float64] = np.full(len(sums), np.nan)
    np.divide(sums, total, out=pooled, where=total > 0)
    return pooled
