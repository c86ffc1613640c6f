"""Composition and provenance of one evaluation, as rows of a page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from microdsd.evaluation.evaluation import Evaluation
from microdsd.evaluation.slice_result import SliceEvaluation
from microdsd.evaluation.sweep import SweepEvaluation
from microdsd.microstructure import phases_of
from microdsd.report.pictures.style import phase_colours
from microdsd.report.words.wording import NONE, count_range, fraction_range

# Facts of a generated file that a reader looks for first; the rest is in the JSON.
_GENERATOR_FACTS = {
    "generator": "generator",
    "model": "model",
    "model_digest": "model digest",
    "seed": "sampling seed",
    "evaluations": "network evaluations",
    "boundary": "boundary of the walkers",
    "precision": "precision of the network",
}
_TRAINING_FACTS = {
    "data": "training data",
    "data_sha256": "sha256 of the training labels",
    "held_back": "held back from training",
    "steps": "training steps",
    "minutes": "training time / min",
    "config": "training settings",
}
_CODE = {"model_digest", "data_sha256", "config"}


def composition_table(evaluation: Evaluation | SliceEvaluation) -> dict[str, Any]:
    """List the requested and the achieved composition, per phase and per sample."""
    fills = fills_of(evaluation)
    rows = [
        {
            "name": phase.name,
            "label": phase.label,
            "fill": fills[phase.label],
            "requested": NONE if phase.requested is None else count_range(phase.requested),
            "requested_fraction": NONE
            if phase.requested is None
            else fraction_range(phase.requested / phase.voxels),
            "achieved": count_range(phase.achieved),
            "achieved_fraction": fraction_range(phase.achieved / phase.voxels),
            **_exactness(phase.exact),
        }
        for phase in evaluation.composition
    ]
    samples = [
        {
            "index": i,
            "cells": [
                {
                    "requested": NONE
                    if phase.requested is None
                    else count_range(phase.requested[i]),
                    "achieved": count_range(phase.achieved[i]),
                }
                for phase in evaluation.composition
            ],
            **_exactness(_all_phases(evaluation, i)),
        }
        for i in range(evaluation.generated.sizes["sample"])
    ]
    return {
        "rows": rows,
        "samples": samples,
        "recorded": int(evaluation.exact is not None),
        "caption": "Requested and achieved composition, counted voxel by voxel in the stored "
        "labels. A range is given where samples differ. "
        + (
            "The file records no request, so nothing can be called exact."
            if evaluation.exact is None
            else "Exact means equal to the voxel."
        ),
    }


def provenance_rows(
    evaluation: Evaluation | SliceEvaluation | SweepEvaluation,
) -> list[dict[str, Any]]:
    """List the tools, the versions and the data of the samples, as names and values."""
    record = evaluation.record
    rows = [_row("date", record["date"]), _row("seed of the comparison", record["seed"])]
    if "command" in record:
        rows.append(_row("command", record["command"], code=True))
    generator = record.get("generated") or {}
    for facts, names in (
        (generator, _GENERATOR_FACTS),
        (generator.get("training") or {}, _TRAINING_FACTS),
    ):
        rows += [
            _row(name, facts[key], code=key in _CODE)
            for key, name in names.items()
            if facts.get(key) is not None
        ]
    if "reassigned" in generator:
        moved = np.atleast_1d(generator["reassigned"])
        share = moved.mean() / evaluation.composition[0].voxels
        rows.append(
            _row(
                "voxels reassigned in the last step",
                f"{count_range(moved)} per sample (mean {100 * share:.2f} %)",
            )
        )
    for name, origin in record.get("files", {}).items():
        rows.append(_row(name, origin, code=True))
    rows += [
        _row(f"sha256 of {name}", digest, code=True) for name, digest in record["sha256"].items()
    ]
    versions = ", ".join(f"{name} {number}" for name, number in record["versions"].items())
    return [*rows, _row("versions", versions)]


def legend(evaluation: Evaluation) -> list[dict[str, str]]:
    """List the name and the area colour of every phase, the focused one first."""
    names = phases_of(evaluation.generated)
    return [{"name": names[label], "fill": fill} for label, fill in fills_of(evaluation).items()]


def fills_of(evaluation: Evaluation | SliceEvaluation) -> dict[int, str]:
    """Return the area colour of every phase."""
    colours = phase_colours(phases_of(evaluation.generated), evaluation.phases[0])
    return {label: colour.fill for label, colour in colours.items()}


def _all_phases(evaluation: Evaluation | SliceEvaluation, sample: int) -> np.ndarray | None:
    known = [phase.exact[sample] for phase in evaluation.composition if phase.exact is not None]
    return np.array([all(known)]) if known else None


def _exactness(exact: np.ndarray | None) -> dict[str, str]:
    if exact is None:
        return {"exact": "not recorded", "level": ""}
    number = f" ({int(exact.sum())} of {exact.size})" if exact.size > 1 else ""
    if exact.all():
        return {"exact": f"✓ yes{number}", "level": "exact"}
    return {"exact": f"✗ no{number}", "level": "inexact"}


def _row(name: str, value: object, *, code: bool = False) -> dict[str, Any]:
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, Mapping) else value
    if isinstance(value, list):
        text = ", ".join(str(item) for item in value)
    return {"name": name, "value": NONE if value is None else str(text), "code": code}
