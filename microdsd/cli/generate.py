"""``microdsd generate``: new microstructures with exact phase fractions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from microdsd.cli.live import STDERR
from microdsd.cli.options import (
    BoxBoundary,
    Device,
    Evaluations,
    JsonSummary,
    KnownPlanes,
    ModelFile,
    NetworkPrecision,
    Number,
    OutputSamples,
    Overwrite,
    Particles,
    PhaseFractions,
    SchedulerAddress,
    SeedOfSamples,
    Shape,
    SlicesByAxis,
    TargetValues,
)
from microdsd.cli.options import (
    Workers as NumberOfWorkers,
)
from microdsd.cli.output import counted, print_json, written


def command(
    model: ModelFile,
    output: OutputSamples,
    fraction: PhaseFractions = None,
    intensity: Annotated[
        list[str] | None,
        typer.Option(help="Of a model of images: mean level of every channel, as grey=4.9."),
    ] = None,
    class_names: Annotated[
        list[str] | None,
        typer.Option(
            "--class",
            help="Which of the model's classes to make; given n times, one per sample.",
        ),
    ] = None,
    guidance: Annotated[
        float,
        typer.Option(help="How strongly to steer to class and targets; 1 is as in training."),
    ] = 1.0,
    target: TargetValues = None,
    particles: Particles = 1,
    number: Number = 1,
    shape: Shape = None,
    slices: SlicesByAxis = None,
    plane: KnownPlanes = None,
    boundary: BoxBoundary = None,
    evaluations: Evaluations = None,
    seed: SeedOfSamples = 0,
    states: Annotated[
        Path | None,
        typer.Option(help="Also write the walk of the first sample, level by level, to this npz."),
    ] = None,
    scheduler: SchedulerAddress = None,
    workers: NumberOfWorkers = None,
    device: Device = None,
    precision: NetworkPrecision = "auto",
    force: Overwrite = False,
    json: JsonSummary = False,
) -> None:
    """Generate microstructures; stopped by Ctrl-C, the same command goes on where it was."""
    from microdsd.errors import InputError
    from microdsd.io import check_format

    check_format(output)
    if states is not None and states.suffix.lower() != ".npz":
        raise InputError(f"states: {states} does not end in .npz; name it so")
    if states is not None and particles > 1:
        raise InputError("states, particles: of several walks none is kept; leave one of them out")

    from microdsd.ensembles.cluster import check_scheduler

    check_scheduler(scheduler, workers)

    from microdsd.cli.parsing import (
        axes_of,
        numbers_of,
        one_or_each,
        paths_of,
        planes_of,
        requested_fractions_of,
        slices_of,
    )
    from microdsd.cli.recount import recounted
    from microdsd.cli.sampling import Workers, carry_out
    from microdsd.cli.unfinished import unfinished_samples
    from microdsd.generation.request import GenerationRequest
    from microdsd.generation.volumes import model_for
    from microdsd.io import save_images, save_samples
    from microdsd.microstructure import provenance_of
    from microdsd.models import Convergence

    cuts, planes = slices_of(slices), planes_of(plane)
    with unfinished_samples(output, force=force) as unfinished:
        used = paths_of(model, *cuts.values(), *(file for *_, file in planes))
        unfinished.check_outputs(number, used, states)
        loaded = model_for(model, axes_of(shape), cuts, device, precision)
        images = not loaded.card.contents.assigned
        if images:
            check_format(output, ensembles=True)
        fractions = requested_fractions_of(fraction)
        options: dict[str, Any] = {
            "class_name": one_or_each(class_names) if class_names else None,
            "guidance": guidance,
            "targets": numbers_of(target, "target"),
            "particles": particles,
            "extrapolate": force,
            "boundary": one_or_each(boundary or ["no-flux"]),
            "evaluations": evaluations,
            "rng": seed,
        }
        box = one_or_each(shape) if shape else None
        if planes:
            request = _holding(loaded, number, planes, box, fractions, options)
        else:
            request = GenerationRequest.resolve(
                loaded.card,
                number,
                phase_fraction=fractions,
                intensity=numbers_of(intensity, "intensity"),
                shape=box,
                **options,
            )
        at = None if scheduler is None else Workers(model, scheduler, workers, cuts)
        result, seconds = carry_out(loaded, request, unfinished, at)
        save = save_images if images else save_samples
        save(output, result, overwrite=unfinished.overwrite)
        if states is not None:
            _write_states(states, loaded, request)
        record = provenance_of(result) or {}
        exact = recounted(output, result, images=images)
        unfinished.remove()
    moved = loaded.card.contents.moved
    reassigned = record[moved]
    if json:
        summary = {
            "output": str(output),
            "model": loaded.digest(),
            **request.record(loaded.card),
            moved: reassigned,
            **({"achieved": record["achieved"]} if "achieved" in record else {}),
            "seconds": round(seconds, 2),
        }
        print_json(summary)
        return
    share = sum(reassigned) / (number * request.lattice.n_sites)
    unit, remark = "voxels", f"{share:.2%} of the voxels reassigned to meet the counts"
    if images:
        unit, remark = "units", f"{sum(reassigned)} of them above the highest level"
    STDERR.print(
        f"{written(output, number)}: {counted(number, 'sample')} with exactly {exact} {unit}"
        f"{' each' if number > 1 else ''}, seed {request.seed}, {seconds:.1f} s; {remark}",
        soft_wrap=True,
    )
    for line in _targets_met(record):
        STDERR.print(line, markup=False, highlight=False)
    convergence = Convergence.of(loaded.card)
    if convergence.trained_too_little or convergence.is_trial:
        what = "too little" if convergence.trained_too_little else "for a trial only"
        STDERR.print(
            f"note: the model was trained {what}; `microdsd info {model}` says how far it is",
            markup=False,
        )


def _targets_met(record: dict[str, Any]) -> list[str]:
    """Say per property what was asked for and what was made."""
    lines = []
    for name, column in record.get("achieved", {}).items():
        values = sorted(value for value in column if value is not None)
        asked = " ".join(f"{value:.4g}" for value in dict.fromkeys(record["targets"][name]))
        if not values:
            lines.append(f"{name}: {asked} asked for, no sample has one")
            continue
        mean = sum(values) / len(values)
        span = f" ({values[0]:.4g} to {values[-1]:.4g})" if len(values) > 1 else ""
        lines.append(f"{name}: {asked} asked for, {mean:.4g} made{span}")
    return lines


def _holding(
    model: Any,
    number: int,
    planes: list[tuple[str, int, str]],
    shape: Any,
    fractions: Any,
    options: dict[str, Any],
) -> Any:
    """Request volumes that hold measured planes as they are."""
    from microdsd.generation.regional import inpainting_request
    from microdsd.generation.request import box_of
    from microdsd.io import load_microstructures
    from microdsd.microstructure.canvas import holding_planes

    box = box_of(model.card, shape)
    pictures = [(axis, place, load_microstructures(file).values) for axis, place, file in planes]
    labels, unknown = holding_planes(box, pictures)
    if fractions is None:
        fractions = dict(model.card.fraction_mean)
    return inpainting_request(
        model.card, number, labels, unknown, phase_fraction=fractions, **options
    )


def _write_states(path: Path, model: Any, request: Any) -> None:
    """Write levels, occupation numbers (level, species, *space) and labels of the first sample."""
    import numpy as np

    from microdsd.io import atomic_write

    walk, labels = model.trajectory(request)
    with (
        atomic_write(path, overwrite=True) as temporary,
        temporary.open("wb") as file,
    ):
        np.savez_compressed(
            file,
            sigma=np.array([sigma for sigma, _ in walk]),
            occupation=np.stack([state for _, state in walk]),
            labels=labels,
        )
