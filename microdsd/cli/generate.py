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
    Guidance,
    JsonSummary,
    KnownPlanes,
    ModelFile,
    NamesOfKnown,
    NetworkPrecision,
    Number,
    OutputSamples,
    OverwriteAndExtrapolate,
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
    guidance: Guidance = 1.0,
    target: TargetValues = None,
    particles: Particles = 1,
    number: Number = 1,
    shape: Shape = None,
    slices: SlicesByAxis = None,
    plane: KnownPlanes = None,
    labels: NamesOfKnown = None,
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
    force: OverwriteAndExtrapolate = False,
    json: JsonSummary = False,
) -> None:
    """Generate microstructures; stopped by Ctrl-C, the same command goes on where it was."""
    from microdsd.errors import InputError
    from microdsd.io import check_format

    check_format(output)
    if states is not None and states.suffix.lower() != ".npz":
        raise InputError(f"states: {states} does not end in .npz; name it so")
    if labels and not plane:
        raise InputError(
            "labels: names the phases of planes; give --plane with it, or leave it out"
        )
    if states is not None and particles > 1:
        raise InputError("states, particles: of several walks none is kept; leave one of them out")

    from microdsd.ensembles.cluster import check_scheduler

    check_scheduler(scheduler, workers)

    from microdsd.cli.parsing import (
        axes_of,
        names_of,
        numbers_of,
        one_or_each,
        paths_of,
        planes_of,
        requested_fractions_of,
        slices_of,
    )
    from microdsd.cli.recount import recounted
    from microdsd.cli.sampling import Workers, carry_out
    from microdsd.cli.targets import say_what_targets_met, steering
    from microdsd.cli.training_words import notes_on_samples
    from microdsd.cli.unfinished import unfinished_samples
    from microdsd.generation.request import GenerationRequest
    from microdsd.generation.volumes import model_for
    from microdsd.io import save_images, save_samples
    from microdsd.microstructure import provenance_of

    cuts, planes, names = slices_of(slices), planes_of(plane), names_of(labels)
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
            **steering(target, particles, guidance, force=force),
            "boundary": one_or_each(boundary or ["no-flux"]),
            "evaluations": evaluations,
            "rng": seed,
        }
        box = one_or_each(shape) if shape else None
        if planes:
            request = _holding(loaded, number, planes, names, box, fractions, options)
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
        result, request, seconds = carry_out(loaded, request, unfinished, at)
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
            "notes": record["notes"],
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
    say_what_targets_met(loaded.card, request, record)
    for line in notes_on_samples(loaded.card, request.plan, model):
        STDERR.print(line, markup=False, highlight=False, soft_wrap=True)


def _holding(
    model: Any,
    number: int,
    planes: list[tuple[str, int, str]],
    names: dict[int, str] | None,
    shape: Any,
    fractions: Any,
    options: dict[str, Any],
) -> Any:
    """Request volumes that hold measured planes as they are."""
    from microdsd.generation.memory import require_memory_for_results
    from microdsd.generation.regional import inpainting_request
    from microdsd.generation.request import box_of
    from microdsd.io import load_microstructures
    from microdsd.microstructure import phases_of
    from microdsd.microstructure.canvas import holding_planes
    from microdsd.microstructure.phases import labels_by_name

    box, phases = box_of(model.card, shape), model.card.phases
    require_memory_for_results(number, box, model.card, in_memory=True, known_material=True)
    pictures = []
    for axis, place, file in planes:
        picture = load_microstructures(file, phases=names)
        known = labels_by_name(
            picture.values, phases_of(picture), phases, required=names is not None
        )
        pictures.append((axis, place, known))
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
