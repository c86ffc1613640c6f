"""Requested and achieved composition, recounted voxel by voxel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from microdsd.errors import InputError
from microdsd.microstructure import phase_counts, phases_of, provenance_of, resolve_phase
from microdsd.microstructure.composition import counts_from_fractions
from microdsd.microstructure.outside import material_phases

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class PhaseComposition:
    """Hold the voxel counts of one phase in every sample.

    Attributes
    ----------
    label, name : int, str
    achieved : ndarray of int64, shape (sample,)
    requested : ndarray of int64, shape (sample,), or None
        None where the file records no request.
    voxels : int
        Number of voxels of one sample.
    """

    label: int
    name: str
    achieved: Counts
    requested: Counts | None
    voxels: int

    @property
    def exact(self) -> NDArray[np.bool_] | None:
        """Tell per sample whether the count is the requested one; None where none is recorded."""
        return None if self.requested is None else self.achieved == self.requested

    def to_dict(self) -> dict[str, Any]:
        """List counts per sample, as JSON can hold them."""
        return {
            "label": self.label,
            "name": self.name,
            "voxels": self.voxels,
            "requested_counts": None if self.requested is None else self.requested.tolist(),
            "achieved_counts": self.achieved.tolist(),
            "achieved_fractions": (self.achieved / self.voxels).tolist(),
            "exact": None if self.exact is None else self.exact.tolist(),
        }


def composition(generated: xr.DataArray) -> tuple[PhaseComposition, ...]:
    """Count every phase and compare it with the request in the provenance.

    ``requested_counts`` (phase to a count, or to one count per sample) is used where recorded,
    else ``requested_fractions``, rounded as the generator rounds them (`counts_from_fractions`).
    Phases are named by label or name; one phase that is not named gets the rest.

    Parameters
    ----------
    generated : DataArray, dims (sample, [z,] y, x)

    Raises
    ------
    InputError
        If the provenance names an unknown phase or the wrong number of counts.

    Examples
    --------
    >>> from microdsd.microstructure import as_microstructure
    >>> ms = as_microstructure(np.eye(4, dtype=int)[None], ensemble=True,
    ...                        provenance={"requested_fractions": {"phase 1": 0.25}})
    >>> [(p.name, p.achieved.tolist(), p.requested) for p in composition(ms)]
    [('phase 0', [12], array([12])), ('phase 1', [4], array([4]))]
    """
    achieved = phase_counts(ms=generated)
    samples = generated.shape[0]
    voxels = int(np.prod(generated.shape[1:]))
    requested = _requested(generated, samples, voxels)
    return tuple(
        PhaseComposition(
            label=label,
            name=name,
            achieved=achieved.sel(phase=label).values.astype(np.int64),
            requested=requested.get(label),
            voxels=voxels,
        )
        for label, name in material_phases(phases_of(generated)).items()
    )


def _requested(generated: xr.DataArray, samples: int, voxels: int) -> dict[int, Counts]:
    record = provenance_of(generated) or {}
    counts: Mapping[str, Any] = record.get("requested_counts") or {}
    fractions: Mapping[str, Any] = record.get("requested_fractions") or {}
    requested = {_label(generated, phase): np.asarray(number) for phase, number in counts.items()}
    material = material_phases(phases_of(generated))
    if len(requested) < len(material):
        requested = _rounded(generated, fractions, voxels) | requested
    unsaid = [label for label in material if label not in requested]
    if requested and len(unsaid) == 1:
        requested[unsaid[0]] = voxels - np.sum(
            list(np.broadcast_arrays(*requested.values())), axis=0
        )
    chosen = generated.coords["sample"].values if "sample" in generated.coords else None
    return {
        label: _per_sample(number, samples, chosen, label) for label, number in requested.items()
    }


def _rounded(
    generated: xr.DataArray, fractions: Mapping[str, Any], voxels: int
) -> dict[int, NDArray[Any]]:
    """Return the counts of the named phases as the generator rounds them, one each or per sample.

    Several phases that are not named are one to it: what the others leave.
    """
    if not fractions:
        return {}
    asked = {_label(generated, phase): fraction for phase, fraction in fractions.items()}
    open_phases = [label for label in phases_of(generated) if label not in asked]
    phases = {label: str(label) for label in (*asked, *open_phases[:1])}
    try:
        columns = np.broadcast_arrays(*(np.atleast_1d(value) for value in asked.values()))
    except ValueError:
        lengths = {phase: np.size(value) for phase, value in fractions.items()}
        raise InputError(
            f"provenance of the generated samples: numbers of requested fractions {lengths}; pass "
            "the ensemble as it was generated"
        ) from None
    rows = [
        counts_from_fractions(dict(zip(asked, map(float, row), strict=True)), phases, voxels)
        for row in zip(*columns, strict=True)
    ]
    return {label: np.array([row[label] for row in rows]) for label in asked}


def _label(generated: xr.DataArray, phase: str) -> int:
    names = phases_of(generated).values()
    by_label = phase not in names and phase.isdecimal()
    return resolve_phase(generated, int(phase) if by_label else phase)


def _per_sample(
    number: NDArray[Any], samples: int, chosen: NDArray[Any] | None, label: int
) -> Counts:
    """Return one count per sample; `chosen` selects samples of a larger ensemble."""
    if number.size > 1 and chosen is not None and chosen.max() < number.size:
        number = number[chosen]
    if number.shape not in ((), (1,), (samples,)):
        raise InputError(
            f"provenance of the generated samples: {number.size} requested counts of phase "
            f"{label} for {samples} samples; pass the whole ensemble as it was generated"
        )
    return np.broadcast_to(number, samples).astype(np.int64)
