"""``microdsd evaluate``: generated samples against real material, as a page and as numbers."""

from __future__ import annotations

import hashlib
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from microdsd.cli.live import STDERR
from microdsd.cli.output import print_json
from microdsd.io import ensure_writable, load_microstructures, open_labels, split_spec


def command(
    generated: Annotated[
        str, typer.Argument(help="Generated samples, FILE or FILE:/path.", metavar="FILE[:/path]")
    ],
    reference: Annotated[
        str,
        typer.Option(
            help="Real material, FILE or FILE:/path: a scan, from which windows are cut, or "
            "windows of the samples' shape."
        ),
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="HTML page to write; the JSON goes beside it.")
    ] = Path("report.html"),
    phase: Annotated[
        list[str] | None,
        typer.Option(help="Phases to compare, the one to show first; default: all."),
    ] = None,
    reference_region: Annotated[
        list[str] | None,
        typer.Option(help="Part of the reference, e.g. z=160:200: what training has not seen."),
    ] = None,
    labels: Annotated[
        list[str] | None,
        typer.Option(help="Phase names of the reference, as 0=pore 255=solid, if it has none."),
    ] = None,
    voxel_size: Annotated[
        list[float] | None,
        typer.Option(help="Of the reference in metres, where its file does not say."),
    ] = None,
    windows: Annotated[
        int | None, typer.Option(min=1, help="Number of reference windows; default: enough.")
    ] = None,
    periodic: Annotated[
        bool, typer.Option("--periodic", help="Wrap both sides, samples and reference windows.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Of the choice of windows.")] = 0,
    training_log: Annotated[
        Path | None, typer.Option(help="CSV that training wrote, for its curves.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the report.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the numbers as JSON.")] = False,
) -> None:
    """Compare generated with real material; write one self-contained page and its numbers."""
    from microdsd.cli.parsing import names_of, region_of
    from microdsd.report import (
        evaluate,
        headline,
        read_training_log,
        report_paths,
        subline,
        write_report,
    )

    for path in report_paths(output):
        ensure_writable(path, overwrite=force)
    if training_log is not None:
        read_training_log(training_log)
    samples = load_microstructures(generated)
    with open_labels(
        reference,
        phases=names_of(labels),
        voxel_size=voxel_size,
        region=region_of(reference_region),
    ) as source:
        material = source.load()
        reference_hash = source.sha256()
    with STDERR.status("measuring generated and real samples"):
        evaluation = evaluate(
            samples,
            material,
            phases=[_label_or_name(word) for word in phase] if phase else None,
            windows=windows,
            rng=seed,
            periodic=periodic,
            record={
                "command": shlex.join(["microdsd", *sys.argv[1:]]),
                "files": {
                    "generated file": f"{generated}, sha256 of the file {_sha256(generated)}",
                    "reference file": f"{reference}, {_part(reference_region)}sha256 of the labels "
                    f"{reference_hash}",
                },
            },
        )
    with STDERR.status("drawing the report"):
        html, numbers = write_report(
            evaluation,
            output,
            overwrite=force,
            title=f"Samples of {_name(generated)} against {_name(reference)}",
            training_log=training_log,
        )
    if json:
        print_json({"report": str(html), "numbers": str(numbers), **evaluation.to_dict()})
        return
    typer.echo(headline(evaluation))
    typer.echo(subline(evaluation))
    for note in evaluation.notes:
        typer.echo(f"note: {note}", err=True)
    typer.echo(f"{html} and {numbers.name} written", err=True)


def _label_or_name(word: str) -> int | str:
    return int(word) if word.isdecimal() else word


def _name(spec: str) -> str:
    return split_spec(spec)[0].name


def _part(region: list[str] | None) -> str:
    return f"{' '.join(region)}, " if region else ""


def _sha256(spec: str) -> str:
    with split_spec(spec)[0].open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
