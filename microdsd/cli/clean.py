"""``microdsd clean``: no specks and no floating components, with every count kept."""

from __future__ import annotations

from typing import Annotated

import typer

from microdsd.cli.options import (
    Device,
    FileSpec,
    JsonSummary,
    NetworkPrecision,
    OutputSamples,
    Overwrite,
    PhaseNames,
    SeedOfSamples,
    VoxelSize,
)
from microdsd.cli.output import counted, print_json
from microdsd.errors import InputError


def command(
    source: FileSpec,
    output: OutputSamples,
    min_size: Annotated[
        int, typer.Option(min=1, help="Fewest voxels that a component may have.")
    ] = 1,
    floating: Annotated[
        bool,
        typer.Option("--floating", help="Remove components that touch no face of the box, too."),
    ] = False,
    phase: Annotated[
        list[str] | None, typer.Option(help="Phases whose components may go; default: all.")
    ] = None,
    periodic: Annotated[bool, typer.Option("--periodic", help="The box wraps.")] = False,
    model: Annotated[
        str | None,
        typer.Option(
            help="Model whose log p says where voxels are given back; default: where the interface "
            "becomes smoothest."
        ),
    ] = None,
    seed: SeedOfSamples = 0,
    device: Device = None,
    precision: NetworkPrecision = "auto",
    labels: PhaseNames = None,
    voxel_size: VoxelSize = None,
    force: Overwrite = False,
    json: JsonSummary = False,
) -> None:
    """Remove components that are too small or float; every phase keeps its count to the voxel.

    Components are voxels of one phase joined through faces. Each goes to the phase around it, and
    as many voxels are given back at interfaces.
    """
    from microdsd.cleaning import clean
    from microdsd.cli.live import STDERR
    from microdsd.cli.parsing import names_of, one_or_each, paths_of, phases_of
    from microdsd.io import (
        check_format,
        ensure_samples_writable,
        load_microstructures,
        save_samples,
    )
    from microdsd.microstructure import phase_counts

    check_format(output)
    if min_size == 1 and not floating:
        raise InputError("min_size: nothing to remove; give --min-size 2 or more, or --floating")
    ms = load_microstructures(
        source,
        phases=names_of(labels),
        voxel_size=one_or_each(voxel_size) if voxel_size else None,
    )
    samples = ms.sizes.get("sample", 1)
    inputs = paths_of(source, model)
    ensure_samples_writable(output, samples, overwrite=force, inputs=inputs)
    log_p = None
    if model is not None:
        from microdsd.generation.log_probability import log_probability
        from microdsd.generation.microstructure_model import MicrostructureModel

        log_p = log_probability(
            MicrostructureModel.load(model, device, precision),
            ms,
            boundary="periodic" if periodic else "no-flux",
            rng=seed,
        )
    cleaned = clean(
        ms,
        min_size=min_size,
        periodic=periodic,
        phases=phases_of(phase),
        floating=floating,
        log_p=log_p,
    )
    before, after = phase_counts(ms), phase_counts(cleaned.labels)
    if not (before.values == after.values).all():
        raise AssertionError("counts have changed; this is a fault of microdsd, please report it")
    save_samples(output, cleaned.labels, overwrite=force)
    if json:
        print_json(
            {
                "components": cleaned.components,
                "voxels": cleaned.voxels,
                "exchanged": cleaned.exchanged,
                "counts": [
                    dict(zip(after.phase_name.values.tolist(), row, strict=True))
                    for row in after.values.tolist()
                ],
            }
        )
        return
    STDERR.print(
        f"{output}: {counted(sum(cleaned.components), 'component')} of "
        f"{counted(sum(cleaned.voxels), 'voxel')} removed from {counted(samples, 'sample')}, "
        f"{counted(sum(cleaned.exchanged), 'voxel')} given back; every count is as before",
        soft_wrap=True,
    )
