"""Low-order statistics of windows of the real material."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from microdsd.baselines.material import KnownMaterial
from microdsd.errors import InputError
from microdsd.metrics.correlation import Grid, pair_map
from microdsd.microstructure import (
    LabelsLike,
    VoxelSize,
    as_ensemble,
    phases_of,
    provenance_of,
    voxel_size_of,
)
from microdsd.microstructure.labels import label_ranks
from microdsd.microstructure.outside import outside_label
from microdsd.microstructure.symmetry import Symmetry, symmetry_elements

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_MIN_LENGTH = 4


@dataclass(frozen=True)
class ReferenceWindows:
    """Hold windows of real material, and their measurements.

    Attributes
    ----------
    phase : ndarray of int8, shape (windows, *window)
        Position of every voxel's phase among the phases.
    phases : dict of int to str
    voxel_size : VoxelSize
    symmetry : {"isotropic", "transverse", "orthotropic", "none"}
        Statistics are averaged over these turns and mirrors.
    periodic : bool
        Whether the windows wrap.
    provenance : dict or None
    """

    phase: NDArray[np.int8]
    phases: Mapping[int, str]
    voxel_size: VoxelSize
    symmetry: Symmetry
    periodic: bool
    provenance: dict[str, Any] | None

    @classmethod
    def of(cls, windows: LabelsLike, *, symmetry: Symmetry, periodic: bool) -> ReferenceWindows:
        """Check windows of real material.

        Raises
        ------
        InputError
            Fewer than two phases, an empty phase, voxels outside of the specimen, a short side, or
            an unknown symmetry.
        """
        ensemble = as_ensemble(windows)
        phases = phases_of(ensemble)
        if outside_label(phases) is not None:
            raise InputError(
                "reference: has voxels outside of the specimen; take windows of it with cut_windows"
            )
        symmetry_elements(symmetry, ensemble.ndim - 1)
        if min(ensemble.shape[1:]) < _MIN_LENGTH:
            raise InputError(
                f"reference: windows of {ensemble.shape[1:]} voxels are too small; every axis "
                f"needs at least {_MIN_LENGTH}"
            )
        phase = label_ranks(ensemble.values, phases).astype(np.int8)
        voxels = np.bincount(phase.ravel(), minlength=len(phases))
        empty = [name for name, n in zip(phases.values(), voxels, strict=True) if n == 0]
        if empty or len(phases) < 2:
            raise InputError(
                f"reference: needs two phases or more with voxels of each, it has {phases}"
                + (f" and no voxel of {', '.join(empty)}" if empty else "")
            )
        return cls(
            phase, phases, voxel_size_of(ensemble), symmetry, periodic, provenance_of(ensemble)
        )

    @property
    def window(self) -> tuple[int, ...]:
        """Return the number of voxels per axis."""
        return self.phase.shape[1:]

    @property
    def reach(self) -> int:
        """Return the longest measured lag: half the shortest side, as in S2 elsewhere."""
        return min(self.window) // 2

    @property
    def fractions(self) -> Array:
        """Return the phase fractions of every window, shape (windows, phases)."""
        axes = tuple(range(1, self.phase.ndim))
        return np.stack([(self.phase == k).mean(axis=axes) for k in range(len(self.phases))], 1)

    @property
    def material(self) -> KnownMaterial:
        """Return what a request for samples like these windows needs."""
        return KnownMaterial(
            self.phases,
            tuple(self.fractions.mean(axis=0).tolist()),
            self.voxel_size,
            self.window,
            self.record,
        )

    @property
    def record(self) -> dict[str, Any]:
        """Return what the provenance of samples says of the windows."""
        return {
            "windows": len(self.phase),
            "window": list(self.window),
            "symmetry": self.symmetry,
            "periodic": self.periodic,
            "source": self.provenance,
        }

    def two_point_map(self, first: Mask, second: Mask | None = None) -> Array:
        r"""Average S2 over the symmetry at all lags :math:`|r_d| \le` reach.

        Parameters
        ----------
        first, second : ndarray of bool, shape (windows, *window)
            Indicators at the two ends of the lag; the same by default.

        Returns
        -------
        ndarray, shape (2 reach + 1, ...)
            Lag zero in the middle. Each lag is averaged with its opposite, and divided by the
            places where it fits into a window.
        """
        grid = Grid.of(self.window, (1.0,) * len(self.window), self.periodic)
        return self._symmetrised(pair_map(first, second, grid, self.reach))

    def _symmetrised(self, lag_map: Array) -> Array:
        images = [
            np.flip(lag_map.transpose(order), flips)
            for order, flips in symmetry_elements(self.symmetry, lag_map.ndim)
        ]
        return np.asarray(np.mean(images, axis=0))
