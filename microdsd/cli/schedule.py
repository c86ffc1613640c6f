"""``microdsd schedule``: how far noise must go for a scan, and what that costs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from microdsd.cli.live import working
from microdsd.cli.options import (
    JsonNumbers,
    PartOfScan,
    PhaseNames,
    Scan,
    Symmetry,
    TrainingWindow,
    WindowBoundary,
)
from microdsd.cli.output import print_json
from microdsd.cli.terminal import say

EXIT_NOT_MIXED = 1


def command(
    source: Scan,
    window: TrainingWindow,
    sigma_max: Annotated[
        float | None, typer.Option(help="Horizon to examine, voxels; default: the recommended.")
    ] = None,
    sigma_last: Annotated[
        float | None, typer.Option(help="Noise level of the last step, voxels.")
    ] = None,
    evaluations: Annotated[int | None, typer.Option(help="Network evaluations.")] = None,
    boundary: WindowBoundary = "no-flux",
    symmetry: Annotated[
        Symmetry, typer.Option(help="As in training; isotropic cuts slices normal to all axes.")
    ] = "none",
    region: PartOfScan = None,
    labels: PhaseNames = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Picture to write: .html or .png.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the windows and their walks.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the picture.")] = False,
    json: JsonNumbers = False,
) -> None:
    """Measure what noise leaves of a scan, recommend a horizon, count the evaluations.

    Exit code 1 says that the horizon asked for leaves the layout of the source in the noise.
    """
    from microdsd.cli.parsing import names_of, one_or_each, paths_of, region_of
    from microdsd.io import ensure_writable
    from microdsd.report.pages.schedule_page import check_name, write_schedule
    from microdsd.schedule.examination import SIGMA_LAST, examine

    if output is not None:
        check_name(output)
        ensure_writable(output, overwrite=force, inputs=paths_of(source))
    with working("walking windows of the scan"):
        schedule = examine(
            source,
            window=one_or_each(window),
            sigma_max=sigma_max,
            sigma_last=SIGMA_LAST if sigma_last is None else sigma_last,
            evaluations=evaluations,
            boundary=boundary,
            symmetry=symmetry,
            phases=names_of(labels),
            region=region_of(region),
            rng=seed,
        )
    if output is not None:
        write_schedule(output, schedule, title=f"Schedule of {source}", overwrite=force)
    if json:
        print_json({"picture": str(output) if output else None, **schedule.to_dict()})
    else:
        for name, text in schedule.summary().items():
            say(f"{name:<12} {text}")
        if output is not None:
            say(f"{output} written", err=True)
    if not schedule.horizon.sufficient:
        raise typer.Exit(EXIT_NOT_MIXED)
