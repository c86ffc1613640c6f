"""What `microdsd evaluate` does with volumes of which there are pictures only."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from microdsd.cli.live import show_progress
from microdsd.cli.output import print_json
from microdsd.cli.terminal import say
from microdsd.errors import InputError
from microdsd.microstructure import spatial_dims
from microdsd.progress import stage

if TYPE_CHECKING:
    import xarray as xr

    from microdsd.report import Requirement


def of_slices(samples: xr.DataArray, references: Mapping[str | None, xr.DataArray]) -> bool:
    """Tell whether volumes are to be compared with pictures."""
    flat = all(len(spatial_dims(one)) == 2 for one in references.values())
    if None not in references and not (flat and len(spatial_dims(samples)) == 3):
        raise InputError(
            "reference: directions are for volumes and pictures; give one reference, without them"
        )
    return flat and len(spatial_dims(samples)) == 3


def evaluate_the_slices(
    samples: xr.DataArray,
    references: Mapping[str | None, xr.DataArray],
    output: Path,
    *,
    unsupported: Mapping[str, object],
    warning: str | None,
    required: Sequence[Requirement],
    title: str,
    overwrite: bool,
    json: bool,
    window: Sequence[int] | None,
    **arguments: Any,
) -> None:
    """Compare slices with pictures, write the page, and say what was found."""
    from microdsd.evaluation import evaluate_slices
    from microdsd.report import (
        direction_sentence,
        slice_document,
        slice_remarks,
        slice_sentence,
        write_slice_report,
    )

    for name, value in unsupported.items():
        if value:
            raise InputError(
                f"{name}: is for samples and a reference of as many axes; slices of volumes are "
                "compared with a picture without it"
            )
    pictures: Any = references.get(None, references)
    with show_progress():
        evaluation = evaluate_slices(samples, pictures, window=window, **arguments)
    evaluation = dataclasses.replace(evaluation, flatters=evaluation.flatters or warning)
    with show_progress(), stage("drawing the report"):
        html, numbers = write_slice_report(output, evaluation, overwrite=overwrite, title=title)
    unmet = {wanted.text: why for wanted in required if (why := wanted.unmet(evaluation))}
    if json:
        print_json(
            {
                "report": str(html),
                "numbers": str(numbers),
                **slice_document(evaluation),
                "unmet": unmet,
            }
        )
    else:
        say(slice_sentence(evaluation))
        if evaluation.flatters:
            say(evaluation.flatters)
        for direction in evaluation.directions:
            say(direction_sentence(direction))
        say(_counted(evaluation.exact, len(samples) if "sample" in samples.dims else 1))
        for remark in slice_remarks(evaluation):
            say(f"note: {remark}", err=True)
        say(f"{html} and {numbers.name} written", err=True)
    for text, why in unmet.items():
        say(f"not met: {text}: {why}", err=True)
    if unmet:
        raise typer.Exit(1)


def _counted(exact: bool | None, volumes: int) -> str:
    if exact is None:
        return "The file records no requested composition."
    subject = "The volume carries" if volumes == 1 else f"All {volumes} volumes carry"
    return f"{subject} exactly the requested counts." if exact else "Counts are not as requested."
