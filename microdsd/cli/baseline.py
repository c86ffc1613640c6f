"""``microdsd baseline``: microstructures that know only low-order statistics of a reference."""

from __future__ import annotations

import time
from pathlib import Path
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
from microdsd.cli.output import counted, print_json, written
from microdsd.errors import InputError

if TYPE_CHECKING:
    import xarray as xr

    from microdsd.baselines import GaussianField, YeongTorquato

_LARGEST_WINDOW = 128
"""Of pictures, in pixels: the cost grows with its third power, and few materials need more."""


def command(
    output: OutputSamples,
    reference: Annotated[
        list[str] | None,
        typer.Argument(
            help="Real material: a scan, from which windows are cut, or windows. For volumes also "
            "a picture, or one for each direction that they are normal to, as z=top.png "
            "y=side.png.",
            metavar="FILE[:/path]",
        ),
    ] = None,
    method: Annotated[
        Literal["gaussian-field", "yeong-torquato"],
        typer.Option(
            help="gaussian-field: level cuts of a random field with the reference's S2; "
            "yeong-torquato: voxels swapped until S2 and lineal path are the reference's."
        ),
    ] = "gaussian-field",
    s2: Annotated[
        Path | None,
        typer.Option(
            help="Instead of a reference: CSV of the distance, in voxels or with its unit in the "
            "header (r / um), and S2 of the first phase."
        ),
    ] = None,
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
            "transverse, orthotropic, none."
        ),
    ] = "none",
    periodic: Annotated[bool, typer.Option("--periodic", help="Samples that wrap.")] = False,
    tolerance: Annotated[
        float | None,
        typer.Option(help="Of --s2: share by which the nearest possible curve may differ; 0.05."),
    ] = None,
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

    if (s2 is None) == (not reference):
        raise InputError("reference: give real material, or a curve with --s2, and not both")
    if s2 is None and tolerance is not None:
        raise InputError(f"tolerance={tolerance:g}: is for --s2; leave it out")

    from microdsd.cli.curves import baseline_of_curve
    from microdsd.cli.parsing import (
        fractions_of,
        lengths_of,
        names_of,
        one_or_each,
        paths_of,
        references_of,
        region_of,
    )
    from microdsd.cli.recount import recounted
    from microdsd.io import ensure_samples_writable, open_labels, save_samples
    from microdsd.microstructure import provenance_of

    specs = references_of(reference or [])
    ensure_samples_writable(output, number, overwrite=force, inputs=paths_of(s2, *specs.values()))
    requested: Any = fractions_of(fraction)
    if s2 is not None:
        if window or region:
            raise InputError("window, region: are for a reference; leave them out with --s2")
        model, requested = baseline_of_curve(
            s2,
            method,
            fraction=requested,
            phases=names_of(labels),
            voxel_size=lengths_of(voxel_size),
            shape=shape,
            tolerance=tolerance,
        )
    else:
        materials = {}
        for axis, spec in specs.items():
            with open_labels(
                spec,
                phases=names_of(labels),
                voxel_size=lengths_of(voxel_size),
                region=region_of(region),
            ) as source:
                materials[axis] = source.load()
        model = _fitted(materials, method, window, shape, windows, symmetry)
    start = time.perf_counter()
    with progress_bar() as bar:
        work = bar.add_task(f"{method} {number}", total=number)
        arguments: dict[str, Any] = {
            "phase_fraction": requested,
            "shape": one_or_each(shape) if shape else None,
            "periodic": periodic,
            "rng": seed,
            "progress": lambda done, total, status: bar.update(work, completed=done),
        }
        if sweeps is not None:
            arguments["sweeps"] = sweeps
        samples = model.sample(number, **arguments)
    seconds = time.perf_counter() - start
    save_samples(output, samples, overwrite=force)
    record = provenance_of(samples) or {}
    exact = recounted(output, samples)
    if json:
        print_json({"output": str(output), **record, "seconds": round(seconds, 2)})
        return
    STDERR.print(
        f"{written(output, number)}: {counted(number, 'sample')} with exactly {exact} voxels"
        f"{' each' if number > 1 else ''}, seed {record['seed']}, {seconds:.1f} s; {_fit(record)}",
        soft_wrap=True,
    )
    for note in record["reference"].get("notes", ()):
        STDERR.print(f"note: {note}", soft_wrap=True)


def _fitted(
    materials: dict[str | None, xr.DataArray],
    method: str,
    window: list[int] | None,
    shape: list[int] | None,
    windows: int,
    symmetry: Symmetry,
) -> GaussianField | YeongTorquato:
    """Measure windows of a reference; for volumes also those of pictures."""
    from microdsd.baselines import GaussianField, YeongTorquato
    from microdsd.microstructure import spatial_dims

    baseline: type[GaussianField | YeongTorquato] = (
        GaussianField if method == "gaussian-field" else YeongTorquato
    )
    flat = all(len(spatial_dims(one)) == 2 for one in materials.values())
    if flat and (None not in materials or (shape is not None and len(shape) == 3)):
        edge = window or [_window_of_pictures(materials, shape)]
        planes = {axis: _windows(one, edge, windows) for axis, one in materials.items()}
        if None in planes:
            # One picture shows two directions; the third is like them or not known at all.
            chosen = None if symmetry == "none" else symmetry
            return baseline.from_planes(planes[None], symmetry=chosen, periodic=False)
        directed = {str(axis): one for axis, one in planes.items()}
        return baseline.from_planes(directed, symmetry=symmetry, periodic=False)
    if None not in materials:
        raise InputError("reference: directions are for pictures; give one scan, without them")
    cut = _windows(materials[None], window or shape, windows)
    return baseline.fit(cut, symmetry=symmetry, periodic=False)


def _window_of_pictures(materials: dict[str | None, xr.DataArray], shape: list[int] | None) -> int:
    """Return the edge of the windows: that of the samples, or what the pictures hold."""
    smallest = min(min(one.sizes["y"], one.sizes["x"]) for one in materials.values())
    return min(smallest, _LARGEST_WINDOW, *(shape or ()))


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
