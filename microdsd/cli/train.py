"""``microdsd train``: from a scan to a model."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from microdsd.cli.app import EXIT_ERROR, EXIT_INTERRUPTED
from microdsd.cli.live import STDERR, show_progress
from microdsd.cli.options import (
    Device,
    JsonSummary,
    Method,
    NetworkPrecision,
    PhaseNames,
    RateLoss,
    Symmetry,
    TrainingWindow,
    VoxelSize,
    WindowBoundary,
)
from microdsd.cli.output import print_json
from microdsd.errors import DataFileError, InputError, MicrodsdError
from microdsd.progress import stage

if TYPE_CHECKING:
    from microdsd.fitting.run import TrainingRun
    from microdsd.generation.microstructure_model import MicrostructureModel
    from microdsd.training.distributed import Ranks
    from microdsd.training.log import TrainingLog

_SAVE_EVERY = 120.0
_LOG_EVERY = 5.0
_ECHO = 10.0
_IMAGE_SIGMA_MIN = 0.1


def command(
    source: Annotated[
        list[str],
        typer.Argument(
            help="Labels: scan.h5:/path, or any file that import reads; several with --class. "
            "Or images (microdsd images)."
        ),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Model file to write.")],
    window: TrainingWindow,
    minutes: Annotated[
        float | None,
        typer.Option(
            help="Budget of time for everything, calibration included. Default: 30, unless there "
            "are --steps."
        ),
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(help="Budget of optimiser steps; alone, it makes the same model every time."),
    ] = None,
    symmetry: Annotated[
        Symmetry | None,
        typer.Option(
            help="Symmetries of the material: isotropic (all axes alike), transverse (all but "
            "the first axis alike), orthotropic (all axes differ, mirror images are alike), none. "
            "Default: none; with --for-volumes isotropic."
        ),
    ] = None,
    for_volumes: Annotated[
        bool,
        typer.Option(
            "--for-volumes",
            help="Learn to make volumes from one picture of a material that is alike in all "
            "directions.",
        ),
    ] = False,
    validation: Annotated[
        float, typer.Option(help="Share held back at the far end of axis 0 to validate on.")
    ] = 0.15,
    class_names: Annotated[
        list[str] | None,
        typer.Option(
            "--class",
            help="Name of every material, in the order of the files: one model of them all.",
        ),
    ] = None,
    region: Annotated[
        list[str] | None,
        typer.Option(help="Part of the scan to use, e.g. z=0:260; the rest stays unseen."),
    ] = None,
    labels: PhaseNames = None,
    voxel_size: VoxelSize = None,
    widths: Annotated[
        list[int] | None, typer.Option(help="Channels per resolution, finest first.")
    ] = None,
    blocks: Annotated[
        list[int] | None, typer.Option(help="Residual blocks per resolution; default: one each.")
    ] = None,
    octaves: Annotated[
        int | None,
        typer.Option(
            help="Lattices of the walk: of voxels, blocks of 2, of 4, ...; default: as many as the "
            "window has room for, see `microdsd schedule`. 1: voxels alone."
        ),
    ] = None,
    evaluations: Annotated[
        int | None,
        typer.Option(
            help="Network evaluations of a sample unless asked otherwise; the walk back is "
            "calibrated for them, and for fewer. Default: 24 in 2D, 16 in 3D."
        ),
    ] = None,
    condition: Annotated[
        list[str] | None,
        typer.Option(
            help="Property that samples can then be asked for with --target, as "
            "specific_surface_area or tortuosity_factor:pore:z; repeat for several."
        ),
    ] = None,
    start_from: Annotated[
        str | None,
        typer.Option(
            help="Model file, or one that ships, whose weights and network to start from."
        ),
    ] = None,
    sigma_min: Annotated[
        float | None,
        typer.Option(help="Lowest noise level, voxels; default: 0.3, and 0.1 for images."),
    ] = None,
    batch: Annotated[int | None, typer.Option(help="Windows per step.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Peak learning rate.")] = None,
    boundary: WindowBoundary = "no-flux",
    sigma_max: Annotated[
        float | None,
        typer.Option(help="Horizon, voxels; default: the one that `microdsd schedule` recommends."),
    ] = None,
    method: Annotated[
        Method,
        typer.Option(help="bridges, or tau-leaping: the paper's own, and far slower to sample."),
    ] = "bridges",
    loss: Annotated[
        RateLoss | None,
        typer.Option(help="Of tau-leaping: likelihood, l1 or l2; default: likelihood."),
    ] = None,
    time_schedule: Annotated[
        str | None, typer.Option(help="Of tau-leaping: logit, cosine or t^n; default: t^4.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 0,
    device: Device = None,
    precision: NetworkPrecision = "auto",
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a stopped run.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite, and start anew.")] = False,
    json: JsonSummary = False,
) -> None:
    """Train a model on a segmented scan; Ctrl-C stops it so that --resume can go on."""
    begun = time.monotonic()
    state, log = output.with_name(output.name + ".resume"), output.with_name(output.name + ".csv")
    from microdsd.cli.parsing import lengths_of, names_of, one_or_each, paths_of, region_of
    from microdsd.cli.training_words import introduction, shortened, what_is_left
    from microdsd.fitting import TrainingRun
    from microdsd.io import holds_images, output_lock
    from microdsd.models import Convergence
    from microdsd.training.config import TrainingConfig
    from microdsd.training.log import TrainingLog
    from microdsd.training.stopwatch import Stopwatch

    with _one_voice(device) as ranks, ExitStack() as locked:
        with ranks.together():
            if ranks.first:
                locked.enter_context(output_lock(output))
                _check_outputs(output, state, log, paths_of(*source, start_from), resume, force)
            settings: dict[str, Any] = {
                "batch": batch,
                "learning_rate": learning_rate,
                "sigma_min": _IMAGE_SIGMA_MIN
                if sigma_min is None and holds_images(source[0])
                else sigma_min,
            }
            config = TrainingConfig(
                minutes=30.0 if minutes is None and steps is None else minutes,
                steps=steps,
                seed=seed,
                **{key: value for key, value in settings.items() if value is not None},
            )
            run = TrainingRun(
                _by_class(source, class_names),
                config,
                window=one_or_each(window),
                symmetry=symmetry or ("isotropic" if for_volumes else "none"),
                validation=validation,
                boundary=boundary,
                sigma_max=sigma_max,
                method=method,
                loss=loss,
                time_schedule=time_schedule,
                octaves=octaves,
                evaluations=evaluations,
                conditions=condition or (),
                start_from=start_from,
                phases=names_of(labels),
                voxel_size=lengths_of(voxel_size),
                region=region_of(region),
                network_size=_network_size(widths, blocks),
                device=device,
                precision=precision,
                for_volumes=for_volumes,
                stopwatch=Stopwatch(begun),
                ranks=ranks,
            )
            if resume:
                run.restore(state)
                if ranks.first and not log.exists():
                    STDERR.print(f"note: {log} is not there; a new log begins", markup=False)
            written = None
            if ranks.first:
                written = TrainingLog(log, run.validation_levels, run.trainer.step)
        run.prepare()
        if ranks.first:
            for line in introduction(run, run.card()):
                STDERR.print(line, markup=False, highlight=False)
        model = _trained(run, state, written, ranks)
        if not ranks.first:
            return
        model.save(output, overwrite=True)
        state.unlink(missing_ok=True)
    card = model.card
    convergence = Convergence.of(card)
    summary = {
        "model": str(output),
        "log": str(log),
        "digest": model.digest(),
        "steps": run.trainer.step,
        "minutes": round(run.trainer.minutes, 2),
        "validation_gains": dict(
            zip(map(str, card.validation_levels), card.validation_gains, strict=False)
        ),
        "convergence": convergence.to_dict(),
        "sigma_max": card.sigma_max,
        "walks": [asdict(walk) for walk in card.walks],
        **({"volumes": asdict(card.volumes)} if card.volumes else {}),
        "fraction_range": {name: list(span) for name, span in card.fraction_range.items()},
        "classes": list(card.classes),
    }
    if json:
        print_json(summary)
    else:
        STDERR.print(
            f"{output}: {summary['steps']} steps, {summary['minutes']} min in all; log in {log}",
            markup=False,
        )
        for line in (*what_is_left(convergence, str(output)), shortened(card)):
            if line:
                STDERR.print(line, markup=False, highlight=False)


@contextmanager
def _one_voice(device: str | None) -> Iterator[Ranks]:
    """Join the processes that train together, of which the first one speaks for all."""
    from microdsd.training.distributed import LostRankError, joined_ranks

    with joined_ranks(device) as ranks:
        quiet = STDERR.quiet
        STDERR.quiet = quiet or not ranks.first
        try:
            yield ranks
        except MicrodsdError as error:
            # The lost one may be the first.
            if ranks.first or (ranks.rank == 1 and isinstance(error, LostRankError)):
                raise
            raise typer.Exit(EXIT_ERROR) from error
        except KeyboardInterrupt as error:
            if ranks.first:
                raise
            raise typer.Exit(EXIT_INTERRUPTED) from error
        finally:
            STDERR.quiet = quiet


def _trained(
    run: TrainingRun, state: Path, log: TrainingLog | None, ranks: Ranks
) -> MicrostructureModel:
    """Train to the end of the budget; keep the state at times, and when interrupted.

    Only the first rank has a log, and writes files.
    """
    from microdsd.progress.interrupts import held_interrupts

    saved = time.monotonic()
    logged = saved - _LOG_EVERY  # the first step is logged
    try:
        with show_progress() if ranks.first else nullcontext():
            with (
                stage("training", total=1.0) as training,
                held_interrupts(echo=_ECHO if ranks.size > 1 else 0.0) as release,
                _saved_when_alone(run, state, ranks),
            ):
                for record in run.records():
                    training.update(record.progress, status=run.status(record))
                    now = time.monotonic()
                    if log and (record.gains or now - logged > _LOG_EVERY):
                        log.write(record)
                        logged = now
                    if ranks.first and now - saved > _SAVE_EVERY:
                        run.save_state(state)
                        saved = now
                    ranks.interrupt_together(release)
            return run.finish()
    except KeyboardInterrupt:
        if ranks.first and run.trainer.step:
            run.save_state(state)
            STDERR.print(
                f"stopped after step {run.trainer.step}; the same command with --resume goes on"
            )
        raise


@contextmanager
def _saved_when_alone(run: TrainingRun, state: Path, ranks: Ranks) -> Iterator[None]:
    """Keep the state after the last step when another rank is lost, before this one is ended."""
    from microdsd.training.distributed import LostRankError

    try:
        yield
    except LostRankError:
        if ranks.first and run.trainer.step:
            run.save_state(state)
        raise


def _network_size(widths: list[int] | None, blocks: list[int] | None) -> dict[str, Any] | None:
    if blocks and len(blocks) != len(widths or ()):
        raise InputError(f"--blocks {blocks}: give --widths with it, as many as there are blocks")
    if not widths:
        return None
    return {"widths": tuple(widths), **({"blocks": tuple(blocks)} if blocks else {})}


def _by_class(sources: list[str], names: list[str] | None) -> str | dict[str, str]:
    """Return one source, or several by the names of their classes."""
    if len(sources) == 1 and not names:
        return sources[0]
    if names is None or len(names) != len(sources):
        raise InputError(
            f"--class {names or []}: give one name per file, there are {len(sources)} files"
        )
    if len(set(names)) < len(names) or len(names) < 2:
        raise InputError(f"--class {names}: give two materials or more, each a name of its own")
    return dict(zip(names, sources, strict=True))


def _check_outputs(
    output: Path, state: Path, log: Path, inputs: list[Path], resume: bool, force: bool
) -> None:
    from microdsd.io import ensure_writable

    if resume and force:
        raise InputError("--resume with --force: one goes on, the other starts anew; choose one")
    if resume and not state.exists():
        raise DataFileError(f"--resume: there is no stopped run at {state}; leave --resume out")
    ensure_writable(output, overwrite=force, inputs=inputs)
    if state.exists() and not (resume or force):
        raise DataFileError(
            f"-o {output}: a stopped run lies at {state}; --resume goes on, --force starts anew"
        )
    for path in (state, log):
        ensure_writable(path, overwrite=True, inputs=inputs)
