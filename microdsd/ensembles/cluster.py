"""Samples measured by the workers of a dask cluster, here or elsewhere."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from microdsd import __version__
from microdsd.ensembles.work import Finding, Outcome, Work
from microdsd.errors import InputError, MicrodsdError
from microdsd.io import split_spec
from microdsd.progress.interrupts import held_interrupts

LOCAL = "local"
PER_THREAD, AT_LEAST = 2, 64
"""Samples that are given out at a time: what waits is an address, and workers may join later."""
SECONDS_TO_CONNECT = 20


def check_scheduler(scheduler: str, workers: int | None) -> None:
    """Refuse what cannot be used before anything is read.

    Raises
    ------
    InputError
        Neither "local" nor an address, or a number of workers that is not ours to choose.
    MicrodsdError
        The extra ``distributed`` is missing.
    """
    if scheduler != LOCAL and "://" not in scheduler:
        raise InputError(
            f"scheduler: {scheduler!r} is neither 'local' nor an address as 'tcp://host:8786'"
        )
    if workers is not None and scheduler != LOCAL:
        raise InputError(f"workers: {scheduler} has workers of its own; leave the number out")
    if workers is not None and workers < 1:
        raise InputError(f"workers: must be at least 1, got {workers}")
    _distributed()


def do_on_cluster(
    work: Work, numbers: Sequence[int], scheduler: str, workers: int | None
) -> Generator[Outcome, None, None]:
    """Measure samples on a cluster, a bounded number at a time; yield outcomes as they are ready.

    A sample whose worker dies is given to another worker.

    Raises
    ------
    MicrodsdError
        The scheduler cannot be reached, or is lost on the way.
    """
    distributed = _distributed()
    if not numbers:
        return
    waiting = iter(numbers)
    if scheduler == LOCAL:
        from dask.system import CPU_COUNT

        workers = min(workers or CPU_COUNT, len(numbers))
    with _client(distributed, scheduler, workers) as client, _loss_told(scheduler):
        places: dict[Any, int] = {}

        def give_out() -> list[Any]:
            threads = sum(client.nthreads().values())
            free = max(PER_THREAD * threads, AT_LEAST) - len(places)
            given = [
                (client.submit(_do, work, number, pure=False), number)
                for number in islice(waiting, max(free, 0))
            ]
            places.update(given)
            return [future for future, _ in given]

        ready = distributed.as_completed(give_out(), loop=client.loop)
        for future in ready:
            yield Outcome(places.pop(future), _result(distributed, future))
            ready.update(give_out())


def _do(work: Work, number: int) -> Finding:
    """Measure one sample on a worker."""
    if work.version != __version__:
        raise MicrodsdError(
            f"scheduler: its workers have microdsd {__version__}, this is {work.version}; "
            "install one version everywhere"
        )
    path, _ = split_spec(work.ensemble.place(number)[0])
    if not Path(path).exists():
        raise MicrodsdError(
            f"{path}: a worker does not see this file; workers open it by this path, so put it "
            "on a file system that all machines share"
        )
    return work.do(number)


def _result(distributed: Any, future: Any) -> Finding | Exception:
    try:
        finding: Finding = future.result()
        return finding
    except distributed.KilledWorker as error:
        return MicrodsdError(
            f"{error.allowed_failures + 1} workers died over it, most likely for want of memory; "
            "fewer workers leave each more"
        )
    except CancelledError:
        raise
    except Exception as error:
        return error


@contextmanager
def _loss_told(scheduler: str) -> Iterator[None]:
    """Say what became of a run whose scheduler does not answer any more."""
    try:
        yield
    except (CancelledError, OSError) as error:
        raise MicrodsdError(
            f"scheduler: {scheduler} is lost; what was measured before is kept, --resume "
            "(resume=True) goes on"
        ) from error


@contextmanager
def _client(distributed: Any, scheduler: str, workers: int | None) -> Iterator[Any]:
    """Yield a client of the scheduler; of our own workers, which end with it."""
    if scheduler != LOCAL:
        # What dask has to say of a lost scheduler, our error says in one line.
        quiet = distributed.utils.silence_logging_cmgr(logging.CRITICAL)
        try:
            client = distributed.Client(scheduler, timeout=SECONDS_TO_CONNECT, set_as_default=False)
        except (OSError, ValueError) as error:
            raise MicrodsdError(
                f"scheduler: nothing answers at {scheduler} ({error}); start 'dask scheduler' "
                "there, and give the address that it prints"
            ) from error
        with quiet, client:
            yield client
        return
    # dask cannot break off the start of workers in good order.
    with held_interrupts(children=True) as release:
        cluster = distributed.LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            dashboard_address=None,
            silence_logs=logging.CRITICAL,
        )
    with cluster, distributed.Client(cluster, set_as_default=False) as client:
        release()
        yield client


def _distributed() -> Any:
    try:
        import distributed
    except ImportError as error:
        raise MicrodsdError(
            "scheduler: needs dask; pip install 'microdsd[distributed]', or leave the scheduler out"
        ) from error
    return distributed
