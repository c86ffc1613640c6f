"""``microdsd sweep``: a series of microstructures over one phase fraction, and its report."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from microdsd.cli.live import STDERR, working
from microdsd.cli.options import (
    BoxBoundary,
    Device,
    Evaluations,
    Guidance,
    JsonNumbers,
    ModelFile,
    NetworkPrecision,
    Particles,
    ReferencePart,
    ReferenceWindows,
    Shape,
    SlicesByAxis,
    TargetValues,
)
from microdsd.cli.output import print_json
from microdsd.cli.terminal import say


def command(
    model: ModelFile,
    output: Annotated[
        Path,
        typer.Option("-o", "--output", help="HDF5 file to write; the report goes beside it."),
    ],
    fraction: Annotated[
        list[str],
        typer.Option(
            help="Series of one phase as start:stop:number, pore=0.12:0.30:7; of others one "
            "number. Phases not named share the rest as in training."
        ),
    ],
    paired: Annotated[
        bool,
        typer.Option(
            "--paired",
            help="Sample i of every fraction from the same walkers: as little as possible changes.",
        ),
    ] = False,
    target: TargetValues = None,
    particles: Particles = 1,
    guidance: Guidance = 1.0,
    number: Annotated[int, typer.Option("-n", "--number", help="Samples per fraction.")] = 4,
    shape: Shape = None,
    slices: SlicesByAxis = None,
    boundary: BoxBoundary = None,
    evaluations: Evaluations = None,
    seed: Annotated[int, typer.Option(help="Seed of the whole series.")] = 0,
    reference: Annotated[
        str | None,
        typer.Option(help="Real material, FILE or FILE:/path, whose windows the report shows."),
    ] = None,
    reference_region: ReferencePart = None,
    windows: ReferenceWindows = None,
    device: Device = None,
    precision: NetworkPrecision = "auto",
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Overwrite output and report; try targets beyond what is attainable.",
        ),
    ] = False,
    json: JsonNumbers = False,
) -> None:
    """Generate at several fractions of one phase; draw descriptors against the fraction.

    Stopped by Ctrl-C, the same command goes on where it was.
    """
    from microdsd.cli.parsing import axes_of, one_or_each, paths_of, region_of, series_of, slices_of
    from microdsd.cli.recount import recounted
    from microdsd.evaluation import evaluate_sweep
    from microdsd.io import check_format, open_labels, save_microstructures
    from microdsd.microstructure import provenance_of
    from microdsd.report import report_paths, write_sweep_report

    check_format(output, ensembles=True)
    page, numbers = report_paths(output.with_suffix(".html"))
    series, cuts = series_of(fraction), slices_of(slices)
    material = None
    if reference is not None:
        with open_labels(
            reference, region=region_of(reference_region, "reference_region")
        ) as source:
            material = source.load()

    from microdsd.cli.sampling import carry_out
    from microdsd.cli.targets import say_what_targets_met, steering
    from microdsd.cli.unfinished import unfinished_samples
    from microdsd.generation.sweep import sweep_request
    from microdsd.generation.volumes import model_for

    with unfinished_samples(output, force=force) as unfinished:
        used = paths_of(model, reference, *cuts.values())
        unfinished.check_outputs(number, used, page, numbers)
        loaded = model_for(model, axes_of(shape), cuts, device, precision)
        request = sweep_request(
            loaded.card,
            series,
            number,
            paired=paired,
            shape=one_or_each(shape) if shape else None,
            boundary=one_or_each(boundary or ["no-flux"]),  # type: ignore[arg-type]
            evaluations=evaluations,
            rng=seed,
            **steering(target, particles, guidance, force=force),
        )
        samples, request, seconds = carry_out(loaded, request, unfinished)
        # Samples first, the page last: whatever stops the report, the same command goes on.
        save_microstructures(output, samples, overwrite=unfinished.overwrite)
        recounted(output, samples)
        with working("measuring and drawing the report"):
            evaluation = evaluate_sweep(
                samples,
                material,
                windows=windows,
                record={
                    "command": shlex.join(["microdsd", *sys.argv[1:]]),
                    "files": {} if reference is None else {"reference file": reference},
                },
            )
            write_sweep_report(page, evaluation, overwrite=unfinished.overwrite)
        unfinished.remove()
    record = provenance_of(samples) or {}
    if json:
        files = {"output": str(output), "report": str(page), "numbers": str(numbers)}
        achieved = {name: record[name] for name in ("targets", "achieved") if name in record}
        print_json({**files, "seconds": round(seconds, 2), **achieved, **evaluation.to_dict()})
        return
    from microdsd.report.pages.sweep_page import sweep_headline, sweep_subline

    say(sweep_headline(evaluation))
    say(sweep_subline(evaluation))
    STDERR.print(
        f"{output}, {page.name} and {numbers.name} written, seed {request.seed}, {seconds:.1f} s",
        soft_wrap=True,
    )
    say_what_targets_met(loaded.card, request, record)
