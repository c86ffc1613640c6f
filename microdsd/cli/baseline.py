"""``microdsd baseline``: microstructures that know only low-order statistics of a reference."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from microdsd.cli.live import STDERR, progress_bar
from microdsd.cli.options import (
    JsonSummary,
    Number,
    OutputSamples,
    Overwrite,
    PhaseNames,
    SeedOfSamples,
    Symmetry,
    VoxelSize,
)
from microdsd.cli.output import print_json, written
from microdsd.errors import InputError

if TYPE_CHECKING:
    import xarray as xr


def command(
    reference: Annotated[
        str,
        typer.Argument(
            help="Real material: a scan, from which windows are cut, or windows.",
            metavar="FILE[:/path]",
        ),
    ],
    output: OutputSamples,
    method: Annotated[
        Literal["gaussian-field", "yeong-torquato"],
        typer.Option(
            help="gaussian-field: level cuts of a random field with the reference's S2; "
            "yeong-torquato: voxels swapped until S2 and lineal path are the reference's."
        ),
    ],
    fraction: Annotated[
        list[str] | None,
        typer.Option(
            help="Phase fraction, as pore=0.22; for all phases but one. Default: the mean of "
            "the reference windows."
        ),
    ] = None,
    number: Number = 1,
    shape: Annotated[
        list[int] | None,
        typer.Option(help="Voxels per axis, as 128 128; default: the reference window."),
    ] = None,
    window: Annotated[
        list[int] | None,
        typer.Option(help="Voxels per axis of the windows cut from a scan; default: the shape."),
    ] = None,
    windows: Annotated[int, typer.Option(help="Windows to cut, at random places.")] = 128,
    region: Annotated[
        list[str] | None, typer.Option(help="Part of the reference to use, e.g. z=0:260.")
    ] = None,
    labels: PhaseNames = None,
    voxel_size: VoxelSize = None,
    symmetry: Annotated[
        Symmetry,
        typer.Option(
            help="Symmetries of the material, over which its statistics are averaged: isotropic, "
            "transverse, none."
        ),
    ] = "none",
    periodic: Annotated[bool, typer.Option("--periodic", help="Samples that wrap.")] = False,
    sweeps: Annotated[
        float | None,
        typer.Option(help="Of yeong-torquato: swaps per voxel; more is slower and closer."),
    ] = None,
    seed: SeedOfSamples = 0,
    force: Overwrite = False,
    json: JsonSummary = False,
) -> None:
    """Generate by a classical method, with exact counts, to compare `generate` with."""
    if sweeps is not None and method != "yeong-torquato":
        raise InputError(f"sweeps={sweeps:g}: is for yeong-torquato; leave it out")

    from microdsd.baselines import GaussianField, YeongTorquato
    from microdsd.cli.parsing import (
        fractions_of,
        lengths_of,
        names_of,
        one_or_each,
        paths_of,
        region_of,
    )
    from microdsd.cli.recount import recounted
    from microdsd.io import ensure_samples_writable, open_labels, save_samples
    from microdsd.microstructure import provenance_of

    ensure_samples_writable(output, number, overwrite=force, inputs=paths_of(reference))
    with open_labels(
        reference,
        phases=names_of(labels),
        voxel_size=lengths_of(voxel_size),
        region=region_of(region),
    ) as source:
        cut = _windows(source.load(), window or shape, windows)
    start = time.perf_counter()
    with progress_bar() as bar:
        work = bar.add_task(f"{method} {number}", total=number)
        arguments: dict[str, Any] = {
            "phase_fraction": fractions_of(fraction),
            "shape": one_or_each(shape) if shape else None,
            "periodic": periodic,
            "rng": seed,
            "progress": lambda done, total, status: bar.update(work, completed=done),
        }
        if method == "gaussian-field":
            samples = GaussianField.fit(cut, symmetry=symmetry, periodic=False).sample(
                number, **arguments
            )
        else:
            if sweeps is not None:
                arguments["sweeps"] = sweeps
            samples = YeongTorquato.fit(cut, symmetry=symmetry, periodic=False).sample(
                number, **arguments
            )
    seconds = time.perf_counter() - start
    save_samples(output, samples, overwrite=force)
    record = provenance_of(samples) or {}
    exact = recounted(output, samples)
    if json:
        print_json({"output": str(output), **record, "seconds": round(seconds, 2)})
        return
    STDERR.print(
        f"{written(output, number)}: {number} samples with exactly {exact} voxels each, "
        f"seed {record['seed']}, {seconds:.1f} s; {_fit(record)}",
        soft_wrap=True,
    )


def _windows(material: xr.DataArray, window: list[int] | None, number: int) -> xr.DataArray:
    """Cut windows of a scan at random places; keep an ensemble unless a window is asked for."""
    from microdsd.microstructure import cut_windows, spatial_dims

    if "sample" in material.dims and (window is None or tuple(window) == material.shape[1:]):
        return material
    if window is None:
        raise InputError(
            "window: the reference is one scan of "
            f"{tuple(material.sizes[dim] for dim in spatial_dims(material))} voxels; say with "
            "--window or --shape how large the windows to cut from it are"
        )
    edges = window * len(spatial_dims(material)) if len(window) == 1 else window
    return cut_windows(material, edges, n=number, rng=0, disjoint=False)


def _fit(record: dict[str, Any]) -> str:
    """Say how near the targets are."""
    if "energy" in record:
        energy = record["energy"]
        return f"energy {sum(energy) / len(energy):.2g} at the end"
    misfits = ", ".join(
        f"{name} {misfit:.1%}" for name, misfit in record["two_point_misfit"].items()
    )
    return f"S2 of the field off by: {misfits}"
