"""``microdsd export``: microstructures of any file in the format of another program."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from microdsd.cli.live import STDERR
from microdsd.cli.options import FileSpec, JsonSummary, Overwrite, PhaseNames, VoxelSize
from microdsd.cli.output import counted, print_json


def command(
    source: FileSpec,
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            help="File to write: .tif, .ome.tif, .vti, .nrrd, .nhdr, .mhd, .mha, .zarr, .npy, .raw "
            "or .h5; samples of an ensemble are numbered, one file each. Meshes of one sample: "
            ".stl, .ply, .vtp, .inp, .vtu.",
        ),
    ],
    sample: Annotated[
        int | None, typer.Option(help="Which sample of an ensemble; default: all.")
    ] = None,
    phase: Annotated[
        list[str] | None,
        typer.Option(
            help="Meshes: phase by name or label, several make one body; .stl and .ply default to "
            "a file for every phase, .inp and .vtu to all."
        ),
    ] = None,
    smoothing: Annotated[
        int | None,
        typer.Option(
            min=0, help="Of surfaces: iterations; 0 keeps the voxels' faces. Default: 20."
        ),
    ] = None,
    caps: Annotated[
        bool, typer.Option(help="Close bodies of .stl and .ply in the faces of the box.")
    ] = True,
    unit: Annotated[
        str | None, typer.Option(help="Meshes: unit of lengths, m, mm, um or nm; default: m.")
    ] = None,
    labels: PhaseNames = None,
    voxel_size: VoxelSize = None,
    force: Overwrite = False,
    json: JsonSummary = False,
) -> None:
    """Convert to images, volumes or meshes, with names and voxel size where they fit."""
    from microdsd.cli.memory import HELD, require_memory
    from microdsd.cli.meshing import export_meshes, is_mesh, refuse_mesh_options
    from microdsd.cli.parsing import chosen_sample, names_of, one_or_each, paths_of
    from microdsd.io import (
        check_format,
        ensure_samples_writable,
        ensure_writable,
        load_microstructures,
        save_samples,
    )

    if not is_mesh(output):
        check_format(output)
        refuse_mesh_options(output, phase=phase, smoothing=smoothing, caps=caps, unit=unit)
    if not output.is_dir():
        ensure_writable(output, overwrite=True, inputs=paths_of(source))
    require_memory(
        source,
        HELD,
        "export a part of it, which `microdsd import {file} --region {region} -o part.h5` takes",
    )
    ms = load_microstructures(
        source,
        phases=names_of(labels),
        voxel_size=one_or_each(voxel_size) if voxel_size else None,
    )
    samples = ms.sizes.get("sample", 1)
    if sample is not None:
        ms, samples = chosen_sample(ms, sample), 1
    if is_mesh(output):
        export_meshes(
            output,
            ms,
            inputs=paths_of(source),
            phase=phase,
            smoothing=smoothing,
            caps=caps,
            unit=unit,
            overwrite=force,
            json=json,
        )
        return
    ensure_samples_writable(output, samples, overwrite=force, inputs=paths_of(source))
    files = save_samples(output, ms, overwrite=force)
    shape = " x ".join(str(ms.sizes[dim]) for dim in ms.dims if dim != "sample")
    if json:
        print_json(
            {
                "files": [str(file) for file in files],
                "samples": samples,
                "shape": [ms.sizes[dim] for dim in ms.dims if dim != "sample"],
                "dtype": str(ms.dtype),
            }
        )
        return
    names = str(files[0]) if len(files) == 1 else f"{files[0]} to {files[-1]}"
    lost = (
        ", little-endian, x fastest; phase names and voxel size are not in it"
        if output.suffix.lower() in (".raw", ".npy")
        else ""
    )
    STDERR.print(f"{names}: {counted(samples, 'sample')} of {shape} voxels, {ms.dtype}{lost}")
