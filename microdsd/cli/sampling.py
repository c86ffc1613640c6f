"""Carry out a request so that Ctrl-C loses nothing: what generate and sweep share."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import xarray as xr

from microdsd.cli.live import STDERR, note, progress_bar, show_progress
from microdsd.cli.unfinished import UnfinishedSamples

if TYPE_CHECKING:
    from microdsd.generation.microstructure_model import MicrostructureModel
    from microdsd.generation.request import GenerationRequest
    from microdsd.generation.workers import Sample
    from microdsd.progress import Progress


class Workers(NamedTuple):
    """Name who makes the samples: workers of a scheduler, that find the model at a path.

    Of a volume from several 2D models, these are named by the axis of their slices.
    """

    model: str
    scheduler: str
    number: int | None
    slices: Mapping[str, str] = {}


class Outcome(NamedTuple):
    """Hold all samples of a request, with what is known of it since, and the seconds it took."""

    samples: xr.DataArray
    request: GenerationRequest
    seconds: float


def carry_out(
    model: MicrostructureModel,
    request: GenerationRequest,
    unfinished: UnfinishedSamples,
    workers: Workers | None = None,
) -> Outcome:
    """Generate what an earlier run has left to do.

    The caller writes them, over what is there if ``unfinished.overwrite`` says so, and removes
    `unfinished` once all outputs are safe.
    """
    from microdsd.generation.samples import with_record

    model.require_memory(request)
    if (earlier := unfinished.precision()) and not model.precision_chosen:
        model = model.with_precision(earlier)
    start = time.perf_counter()
    request = _within_reach(model, request, unfinished)
    number, calls = len(request), request.network_calls
    done = unfinished.open(_record(model, request))
    for text in request.notes:
        note(text)
    if done or unfinished.evaluations():
        STDERR.print(f"going on after {unfinished.done()} made before")
    try:
        with progress_bar() as bar:
            work = bar.add_task(
                f"generating {number} x {'x'.join(map(str, request.lattice.shape))}",
                total=None if calls is None else number * calls,
                completed=0 if calls is None else done * calls,
            )

            def show(calls: float, total: float | None, status: str) -> None:
                bar.update(work, completed=calls)

            with closing(_made(model, request, unfinished, done, workers, show)) as samples:
                for i, labels, moved in samples:
                    unfinished.add(i, labels, moved)
    except KeyboardInterrupt:
        STDERR.print(f"stopped after {unfinished.done()}; the same command goes on from there")
        raise
    seconds = time.perf_counter() - start
    unfinished.begin_delivery()
    return Outcome(with_record(model, request, *unfinished.read(number)), request, seconds)


def _record(model: MicrostructureModel, request: GenerationRequest) -> dict[str, Any]:
    """Return all that samples depend on."""
    return {
        "model": model.digest(),
        "precision": model.precision,
        **request.record(model.card),
    }


def _within_reach(
    model: MicrostructureModel, request: GenerationRequest, unfinished: UnfinishedSamples
) -> GenerationRequest:
    """Return the request with what pilot walks say of it, or said in an earlier run of it."""
    if request.particles == 1:
        return request
    known = unfinished.record_of(_record(model, request), but_for=("notes", "usual_ranges"))
    if known is not None:
        ranges = known.get("usual_ranges", {})
        usual = {name: tuple((low, high) for low, high in pairs) for name, pairs in ranges.items()}
        return replace(request, cautions=(), remarks=tuple(known["notes"]), usual=usual)
    with show_progress():
        return model.within_reach(request)


def _made(
    model: MicrostructureModel,
    request: GenerationRequest,
    unfinished: UnfinishedSamples,
    done: int,
    workers: Workers | None,
    progress: Progress,
) -> Generator[Sample, None, None]:
    """Make the samples that are not there yet, in order, or as workers have them ready."""
    if workers is None:
        samples = model.generate(
            request, start=done, progress=progress, bookmark=unfinished.bookmark
        )
        for number, (labels, moved) in enumerate(samples, start=done):
            yield number, labels, moved
        return
    from microdsd.generation.workers import generate_by_workers

    missing = unfinished.missing(len(request))
    path, scheduler, processes, slices = workers
    yield from generate_by_workers(
        model,
        path,
        request,
        missing,
        scheduler,
        processes,
        progress,
        unfinished.bookmark,
        slices,
    )
