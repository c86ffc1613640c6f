"""Label arrays that can be read in part, whatever their layout on disk or in memory."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from microdsd.errors import InputError
from microdsd.io.hdf5_access import reading
from microdsd.microstructure import label_counts

SLAB_BYTES = 1 << 26
"""Largest part that is read at once, unless a single chunk is larger."""

Window = tuple[slice, ...]
Convert = Callable[[npt.NDArray[Any]], npt.NDArray[Any]]


@dataclass(frozen=True)
class StoredLabels:
    """Hold samples of labels behind one indexing scheme.

    Attributes
    ----------
    datasets : tuple of h5py.Dataset or ndarray
        One array, or one of equal shape and dtype per sample.
    has_samples : bool
        Whether one axis of a single array counts samples.
    axes : tuple of int, optional
        Stored axis of each of ``([sample,] [z,] y, x)``; axes that are not named here have length
        one. Default: all, as they are stored.
    backwards : tuple of int
        Spatial axes, numbered from the first of ``([z,] y, x)``, that are stored last voxel first.
    missing : int, optional
        Label that stands for no data, as the file says.
    """

    datasets: tuple[Any, ...]
    has_samples: bool = False
    axes: tuple[int, ...] | None = None
    backwards: tuple[int, ...] = ()
    missing: int | None = None

    @property
    def dtype(self) -> np.dtype[Any]:
        """Return the type as stored, in the byte order of this machine; bool counts as uint8."""
        stored: np.dtype[Any] = self.datasets[0].dtype
        return np.dtype(np.uint8) if stored.kind == "b" else stored.newbyteorder("=")

    @property
    def n_samples(self) -> int:
        """Return the number of samples; one where there is no sample axis."""
        if not self.has_samples:
            return len(self.datasets)
        return int(self.datasets[0].shape[self._stored_axes[0]])

    @property
    def is_ensemble(self) -> bool:
        """Return whether the layout has samples, be it one."""
        return self.has_samples or len(self.datasets) > 1

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the spatial shape, ``([z,] y, x)``."""
        stored = self.datasets[0].shape
        return tuple(int(stored[axis]) for axis in self._spatial_axes)

    @property
    def whole(self) -> Window:
        """Return the window that holds all voxels of a sample."""
        return tuple(slice(0, length) for length in self.shape)

    @property
    def _stored_axes(self) -> tuple[int, ...]:
        return tuple(range(len(self.datasets[0].shape))) if self.axes is None else self.axes

    @property
    def _spatial_axes(self) -> tuple[int, ...]:
        return self._stored_axes[1:] if self.has_samples else self._stored_axes

    @property
    def _chunk(self) -> tuple[int, ...]:
        """Return the lengths of a chunk along the spatial axes.

        They are 1 where any part can be read alone.
        """
        chunks = getattr(self.datasets[0], "chunks", None)
        return tuple(chunks[axis] if chunks else 1 for axis in self._spatial_axes)

    def read(self, sample: int, window: Sequence[slice]) -> npt.NDArray[Any]:
        """Read one window of one sample, and no more than the chunks that hold it."""
        dataset = self.datasets[0 if self.has_samples else sample]
        index: list[int | slice] = [0] * len(dataset.shape)
        if self.has_samples:
            index[self._stored_axes[0]] = sample
        for number, (axis, part) in enumerate(zip(self._spatial_axes, window, strict=True)):
            if number in self.backwards:
                length = dataset.shape[axis]
                part = slice(length - part.stop, length - part.start)
            index[axis] = part
        with reading(str(getattr(dataset, "name", "array"))):
            part_read = np.asarray(dataset[tuple(index)])
        in_order = np.argsort(np.argsort(self._spatial_axes))
        turned = np.flip(part_read.transpose(in_order), self.backwards)
        values = np.ascontiguousarray(turned, dtype=part_read.dtype.newbyteorder("="))
        return values.view(np.uint8) if values.dtype == bool else values

    def blocks(self, region: Sequence[slice], *, limit: int | None = None) -> Iterator[Window]:
        """Cut a region into windows along chunk borders, none larger than `limit` bytes.

        A window of a single chunk may be larger, for HDF5 unpacks it whole anyway.
        """
        limit = SLAB_BYTES if limit is None else limit
        edges = [part.stop - part.start for part in region]
        item = self.datasets[0].dtype.itemsize
        for axis, chunk in enumerate(self._chunk):
            across = math.prod(edges) // edges[axis] * item
            if across * edges[axis] > limit:
                edges[axis] = min(edges[axis], max(limit // across // chunk, 1) * chunk)
        cuts = [
            list(_cuts(part, edge, chunk))
            for part, edge, chunk in zip(region, edges, self._chunk, strict=True)
        ]
        yield from itertools.product(*cuts)

    def load(
        self,
        sample: int,
        region: Sequence[slice] | None = None,
        *,
        dtype: npt.DTypeLike | None = None,
        convert: Convert | None = None,
    ) -> npt.NDArray[Any]:
        """Read a region of one sample block by block.

        Parameters
        ----------
        sample : int
        region : sequence of slice, optional
            Per spatial axis. Default: the whole sample.
        dtype : dtype, optional
            Type of the result, which may be narrower than what is stored. Default: as stored.
        convert : callable, optional
            Applied to every block before it becomes `dtype`.
        """
        region = self.whole if region is None else region
        with reading(str(getattr(self.datasets[0], "name", "array"))):
            values = np.empty([p.stop - p.start for p in region], dtype or self.dtype)
        for block in self.blocks(region):
            inside = tuple(
                slice(b.start - p.start, b.stop - p.start)
                for b, p in zip(block, region, strict=True)
            )
            part = self.read(sample, block)
            values[inside] = part if convert is None else convert(part)
        return values

    def slabs(
        self,
        region: Sequence[slice] | None = None,
        *,
        dtype: npt.DTypeLike | None = None,
        convert: Convert | None = None,
    ) -> Iterator[npt.NDArray[Any]]:
        """Read all samples in C order, in parts of at most `SLAB_BYTES`; see `load`."""
        region = self.whole if region is None else tuple(region)
        item = np.dtype(dtype or self.dtype).itemsize
        lengths = [part.stop - part.start for part in region]
        axis = 0
        while axis < len(lengths) - 1 and math.prod(lengths[axis + 1 :]) * item > SLAB_BYTES:
            axis += 1
        rows = max(SLAB_BYTES // (math.prod(lengths[axis + 1 :]) * item), 1)
        chunk = self._chunk[axis]
        # Cut on chunk borders where the memory allows it, so that no chunk is unpacked twice.
        rows = rows // chunk * chunk or rows
        outer = [[slice(i, i + 1) for i in range(p.start, p.stop)] for p in region[:axis]]
        inner = list(_cuts(region[axis], rows, chunk if rows >= chunk else 1))
        for sample in range(self.n_samples):
            for part in itertools.product(*outer, inner):
                window = (*part, *region[axis + 1 :])
                yield self.load(sample, window, dtype=dtype, convert=convert)

    def counts(
        self, region: Sequence[slice] | None = None, *, sample: int | None = None
    ) -> dict[int, int]:
        """Count the labels of one sample, or of all, without holding more than a block."""
        region = self.whole if region is None else region
        totals: Counter[int] = Counter()
        for number in range(self.n_samples) if sample is None else [sample]:
            for block in self.blocks(region):
                totals.update(label_counts(self.read(number, block)))
        return dict(sorted(totals.items()))

    def refuse_missing(self, present: Collection[int]) -> None:
        """Raise where a label occurs that stands for no data."""
        if self.missing is not None and self.missing in present:
            raise InputError(
                f"labels: {self.missing} occurs and stands for missing data (_FillValue or "
                f"missing_value of the file); crop that region away, or name every label, this one "
                f"too, as in phases={{..., {self.missing}: 'outside'}} "
                f"(--labels ... {self.missing}=outside)"
            )


def _cuts(part: slice, edge: int, chunk: int) -> Iterator[slice]:
    """Yield consecutive slices of at most `edge` that end on chunk borders."""
    if edge >= part.stop - part.start:
        yield part
        return
    start = part.start
    while start < part.stop:
        stop = min(start // chunk * chunk + max(edge, chunk), part.stop)
        yield slice(start, stop)
        start = stop
