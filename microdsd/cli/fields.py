"""``microdsd fields``: concentration, flux, velocity and local thickness in a sample."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from microdsd.cli.options import (
    Boundary,
    Device,
    FileSpec,
    Overwrite,
    PartOfScan,
    PhaseNames,
    VoxelSize,
)


def command(
    source: FileSpec,
    output: Annotated[
        Path,
        typer.Option("-o", "--output", help="File to write: .vti for ParaView, .h5 or .nc."),
    ],
    phase: Annotated[str, typer.Option(help="Phase in which matter diffuses or flows.")],
    axis: Annotated[str, typer.Option(help="Of the transport: z, y or x.")] = "z",
    quantity: Annotated[
        list[str] | None,
        typer.Option(
            help="concentration, flux, tortuosity, thickness, velocity; repeat for several. "
            "Default: all but velocity, which takes longest."
        ),
    ] = None,
    sample: Annotated[int, typer.Option(help="Which sample of an ensemble.")] = 0,
    sides: Annotated[
        Boundary, typer.Option(help="Sides parallel to diffusion: no-flux or periodic.")
    ] = "no-flux",
    region: PartOfScan = None,
    device: Device = None,
    labels: PhaseNames = None,
    voxel_size: VoxelSize = None,
    force: Overwrite = False,
) -> None:
    """Solve for fields in one phase and write them with the labels, a value for every voxel."""
    from microdsd.cli.live import STDERR, working
    from microdsd.cli.parsing import (
        chosen_sample,
        lengths_of,
        names_of,
        paths_of,
        phases_of,
        region_of,
    )
    from microdsd.io import ensure_writable, open_labels
    from microdsd.io.field_files import check_field_format, save_fields
    from microdsd.transport.fields import fields

    check_field_format(output)
    ensure_writable(output, overwrite=force, inputs=paths_of(source))
    with open_labels(
        source,
        phases=names_of(labels),
        voxel_size=lengths_of(voxel_size),
        region=region_of(region),
    ) as opened:
        ms = chosen_sample(opened.load(), sample, drop=True)
    (chosen,) = phases_of([phase]) or [phase]
    options = {} if quantity is None else {"quantities": quantity}
    with working("solving"):
        computed = fields(ms, phase=chosen, axis=axis, sides=sides, device=device, **options)  # type: ignore[arg-type]
    save_fields(output, computed, overwrite=force)
    for name, variable in computed.data_vars.items():
        if name != "labels" and not variable.notnull().any():
            STDERR.print(f"{name}: nowhere, as no path leads through along {axis}", soft_wrap=True)
        elif name != "labels":
            low, high = float(variable.min()), float(variable.max())
            STDERR.print(
                f"{name}: {low:.4g} to {high:.4g} {variable.attrs['units']}", soft_wrap=True
            )
    STDERR.print(f"{output} written")
