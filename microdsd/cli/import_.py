"""`microdsd import`: images, raw volumes, foreign HDF5 and data sets into the native layout."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
import xarray as xr

from microdsd.cli.options import JsonDocument, OutputHdf5, ReplaceGroup
from microdsd.cli.output import print_json
from microdsd.cli.parsing import names_of, region_of
from microdsd.errors import InputError
from microdsd.io import open_labels, read_image_stack, save_microstructures, split_spec
from microdsd.io.hdf5 import DEFAULT_GROUP
from microdsd.io.images import IMAGE_SUFFIXES
from microdsd.microstructure import (
    LabelsLike,
    as_microstructure,
    coarsen,
    phase_fractions,
    phases_of,
    relabel,
    voxel_size_of,
)

DATASET = "dataset:"


def command(
    source: Annotated[
        str,
        typer.Argument(
            help="TIFF, PNG, npy, raw or HDF5 file (FILE:/path), or dataset:NAME", metavar="SOURCE"
        ),
    ],
    output: OutputHdf5,
    labels: Annotated[
        list[str] | None,
        typer.Option(
            "--labels",
            "--label",
            help="Meaning of every stored value, e.g. 0=pore 255=solid; they become 0, 1, ... in "
            "ascending order, and values of one name become one phase.",
        ),
    ] = None,
    voxel_size: Annotated[
        list[float] | None,
        typer.Option(help="Voxel edge in metres: one for all axes, or one per axis (z y x)."),
    ] = None,
    shape: Annotated[list[int] | None, typer.Option(help="Shape of a raw file.")] = None,
    dtype: Annotated[
        str | None, typer.Option(help="Number type of a raw file, e.g. uint8.")
    ] = None,
    axis_order: Annotated[
        str | None,
        typer.Option(
            help="Axes as stored, slowest first, e.g. xyz. Default: what an HDF5 file says, "
            "else zyx."
        ),
    ] = None,
    stack: Annotated[
        bool, typer.Option("--stack", help="The first axis counts samples, not z.")
    ] = False,
    crop: Annotated[
        list[str] | None,
        typer.Option(help="Part to keep, in stored voxels, e.g. z=0:250 x=10:200."),
    ] = None,
    coarsen_by: Annotated[
        int, typer.Option("--coarsen", min=1, help="Merge blocks of so many voxels per axis.")
    ] = 1,
    external: Annotated[
        bool,
        typer.Option("--external", help="An HDF5 file may take values from other files."),
    ] = False,
    fill_unwritten: Annotated[
        bool,
        typer.Option(
            "--fill-unwritten", help="Voxels that were never written have the HDF5 fill value."
        ),
    ] = False,
    group: Annotated[str, typer.Option(help="Group in the file.")] = DEFAULT_GROUP,
    force: ReplaceGroup = False,
    json: JsonDocument = False,
) -> None:
    """Bring labels into the HDF5 layout: name the phases, state the voxel size.

    Images of grey values are refused: segment them first.
    """
    names = names_of(labels) or {}
    array = _read(source, shape, dtype, axis_order)
    size = voxel_size[0] if voxel_size and len(voxel_size) == 1 else voxel_size
    stated = {value: f"{name} ({value})" for value, name in names.items()} or None
    with open_labels(
        array,
        phases=stated,
        voxel_size=size,
        region=region_of(crop),
        ensemble=stack,
        axis_order=axis_order if isinstance(array, str) else None,
        external=external,
        fill_unwritten=fill_unwritten,
    ) as opened:
        ms = opened.load()
        notes = opened.notes
    if names:
        ms = _numbered(ms, names)
    if coarsen_by > 1:
        ms = coarsen(ms, coarsen_by)
    ms = as_microstructure(
        ms,
        provenance={
            "operation": "import",
            "source": source,
            "axis_order": axis_order,
            "notes": notes,
            "crop": crop,
            "coarsen": coarsen_by,
        },
    )
    save_microstructures(output, ms, group=group, overwrite=force)
    _report(ms, output, group, notes, json)


def _read(
    source: str, shape: list[int] | None, dtype: str | None, axis_order: str | None
) -> str | LabelsLike:
    """Labels in memory, or the spec of an HDF5 file that is read later and in part."""
    path, _ = split_spec(source)
    if not source.startswith(DATASET) and path.suffix.lower() in IMAGE_SUFFIXES:
        return read_image_stack(path, shape=shape, dtype=dtype, axis_order=axis_order)
    if shape or dtype:
        raise InputError(f"shape and dtype are for images and raw files, not {source}")
    if source.startswith(DATASET):
        from microdsd.datasets import load_dataset

        return load_dataset(source.removeprefix(DATASET))
    return source


def _numbered(ms: xr.DataArray, names: dict[int, str]) -> xr.DataArray:
    """Renumber the phases 0, 1, ... in the order of their lowest stored values."""
    phases = list(dict.fromkeys(names[value] for value in sorted(names)))
    mapping = {value: phases.index(name) for value, name in names.items()}
    return relabel(ms, mapping, phases=dict(enumerate(phases)))


def _report(ms: xr.DataArray, output: Path, group: str, notes: tuple[str, ...], json: bool) -> None:
    fractions = phase_fractions(ms).mean("sample")
    size = voxel_size_of(ms)
    phases = [
        {"label": label, "name": name, "fraction": float(fractions.sel(phase=label))}
        for label, name in phases_of(ms).items()
    ]
    if json:
        print_json(
            {
                "file": str(output),
                "group": group,
                "dims": list(ms.dims),
                "shape": list(ms.shape),
                "dtype": str(ms.dtype),
                "voxel_size": list(size.size),
                "unit": size.unit,
                "phases": phases,
                "notes": list(notes),
            }
        )
        return
    shape = " x ".join(map(str, ms.shape))
    edges = " x ".join(f"{edge:g}" for edge in size.size)
    typer.echo(f"{output}:/{group}  {shape} {ms.dtype}, voxel size {edges} {size.unit}")
    for phase in phases:
        typer.echo(f"  {phase['label']} = {phase['name']}: {phase['fraction']:.4f}")
    for note in notes:
        typer.echo(f"  {note}")
