"""Regions of a box with counts of their own, and material that is known already."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from microdsd.errors import InputError
from microdsd.microstructure.schema import as_ensemble, resolve_phase

KNOWN = -1
"""Region of the voxels whose phase is known."""


@dataclass(frozen=True)
class Layout:
    """Hold which voxels belong together, and which are known.

    Attributes
    ----------
    index : ndarray of int, shape of the box
        Region of every voxel from 0; -1 where the phase is known.
    known : ndarray of int, shape of the box
        Labels; read where index is -1.
    walled : bool
        Whether nothing may cross the edge of what is known while it is made.
    """

    index: np.ndarray
    known: np.ndarray
    walled: bool = False

    def record(self) -> dict[str, Any]:
        """Return what `microdsd verify` needs, as JSON can hold it."""
        fixed = self.index == KNOWN
        record: dict[str, Any] = {}
        if fixed.any():
            record["known"] = {"voxels": int(fixed.sum()), "sha256": fingerprint(self.known[fixed])}
        if self.walled:
            record["walls"] = True
        return record


def fingerprint(labels: np.ndarray) -> str:
    """Compute the SHA-256 of labels in C order, whatever their dtype.

    Labels are hashed as 16 bits where all of them fit, as files of earlier versions were, and as
    64 bits otherwise.

    Examples
    --------
    >>> fingerprint(np.array([0, 65536])) == fingerprint(np.array([0, 0]))
    False
    """
    dtype = "<u2" if labels.max(initial=0) < 1 << 16 else "<u8"
    return hashlib.sha256(np.ascontiguousarray(labels, dtype=dtype).tobytes()).hexdigest()


def layout_differences(
    ms: xr.DataArray, record: Mapping[str, Any], *, first: int = 0
) -> list[dict[str, Any]]:
    """List where a file breaks its record of known voxels and of counts per region.

    Parameters
    ----------
    ms : DataArray
        With the coordinate ``region``, as `MicrostructureModel.inpaint` makes it.
    record : mapping
        Its provenance.
    first : int
        Number of the first sample of `ms` in the record.

    Returns
    -------
    list of dict
        Sample, region, phase (of counts), requested and found; empty where all is as it should be.

    Raises
    ------
    InputError
        If the record has regions and the file has no map of them.
    """
    wanted: Mapping[str, Any] = record.get("requested_region_counts", {})
    known: Mapping[str, Any] | None = record.get("known")
    if not wanted and known is None:
        return []
    if "region" not in ms.coords:
        raise InputError("region: the record speaks of regions, and the file has no map of them")
    region = ms.coords["region"].values
    differences = []
    for i, labels in enumerate(as_ensemble(ms).values, start=first):
        known_labels = labels[region == KNOWN]
        if known is not None and (
            known_labels.size != known["voxels"] or fingerprint(known_labels) != known["sha256"]
        ):
            differences.append(
                {"sample": i, "region": KNOWN, "requested": known["sha256"][:12], "found": "others"}
            )
        for name, table in wanted.items():
            label = resolve_phase(ms, name)
            row = table[i]
            counts = np.bincount(region[(labels == label) & (region >= 0)], minlength=len(row))
            differences += [
                {"sample": i, "region": r, "phase": label, "requested": n, "found": int(m)}
                for r, (n, m) in enumerate(zip(row, counts, strict=True))
                if n != m
            ]
    return differences
