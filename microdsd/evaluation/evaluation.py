"""Evaluation of generated samples against real material: everything that a verdict needs."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from typing import Any

import numpy as np
import xarray as xr

from microdsd import __version__
from microdsd.evaluation.comparison import compare
from microdsd.evaluation.comparison_result import Comparison
from microdsd.evaluation.directional import AxisCurves, axis_curves
from microdsd.evaluation.recount import PhaseComposition, composition
from microdsd.evaluation.reference import match_reference
from microdsd.evaluation.training_scan import without_training
from microdsd.evaluation.verdict import ClassifierTest, Verdict, judge, margins_with
from microdsd.metrics import describe
from microdsd.metrics.registry import judged_groups
from microdsd.microstructure import (
    LabelsLike,
    as_ensemble,
    as_microstructure,
    phases_of,
    provenance_of,
    resolve_phases,
    spatial_dims,
    voxel_size_of,
)
from microdsd.microstructure.labels import focus_phase
from microdsd.microstructure.seeds import resolve_seed
from microdsd.notebooks import drawn
from microdsd.progress import Progress, part_of, stage

TwoSampleClassifier = Callable[[xr.DataArray, xr.DataArray], ClassifierTest]
"""Tries to tell generated samples from real windows, ``(samples, windows)``."""

_PACKAGES = ("numpy", "scipy", "scikit-image", "xarray", "matplotlib")
_STEPS = 5
"""Of the progress: both sides measured, compared, judged, and what a classifier adds."""


@dataclass(frozen=True, repr=False)
class Evaluation:
    """Hold all measurements of generated samples and of windows of real material.

    Attributes
    ----------
    generated, windows : DataArray, dims (sample, [z,] y, x)
        Alike in shape, labels and voxel size.
    phases : tuple of int
        Labels of the phases compared, the one in focus first.
    composition : tuple of PhaseComposition
        Requested and achieved counts of every phase.
    comparison : Comparison
        Descriptors of both sides and the spread between two real sets.
    verdict : Verdict
        In which descriptors the two sides are equal, and in which they differ.
    along_axes : tuple of AxisCurves
        S2 along every axis.
    periodic : bool
        Whether boxes were wrapped in the measurement.
    notes : tuple of str
        Reservations a reader has to know.
    flatters : str or None
        Warning where the reference is material that the model was trained on.
    record : dict
        Provenance: date, versions, seed, hashes, the generator's own record, what the caller adds.
    """

    generated: xr.DataArray
    windows: xr.DataArray
    phases: tuple[int, ...]
    composition: tuple[PhaseComposition, ...]
    comparison: Comparison
    verdict: Verdict
    along_axes: tuple[AxisCurves, ...]
    periodic: bool
    notes: tuple[str, ...]
    flatters: str | None
    record: dict[str, Any]

    def __repr__(self) -> str:
        counts = {True: "counts exact", False: "counts not all exact", None: "no counts requested"}
        shape = " x ".join(map(str, self.generated.shape[1:]))
        return (
            f"<evaluation of {len(self.generated)} samples of {shape} against {len(self.windows)} "
            f"real windows: {self.verdict.in_short()}; {counts[self.exact]}>"
        )

    def _repr_html_(self) -> str:
        return drawn(self)

    @property
    def exact(self) -> bool | None:
        """Tell whether all counts are the requested ones; None where no request is recorded."""
        known = [phase.exact for phase in self.composition if phase.exact is not None]
        return all(bool(exact.all()) for exact in known) if known else None

    def to_dict(self) -> dict[str, Any]:
        """Convert everything but the arrays of labels to what JSON can hold."""
        names = phases_of(self.generated)
        return {
            "samples": self.generated.sizes["sample"],
            "reference_windows": self.windows.sizes["sample"],
            "shape": list(self.generated.shape[1:]),
            "voxel_size": voxel_size_of(self.generated)._asdict(),
            "phases": {str(label): name for label, name in names.items()},
            "compared_phases": list(self.phases),
            "periodic": self.periodic,
            "composition": {
                "exact": self.exact,
                "phases": [phase.to_dict() for phase in self.composition],
            },
            "verdict": self.verdict.to_dict(),
            "comparison": self.comparison.to_dict(),
            "two_point_along_axes": [curves.to_dict() for curves in self.along_axes],
            "notes": list(self.notes),
            "flatters": self.flatters,
            "provenance": self.record,
        }


def evaluate(
    generated: LabelsLike,
    reference: LabelsLike,
    *,
    phase: int | str | Sequence[int | str] | None = None,
    windows: int | None = None,
    rng: int | np.random.Generator | None = 0,
    periodic: bool = False,
    margins: Mapping[str, float] | None = None,
    classifier: TwoSampleClassifier | None = None,
    record: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Recount generated samples and compare them with real material.

    Parameters
    ----------
    generated : DataArray or ndarray
        One sample or an ensemble. The request is read from its provenance.
    reference : DataArray, ndarray, or name of a file
        Real material: an ensemble of windows of the samples' shape, or something larger from which
        windows are cut. Slices of a volume serve for plane samples. Of the scan that the model was
        trained on, only the part that was held back is taken.
    phase : int or str, or sequence of them, optional
        Phase or phases to compare, the one to show first; by default all.
    windows : int, optional
        Number of reference windows; see `match_reference`.
    rng : None, int or numpy Generator
        Places the windows, splits them into two real sets and draws the swaps of the tests. The
        seed is recorded, also where it is fresh (None) or drawn from a generator.
    periodic : bool
        Whether to wrap both sides in the measurement. False holds of whatever is cut from a scan:
        samples of a periodic box are then measured as the windows are.
    margins : mapping of str to float, optional
        Changes of the default margins, ``{"surface": 0.1}`` for 10 %; see `judge`.
    classifier : callable, optional
        A stronger judge, tried where the sets can be compared at all: `microdsd.NetworkJudge`.
    record : mapping, optional
        Further facts for the provenance, for example the command and the hashes of files.
    progress : Progress, optional
        Receives each step in words before it is taken.

    Returns
    -------
    Evaluation

    Raises
    ------
    InputError
        Different voxel sizes, phases that do not match, or samples larger than the reference.

    Examples
    --------
    >>> from microdsd.microstructure import blobs, cut_windows
    >>> rock = blobs((64, 64), fractions=(0.3, 0.7), scale=2, rng=0)
    >>> new = cut_windows(rock, (16, 16), n=4, rng=1)
    >>> evaluate(new, rock, windows=8).windows.sizes["sample"]
    8
    """
    seed = resolve_seed(rng)
    generator = np.random.default_rng(seed)
    limits = margins_with(margins)
    samples = as_ensemble(generated)
    reference = as_microstructure(reference)
    axes = spatial_dims(samples)
    depth = samples.sizes[axes[0]] if len(axes) == len(spatial_dims(reference)) else 1
    reference, *training_facts = without_training(
        (provenance_of(samples) or {}).get("training") or {}, reference, depth
    )
    matched = match_reference(samples, reference, windows=windows, rng=generator)
    new, real = matched.generated, matched.windows
    chosen = chosen_phases(new, phase)
    counted = composition(new)
    provenance = provenance_of(new) or {}
    with stage("evaluating", _STEPS, progress) as evaluating:
        measure = partial(describe, periodic=periodic, descriptors=judged_groups())
        described = (
            measure(new, progress=part_of(evaluating, 0, f"measuring {len(new)} samples")),
            measure(real, progress=part_of(evaluating, 1, f"measuring {len(real)} real windows")),
        )
        evaluating.update(2, status="comparing")
        comparison = compare(new, real, periodic=periodic, rng=generator, described=described)
        verdict = judge(
            new,
            real,
            periodic=periodic,
            rng=generator,
            margins={name: margin.value for name, margin in limits.items()},
            described=described,
            progress=part_of(evaluating, 3, "judging"),
        )
        if classifier is not None and verdict.status == "compared":
            evaluating.update(4, status="the classifier given")
            verdict = verdict.with_network(classifier(new, real))
        along_axes = axis_curves(new, real, phases=chosen, periodic=periodic)
    notes = [
        *provenance.get("notes", ()),
        *filter(None, training_facts[:1]),
        *matched.notes,
        *comparison.notes,
    ]
    if verdict.status == "compared" and verdict.n_outside:
        notes.append(
            f"{verdict.n_outside} of {len(new)} samples have fractions beyond those of the real "
            "windows and are not compared"
        )
    return Evaluation(
        generated=new,
        windows=real,
        phases=chosen,
        composition=counted,
        comparison=comparison,
        verdict=verdict,
        along_axes=along_axes,
        periodic=periodic,
        notes=tuple(map(sentence, notes)),
        flatters=training_facts[1],
        record={**measurement_record(new, real, seed), **(record or {})},
    )


