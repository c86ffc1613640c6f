"""Labels that are read window by window, from a file or from memory."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import xarray as xr

from microdsd.errors import InputError
from microdsd.io.stored import StoredLabels
from microdsd.microstructure import VoxelSize, as_microstructure
from microdsd.microstructure.axes import SPATIAL_DIMS
from microdsd.microstructure.labels import map_labels
from microdsd.microstructure.voxels import voxel_coordinates


class LabelSource:
    """Read labels of one or more samples, window by window; a context manager.

    `open_labels` makes it.

    Attributes
    ----------
    region : tuple of slice
        Part of the stored array that is read, per spatial axis.
    shape : tuple of int
        Spatial shape of the region, ``([z,] y, x)``.
    n_samples : int
    phases : dict of int to str
    voxel_size : VoxelSize
    dtype : numpy dtype
        Unsigned integer dtype of what `read` returns.
    notes : tuple of str
        What the file states and was not used, or how its axes were taken.
    provenance : dict or None
        As the source states it.
    """

    notes: tuple[str, ...] = ()
    provenance: dict[str, Any] | None = None

    def __init__(
        self,
        stored: StoredLabels,
        region: tuple[slice, ...],
        *,
        phases: dict[int, str],
        voxel_size: VoxelSize,
        dtype: np.dtype[Any],
        mapping: Mapping[int, int] | None = None,
        close: Callable[[], None],
    ) -> None:
        self._stored = stored
        self._mapping = mapping
        self.region = region
        self._close = close
        self.shape = tuple(part.stop - part.start for part in region)
        self.n_samples = stored.n_samples
        self.phases = phases
        self.voxel_size = voxel_size
        self.dtype = dtype

    def read(self, sample: int, start: Sequence[int], size: Sequence[int]) -> npt.NDArray[Any]:
        """Read one window; of a file, only the chunks that hold it.

        Parameters
        ----------
        sample : int
        start, size : sequence of int
            First voxel (counted from the region's corner) and extent per spatial axis.

        Returns
        -------
        ndarray of shape `size`

        Raises
        ------
        InputError
            The window reaches beyond the region, or there is no such sample.
        """
        inside = len(start) == len(size) == len(self.shape) and all(
            s >= 0 and e >= 1 and s + e <= n
            for s, e, n in zip(start, size, self.shape, strict=True)
        )
        if not inside:
            raise InputError(
                f"window: start {tuple(start)} and size {tuple(size)} do not lie inside the "
                f"shape {self.shape}; take a smaller window"
            )
        if not 0 <= sample < self.n_samples:
            raise InputError(f"sample: there are {self.n_samples} samples, got {sample}")
        window = [
            slice(part.start + s, part.start + s + e)
            for part, s, e in zip(self.region, start, size, strict=True)
        ]
        return self._lawful(self._stored.read(sample, window))

    def _lawful(self, labels: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return labels of this package for those that are stored."""
        if self._mapping is not None:
            labels = map_labels(labels, self._mapping)
        return labels.astype(self.dtype, copy=False)

    def load(self) -> xr.DataArray:
        """Read the whole region of all samples as a microstructure."""
        dims: tuple[str, ...] = SPATIAL_DIMS[-len(self.shape) :]
        coords = voxel_coordinates(dict(zip(dims, self.shape, strict=True)), self.voxel_size)
        values = np.empty((self.n_samples, *self.shape), self.dtype)
        for sample in range(self.n_samples):
            values[sample] = self._stored.load(
                sample, self.region, dtype=self.dtype, convert=self._lawful
            )
        if self._stored.is_ensemble:
            ms = xr.DataArray(values, dims=("sample", *dims), coords=coords)
        else:
            ms = xr.DataArray(values[0], dims=dims, coords=coords)
        return as_microstructure(ms, phases=self.phases)

    def counts(self, sample: int | None = None) -> dict[int, int]:
        """Count the labels of the region in one sample, or in all, block by block."""
        counts = self._stored.counts(self.region, sample=sample)
        mapping = self._mapping or {}
        return dict(sorted((mapping.get(label, label), n) for label, n in counts.items()))

    def sha256(self) -> str:
        """Return the fingerprint of shape, dtype and labels of the region, computed in slabs."""
        digest = hashlib.sha256(f"{self.n_samples} {self.shape} {self.dtype.str}".encode())
        for slab in self._stored.slabs(self.region, dtype=self.dtype, convert=self._lawful):
            digest.update(slab.data)
        return digest.hexdigest()

    def close(self) -> None:
        """Close the file; arrays in memory have nothing to close."""
        self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
