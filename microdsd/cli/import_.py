"""`microdsd import`: images, raw volumes, foreign HDF5 and data sets into the native layout."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
import xarray as xr

from microdsd.cli.options import CoarseningRule, JsonDocument, OutputHdf5, ReplaceGroup, VoxelSize
from microdsd.cli.output import print_json
from microdsd.cli.parsing import lengths_of, names_of, paths_of, region_of
from microdsd.cli.terminal import say
from microdsd.errors import InputError
from microdsd.io import (
    Volume,
    ensure_writable,
    is_volume,
    open_labels,
    output_lock,
    read_volume,
    save_microstructures,
)
from microdsd.io.expansion import MAX_RATIO
from microdsd.io.formats import readable_formats
from microdsd.io.hdf5 import DEFAULT_GROUP
from microdsd.microstructure import (
    LabelsLike,
    as_microstructure,
    coarsen,
    phase_fractions,
    phases_of,
    provenance_of,
    relabel,
    spatial_dims,
    voxel_size_of,
)
from microdsd.microstructure.labels import OUTSIDE
from microdsd.microstructure.outside import material_phases, outside_label

DATASET = "dataset:"


def command(
    source: Annotated[
        str,
        typer.Argument(help=f"{readable_formats()}; or dataset:NAME.", metavar="SOURCE"),
    ],
    output: OutputHdf5,
    labels: Annotated[
        list[str] | None,
        typer.Option(
            "--labels",
            "--label",
            help="Meaning of every stored value, e.g. 0=pore 255=solid -1=outside; they become 0, "
            "1, ... in ascending order, and values of one name become one phase. What is named "
            "outside is no material: nothing measures it or trains on it.",
        ),
    ] = None,
    voxel_size: VoxelSize = None,
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
    region: Annotated[
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
    max_ratio: Annotated[
        float,
        typer.Option(help="How many times larger than a packed file its content may be."),
    ] = MAX_RATIO,
    coarsen_rule: Annotated[
        CoarseningRule,
        typer.Option(
            help="majority: the most frequent phase of a block, which changes the fractions; "
            "exact: as much of every phase as before."
        ),
    ] = "majority",
    group: Annotated[str, typer.Option(help="Group in the file.")] = DEFAULT_GROUP,
    force: ReplaceGroup = False,
    json: JsonDocument = False,
) -> None:
    """Bring labels into the HDF5 layout: name the phases, state the voxel size.

    Images of grey values are refused: segment them first.
    """
    with output_lock(output):
        # A group is added to a file that is there; only its own group needs --force.
        ensure_writable(output, overwrite=True, inputs=paths_of(source))
        names = names_of(labels) or {}
        array = _read(source, shape, dtype, axis_order, stack, max_ratio)
        stated = {value: f"{name} ({value})" for value, name in names.items()} or None
        with open_labels(
            array,
            phases=stated,
            voxel_size=lengths_of(voxel_size),
            region=region_of(region),
            ensemble=stack,
            axis_order=axis_order if isinstance(array, str) else None,
            external=external,
            fill_unwritten=fill_unwritten,
        ) as opened:
            fine = opened.load()
            notes = opened.notes
        record: dict[str, Any] = {
            "operation": "import",
            "source": source,
            "axis_order": axis_order,
            "notes": notes,
            "region": region,
        }
        if names:
            fine, record["labels"] = _numbered(fine, names)
        ms, record["coarsen"] = fine, coarsen_by
        if coarsen_by > 1:
            ms, record["coarsen_rule"] = coarsen(fine, coarsen_by, rule=coarsen_rule), coarsen_rule
        ms = as_microstructure(ms, provenance=record)
        save_microstructures(output, ms, group=group, overwrite=force)
    if isinstance(array, Volume) and array.voxel_size and not voxel_size:
        notes = ("voxel size from the file", *notes)
    _report(ms, fine if coarsen_by > 1 else None, output, group, notes, json)


def _read(
    source: str,
    shape: list[int] | None,
    dtype: str | None,
    axis_order: str | None,
    stack: bool,
    max_ratio: float,
) -> str | LabelsLike | Volume:
    """Read labels into memory, or return the spec of an HDF5 file that is read in part later."""
    if not source.startswith(DATASET) and is_volume(source):
        return read_volume(
            source,
            shape=shape,
            dtype=dtype,
            axis_order=axis_order,
            ensemble=stack,
            max_ratio=max_ratio,
        )
    if shape or dtype:
        raise InputError(f"shape and dtype are for images and raw files, not {source}")
    if source.startswith(DATASET):
        from microdsd.datasets import load_dataset

        return load_dataset(source.removeprefix(DATASET))
    return source


def _numbered(ms: xr.DataArray, names: dict[int, str]) -> tuple[xr.DataArray, dict[str, int]]:
    """Relabel the phases 0, 1, ... in the order of their lowest stored values, outside last.

    The result also says which number every stored value has become.
    """
    ordered = dict.fromkeys(names[value] for value in sorted(names))
    phases = sorted(ordered, key=lambda name: name == OUTSIDE)
    numbers = {value: phases.index(name) for value, name in names.items()}
    read_as = {name: label for label, name in phases_of(ms).items()}
    mapping = {read_as[f"{name} ({value})"]: numbers[value] for value, name in names.items()}
    renumbered = relabel(ms, mapping, phases=dict(enumerate(phases)))
    return renumbered, {str(value): number for value, number in sorted(numbers.items())}


def _report(
    ms: xr.DataArray,
    fine: xr.DataArray | None,
    output: Path,
    group: str,
    notes: tuple[str, ...],
    json: bool,
) -> None:
    """Say what was written; `fine` is what was coarsened."""
    fractions = phase_fractions(ms).mean("sample")
    before = None if fine is None else phase_fractions(fine).mean("sample")
    size = voxel_size_of(ms)
    record = provenance_of(ms) or {}
    phases = [
        {
            "label": label,
            "name": name,
            "fraction": float(fractions.sel(phase=label)),
            **({} if before is None else {"fraction_before": float(before.sel(phase=label))}),
        }
        for label, name in material_phases(phases_of(ms)).items()
    ]
    outside = outside_label(phases_of(ms))
    share = 0.0 if outside is None else float((ms == outside).mean())
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
                "outside": share,
                "coarsen": record["coarsen"],
            }
        )
        return
    shape = " x ".join(map(str, ms.shape))
    edges = " x ".join(f"{edge:g}" for edge in size.size)
    say(f"{output}:/{group}  {shape} {ms.dtype}, voxel size {edges} {size.unit}")
    for phase in phases:
        change = f"{phase['fraction_before']:.4f} -> " if before is not None else ""
        say(f"  {phase['label']} = {phase['name']}: {change}{phase['fraction']:.4f}")
    if outside is not None:
        say(f"  {outside} = {OUTSIDE}: {share:.4f} of the box, no material")
    if fine is not None:
        say(_coarsening(ms, fine, record))
    for note in notes:
        say(f"  {note}")


def _coarsening(ms: xr.DataArray, fine: xr.DataArray, record: dict[str, Any]) -> str:
    """Say what became of the voxels that were merged."""
    factor = record["coarsen"]
    spatial = spatial_dims(ms)
    spare = [f"{dim} {n}" for dim in spatial if (n := fine.sizes[dim] % factor)]
    lines = [
        f"  fractions before -> after merging {' x '.join([str(factor)] * len(spatial))} voxels "
        f"by the rule {record['coarsen_rule']}"
    ]
    if spare:
        lines.append(f"  left over at the far ends, not in the file: {', '.join(spare)} voxels")
    if voxel_size_of(ms).unit == "voxel":
        lines.append(
            f"  voxel size not known; once it is, an edge is that of {factor} stored voxels"
        )
    return "\n".join(lines)
