"""``microdsd animate``: a moving picture of how a sample comes about."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from microdsd.cli.live import STDERR, progress_bar
from microdsd.cli.options import (
    Device,
    ModelFile,
    NetworkPrecision,
    Overwrite,
    PhaseFractions,
    SlicesByAxis,
)


def command(
    model: ModelFile,
    output: Annotated[Path, typer.Option("-o", "--output", help="GIF file to write.")],
    fraction: PhaseFractions = None,
    shape: Annotated[
        list[int] | None,
        typer.Option(help="Voxels per axis, as 128 128; default: the training window."),
    ] = None,
    slices: SlicesByAxis = None,
    phase: Annotated[
        str | None, typer.Option(help="Of volumes, the phase to draw; default: the pores.")
    ] = None,
    pixels: Annotated[int, typer.Option(help="Width of the picture.")] = 320,
    evaluations: Annotated[
        int | None, typer.Option(help="Network evaluations, a frame each.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The sample `generate --seed` makes first.")] = 0,
    device: Device = None,
    precision: NetworkPrecision = "auto",
    force: Overwrite = False,
) -> None:
    """Generate one sample and draw its walk, level by level."""
    from microdsd.cli.parsing import (
        axes_of,
        one_or_each,
        paths_of,
        requested_fractions_of,
        slices_of,
    )
    from microdsd.generation.request import GenerationRequest
    from microdsd.generation.volumes import model_for
    from microdsd.io import ensure_writable
    from microdsd.microstructure import VoxelSize, as_microstructure
    from microdsd.report.pictures.animation import animate_walk, check_animation

    check_animation(output, pixels)
    cuts = slices_of(slices)
    ensure_writable(output, overwrite=force, inputs=paths_of(model, *cuts.values()))
    loaded = model_for(model, axes_of(shape), cuts, device, precision)
    card = loaded.card
    phases = card.contents.require_phases("model", "pictures of a walk")
    request = GenerationRequest.resolve(
        card,
        1,
        phase_fraction=requested_fractions_of(fraction),
        shape=one_or_each(shape) if shape else None,
        evaluations=evaluations,
        rng=seed,
    )
    with progress_bar(status=True) as bar:
        bar.add_task("drawing the walk", total=None, status="")
        states, labels = loaded.trajectory(request)
        size = None if card.unit == "voxel" else VoxelSize(tuple(card.voxel_size), "m")
        material = as_microstructure(labels, phases=dict(card.phases), voxel_size=size)
        chosen = int(phase) if phase is not None and phase.isdecimal() else phase
        animate_walk(
            output,
            states,
            material,
            background=phases.background,
            phase=chosen,
            pixels=pixels,
            overwrite=force,
        )
    STDERR.print(f"{output}: {len(states)} levels, {output.stat().st_size / 1024:.0f} KiB")
