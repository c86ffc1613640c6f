"""``microdsd evaluate``: generated samples against real material, as a page and as numbers."""

from __future__ import annotations

import dataclasses
import hashlib
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from microdsd.cli.live import show_progress
from microdsd.cli.options import JsonNumbers, ReferencePart, ReferenceWindows, Symmetry, VoxelSize
from microdsd.cli.output import print_json
from microdsd.cli.terminal import say
from microdsd.errors import InputError
from microdsd.io import (
    ensure_writable,
    load_microstructures,
    open_labels,
    output_lock,
    split_spec,
)
from microdsd.microstructure import provenance_of
from microdsd.microstructure.axes import SPATIAL_DIMS
from microdsd.progress import stage

if TYPE_CHECKING:
    import xarray as xr

    from microdsd.evaluation import Evaluation
    from microdsd.evaluation.evaluation import TwoSampleClassifier
    from microdsd.io.label_source import LabelSource


def command(
    generated: Annotated[
        str, typer.Argument(help="Generated samples, FILE or FILE:/path.", metavar="FILE[:/path]")
    ],
    reference: Annotated[
        list[str],
        typer.Option(
            help="Real material, FILE or FILE:/path: a scan, from which windows are cut, or "
            "windows of the samples' shape. For slices of volumes a picture, or one for each "
            "direction that they are normal to, as z=top.png y=side.png."
        ),
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="HTML page to write; the JSON goes beside it.")
    ] = Path("report.html"),
    phase: Annotated[
        list[str] | None,
        typer.Option(help="Phases to compare, the one to show first; default: all."),
    ] = None,
    reference_region: ReferencePart = None,
    labels: Annotated[
        list[str] | None,
        typer.Option(help="Phase names of the reference, as 0=pore 255=solid, if it has none."),
    ] = None,
    voxel_size: VoxelSize = None,
    windows: ReferenceWindows = None,
    window: Annotated[
        list[int] | None,
        typer.Option(
            help="Of slices and pictures: pixels per axis of the windows compared; default: whole "
            "slices."
        ),
    ] = None,
    periodic: Annotated[
        bool, typer.Option("--periodic", help="Wrap both sides, samples and reference windows.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Of the choice of windows.")] = 0,
    training_log: Annotated[
        Path | None, typer.Option(help="CSV that training wrote, for its curves.")
    ] = None,
    training: Annotated[
        str | None,
        typer.Option(help="Scan that the model was trained on: is any sample a copy of it?"),
    ] = None,
    training_region: Annotated[
        list[str] | None, typer.Option(help="Part that training saw, e.g. z=0:104.")
    ] = None,
    symmetry: Annotated[
        Symmetry,
        typer.Option(help="Of the training: copies are sought in its turns and mirrors too."),
    ] = "none",
    require: Annotated[
        list[str] | None,
        typer.Option(
            help="Exit with 1 unless this holds: within, not-differs, exact, TEST=within, "
            "TEST=not-differs, descriptors>=N, TEST<=N%. More than one: all of them."
        ),
    ] = None,
    margin: Annotated[
        list[str] | None,
        typer.Option(
            help="Largest difference that does not matter, TEST=SHARE, as surface=0.1; part of a "
            "name stands for all that hold it."
        ),
    ] = None,
    classifier: Annotated[
        str | None,
        typer.Option(help="A stronger judge, in minutes: network."),
    ] = None,
    include: Annotated[
        list[str] | None,
        typer.Option(help="Optional descriptors to compare and test: pore_network, network_flow."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the report.")] = False,
    json: JsonNumbers = False,
) -> None:
    """Compare generated with real material; write one self-contained page and its numbers."""
    from microdsd.cli.memory import EVALUATED, HELD, require_memory
    from microdsd.cli.parsing import (
        lengths_of,
        names_of,
        numbers_of,
        paths_of,
        references_of,
        region_of,
    )
    from microdsd.cli.slices import evaluate_the_slices, of_slices
    from microdsd.evaluation import evaluate
    from microdsd.evaluation.verdict import margins_with
    from microdsd.metrics.registry import included
    from microdsd.report import (
        Requirement,
        evaluation_document,
        headline,
        memorisation_sentence,
        read_training_log,
        report_paths,
        verdict_sentence,
        write_report,
    )

    if classifier not in (None, "network"):
        raise InputError(f"classifier: {classifier!r} is not known; there is: network")
    margins = {str(name): value for name, value in (numbers_of(margin, "margin") or {}).items()}
    margins_with(margins)
    required = [Requirement.parse(text) for text in require or []]
    if training is None and any(wanted.name == "memorisation" for wanted in required):
        raise InputError("require: memorisation needs the scan of the training, --training")
    if classifier is None and any(wanted.name == "network" for wanted in required):
        raise InputError("require: network needs --classifier network")
    materials = references_of(reference)
    inputs = paths_of(generated, *materials.values(), training, training_log)
    with included(*(include or [])), output_lock(output):
        for path in report_paths(output):
            ensure_writable(path, overwrite=force, inputs=inputs)
        if training_log is not None:
            read_training_log(training_log)
        require_memory(
            generated,
            EVALUATED,
            "evaluate a part of it, which `microdsd import {file} --region {region} -o part.h5` "
            "takes, or measure it block by block by `microdsd describe {file} --parts 128`",
        )
        part = region_of(reference_region, "reference_region")
        for spec in materials.values():
            require_memory(spec, HELD, "take a part: --reference-region {region}", region=part)
        samples = load_microstructures(generated)
        files = {"generated file": f"{generated}, sha256 of the file {_sha256(generated)}"}
        opened: dict[str | None, xr.DataArray] = {}
        for axis, spec in materials.items():
            with open_labels(
                spec,
                phases=names_of(labels),
                voxel_size=lengths_of(voxel_size),
                region=region_of(reference_region, "reference_region"),
            ) as source:
                opened[axis] = source.load()
                files[f"reference file{f' normal to {axis}' if axis else ''}"] = (
                    f"{spec}, {_part(reference_region)}sha256 of the labels {source.sha256()}"
                )
        record = {"command": shlex.join(["microdsd", *sys.argv[1:]]), "files": files}
        warning = None
        if reference_region:
            warnings = (
                _seen_part(
                    samples,
                    spec,
                    region_of(reference_region, "reference_region"),
                    names_of(labels),
                )
                for spec in materials.values()
            )
            warning = next(filter(None, warnings), None)
        if of_slices(samples, opened):
            evaluate_the_slices(
                samples,
                opened,
                output,
                unsupported={
                    "periodic": periodic,
                    "training": training,
                    "training_log": training_log,
                    "classifier": classifier,
                },
                window=window,
                phase=[_label_or_name(word) for word in phase] if phase else None,
                windows=windows,
                rng=seed,
                margins=margins,
                record=record,
                warning=warning,
                required=required,
                title=f"Slices of {_name(generated)} against "
                f"{' and '.join(map(_name, materials.values()))}",
                overwrite=force,
                json=json,
            )
            return
        if window is not None:
            raise InputError("window: is for slices of volumes against pictures; leave it out")
        with show_progress():
            evaluation = evaluate(
                samples,
                opened[None],
                phase=[_label_or_name(word) for word in phase] if phase else None,
                windows=windows,
                rng=seed,
                periodic=periodic,
                margins=margins,
                classifier=_network_judge() if classifier else None,
                record=record,
            )
        evaluation = dataclasses.replace(evaluation, flatters=evaluation.flatters or warning)
        nearest: dict[str, Any] = {}
        if training is not None:
            with (
                show_progress(),
                stage("looking for copies of training windows"),
                open_labels(
                    training,
                    phases=names_of(labels),
                    region=region_of(training_region, "training_region"),
                ) as source,
            ):
                nearest = _nearest(evaluation, source.load(), symmetry)
                verdict = evaluation.verdict.with_memorisation(nearest["memorisation"])
                evaluation = dataclasses.replace(evaluation, verdict=verdict)
        with show_progress(), stage("drawing the report"):
            html, numbers = write_report(
                output,
                evaluation,
                overwrite=force,
                title=f"Samples of {_name(generated)} against {_name(materials[None])}",
                training_log=training_log,
                **nearest,
            )
    unmet = {wanted.text: why for wanted in required if (why := wanted.unmet(evaluation))}
    if json:
        document = evaluation_document(evaluation, nearest.get("memorisation"))
        print_json({"report": str(html), "numbers": str(numbers), **document, "unmet": unmet})
    else:
        say(verdict_sentence(evaluation.verdict))
        if evaluation.flatters:
            say(evaluation.flatters)
        say(headline(evaluation))
        if nearest:
            say(memorisation_sentence(nearest["memorisation"]))
        for note in evaluation.notes:
            say(f"note: {note}", err=True)
        say(f"{html} and {numbers.name} written", err=True)
    for text, why in unmet.items():
        say(f"not met: {text}: {why}", err=True)
    if unmet:
        raise typer.Exit(1)


def _network_judge() -> TwoSampleClassifier:
    from microdsd.network_judge import NetworkJudge  # loads torch, which nothing else needs

    return NetworkJudge()


def _nearest(evaluation: Evaluation, training: xr.DataArray, symmetry: Symmetry) -> dict[str, Any]:
    """Check for memorisation of the samples, against as many of the reference windows."""
    from microdsd.evaluation.memorisation import memorisation

    held_back = evaluation.windows.isel(sample=slice(evaluation.generated.sizes["sample"]))
    check = memorisation(evaluation.generated, training, held_back, symmetry=symmetry)
    return {"memorisation": check, "training": training}


def _seen_part(
    samples: xr.DataArray, reference: str, region: dict[str, slice], labels: dict[int, str] | None
) -> str | None:
    """Warn if a region of the scan that the model was trained on holds layers that it saw."""
    from microdsd.evaluation.training_scan import FLATTERS, seen_layers

    training = (provenance_of(samples) or {}).get("training") or {}
    first = SPATIAL_DIMS[-len(training.get("data_shape") or SPATIAL_DIMS) :][0]

    def leading(layers: int | None) -> LabelSource:
        part = None if layers is None else {first: slice(0, layers)}
        return open_labels(reference, phases=labels, region=part)

    layers = seen_layers(training, leading)
    if layers is None:
        return None
    return FLATTERS if (region.get(first, slice(0, None)).start or 0) < layers else None


def _label_or_name(word: str) -> int | str:
    return int(word) if word.isdecimal() else word


def _name(spec: str) -> str:
    return split_spec(spec)[0].name


def _part(region: list[str] | None) -> str:
    return f"{' '.join(region)}, " if region else ""


def _sha256(spec: str) -> str:
    with split_spec(spec)[0].open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
