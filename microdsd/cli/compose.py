"""``microdsd compose``: every layer, block or region with exactly its own phase fractions."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from microdsd.cli.options import (
    Device,
    Evaluations,
    Guidance,
    JsonSummary,
    ModelFile,
    NetworkPrecision,
    Number,
    OutputSamples,
    OverwriteAndExtrapolate,
    Particles,
    SeedOfSamples,
    Shape,
    SlicesByAxis,
    TargetValues,
)
from microdsd.errors import DataFileError, InputError

if TYPE_CHECKING:
    import numpy as np

_REGION = "region"
"""Column of the table that holds the labels of a map."""


def command(
    model: ModelFile,
    table: Annotated[
        Path,
        typer.Argument(
            help="CSV: a column of fractions per phase, named by it, for all phases but one; a row "
            "per layer, block or region."
        ),
    ],
    output: OutputSamples,
    grid: Annotated[
        list[int] | None,
        typer.Option(help="Blocks per axis, rows in C order; default: layers of the first axis."),
    ] = None,
    region_map: Annotated[
        str | None,
        typer.Option(help="FILE or FILE:/path, a map of labels; the table has a column 'region'."),
    ] = None,
    shape: Shape = None,
    slices: SlicesByAxis = None,
    target: TargetValues = None,
    particles: Particles = 1,
    guidance: Guidance = 1.0,
    number: Number = 1,
    evaluations: Evaluations = None,
    seed: SeedOfSamples = 0,
    device: Device = None,
    precision: NetworkPrecision = "auto",
    force: OverwriteAndExtrapolate = False,
    json: JsonSummary = False,
) -> None:
    """Generate with a composition per layer, block or region; counts are exact in each."""
    from microdsd.io import check_format, load_microstructures

    check_format(output)
    columns = _columns(table)
    where: np.ndarray | None = None
    if region_map is not None:
        where = load_microstructures(region_map).values
        columns = _by_region(columns, where, table)
    elif _REGION in columns:
        raise InputError(f"{table}: has a column 'region'; give its map with --region-map")

    import numpy as np

    from microdsd.cli.outcome import deliver
    from microdsd.cli.parsing import axes_of, one_or_each, paths_of, slices_of
    from microdsd.cli.targets import steering
    from microdsd.cli.unfinished import unfinished_samples
    from microdsd.generation.regional import regional_request
    from microdsd.generation.volumes import model_for

    cuts = slices_of(slices)
    with unfinished_samples(output, force=force) as unfinished:
        unfinished.check_outputs(number, paths_of(model, table, region_map, *cuts.values()))
        axes = axes_of(shape) if where is None else where.ndim
        loaded = model_for(model, axes, cuts, device, precision)
        rows = len(next(iter(columns.values())))
        blocks = tuple(grid or (rows, *[1] * (len(loaded.card.window) - 1)))
        if min(blocks) < 1:
            raise InputError(f"grid={blocks}: give at least one block per axis")
        if where is None and math.prod(blocks) != rows:
            raise InputError(
                f"grid={blocks}: has {math.prod(blocks)} blocks, {table} has {rows} rows"
            )
        request = regional_request(
            loaded.card,
            number,
            {
                name: np.reshape(column, blocks) if where is None else column
                for name, column in columns.items()
            },
            region_map=where,
            shape=one_or_each(shape) if shape else None,
            evaluations=evaluations,
            rng=seed,
            **steering(target, particles, guidance, force=force),
        )
        deliver(loaded, request, unfinished, output, json=json)


def _columns(path: Path) -> dict[str, list[float]]:
    """Read columns of numbers of a CSV file, by their names."""
    from microdsd.io.tables import read_rows

    names, *rows = read_rows(path) or [[]]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataFileError(f"{path}: has several columns {', '.join(twice)}; give each once")
    if not rows:
        raise DataFileError(f"{path}: needs a line of names and at least one of numbers")
    for number, row in enumerate(rows, 1):
        if len(row) != len(names):
            raise DataFileError(
                f"{path}: row {number} has {len(row)} entries for {len(names)} columns; every "
                "entry must be a number"
            )
    try:
        columns = zip(*(map(float, row) for row in rows), strict=True)
        return dict(zip(names, map(list, columns), strict=True))
    except ValueError as error:
        raise DataFileError(f"{path}: every entry must be a number ({error})") from error


def _by_region(
    columns: dict[str, list[float]], regions: np.ndarray, table: Path
) -> dict[str, list[float]]:
    """Order rows by ascending labels of the map."""
    import numpy as np

    if _REGION not in columns:
        raise InputError(f"{table}: a map needs a column 'region' with its labels")
    present = np.unique(regions).tolist()
    labels = columns.pop(_REGION)
    if sorted(labels) != present:
        raise InputError(f"{table}: has rows for regions {sorted(labels)}, the map holds {present}")
    order = np.argsort(labels)
    return {name: [column[i] for i in order] for name, column in columns.items()}
