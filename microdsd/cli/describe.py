"""`microdsd describe`: measure a microstructure or an ensemble with every descriptor."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from microdsd.cli.live import STDERR
from microdsd.cli.options import (
    Ensemble,
    GoOn,
    OverwriteAnew,
    PhaseNames,
    SchedulerAddress,
    VoxelSize,
    Workers,
)
from microdsd.cli.output import print_json


def command(
    files: Ensemble,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="netCDF (HDF5) file for all numbers, .nc or .h5."),
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(help="PNG or SVG file for the curves of every phase.")
    ] = None,
    phase: Annotated[
        list[str] | None, typer.Option(help="Phases to describe; default: all.")
    ] = None,
    periodic: Annotated[bool, typer.Option("--periodic", help="The box wraps.")] = False,
    descriptor: Annotated[
        list[str] | None,
        typer.Option(help="Group to measure, e.g. two_point; may be repeated; default: all."),
    ] = None,
    mask: Annotated[
        str | None,
        typer.Option(help="FILE[:/path], not zero where the specimen is, if not everywhere."),
    ] = None,
    region: Annotated[
        list[str] | None, typer.Option(help="Part to measure, e.g. z=0:250 x=10:200.")
    ] = None,
    parts: Annotated[
        list[int] | None,
        typer.Option(
            help="Voxels per axis of blocks that are measured one by one, as samples: for volumes "
            "that do not fit into memory."
        ),
    ] = None,
    labels: PhaseNames = None,
    voxel_size: VoxelSize = None,
    relative_error: Annotated[
        float, typer.Option(help="Of the phase fraction in a box of representative size.")
    ] = 0.05,
    scheduler: SchedulerAddress = None,
    workers: Workers = None,
    resume: GoOn = False,
    force: OverwriteAnew = False,
    json: Annotated[bool, typer.Option("--json", help="Print all numbers as JSON.")] = False,
) -> None:
    """Measure fractions, correlations, surfaces, topology and sizes of every phase.

    An ensemble is measured sample by sample; stopped by Ctrl-C, it goes on with --resume.
    """
    from functools import partial

    from microdsd.cli.ensembles import measure_files, report_failures
    from microdsd.cli.findings import description_document, description_tables
    from microdsd.cli.memory import bytes_to_describe, require_memory
    from microdsd.cli.parsing import names_of, one_or_each, paths_of, phases_of, region_of
    from microdsd.ensembles import place_of_parts
    from microdsd.ensembles.cluster import LOCAL
    from microdsd.io import ensure_writable
    from microdsd.metrics.descriptors import describe

    goes_on = resume and output is not None and place_of_parts(output).is_dir()
    if picture is not None:
        from microdsd.report.pictures.description import check_picture

        check_picture(picture)
        ensure_writable(picture, overwrite=force or goes_on, inputs=paths_of(*files, mask))

    if not parts and (scheduler is None or scheduler == LOCAL):
        require_memory(
            files[0],
            bytes_to_describe(descriptor),
            "--parts 128 measures it block by block, --region {region} a part of it",
            region=region_of(region),
            one_by_one=True,
        )
    measured = measure_files(
        files,
        partial(
            describe,
            periodic=periodic,
            phase=phases_of(phase),
            descriptors=descriptor,
            relative_error=relative_error,
        ),
        output,
        phases=names_of(labels),
        voxel_size=voxel_size,
        region=region_of(region),
        mask=mask,
        parts=one_or_each(parts) if parts else None,
        scheduler=scheduler,
        workers=workers,
        resume=resume,
        force=force,
    )
    dataset = measured.dataset
    if picture is not None:
        from microdsd.report.pictures.description import draw_description

        draw_description(picture, dataset, overwrite=force or goes_on)
    if json:
        print_json(description_document(dataset))
    else:
        from rich.console import Console

        # Wide enough for whole rows also where the output is a file.
        width = max(Console().width, 76 + 18 * dataset.sizes["phase"])
        console = Console(width=width, markup=False, emoji=False)
        for table in description_tables(dataset):
            console.print(table)
    written = [str(path) for path in (output, picture) if path is not None]
    if written:
        STDERR.print(f"{' and '.join(written)} written")
    report_failures(measured, output)