def measurement_record(
    generated: xr.DataArray, windows: xr.DataArray | None, seed: int | None
) -> dict[str, Any]:
    """Record the time and the versions of a measurement, and the labels it was made on."""
    labels = {"generated labels": generated}
    if windows is not None:
        labels["reference windows"] = windows
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "seed": seed,
        "versions": _versions(),
        "sha256": {name: _sha256(ms) for name, ms in labels.items()},
        "generated": provenance_of(generated) or {},
        "reference": None if windows is None else provenance_of(windows),
    }


def chosen_phases(
    generated: xr.DataArray, phase: int | str | Sequence[int | str] | None
) -> tuple[int, ...]:
    """Return the labels of the phases to compare, the one in focus first; by default all."""
    if phase is None:
        names = phases_of(generated)
        return tuple(sorted(names, key=lambda label: label != focus_phase(names)))
    return resolve_phases(generated, phase)


def sentence(note: str) -> str:
    """Write a note as a sentence.

    Examples
    --------
    >>> sentence("the box is large")
    'The box is large.'
    """
    return f"{note[:1].upper()}{note[1:].rstrip('.')}."


def _versions() -> dict[str, str]:
    return {
        "microdsd": __version__,
        "python": platform.python_version(),
        **{package: version(package) for package in _PACKAGES},
    }


def _sha256(ms: xr.DataArray) -> str:
    values = np.ascontiguousarray(ms.values)
    digest = hashlib.sha256(f"{values.shape} {values.dtype.str}".encode())
    digest.update(values.data)
    return digest.hexdigest()
