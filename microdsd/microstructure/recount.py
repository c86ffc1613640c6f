"""Composition recounted voxel by voxel, and compared with the recorded request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

from microdsd.errors import InputError
from microdsd.microstructure.labels import find_phase
from microdsd.microstructure.layout import layout_differences
from microdsd.microstructure.phases import phase_counts
from microdsd.microstructure.schema import (
    LabelsLike,
    as_microstructure,
    provenance_of,
)


@dataclass(frozen=True)
class Recount:
    """Hold the counts of every phase, and their differences from the request.

    Attributes
    ----------
    counts : DataArray, dims (sample, phase)
    requested : dict of int to ndarray
        Counts per sample by label, of the phases whose counts are recorded.
    differences : list of dict
        Sample, phase, requested and found; of regions and known voxels, too.
    """

    counts: xr.DataArray
    requested: Mapping[int, np.ndarray]
    differences: list[dict[str, Any]]

    @property
    def exact(self) -> bool | None:
        """Tell whether all counts are as requested; None where no request is recorded."""
        return not self.differences if self.requested else None

    def spans(self) -> dict[str, tuple[int, int]]:
        """Return the least and the largest count of every phase, by name."""
        names = self.counts["phase_name"].values.tolist()
        low, high = self.counts.min("sample").values, self.counts.max("sample").values
        return dict(zip(names, zip(low.tolist(), high.tolist(), strict=True), strict=True))


def recount(ms: LabelsLike, record: Mapping[str, Any] | None = None) -> Recount:
    """Count the voxels of every phase, and compare with the request on record.

    Parameters
    ----------
    ms : DataArray or ndarray
    record : mapping, optional
        Holds ``requested_counts``, of regions ``requested_region_counts``; by default the
        provenance.

    Raises
    ------
    InputError
        If the record is of another number of samples, or of regions that the array does not map.

    Examples
    --------
    >>> from microdsd.microstructure import as_microstructure
    >>> ms = as_microstructure(
    ...     np.eye(3, dtype=int), provenance={"requested_counts": {"phase 1": [4]}}
    ... )
    >>> recount(ms).differences
    [{'sample': 0, 'phase': 1, 'requested': 4, 'found': 3}]
    """
    array = as_microstructure(ms)
    record = (provenance_of(array) or {}) if record is None else record
    by_phase = compare_counts(phase_counts(array), record)
    return replace(by_phase, differences=by_phase.differences + layout_differences(array, record))


def compare_counts(counts: xr.DataArray, record: Mapping[str, Any]) -> Recount:
    """Compare counts with the recorded request, without regions and known voxels.

    Parameters
    ----------
    counts : DataArray, dims (sample, phase)
        With the coordinate ``phase_name``.
    record : mapping
        Holds ``requested_counts``.

    Raises
    ------
    InputError
        If the record is of another number of samples, or of a phase that is not counted.
    """
    requested = _requested(counts, record)
    differences = [
        {"sample": sample, "phase": label, "requested": int(wanted), "found": int(achieved)}
        for label, per_sample in requested.items()
        for sample, (wanted, achieved) in enumerate(
            zip(per_sample, counts.sel(phase=label).values, strict=True)
        )
        if wanted != achieved
    ]
    return Recount(counts, requested, differences)


def _requested(counts: xr.DataArray, record: Mapping[str, Any]) -> dict[int, np.ndarray]:
    """Return the requested counts per sample, by label."""
    samples = counts.sizes["sample"]
    labels, names = counts["phase"].values.tolist(), counts["phase_name"].values.tolist()
    phases = dict(zip(labels, names, strict=True))
    requested = {}
    for name, number in (record.get("requested_counts") or {}).items():
        per_sample = np.asarray(number)
        if per_sample.shape not in ((), (1,), (samples,)):
            raise InputError(
                f"requested_counts: the file records {per_sample.size} counts of {name} for "
                f"{samples} samples; verify the file as it was generated, not a part of it"
            )
        requested[find_phase(phases, name)] = np.broadcast_to(per_sample, samples)
    return requested
