"""``microdsd transport``: diffusivity, permeability, conductivity, stiffness."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from microdsd.cli.ensembles import measure_files, report_failures
from microdsd.cli.findings import transport_document, transport_lines
from microdsd.cli.live import STDERR, note
from microdsd.cli.options import (
    Boundary,
    Device,
    DiffusionSolver,
    Ensemble,
    GoOn,
    JsonNumbers,
    OverwriteAnew,
    PartOfScan,
    PhaseNames,
    SchedulerAddress,
    VoxelSize,
    Workers,
)
from microdsd.cli.output import print_json
from microdsd.cli.parsing import names_of, numbers_of, one_or_each, phases_of, region_of
from microdsd.cli.terminal import say
from microdsd.errors import InputError


def command(
    source: Ensemble,
    property_: Annotated[
        list[str] | None,
        typer.Option(
            "--property",
            help="diffusivity (the default), permeability, conductivity or stiffness; repeat for "
            "several.",
        ),
    ] = None,
    phase: Annotated[
        list[str] | None,
        typer.Option(help="Phases in which matter diffuses or flows; default: all."),
    ] = None,
    axis: Annotated[
        list[str] | None, typer.Option(help="z, y or x; repeat for several; default: all.")
    ] = None,
    conductivity: Annotated[
        list[str] | None,
        typer.Option(help="Of every phase, as pore=0.6 solid=3; the result is in the same unit."),
    ] = None,
    young: Annotated[
        list[str] | None, typer.Option(help="Young's modulus of every phase, as pore=0 solid=95e9.")
    ] = None,
    poisson: Annotated[
        list[str] | None, typer.Option(help="Poisson ratio of every phase that has a modulus.")
    ] = None,
    sides: Annotated[
        Boundary, typer.Option(help="Sides parallel to diffusion: no-flux or periodic.")
    ] = "no-flux",
    solver: Annotated[
        DiffusionSolver,
        typer.Option(help="Of diffusion: finite-volume, or taufactor (single precision)."),
    ] = "finite-volume",
    region: PartOfScan = None,
    labels: PhaseNames = None,
    voxel_size: VoxelSize = None,
    device: Device = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="netCDF file to write.")
    ] = None,
    scheduler: SchedulerAddress = None,
    workers: Workers = None,
    resume: GoOn = False,
    force: OverwriteAnew = False,
    json: JsonNumbers = False,
) -> None:
    """Solve for transport through every sample; print it, or write all of it as netCDF.

    An ensemble is measured sample by sample; stopped by Ctrl-C, it goes on with --resume.
    """
    moduli = _moduli(young, poisson)

    from microdsd.transport import describe_transport

    measured = measure_files(
        source,
        partial(
            describe_transport,
            properties=property_ or ["diffusivity"],  # type: ignore[arg-type]
            phase=phases_of(phase),
            axes=axis or None,
            conductivity=numbers_of(conductivity, "conductivity"),
            moduli=moduli,
            sides=sides,
            solver=solver,
            device=device,
        ),
        output,
        phases=names_of(labels),
        voxel_size=voxel_size,
        region=region_of(region),
        scheduler=scheduler,
        workers=workers,
        resume=resume,
        force=force,
    )
    results = measured.dataset
    if json:
        sources = one_or_each(source)
        target = output and str(output)
        print_json({"source": sources, "output": target, **transport_document(results)})
    else:
        for line in transport_lines(results):
            say(line)
        for name, converged in results.data_vars.items():
            if str(name).endswith("_converged") and not converged.all():
                missed = int((~converged).sum())
                note(f"{missed} of {converged.size} solutions of {name} did not converge")
        if output is not None:
            STDERR.print(f"{output} written")
    report_failures(measured, output)


def _moduli(
    young: list[str] | None, poisson: list[str] | None
) -> dict[int | str, tuple[float, float]] | None:
    """Return Young's modulus and Poisson ratio of each phase; a pore's ratio does not matter."""
    if not young:
        return None
    ratios = numbers_of(poisson, "poisson") or {}
    modulus = numbers_of(young, "young") or {}
    missing = [phase for phase, value in modulus.items() if value and phase not in ratios]
    if missing:
        raise InputError(f"poisson: give a Poisson ratio for {missing}, as {missing[0]}=0.2")
    return {phase: (value, ratios.get(phase, 0.0)) for phase, value in modulus.items()}
