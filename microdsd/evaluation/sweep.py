"""Evaluation of a series of microstructures over one phase fraction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import xarray as xr

from microdsd.errors import InputError
from microdsd.evaluation.evaluation import measurement_record, sentence
from microdsd.evaluation.recount import PhaseComposition, composition
from microdsd.evaluation.reference import match_reference
from microdsd.metrics.descriptors import describe, scalar_columns
from microdsd.metrics.registry import compared_groups
from microdsd.microstructure import (
    LabelsLike,
    as_ensemble,
    phase_counts,
    phases_of,
    provenance_of,
    resolve_phase,
)
from microdsd.microstructure.seeds import resolve_seed
from microdsd.notebooks import drawn


@dataclass(frozen=True)
class SweepColumn:
    """Hold one descriptor of every sample and real window; None where it does not exist.

    Attributes
    ----------
    descriptor, units : str
        Variable of `describe`, and its unit; percolation is the mean over the axes.
    phase : str or None
        Phase or pair of phases; None for all together.
    generated, real : tuple of float or None
        Empty without real windows.
    """

    descriptor: str
    units: str
    phase: str | None
    generated: tuple[float | None, ...]
    real: tuple[float | None, ...]


@dataclass(frozen=True)
class SweepStep:
    """Hold the change from one fraction to the next.

    Attributes
    ----------
    start, stop : float
        The two fractions.
    changed : float
        Mean share of the voxels in which sample i of one differs from sample i of the other.
    least : float
        The smallest share that the two compositions allow.
    """

    start: float
    stop: float
    changed: float
    least: float


@dataclass(frozen=True, repr=False)
class SweepEvaluation:
    """Hold all measurements of a sweep.

    Attributes
    ----------
    generated : DataArray, dims (sample, [z,] y, x)
    windows : DataArray, dims (sample, [z,] y, x), or None
        Real material.
    phase : int
        Label of the phase whose fraction is swept.
    requested : tuple of float
        Requested fraction of this phase in every sample.
    fraction, real_fraction : tuple of float
        What every sample and window holds of it.
    trained : tuple of float, or None
        Lowest and highest fraction in the training windows, where the file says.
    paired : bool
        Whether sample i of every fraction was made from the same random numbers.
    columns : tuple of SweepColumn
    steps : tuple of SweepStep
    composition : tuple of PhaseComposition
    notes : tuple of str
    record : dict
        Provenance.
    """

    generated: xr.DataArray
    windows: xr.DataArray | None
    phase: int
    requested: tuple[float, ...]
    fraction: tuple[float, ...]
    real_fraction: tuple[float, ...]
    trained: tuple[float, float] | None
    paired: bool
    columns: tuple[SweepColumn, ...]
    steps: tuple[SweepStep, ...]
    composition: tuple[PhaseComposition, ...]
    notes: tuple[str, ...]
    record: dict[str, Any]

    def __repr__(self) -> str:
        fractions = self.members()
        name = phases_of(self.generated)[self.phase]
        real = "" if self.windows is None else f", beside {len(self.windows)} real windows"
        return (
            f"<sweep of {name} from {min(fractions):g} to {max(fractions):g}: {len(fractions)} "
            f"fractions, {len(self.requested)} samples{real}>"
        )

    def _repr_html_(self) -> str:
        return drawn(self)

    @property
    def exact(self) -> bool | None:
        """Tell whether all counts are the requested ones; None where no request is recorded."""
        known = [phase.exact for phase in self.composition if phase.exact is not None]
        return all(bool(exact.all()) for exact in known) if known else None

    def members(self) -> dict[float, list[int]]:
        """Return the sample numbers of every requested fraction, in the order of the file."""
        members: dict[float, list[int]] = {}
        for i, fraction in enumerate(self.requested):
            members.setdefault(fraction, []).append(i)
        return members

    def mean(self, column: SweepColumn) -> list[float | None]:
        """Average a descriptor over the samples of every fraction; None where none has it."""
        means: list[float | None] = []
        for numbers in self.members().values():
            known = [v for i in numbers if (v := column.generated[i]) is not None]
            means.append(sum(known) / len(known) if known else None)
        return means

    def to_dict(self) -> dict[str, Any]:
        """Convert everything but the arrays of labels to what JSON can hold."""
        return {
            "phase": phases_of(self.generated)[self.phase],
            "fractions": list(self.members()),
            "paired": self.paired,
            "trained_fractions": self.trained,
            "samples": {"requested_fraction": self.requested, "fraction": self.fraction},
            "real_windows": {"fraction": self.real_fraction},
            "descriptors": [
                {**asdict(column), "mean": self.mean(column)} for column in self.columns
            ],
            "steps": [asdict(step) for step in self.steps],
            "composition": {
                "exact": self.exact,
                "phases": [phase.to_dict() for phase in self.composition],
            },
            "notes": list(self.notes),
            "provenance": self.record,
        }


def evaluate_sweep(
    generated: LabelsLike,
    reference: LabelsLike | None = None,
    *,
    windows: int | None = None,
    rng: int | np.random.Generator | None = 0,
    periodic: bool = False,
    record: Mapping[str, Any] | None = None,
) -> SweepEvaluation:
    """Measure a sweep, and windows of real material for comparison.

    Parameters
    ----------
    generated : DataArray
        Samples whose provenance records the requested fractions, as `microdsd.generation.sweep`
        makes them; the first phase whose fraction varies is the one swept.
    reference : DataArray or ndarray, optional
        Real material: windows of the samples' shape, or something larger to cut them from.
    windows : int, optional
        Number of reference windows; see `match_reference`.
    rng : None, int or numpy Generator
        Places the windows; the seed is recorded.
    periodic : bool
        Whether to wrap both sides in the measurement; see `evaluate`.
    record : mapping, optional
        Further facts for the provenance.

    Raises
    ------
    InputError
        If the samples are no sweep, or the reference does not fit them.
    """
    seed = resolve_seed(rng)
    samples = as_ensemble(generated)
    provenance = provenance_of(samples) or {}
    phase, requested = _swept(samples, provenance.get("requested_fractions", {}))
    notes = [*provenance.get("notes", ())]
    real = None
    if reference is not None:
        matched = match_reference(samples, reference, windows=windows, rng=seed)
        samples, real = matched.generated, matched.windows
        notes += matched.notes
    streams = provenance.get("streams", [])
    trained = provenance.get("trained_fractions", {}).get(phases_of(samples)[phase])
    described = describe(samples, periodic=periodic, descriptors=compared_groups())
    of_real = (
        None if real is None else describe(real, periodic=periodic, descriptors=compared_groups())
    )
    return SweepEvaluation(
        generated=samples,
        windows=real,
        phase=phase,
        requested=requested,
        fraction=_of_phase(described, phase),
        real_fraction=() if of_real is None else _of_phase(of_real, phase),
        trained=None if trained is None else (trained[0], trained[1]),
        paired=len(set(streams)) < len(streams),
        columns=tuple(_columns(described, of_real)),
        steps=tuple(_steps(samples, requested)),
        composition=composition(samples),
        notes=tuple(map(sentence, notes)),
        record={**measurement_record(samples, real, seed), **(record or {})},
    )


def _swept(
    samples: xr.DataArray, requested: Mapping[str, list[float]]
) -> tuple[int, tuple[float, ...]]:
    for name, fractions in requested.items():
        if len(set(fractions)) > 1 or len(requested) == 1:
            return resolve_phase(samples, name), tuple(fractions)
    raise InputError(
        "generated: its provenance records no series of fractions of one phase; "
        "make one with `microdsd sweep`"
    )


def _of_phase(described: xr.Dataset, phase: int) -> tuple[float, ...]:
    return tuple(described.phase_fraction.sel(phase=phase).values.tolist())


def _columns(generated: xr.Dataset, real: xr.Dataset | None) -> Iterator[SweepColumn]:
    beside = [None] * len(list(_of_descriptors(generated)))
    others = beside if real is None else _of_descriptors(real)
    for column, real_column in zip(_of_descriptors(generated), others, strict=True):
        phases = [str(column[c].item()) for c in ("phase_name", "pair") if c in column.coords]
        yield SweepColumn(
            descriptor=str(column.name),
            units=column.attrs["units"],
            phase=phases[0] if phases else None,
            generated=_known(column),
            real=() if real_column is None else _known(real_column),
        )


def _of_descriptors(described: xr.Dataset) -> Iterator[xr.DataArray]:
    spans = described.percolates.mean("axis", keep_attrs=True)
    for column in scalar_columns(described.assign(percolates=spans)):
        if column.name != "phase_fraction":
            yield column


def _known(column: xr.DataArray) -> tuple[float | None, ...]:
    return tuple(None if np.isnan(v) else float(v) for v in column.values.astype(float))


def _steps(samples: xr.DataArray, requested: tuple[float, ...]) -> Iterator[SweepStep]:
    """Compare sample i of each fraction with sample i of the next."""
    labels, counts = samples.values, phase_counts(samples).values
    members: dict[float, list[int]] = {}
    for i, fraction in enumerate(requested):
        members.setdefault(fraction, []).append(i)
    for (start, first), (stop, second) in pairwise(members.items()):
        pairs = list(zip(first, second, strict=False))
        # A voxel that changes leaves one count and joins another.
        least = [np.abs(counts[a] - counts[b]).sum() / 2 / labels[0].size for a, b in pairs]
        changed = [float((labels[a] != labels[b]).mean()) for a, b in pairs]
        yield SweepStep(start, stop, float(np.mean(changed)), float(np.mean(least)))
