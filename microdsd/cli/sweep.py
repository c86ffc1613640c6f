"""``microdsd sweep``: a series of microstructures over one phase fraction, and its report."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from microdsd.cli.live import STDERR
from microdsd.cli.output import print_json


def command(
    model: Annotated[str, typer.Argument(help="Model file, or the name of one that ships.")],
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
    number: Annotated[int, typer.Option("-n", "--number", help="Samples per fraction.")] = 4,
    shape: Annotated[
        list[int] | None,
        typer.Option(help="Voxels per axis, as 128 128 128; default: the training window."),
    ] = None,
    boundary: Annotated[
        list[str] | None, typer.Option(help="no-flux or periodic, for all axes or one each.")
    ] = None,
    evaluations: Annotated[
        int | None, typer.Option(help="Network evaluations; more is slower and closer.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the whole series.")] = None,
    reference: Annotated[
        str | None,
        typer.Option(help="Real material, FILE or FILE:/path, whose windows the report shows."),
    ] = None,
    reference_region: Annotated[
        list[str] | None,
        typer.Option(help="Part of the reference, e.g. z=160:200: what training has not seen."),
    ] = None,
    windows: Annotated[
        int | None, typer.Option(min=1, help="Number of reference windows; default: enough.")
    ] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1; default: a GPU.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite output and report.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the numbers as JSON.")] = False,
) -> None:
    """Generate at several fractions of one phase; draw descriptors against the fraction.

    Stopped by Ctrl-C, the same command goes on where it was.
    """
    from microdsd.cli.parsing import region_of, series_of
    from microdsd.io import ensure_writable, open_labels, save_microstructures
    from microdsd.report import evaluate_sweep, report_paths, write_sweep_report

    page, numbers = report_paths(output.with_suffix(".html"))
    for path in (output, page, numbers):
        ensure_writable(path, overwrite=force)
    series = series_of(fraction)
    material = None
    if reference is not None:
        with open_labels(reference, region=region_of(reference_region)) as source:
            material = source.load()

    from microdsd.cli.sampling import carry_out
    from microdsd.cli.unfinished import UnfinishedSamples
    from microdsd.model import MicrostructureModel
    from microdsd.sweep import sweep_request

    loaded = MicrostructureModel.load(model, device)
    unfinished = UnfinishedSamples(output, start_anew=force)
    boundaries: Any = boundary or ["no-flux"]
    request = sweep_request(
        loaded.card,
        series,
        number,
        paired=paired,
        shape=shape,
        boundary=boundaries if len(boundaries) > 1 else boundaries[0],
        evaluations=evaluations,
        rng=unfinished.seed() if seed is None else seed,
    )
    samples, seconds = carry_out(loaded, request, unfinished)
    with STDERR.status("measuring and drawing the report"):
        evaluation = evaluate_sweep(
            samples,
            material,
            windows=windows,
            record={
                "command": shlex.join(["microdsd", *sys.argv[1:]]),
                "files": {} if reference is None else {"reference file": reference},
            },
        )
        write_sweep_report(evaluation, page, overwrite=force)
    save_microstructures(output, samples, overwrite=force)
    unfinished.remove()
    if json:
        files = {"output": str(output), "report": str(page), "numbers": str(numbers)}
        print_json({**files, "seconds": round(seconds, 2), **evaluation.to_dict()})
        return
    from microdsd.report.sweep_page import sweep_headline, sweep_subline

    typer.echo(sweep_headline(evaluation))
    typer.echo(sweep_subline(evaluation))
    STDERR.print(
        f"{output}, {page.name} and {numbers.name} written, seed {request.seed}, {seconds:.1f} s"
    )
