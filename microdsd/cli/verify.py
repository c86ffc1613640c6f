"""`microdsd verify`: recount a file."""

from __future__ import annotations

from typing import Annotated, Any

import typer
import xarray as xr

from microdsd.cli.options import FileSpec, JsonDocument
from microdsd.cli.output import counted, pairs, print_json
from microdsd.cli.recount import image_lines, recount_file, recount_images
from microdsd.cli.terminal import say
from microdsd.errors import InputError
from microdsd.io import holds_images
from microdsd.microstructure.labels import find_phase
from microdsd.microstructure.notation import number_remedy

EXIT_DIFFERENT = 1


def command(
    file: FileSpec,
    fraction: Annotated[
        list[str] | None,
        typer.Option(help="Expected fraction, e.g. pore=0.22; counts must be within a voxel."),
    ] = None,
    json: JsonDocument = False,
) -> None:
    """Recount the voxels of every phase and compare with what was requested.

    Of images, the total intensity of every channel is compared. Where the file has regions, each is
    recounted; known voxels must be what they were.
    The request is read from the file, where the generator records it, and from --fraction.
    Exit code 1 says that a count differs.
    """
    if holds_images(file):
        _verify_images(file, fraction, json)
        return
    comparison, phases = recount_file(file)
    counts, recorded = comparison.counts, comparison.requested
    voxels = int(counts[0].sum())
    asked = _asked(phases, fraction or [])
    differences = comparison.differences + _asked_differences(counts, asked, voxels)
    if json:
        table = [
            {
                "label": label,
                "name": name,
                "counts": (column := counts.sel(phase=label).values).tolist(),
                "fractions": (column / voxels).tolist(),
                "requested_counts": recorded[label].tolist() if label in recorded else None,
                "requested_fraction": asked.get(label),
            }
            for label, name in phases.items()
        ]
        print_json(
            {
                "file": file,
                "samples": counts.sizes["sample"],
                "voxels_per_sample": voxels,
                "phases": table,
                "differences": differences,
                "exact": not differences,
            }
        )
    else:
        _print_table(counts, phases, voxels)
        say(_verdict(differences, bool(recorded or asked)))
    if differences:
        raise typer.Exit(EXIT_DIFFERENT)


def _verify_images(file: str, fraction: list[str] | None, json: bool) -> None:
    if fraction:
        raise InputError(f"--fraction {fraction}: {file} holds images, which have no phases")
    recounting = recount_images(file)
    if json:
        print_json(recounting)
    else:
        say("\n".join(image_lines(recounting)))
    if not recounting["exact"]:
        raise typer.Exit(EXIT_DIFFERENT)


def _asked(phases: dict[int, str], words: list[str]) -> dict[int, float]:
    asked = {}
    for name, text in pairs(words, "fraction").items():
        try:
            value = float(text)
        except ValueError:
            value = -1.0
        if not 0 <= value <= 1:
            raise InputError(
                f"fraction: expected a number from 0 to 1 for {name}, got {text!r}"
                f"{number_remedy(text)}"
            )
        asked[find_phase(phases, name)] = value
    return asked


def _asked_differences(
    counts: xr.DataArray, asked: dict[int, float], voxels: int
) -> list[dict[str, Any]]:
    """Find counts that are not one of the two whole numbers next to the requested share."""
    return [
        {
            "sample": sample,
            "phase": label,
            "requested": round(value * voxels, 3),
            "found": int(counted),
        }
        for label, value in asked.items()
        for sample, counted in enumerate(counts.sel(phase=label).values)
        if abs(counted - value * voxels) >= 1
    ]


def _print_table(counts: xr.DataArray, phases: dict[int, str], voxels: int) -> None:
    say(f"{counted(counts.sizes['sample'], 'sample')} of {voxels} voxels")
    for label, name in phases.items():
        column = counts.sel(phase=label).values
        low, high = int(column.min()), int(column.max())
        number = f"{low}" if low == high else f"{low} .. {high}"
        share = (
            f"{low / voxels:.6f}" if low == high else f"{low / voxels:.6f} .. {high / voxels:.6f}"
        )
        say(f"  {label} = {name}: {number} voxels, fraction {share}")


def _verdict(differences: list[dict[str, Any]], requested: bool) -> str:
    if not requested:
        return "labels are valid; the file records no request to compare with (see --fraction)"
    if not differences:
        return "exact: every count is as requested"
    wrong = len(differences)
    are = "is" if wrong == 1 else "are"
    lines = [
        f"  sample {d['sample']}, {_place(d)}: requested {d['requested']}, found {d['found']}"
        for d in differences[:10]
    ]
    more = wrong - len(lines)
    return "\n".join(
        [f"DIFFERENT: {counted(wrong, 'count')} {are} not as requested", *lines]
        + ([f"  and {more} more"] if more else [])
    )


def _place(difference: dict[str, Any]) -> str:
    if "phase" not in difference:
        return "known voxels"
    region = f"region {difference['region']}, " if "region" in difference else ""
    return f"{region}phase {difference['phase']}"
