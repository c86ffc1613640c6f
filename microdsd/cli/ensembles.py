"""Measure an ensemble sample by sample: what describe and transport share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from microdsd.cli.live import STDERR, progress_bar
from microdsd.cli.parsing import lengths_of
from microdsd.errors import InputError, MicrodsdError

if TYPE_CHECKING:
    from microdsd.ensembles import Measured
    from microdsd.ensembles.work import Measure


def measure_files(
    files: Sequence[str],
    measure: Measure,
    output: Path | None,
    *,
    phases: Mapping[int, str] | None,
    voxel_size: Sequence[str] | None,
    region: Mapping[str, slice],
    mask: str | None = None,
    parts: int | Sequence[int] | None = None,
    scheduler: str | None,
    workers: int | None,
    resume: bool,
    force: bool,
) -> Measured:
    """Measure with a progress bar; an interrupt says how to go on.

    Arguments are those of `microdsd.ensembles.measure_ensemble`.
    """
    from microdsd.ensembles import measure_ensemble

    if output is not None and output.suffix.lower() not in (".nc", ".h5", ".hdf5"):
        raise InputError(f"output: {output} ends in none of .nc, .h5, .hdf5; name it so")
    done, number = 0, 0
    with progress_bar(status=True, rate="samples") as bar:
        task = bar.add_task("measuring", total=None, status="")

        def show(measured: float, total: float | None, status: str) -> None:
            nonlocal done, number
            if not number and total:
                counted = f"measuring {total:.0f} samples" if total > 1 else "measuring"
                bar.reset(task, total=total, completed=int(measured), description=counted)
            done, number = int(measured), int(total or 0)
            bar.update(task, completed=measured, status=status)

        try:
            return measure_ensemble(
                files,
                measure,
                output,
                phases=phases,
                voxel_size=lengths_of(voxel_size),
                region=region or None,
                mask=mask,
                parts=parts,
                scheduler=scheduler,
                workers=workers,
                resume=resume,
                overwrite=force,
                progress=show,
            )
        except KeyboardInterrupt:
            if output is not None and done:
                bar.console.print(
                    f"stopped after {done} of {number} samples; the same command with --resume "
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
