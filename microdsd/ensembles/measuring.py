"""Measure every sample of an ensemble, keep what is done, and put it together."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import xarray as xr

from microdsd.ensembles.cluster import check_scheduler, do_on_cluster
from microdsd.ensembles.parts import Parts
from microdsd.ensembles.stored import StoredEnsemble
from microdsd.ensembles.work import Finding, Measure, Outcome, UnreadableSampleError, Work
from microdsd.errors import DataFileError, InputError, MicrodsdError
from microdsd.io import ensure_writable, output_lock, place_of_parts, split_spec
from microdsd.io.netcdf import save_dataset
from microdsd.io.windows import Region
from microdsd.microstructure import PhaseNames, VoxelSizeLike
from microdsd.progress import Progress, Stage, stage

HOPELESS = 3
"""Failures to measure, all for one reason and before any success, that end a run."""


class Measured(NamedTuple):
    """Hold what `measure_ensemble` returns.

    Attributes
    ----------
    dataset : Dataset
        Measurements of all samples that could be measured, with their numbers as the coordinate
        ``sample``.
    failures : dict of int to str
        Why a sample could not be measured, by its number.
    """

    dataset: xr.Dataset
    failures: dict[int, str]


def measure_ensemble(
    sources: str | Path | Sequence[str | Path],
    measure: Measure,
    output: str | Path | None = None,
    *,
    phases: PhaseNames | None = None,
    voxel_size: VoxelSizeLike | None = None,
    region: Region | None = None,
    mask: str | Path | None = None,
    parts: int | Sequence[int] | None = None,
    scheduler: str | None = None,
    workers: int | None = None,
    resume: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Measured:
    """Measure every sample of an ensemble in files, holding one sample at a time.

    Measurements are kept as they come, in the folder ``<output>.partial``, until all are there
    and `output` is written. A run that was stopped, in whatever way, loses the samples it was at,
    and goes on with `resume`. A sample that cannot be measured stops no other.

    Parameters
    ----------
    sources : str, Path or sequence of them
        ``file.h5`` or ``file.h5:/path/in/file``, ``*`` in the path for any text. Samples are
        numbered through, over all sources. All must have one shape, phases and voxel size.
    measure : callable
        From a microstructure of one sample to a Dataset: `microdsd.describe`,
        `microdsd.describe_transport`, one of your own; options are given by `functools.partial`.
    output : str or Path, optional
        netCDF file to write. Without it nothing is kept on the way, and nothing can be resumed.
    phases, voxel_size, region
        As in `microdsd.io.open_labels`.
    mask : str or Path, optional
        Labels that are not zero where the specimen is, one for all samples or one for each. Goes
        to `measure` as the option ``mask``.
    parts : int or sequence of int, optional
        Voxels per axis of blocks that are measured as samples of their own, of volumes that do not
        fit into memory: as many as fit side by side from the first voxel of the region on, the last
        axis running fastest. Bodies are then those of a block, and nothing reaches beyond it.
    scheduler : str, optional
        None measures in this process; ``"local"`` with `workers` processes of one thread each;
        ``"tcp://host:8786"`` by the workers of a dask scheduler, which must see the files under
        the same paths. A worker that dies costs the time of its samples only.
    workers : int, optional
        Number of workers of the scheduler ``"local"``; default: one per processor.
    resume : bool
        Go on with a run that was stopped, if there is one. Samples that failed are tried again.
    overwrite : bool
        Replace `output`, and forget a run that was stopped.
    progress : Progress, optional
        Receives how many samples are done, and of how many. Where samples are measured in this
        process by a function that has the option ``progress`` itself, parts of a sample count too.

    Returns
    -------
    Measured
        The Dataset is that of `measure` for the whole ensemble, with the coordinate ``source``
        if there are several. Failures are also in its attribute ``failed_samples``, as JSON;
        `output` is then written without these samples, and the folder stays, to `resume` once the
        cause is mended.

    Raises
    ------
    DataFileError
        `output` or a stopped run is there and may not be replaced; what is there was measured
        otherwise or of other data; a file cannot be read or written.
    InputError
        Sources, mask or scheduler cannot be used.
    MicrodsdError
        dask is not installed, or the scheduler cannot be reached.
    Exception
        The error of `measure` itself, if it is the same for the first three samples.

    Examples
    --------
    >>> import numpy as np
    >>> from functools import partial
    >>> from microdsd.io import save_microstructures
    >>> from microdsd.metrics import describe
    >>> from microdsd.microstructure import as_microstructure
    >>> stack = np.random.default_rng(0).integers(0, 2, (3, 16, 16))
    >>> save_microstructures("stack.h5", as_microstructure(stack, ensemble=True))
    >>> measure = partial(describe, periodic=False, descriptors=["fractions", "surface"])
    >>> measured, failures = measure_ensemble("stack.h5", measure, "measured.nc")
    >>> measured.phase_fraction.sizes["sample"], failures
    (3, {})
    """
    check_scheduler(scheduler, workers)
    if resume and output is None:
        raise InputError("resume: needs the output of the stopped run; give it (-o)")
    work = Work(
        StoredEnsemble.open(
            sources, phases=phases, voxel_size=voxel_size, region=region, mask=mask, parts=parts
        ),
        measure,
    )
    read = [split_spec(source)[0] for source in (*work.ensemble.sources, *([mask] if mask else []))]
    with _parts(output, resume, overwrite, read) as kept:
        kept.open(json.loads(json.dumps(work.record(), default=str)))
        _check_unchanged(work.ensemble, kept)
        done = set(kept.numbers())
        waiting = [number for number in range(len(work.ensemble)) if number not in done]
        number = len(work.ensemble)
        what = f"measuring {number} samples" if number > 1 else "measuring"
        with stage(what, number, progress) as measuring:
            if scheduler is None:
                outcomes = work.do_here(waiting, measuring, len(done))
            else:
                outcomes = do_on_cluster(work, waiting, scheduler, workers)
            with closing(outcomes):
                failures = _gather(outcomes, kept, number, measuring)
        dataset = kept.joined()
        if len(work.ensemble.sources) > 1:
            places = [work.ensemble.place(number)[0] for number in kept.numbers()]
            dataset = dataset.assign_coords(source=("sample", places))
        if failures:
            dataset.attrs["failed_samples"] = json.dumps(failures)
        if output is not None:
            save_dataset(output, dataset, overwrite=resume or overwrite)
            if not failures:
                kept.remove()
    return Measured(dataset, failures)


@contextmanager
def _parts(
    output: str | Path | None, resume: bool, overwrite: bool, inputs: Sequence[Path]
) -> Iterator[Parts]:
    """Yield what an earlier run has left, or nothing.

    Without an output, measurements are kept until the run ends.
    """
    if output is None:
        with tempfile.TemporaryDirectory(prefix="microdsd-") as folder:
            yield Parts(Path(folder) / "parts")
        return
    with output_lock(output):
        parts = Parts(place_of_parts(output))
        anew = overwrite and not resume
        earlier = 0 if anew else len(parts.numbers())
        if earlier and not resume:
            raise DataFileError(
                f"{parts.folder}: holds {earlier} samples that a stopped run has measured; pass "
                "resume=True (--resume) to go on, or overwrite=True (--force) to measure all anew"
            )
        ensure_writable(output, overwrite=overwrite or earlier > 0, inputs=inputs)
        if anew:
            parts.remove()
        try:
            yield parts
        finally:
            if not parts.numbers():
                parts.remove()


def _check_unchanged(ensemble: StoredEnsemble, parts: Parts) -> None:
    for number in parts.numbers():
        if ensemble.read(number).sha256 != parts.sha256(number):
            source, own = ensemble.place(number)
            raise DataFileError(
                f"{source}: sample {own} has changed since it was measured; take back the file as "
                "it was, or pass overwrite=True (--force) to measure all anew"
            )


def _gather(
    outcomes: Iterator[Outcome],
    parts: Parts,
    total: int,
    measuring: Stage,
) -> dict[int, str]:
    """Keep what is found as it comes; why the other samples failed."""
    done = len(parts.numbers())
    failures: dict[int, str] = {}
    of_measure: list[str] = []
    measuring.update(done)
    for number, result in outcomes:
        if isinstance(result, Finding):
            parts.add(number, *result)
            done += 1
        else:
            failures[number] = _reason(result)
            if not isinstance(result, UnreadableSampleError):
                of_measure.append(failures[number])
            alike = len(of_measure) >= min(HOPELESS, total) and len(set(of_measure)) == 1
            if total == 1 or (alike and not done):
                raise result
        measuring.update(done + len(failures))
    if not done:
        first = min(failures)
        raise MicrodsdError(
            f"none of {total} samples could be measured; sample {first}: {failures[first]}"
        )
    return dict(sorted(failures.items()))


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if isinstance(error, MicrodsdError) else f"{type(error).__name__}: {text}"
