"""Measure an ensemble sample by sample: what describe and transport share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from microdsd.cli.live import STDERR, progress_bar
from microdsd.cli.parsing import lengths_of
from microdsd.errors import InputError, MicrodsdError

if TYPE_CHECKING:
    from microdsd.ensembles import Measured
    from microdsd.ensembles.work import Measure

Show = Callable[[float, str], None]
"""Takes the share of a sample that is done, and what is being done."""


def measure_files(
    files: Sequence[str],
    measure: Measure,
    output: Path | None,
    *,
    watch: Callable[[Show], Callable[..., None]],
    phases: Mapping[int, str] | None,
    voxel_size: Sequence[str] | None,
    region: Mapping[str, slice],
    mask: str | None = None,
    scheduler: str | None,
    workers: int | None,
    resume: bool,
    force: bool,
) -> Measured:
    """Measure with a progress bar; an interrupt says how to go on.

    `watch` turns what shows progress within a sample into what `measure` calls. The rest is as in
    `microdsd.ensembles.measure_ensemble`.
    """
    from microdsd.ensembles import measure_ensemble

    if output is not None and output.suffix.lower() not in (".nc", ".h5", ".hdf5"):
        raise InputError(f"output: {output} ends in none of .nc, .h5, .hdf5; name it so")
    done, total = 0, 0
    with progress_bar(status=True, rate="samples") as bar:
        task = bar.add_task("measuring", total=None, status="")

        def after_sample(completed: int, of: int) -> None:
            nonlocal done, total
            if not total:
                counted = f"measuring {of} samples" if of > 1 else "measuring"
                bar.reset(task, total=of, completed=completed, description=counted)
            done, total = completed, of
            bar.update(task, completed=done, status="")

        def within_sample(share: float, status: str) -> None:
            bar.update(task, completed=done + share, status=status)

        try:
            return measure_ensemble(
                files,
                measure,
                output,
                phases=phases,
                voxel_size=lengths_of(voxel_size),
                region=region or None,
                mask=mask,
                scheduler=scheduler,
                workers=workers,
                resume=resume,
                overwrite=force,
                progress=after_sample,
                sample_progress=watch(within_sample),
            )
        except KeyboardInterrupt:
            if output is not None and done:
                bar.console.print(
                    f"stopped after {done} of {total} samples; the same command with --resume "
                    "goes on from there",
                    soft_wrap=True,
                )
            raise


def report_failures(measured: Measured, output: Path | None) -> None:
    """Say which samples could not be measured, and why, if there are any.

    Raises
    ------
    MicrodsdError
        There are.
    """
    failures = measured.failures
    if not failures:
        return
    for number, reason in failures.items():
        STDERR.print(f"sample {number}: {reason}", soft_wrap=True)
    total = len(failures) + measured.dataset.sizes["sample"]
    kept = f"the others are in {output}; --resume tries again" if output else "name an output (-o)"
    raise MicrodsdError(
        f"{len(failures)} of {total} samples could not be measured, see above; {kept}"
    )
