"""Label arrays that can be read in part, whatever their layout on disk or in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from microdsd.errors import DataFileError
from microdsd.microstructure import label_counts

SLAB_VOXELS = 1 << 24


@dataclass(frozen=True)
class StoredLabels:
    """Samples of labels behind one indexing scheme.

    Attributes
    ----------
    datasets : tuple of h5py.Dataset or ndarray
        One array, or one of equal shape and dtype per sample.
    has_samples : bool
        Whether the first axis of a single array counts samples.
    before, after : tuple of int
        Indices that pick out axes of length one before and behind the spatial axes.
    """

    datasets: tuple[Any, ...]
    has_samples: bool = False
    before: tuple[int, ...] = ()
    after: tuple[int, ...] = ()

    @property
    def dtype(self) -> np.dtype[Any]:
        """As stored; bool counts as uint8."""
        stored: np.dtype[Any] = self.datasets[0].dtype
        return np.dtype(np.uint8) if stored.kind == "b" else stored

    @property
    def n_samples(self) -> int:
        """One where there is no sample axis."""
        return int(self.datasets[0].shape[0]) if self.has_samples else len(self.datasets)

    @property
    def is_ensemble(self) -> bool:
        """Whether the layout has samples, be it one."""
        return self.has_samples or len(self.datasets) > 1

    @property
    def shape(self) -> tuple[int, ...]:
        """Spatial shape, ``([z,] y, x)``."""
        stored = self.datasets[0].shape
        first = int(self.has_samples) + len(self.before)
        return tuple(int(n) for n in stored[first : len(stored) - len(self.after)])

    def read(self, sample: int, window: Sequence[slice]) -> npt.NDArray[Any]:
        """Read one window of one sample, and no more than the chunks that hold it."""
        index = (*self.before, *window, *self.after)
        dataset = self.datasets[0 if self.has_samples else sample]
        try:
            part = np.ascontiguousarray(dataset[(sample, *index) if self.has_samples else index])
        except OSError as error:
            raise DataFileError(
                f"{getattr(dataset, 'name', 'array')}: the data cannot be read ({error}); "
                "the file is damaged or truncated, take another copy"
            ) from error
        return part.view(np.uint8) if part.dtype == bool else part

    def slabs(self, region: Sequence[slice] | None = None) -> Iterator[npt.NDArray[Any]]:
        """Read all samples in C order, in slabs across the first spatial axis."""
        region = region or tuple(slice(0, n) for n in self.shape)
        chunks = getattr(self.datasets[0], "chunks", None)
        thick = chunks[int(self.has_samples) + len(self.before)] if chunks else 1
        layer = int(np.prod([part.stop - part.start for part in region[1:]]))
        rows = max(SLAB_VOXELS // max(layer, 1) // thick, 1) * thick
        first = region[0]
        for sample in range(self.n_samples):
            start = first.start
            while start < first.stop:
                # Ends on a chunk border, so that no chunk is unpacked twice.
                stop = min((start // thick) * thick + rows, first.stop)
                yield self.read(sample, (slice(start, stop), *region[1:]))
                start = stop

    def counts(self, region: Sequence[slice] | None = None) -> dict[int, int]:
        """Count the labels of all samples without holding more than a slab."""
        totals: Counter[int] = Counter()
        for slab in self.slabs(region):
            totals.update(label_counts(slab))
        return dict(sorted(totals.items()))
