"""Carry out a request so that Ctrl-C loses nothing: what generate and sweep share."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import xarray as xr

from microdsd.cli.live import STDERR, note, progress_bar
from microdsd.cli.unfinished import UnfinishedSamples

if TYPE_CHECKING:
    from microdsd.generation.microstructure_model import MicrostructureModel
    from microdsd.generation.request import GenerationRequest


def carry_out(
    model: MicrostructureModel, request: GenerationRequest, unfinished: UnfinishedSamples
) -> tuple[xr.DataArray, float]:
    """Generate what an earlier run has left to do; all samples, and the seconds this took.

    The caller writes them, over what is there if ``unfinished.overwrite`` says so, and removes
    `unfinished` once all outputs are safe.
    """
    from microdsd.generation.samples import with_record

    model.require_memory(request)
    number, calls = len(request), request.plan.network_calls
    if (earlier := unfinished.precision()) and not model.precision_chosen:
        model = model.with_precision(earlier)
    done = unfinished.open(
        {
            "model": model.digest(),
            "precision": model.precision,
            **request.record(model.card),
        }
    )
    for text in request.notes:
        note(text)
    if done or unfinished.evaluations():
        STDERR.print(f"going on after {unfinished.done()} made before")
    start = time.perf_counter()
    try:
        with progress_bar() as bar:
            work = bar.add_task(
                f"generating {number} x {'x'.join(map(str, request.lattice.shape))}",
                total=None if calls is None else number * calls,
                completed=0 if calls is None else done * calls,
            )
            for i, (labels, moved) in enumerate(
                model.generate(
                    request,
                    start=done,
                    progress=lambda calls, total, status: bar.update(work, completed=calls),
                    bookmark=unfinished.bookmark,
                ),
                start=done,
            ):
                unfinished.add(i, labels, moved)
    except KeyboardInterrupt:
        STDERR.print(f"stopped after {unfinished.done()}; the same command goes on from there")
        raise
    seconds = time.perf_counter() - start
    unfinished.begin_delivery()
    return with_record(model, request, *unfinished.read(number)), seconds
