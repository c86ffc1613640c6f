"""Composition region by region: exact counts for each, and material that is known already."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

KNOWN = -1
"""Region of the voxels whose phase is known."""


@dataclass(frozen=True)
class Layout:
    """Which voxels belong together, and how many of every phase they hold.

    Parameters
    ----------
    index : ndarray of int, shape of the box
        Region of every voxel from 0; -1 where the phase is known.
    counts : ndarray of int64, shape (samples, regions, phases)
        Phases in ascending order of the labels.
    known : ndarray of int, shape of the box
        Labels; read where index is -1.
    """

    index: np.ndarray
    counts: np.ndarray
    known: np.ndarray

    def record(self, names: Sequence[str]) -> dict[str, Any]:
        """What `microdsd verify` needs, as JSON can hold it."""
        fixed = self.index == KNOWN
        record: dict[str, Any] = {
            "requested_region_counts": {
                name: self.counts[:, :, k].tolist() for k, name in enumerate(names)
            }
        }
        if fixed.any():
            record["known"] = {"voxels": int(fixed.sum()), "sha256": fingerprint(self.known[fixed])}
        return record


def fingerprint(labels: np.ndarray) -> str:
    """Sha256 of labels one after the other, whatever their dtype."""
    return hashlib.sha256(np.ascontiguousarray(labels, dtype="<u2").tobytes()).hexdigest()
