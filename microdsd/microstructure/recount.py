"""Composition recounted voxel by voxel, against what a file says was requested."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from microdsd.errors import InputError
from microdsd.microstructure.layout import layout_differences
from microdsd.microstructure.phases import phase_counts
from microdsd.microstructure.schema import (
    LabelsLike,
    as_microstructure,
    provenance_of,
    resolve_phase,
)


@dataclass(frozen=True)
class Recount:
    """What there is of every phase, and where it is not what was requested.

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
        """Whether all is as requested; None where no request is recorded."""
        return not self.differences if self.requested else None

    def spans(self) -> dict[str, tuple[int, int]]:
        """Least and largest count of every phase, by name."""
        names = self.counts["phase_name"].values.tolist()
        low, high = self.counts.min("sample").values, self.counts.max("sample").values
        return dict(zip(names, zip(low.tolist(), high.tolist(), strict=True), strict=True))


def recount(ms: LabelsLike, record: Mapping[str, Any] | None = None) -> Recount:
    """Count the voxels of every phase, and compare with the request on record.

    Parameters
    ----------
    ms : DataArray or ndarray
    record : mapping, optional
        Holds ``requested_counts``, and of regions what `Layout.record` says; by default the
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
    counts = phase_counts(array)
    requested = _requested(array, record)
    differences = [
        {"sample": sample, "phase": label, "requested": int(wanted), "found": int(found)}
        for label, per_sample in requested.items()
        for sample, (wanted, found) in enumerate(
            zip(per_sample, counts.sel(phase=label).values, strict=True)
        )
        if wanted != found
    ]
    return Recount(counts, requested, differences + layout_differences(array, record))


def _requested(ms: xr.DataArray, record: Mapping[str, Any]) -> dict[int, np.ndarray]:
    """Counts per sample that were requested, by label."""
    samples = ms.sizes.get("sample", 1)
    requested = {}
    for name, number in (record.get("requested_counts") or {}).items():
        per_sample = np.asarray(number)
        if per_sample.shape not in ((), (1,), (samples,)):
            raise InputError(
                f"requested_counts: the file records {per_sample.size} counts of {name} for "
                f"{samples} samples; verify the file as it was generated, not a part of it"
            )
        requested[resolve_phase(ms, name)] = np.broadcast_to(per_sample, samples)
    return requested
