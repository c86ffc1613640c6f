"""``microdsd rev``: how properties depend on the size of the window, with a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from microdsd.cli.options import FileSpec, JsonNumbers, Overwrite, PartOfScan, PhaseNames, VoxelSize


def command(
    source: FileSpec,
    phase: Annotated[str, typer.Option(help="Phase to measure.")],
    size: Annotated[
        list[int], typer.Option(help="Edges of the windows in voxels, as 16 24 32 48 64.")
    ],
    property_: Annotated[
        list[str] | None,
        typer.Option(
            "--property",
            help="fraction, surface, tortuosity, permeability; repeat for several. Default: all "
            "but permeability, which takes longest.",
        ),
    ] = None,
    windows: Annotated[int, typer.Option(help="Windows of each size.")] = 8,
    picture: Annotated[
        Path | None, typer.Option("-o", "--output", help="PNG or SVG file to write.")
    ] = None,
    sample: Annotated[int, typer.Option(help="Which sample of an ensemble.")] = 0,
    region: PartOfScan = None,
    seed: Annotated[int, typer.Option(help="Of the choice of windows.")] = 0,
    labels: PhaseNames = None,
    voxel_size: VoxelSize = None,
    force: Overwrite = False,
    json: JsonNumbers = False,
) -> None:
    """Measure random windows of several sizes: mean and scatter of each property per size."""
    import numpy as np

    from microdsd.cli.live import STDERR, show_progress
    from microdsd.cli.output import print_json
    from microdsd.cli.parsing import (
        chosen_sample,
        lengths_of,
        names_of,
        paths_of,
        phases_of,
        region_of,
    )
    from microdsd.cli.terminal import say
    from microdsd.io import ensure_writable, open_labels
    from microdsd.transport.representative import by_size

    if picture is not None:
        from microdsd.report.pictures.description import check_picture

        check_picture(picture)
        ensure_writable(picture, overwrite=force, inputs=paths_of(source))
    with open_labels(
        source,
        phases=names_of(labels),
        voxel_size=lengths_of(voxel_size),
        region=region_of(region),
    ) as opened:
        ms = chosen_sample(opened.load(), sample, drop=True)
    (chosen,) = phases_of([phase]) or [phase]
    options = {} if property_ is None else {"properties": property_}
    with show_progress():
        curves = by_size(ms, phase=chosen, sizes=size, windows=windows, rng=seed, **options)  # type: ignore[arg-type]
    if picture is not None:
        from microdsd.report.pictures.rev_picture import draw_by_size

        draw_by_size(picture, curves, overwrite=force)
        STDERR.print(f"{picture} written")
    rows = [
        {
            "voxels": int(edge),
            **{
                str(name): {
                    "mean": float(np.mean(values[i])),
                    "standard_deviation": float(np.std(values[i], ddof=1))
                    if np.isfinite(values[i]).all()
                    else None,
                    "units": str(curves[name].attrs["units"]),
                }
                for name, values in ((name, curves[name].values) for name in curves.data_vars)
            },
        }
        for i, edge in enumerate(curves["voxels"].values)
    ]
    if json:
        print_json({"phase": curves.attrs["phase"], "windows": windows, "sizes": rows})
        return
    for row in rows:
        texts = [
            f"{name} {cell['mean']:.4g}"
            + (
                ""
                if cell["standard_deviation"] is None
                else f" +- {cell['standard_deviation']:.2g}"
            )
            + ("" if cell["units"] == "1" else f" {cell['units']}")
            for name, cell in row.items()
            if isinstance(cell, dict)
        ]
        say(f"{row['voxels']} voxels: {', '.join(texts)}")
