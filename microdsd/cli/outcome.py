"""Carry out a request with a layout: the end of `inpaint` and of `compose`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from microdsd.cli.live import STDERR
from microdsd.cli.output import print_json, written

if TYPE_CHECKING:
    from microdsd.cli.unfinished import UnfinishedSamples
    from microdsd.generation.microstructure_model import MicrostructureModel
    from microdsd.generation.request import GenerationRequest


def deliver(
    model: MicrostructureModel,
    request: GenerationRequest,
    unfinished: UnfinishedSamples,
    output: Path,
    *,
    json: bool,
) -> None:
    """Generate, or go on after an interrupt; write the file and say what it holds."""
    from microdsd.cli.recount import recounted
    from microdsd.cli.sampling import carry_out
    from microdsd.cli.targets import say_what_targets_met
    from microdsd.io import save_samples
    from microdsd.microstructure import provenance_of

    samples, request, seconds = carry_out(model, request, unfinished)
    save_samples(output, samples, overwrite=unfinished.overwrite)
    recounted(output, samples)
    unfinished.remove()
    record = provenance_of(samples) or {}
    if json:
        summary = {**request.record(model.card), "notes": record["notes"]}
        if "achieved" in record:
            summary["achieved"] = record["achieved"]
        print_json({"output": str(output), **summary, "seconds": round(seconds, 2)})
        return
    assert request.layout is not None
    known = int((request.layout.index < 0).sum())
    kept = f"{known} known voxels as they were, " if known else ""
    regions = request.composition.counts.shape[1]
    held = f"exact counts in each of {regions} regions" if regions > 1 else "exact counts"
    files = written(output, len(request))
    STDERR.print(
        f"{files}: {len(request)} samples, {kept}{held}, recounted; seed {request.seed}, "
        f"{seconds:.1f} s",
        soft_wrap=True,
    )
    say_what_targets_met(model.card, request, record)
