"""Phases: counts, fractions, and the mapping of labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from microdsd.errors import InputError
from microdsd.microstructure.counting import label_counts
from microdsd.microstructure.labels import MAX_LABEL, check_integers, map_labels
from microdsd.microstructure.outside import material_phases
from microdsd.microstructure.schema import (
    LabelsLike,
    PhaseNames,
    as_ensemble,
    as_microstructure,
    derived_provenance,
    phases_of,
    resolve_phase,
    stated_phases,
)


def phase_counts(ms: LabelsLike) -> xr.DataArray:
    """Count the voxels of every phase in every sample.

    Returns
    -------
    DataArray, dims (sample, phase), int64
        The coordinate ``phase`` holds the labels, ``phase_name`` their names. Phases that are
        named but do not occur count zero; what is outside of the specimen is no phase.

    Examples
    --------
    >>> phase_counts(np.eye(3, dtype=int)).values
    array([[6, 3]])
    """
    ensemble = as_ensemble(ms)
    phases = material_phases(phases_of(ensemble))
    counts = [label_counts(sample) for sample in ensemble.values]
    coords = {"phase": list(phases), "phase_name": ("phase", list(phases.values()))}
    if "sample" in ensemble.coords:
        coords["sample"] = ensemble.coords["sample"]
    return xr.DataArray(
        np.array(
            [[number_of.get(label, 0) for label in phases] for number_of in counts], dtype=np.int64
        ),
        dims=("sample", "phase"),
        coords=coords,
        name="phase_counts",
        attrs={"long_name": "number of voxels", "units": "1"},
    )


def phase_fractions(ms: LabelsLike) -> xr.DataArray:
    """Measure the volume fraction of every phase in every sample, dims (sample, phase).

    It is the share of the specimen, which is the box unless a phase is named "outside".

    Examples
    --------
    >>> phase_fractions(np.eye(4, dtype=int)).values
    array([[0.75, 0.25]])
    """
    counts = phase_counts(ms)
    fractions = counts / counts.sum("phase")
    return fractions.rename("phase_fractions").assign_attrs(long_name="phase fraction", units="1")


def porosity(ms: LabelsLike, *, pore_phase: int | str) -> xr.DataArray:
    """Measure the fraction of the pore phase in every sample, dims (sample,).

    Parameters
    ----------
    ms : ndarray or DataArray
    pore_phase : int or str
        Label or name; there is no default because no label means "pore" everywhere.

    Examples
    --------
    >>> float(porosity(np.eye(4, dtype=int), pore_phase=1)[0])
    0.25
    """
    fraction = phase_fractions(ms).sel(phase=resolve_phase(ms, pore_phase))
    return fraction.rename("porosity").assign_attrs(long_name="porosity", units="1")


def relabel(
    ms: LabelsLike, mapping: Mapping[int, int], *, phases: PhaseNames | None = None
) -> xr.DataArray:
    """Map labels to labels; several old labels may share a new one.

    Parameters
    ----------
    ms : ndarray or DataArray
    mapping : mapping of int to int
        Old to new label; every label that occurs must be in it. Old labels of raw arrays may be
        negative.
    phases : mapping of int to str, optional
        Names of the new labels. Default: the old names, joined by " + " where labels merge.

    Raises
    ------
    InputError
        A label that occurs is not mapped, or a new label is negative or above 2^63 - 1.

    Examples
    --------
    >>> relabel(np.array([[0, 255]] * 2), {0: 1, 255: 0}).values.tolist()
    [[1, 0], [1, 0]]
    """
    array = ms if isinstance(ms, xr.DataArray) else None
    values = check_integers(np.asarray(ms))
    present = label_counts(values)
    unmapped = sorted(set(present) - set(mapping))
    if unmapped:
        raise InputError(f"mapping: the labels {unmapped} occur and are not mapped; add them")
    if not all(0 <= new <= MAX_LABEL for new in mapping.values()):
        raise InputError(f"mapping: new labels must be in 0..2^63 - 1, got {dict(mapping)}")
    if phases is None:
        old = stated_phases(ms) or {label: f"phase {label}" for label in sorted(present)}
        phases = {
            new: " + ".join(old[label] for label in old if mapping.get(label) == new)
            for new in sorted({mapping[label] for label in old if label in mapping})
        }
    mapped = map_labels(values, mapping)
    steps = {str(label): new for label, new in mapping.items()}
    return as_microstructure(
        mapped if array is None else array.copy(data=mapped),
        phases=phases,
        provenance=derived_provenance(ms, "relabel", mapping=steps),
    )


def labels_by_name(
    labels: npt.NDArray[Any],
    names: Mapping[int, str],
    phases: Mapping[int, str],
    *,
    required: bool,
) -> npt.NDArray[Any]:
    """Return the labels that the phases of an array have elsewhere, where names are the same.

    Parameters
    ----------
    labels : ndarray of int
    names : mapping of int to str
        Name of every label of the array.
    phases : mapping of int to str
        Label and name of the phases elsewhere.
    required : bool
        Whether all names that occur must be among these. Otherwise an array with others is taken
        by its labels, as it is.

    Raises
    ------
    InputError
        Says which name is not among them.

    Examples
    --------
    >>> plane, model = np.array([[0, 255]] * 2), {0: "solid", 1: "pore"}
    >>> labels_by_name(plane, {0: "pore", 255: "solid"}, model, required=True).tolist()
    [[1, 0], [1, 0]]
    """
    if not labels.size:
        return labels
    elsewhere = {name: label for label, name in phases.items()}
    mapping = {label: elsewhere.get(names[label]) for label in label_counts(labels)}
    mapped = {label: new for label, new in mapping.items() if new is not None}
    if len(mapped) == len(mapping):
        return map_labels(labels, mapped)
    if required:
        unknown = next(names[label] for label in mapping if label not in mapped)
        raise InputError(
            f"labels: {unknown!r} is no phase of the model; name those of the file by the names of "
            f"the model's, which are {', '.join(elsewhere)}"
        )
    return labels


def resolve_phases(
    ms: LabelsLike, phase: int | str | Sequence[int | str] | None
) -> tuple[int, ...]:
    """Find the labels of one phase or of several, each once and in the order given.

    None stands for all phases but the outside.

    Raises
    ------
    InputError
        There is no such phase, or none is named.

    Examples
    --------
    >>> from microdsd.microstructure import as_microstructure
    >>> ms = as_microstructure(np.eye(3, dtype=int), phases={0: "pore", 1: "solid"})
    >>> resolve_phases(ms, ["solid", 0]), resolve_phases(ms, "pore"), resolve_phases(ms, None)
    ((1, 0), (0,), (0, 1))
    """
    if phase is None:
        return tuple(material_phases(phases_of(ms)))
    named = [phase] if isinstance(phase, int | np.integer | str) else list(phase)
    if not named:
        raise InputError("phase: is empty; name a phase or several, or leave it out for all")
    return tuple(dict.fromkeys(resolve_phase(ms, one) for one in named))
