"""`microdsd describe`: measure a microstructure or an ensemble with every descriptor."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from microdsd.cli.live import STDERR, progress_bar
from microdsd.cli.output import print_json

if TYPE_CHECKING:
    import xarray as xr
    from rich.table import Table


def command(
    file: Annotated[
        str, typer.Argument(help="FILE or FILE:/path; also TIFF, npy.", metavar="FILE[:/path]")
    ],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="netCDF (HDF5) file for all numbers, .nc or .h5."),
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(help="PNG or SVG file for the curves of every phase.")
    ] = None,
    phase: Annotated[
        list[str] | None, typer.Option(help="Phases to describe; default: all.")
    ] = None,
    periodic: Annotated[bool, typer.Option("--periodic", help="The box wraps.")] = False,
    descriptor: Annotated[
        list[str] | None,
        typer.Option(help="Group to measure, e.g. two_point; may be repeated; default: all."),
    ] = None,
    mask: Annotated[
        str | None,
        typer.Option(help="FILE[:/path], not zero where the specimen is, if not everywhere."),
    ] = None,
    region: Annotated[
        list[str] | None, typer.Option(help="Part to measure, e.g. z=0:250 x=10:200.")
    ] = None,
    labels: Annotated[
        list[str] | None, typer.Option(help="Phase names, as 0=pore 255=solid, if it has none.")
    ] = None,
    voxel_size: Annotated[
        list[float] | None, typer.Option(help="In metres, where the file does not say.")
    ] = None,
    relative_error: Annotated[
        float, typer.Option(help="Of the phase fraction in a box of representative size.")
    ] = 0.05,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print all numbers as JSON.")] = False,
) -> None:
    """Measure fractions, correlations, surfaces, topology and sizes of every phase."""
    from microdsd.cli.parsing import names_of, region_of
    from microdsd.io import ensure_writable, open_labels
    from microdsd.io.netcdf import save_dataset
    from microdsd.metrics.descriptor_groups import GROUPS
    from microdsd.metrics.descriptors import describe

    for path in (output, picture):
        if path is not None:
            ensure_writable(path, overwrite=force)
    if picture is not None:
        from microdsd.report.description import check_picture

        check_picture(picture)
    part = region_of(region)
    with open_labels(file, phases=names_of(labels), voxel_size=voxel_size, region=part) as source:
        material = source.load()
    inside = None
    if mask is not None:
        with open_labels(mask, region=part) as source:
            inside = source.load().values != 0
    with progress_bar(status=True) as bar:
        task = bar.add_task("measuring", total=len(descriptor or GROUPS), status="")
        begun: list[str] = []

        def show(group: str) -> None:
            bar.update(task, completed=len(begun), status=group.replace("_", " "))
            begun.append(group)

        found = describe(
            material,
            periodic=periodic,
            phases=[int(word) if word.isdecimal() else word for word in phase] if phase else None,
            descriptors=descriptor,
            mask=inside,
            relative_error=relative_error,
            progress=show,
        )
        bar.update(task, total=len(begun), completed=len(begun), status="")
    if output is not None:
        save_dataset(output, found, overwrite=force)
    if picture is not None:
        from microdsd.report.description import draw_description

        draw_description(found, picture, overwrite=force)
    if json:
        print_json(_plain(found.to_dict()))
    else:
        from rich.console import Console

        # Wide enough for whole rows also where the output is a file.
        console = Console(width=max(Console().width, 76 + 18 * found.sizes["phase"]))
        for table in _tables(found):
            console.print(table)
    written = [str(path) for path in (output, picture) if path is not None]
    if written:
        STDERR.print(f"{' and '.join(written)} written")


def _tables(described: xr.Dataset) -> Iterator[Table]:
    """Numbers of every phase, then of pairs and of all phases; of ensembles mean and spread."""
    n = described.sizes.get("sample", 1)
    spread = f", mean ± standard deviation of {n} samples" if n > 1 else ""
    boundary = "periodic" if described.attrs["periodic"] else "not periodic"
    numbers = [
        variable
        for variable in described.data_vars.values()
        if set(variable.dims) <= {"sample", "phase", "pair", "axis"}
    ]
    of_phases = [variable for variable in numbers if "phase" in variable.dims]
    of_others = [variable for variable in numbers if "phase" not in variable.dims]
    if of_phases:
        names = [str(name) for name in described["phase_name"].values]
        yield _table(f"{boundary}{spread}", names, of_phases)
    if of_others:
        yield _table("between phases", [""], of_others)


def _table(title: str, columns: list[str], variables: list[xr.DataArray]) -> Table:
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))
    table.add_column("descriptor", no_wrap=True)
    table.add_column("unit", style="dim", no_wrap=True)
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    for variable in variables:
        title = str(variable.attrs["long_name"])
        unit = str(variable.attrs["units"])
        part = next((dim for dim in ("axis", "pair") if dim in variable.dims), None)
        for i in range(variable.sizes[part] if part else 1):
            row = variable.isel({part: i}) if part else variable
            name = f"{title}, {row[part].item()}" if part else title
            cells = row.transpose("phase", "sample") if "phase" in row.dims else [row]
            table.add_row(name, unit if unit != "1" else "", *map(_number, cells))
    return table


def _number(values: xr.DataArray) -> str:
    """Mean over the samples, and their standard deviation."""
    if values.dtype == bool and values.size == 1:
        return "yes" if values.item() else "no"
    known = values.astype(float).dropna("sample")
    if not known.size:
        return "-"
    mean = f"{float(known.mean()):.4g}"
    return mean if values.size == 1 else f"{mean} ± {float(known.std()):.2g}"


def _plain(value: Any) -> Any:
    """What JSON can hold: numbers that are not finite become null."""
    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    if isinstance(value, float) and not -float("inf") < value < float("inf"):
        return None
    return value
