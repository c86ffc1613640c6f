"""``microdsd design``: which composition has the properties asked for."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from microdsd.cli.live import STDERR, note, progress_bar
from microdsd.cli.options import (
    BoxBoundary,
    Device,
    Evaluations,
    Guidance,
    JsonNumbers,
    ModelFile,
    NetworkPrecision,
    Particles,
    Shape,
)
from microdsd.cli.output import pairs, print_json
from microdsd.cli.terminal import say
from microdsd.errors import InputError

if TYPE_CHECKING:
    from microdsd.inverse import Candidate, DesignResult


def command(
    model: ModelFile,
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            help="HDF5 file for the samples of the front; all candidates go beside it as .json and "
            ".csv, and a picture as .png.",
        ),
    ],
    fraction: Annotated[
        list[str] | None,
        typer.Option(
            help="Range in which a fraction may vary, pore=0.2:0.3, or one number. Phases not "
            "named share the rest as in training."
        ),
    ] = None,
    gradient: Annotated[
        list[str] | None,
        typer.Option(
            help="Range of the change of a fraction from one face of the box to the other, "
            "pore:z=-0.1:0.1; every layer has exactly its own counts."
        ),
    ] = None,
    target: Annotated[
        list[str] | None,
        typer.Option(
            help="Of a model trained with conditions: range of a target, "
            "specific_surface_area=0.1:0.2."
        ),
    ] = None,
    minimise: Annotated[
        list[str] | None,
        typer.Option(help="Property, as tortuosity_factor:pore:z; repeat for several."),
    ] = None,
    maximise: Annotated[
        list[str] | None, typer.Option(help="Property to maximise; repeat for several.")
    ] = None,
    require: Annotated[
        list[str] | None,
        typer.Option(help='Bound on a property, "tortuosity_factor:pore:z<=3"; may be repeated.'),
    ] = None,
    candidates: Annotated[int, typer.Option(help="How many compositions to try.")] = 40,
    samples: Annotated[int, typer.Option(help="Samples of each composition.")] = 2,
    search: Annotated[
        Literal["bayesian", "random"],
        typer.Option(help="bayesian (extra design), or random points to compare with."),
    ] = "bayesian",
    shape: Shape = None,
    class_name: Annotated[
        str | None, typer.Option("--class", help="Which of the model's classes to make.")
    ] = None,
    guidance: Guidance = 1.0,
    particles: Particles = 1,
    boundary: BoxBoundary = None,
    evaluations: Evaluations = None,
    seed: Annotated[
        int, typer.Option(help="Samples of candidate i depend on (seed, i) alone.")
    ] = 0,
    device: Device = None,
    precision: NetworkPrecision = "auto",
    force: Annotated[
        bool,
        typer.Option(
            "--force", help="Overwrite the output; allow what training windows never had."
        ),
    ] = False,
    json: JsonNumbers = False,
) -> None:
    """Search the composition with the best properties by Bayesian optimisation.

    Stopped by Ctrl-C or killed, the same command goes on where it was, to the same outcome.
    """
    from microdsd.cli.parsing import axes_of, one_or_each, paths_of
    from microdsd.io import check_format, ensure_writable, output_lock, place_of_parts
    from microdsd.io.partial import Parts

    check_format(output, ensembles=True)
    others = [output.with_suffix(suffix) for suffix in (".json", ".csv", ".png")]
    ranges = {
        "fraction": _ranges(fraction, "fraction"),
        "gradient": _ranges(gradient, "gradient"),
        "target": _ranges(target, "target"),
    }
    if not (minimise or maximise):
        raise InputError("minimise: name a property with --minimise or --maximise")
    with output_lock(output):
        parts = Parts(place_of_parts(output))
        overwrite = force or parts.delivering
        for path in (output, *others):
            ensure_writable(path, overwrite=overwrite, inputs=paths_of(model))

        from microdsd.generation.volumes import model_for
        from microdsd.inverse import design

        loaded = model_for(model, axes_of(shape), None, device, precision)
        done = 0
        with progress_bar(status=True, rate="candidates") as bar:
            work = bar.add_task("designing", total=candidates, status="")

            def show(finished: float, total: float | None, status: str) -> None:
                nonlocal done
                done = int(finished)
                bar.update(work, completed=finished, status=status)

            try:
                result = design(
                    loaded,
                    **ranges,  # type: ignore[arg-type]
                    minimise=minimise or (),
                    maximise=maximise or (),
                    require=require or (),
                    candidates=candidates,
                    samples=samples,
                    search=search,
                    shape=one_or_each(shape) if shape else None,
                    class_name=class_name,
                    guidance=guidance,
                    particles=particles,
                    boundary=one_or_each(boundary or ["no-flux"]),  # type: ignore[arg-type]
                    evaluations=evaluations,
                    rng=seed,
                    force=force,
                    unfinished=parts.folder,
                    progress=show,
                )
            except KeyboardInterrupt:
                if parts.folder.is_dir():
                    STDERR.print(
                        f"stopped after {done} candidates; the same command goes on from there"
                    )
                raise
            finally:
                parts.remove_if_empty()
        parts.begin_delivery()
        _write(output, others, result, overwrite)
        parts.remove()
    for text in result.notes:
        note(text)
    if json:
        print_json({"output": str(output), **result.to_dict()})
    else:
        _say(result)
    written = [*([output] if result.samples is not None else []), *others]
    STDERR.print(f"{', '.join(map(str, written))} written", soft_wrap=True)


def _ranges(words: list[str] | None, argument: str) -> dict[str, tuple[float, ...]] | None:
    """Convert ``["pore=0.2:0.3"]`` to ``{"pore": (0.2, 0.3)}``; one number stands alone.

    Examples
    --------
    >>> _ranges(["pore=0.2:0.3", "clay=0.1"], "fraction")
    {'pore': (0.2, 0.3), 'clay': (0.1,)}
    """
    from microdsd.microstructure.notation import number_remedy

    if not words:
        return None
    spans = {}
    for name, text in pairs(words, argument).items():
        try:
            numbers = tuple(float(part) for part in text.split(":"))
        except ValueError:
            numbers = ()
        if len(numbers) not in (1, 2):
            raise InputError(
                f"{argument}: expected a number or lowest:highest for {name}, got {text!r}"
                f"{number_remedy(text)}"
            )
        spans[name] = numbers
    return spans


def _write(output: Path, others: list[Path], result: DesignResult, overwrite: bool) -> None:
    import json

    import numpy as np

    from microdsd.cli.recount import recounted
    from microdsd.io import atomic_write, save_microstructures
    from microdsd.report.pictures.design_picture import design_picture
    from microdsd.report.pictures.style import figure_png

    document, table, picture = others
    examples = None
    if result.samples is not None:
        save_microstructures(output, result.samples, overwrite=overwrite)
        recounted(output, result.samples)
        examples = result.samples[:: len(result.front[0].streams)]
    with atomic_write(document, overwrite=overwrite) as temporary:
        temporary.write_text(json.dumps(result.to_dict(), indent=2), encoding="utf-8")
    heads, lines = result.rows()
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([heads, *lines])
    with atomic_write(table, overwrite=overwrite) as temporary:
        temporary.write_text(text.getvalue(), encoding="utf-8")
    drawn = design_picture(
        {
            name: np.array([candidate.means[name] for candidate in result.candidates])
            for name in result.objectives
        },
        np.array([candidate.on_front for candidate in result.candidates]),
        np.array([candidate.feasible for candidate in result.candidates]),
        examples,
        [_title(candidate, result) for candidate in result.front],
    )
    with atomic_write(picture, overwrite=overwrite) as temporary:
        temporary.write_bytes(figure_png(drawn))


def _title(candidate: Candidate, result: DesignResult) -> str:
    where = [f"{name} {value:.3g}" for name, value in candidate.variables.items()]
    reached = ", ".join(f"{candidate.means[name]:.3g}" for name in result.objectives)
    return "\n".join([f"candidate {candidate.number}: {reached}", *where])


def _say(result: DesignResult) -> None:
    asked = ", ".join(f"{word} {name}" for name, word in result.objectives.items())
    kept = f" with {', '.join(map(str, result.requirements))}" if result.requirements else ""
    front = result.front
    say(f"{asked}{kept}: {len(front)} of {len(result.candidates)} candidates on the front")
    if not front:
        feasible = sum(candidate.feasible for candidate in result.candidates)
        say(
            f"  none: {feasible} keep the requirements, and none of these has all objectives; "
            "relax the bounds, or choose other properties"
        )
    for candidate in front:
        where = ", ".join(f"{name} {value:.4g}" for name, value in candidate.variables.items())
        reached = ", ".join(
            f"{name} {value:.4g}"
            + ("" if (error := candidate.standard_errors[name]) is None else f" +- {error:.2g}")
            for name, value in candidate.means.items()
        )
        say(f"  {candidate.number}: {where}; {reached}")
