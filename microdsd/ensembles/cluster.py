"""Functions called by the workers of a dask cluster, here or elsewhere."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from microdsd import __version__
from microdsd.ensembles.work import Finding, Outcome, Work
from microdsd.errors import InputError, MicrodsdError
from microdsd.io import split_spec
from microdsd.progress.interrupts import held_interrupts

T = TypeVar("T")

LOCAL = "local"
PER_THREAD, AT_LEAST = 2, 64
"""Calls that are given out at a time: what waits is small, and workers may join later."""
SECONDS_TO_CONNECT = 20


class KilledWorkersError(MicrodsdError):
    """Report a task that has killed every worker."""


def check_scheduler(scheduler: str | None, workers: int | None) -> None:
    """Refuse what cannot be used before anything is read.

    Raises
    ------
    InputError
        Neither "local" nor an address, or a number of workers that is not ours to choose, or has
        no scheduler.
    MicrodsdError
        The extra ``distributed`` is missing.
    """
    if scheduler is None:
        if workers is not None:
            raise InputError("workers: go with the scheduler; give 'local' (--scheduler local)")
        return
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
    if not numbers:
        return
    goes_on = "what was measured before is kept, --resume (resume=True) goes on"
    with connected(scheduler, workers, len(numbers), goes_on) as cluster:
        calls = ((number, (work, number)) for number in numbers)
        for number, result in cluster.results(_do, calls):
            yield Outcome(number, result)


@contextmanager
def connected(
    scheduler: str, workers: int | None, most: int, goes_on: str
) -> Iterator[ClusterOfWorkers]:
    """Bind the workers of a scheduler; our own ones end with the block.

    Parameters
    ----------
    scheduler : str
        As `check_scheduler` lets it pass.
    workers : int, optional
        Number of our own, by default one per processor.
    most : int
        Workers of our own that there is work for.
    goes_on : str
        What is said to those whose scheduler is lost: what is kept, and how to go on.

    Raises
    ------
    MicrodsdError
        The scheduler cannot be reached.
    """
    distributed = _distributed()
    if scheduler == LOCAL:
        from dask.system import CPU_COUNT

        workers = min(workers or CPU_COUNT, most)
    from dask import config

    # Where there is much to send, it is a tile of a large box, and meant.
    with (
        config.set({"distributed.admin.large-graph-warning-threshold": "1 TB"}),
        _client(distributed, scheduler, workers) as client,
    ):
        yield ClusterOfWorkers(distributed, client, scheduler, goes_on)


class ClusterOfWorkers:
    """Call functions by workers; see `connected`."""

    def __init__(self, distributed: Any, client: Any, scheduler: str, goes_on: str) -> None:
        self._distributed, self._client = distributed, client
        self._scheduler, self._goes_on = scheduler, goes_on

    def results(
        self, function: Callable[..., T], calls: Iterable[tuple[int, tuple[Any, ...]]]
    ) -> Generator[tuple[int, T | Exception], None, None]:
        """Yield results of calls, or errors, as they are ready; a bounded number is given out.

        A call whose worker dies is given to another worker.

        Parameters
        ----------
        function : callable
            A function that workers can import.
        calls : iterable of (int, tuple)
            Number and arguments of every call; made when there is a worker for it.

        Raises
        ------
        MicrodsdError
            The scheduler is lost.
        """
        waiting = iter(calls)
        places: dict[Any, int] = {}

        def give_out() -> list[Any]:
            free = max(PER_THREAD * self._threads(), AT_LEAST) - len(places)
            given = [
                (self._client.submit(function, *arguments, pure=False), number)
                for number, arguments in islice(waiting, max(free, 0))
            ]
            places.update(given)
            return [future for future, _ in given]

        with _loss_told(self._scheduler, self._goes_on):
            ready = self._distributed.as_completed(give_out(), loop=self._client.loop)
            for future in ready:
                yield places.pop(future), _result(self._distributed, future)
                ready.update(give_out())

    def in_order(
        self, function: Callable[..., T], calls: Iterable[tuple[Any, ...]]
    ) -> Generator[T | Exception, None, None]:
        """Yield results of calls, or errors, in the order of the calls; of large arguments.

        No more are given out at a time than keep all threads busy. See `results`.
        """
        given: deque[Any] = deque()
        with _loss_told(self._scheduler, self._goes_on):
            for arguments in calls:
                given.append(self._client.submit(function, *arguments, pure=False))
                if len(given) >= PER_THREAD * max(1, self._threads()):
                    yield _result(self._distributed, given.popleft())
            while given:
                yield _result(self._distributed, given.popleft())

    def _threads(self) -> int:
        return sum(self._client.nthreads().values())


def require_version(version: str) -> None:
    """Refuse, on a worker, work that another version of this package has given out."""
    if version != __version__:
        raise MicrodsdError(
            f"scheduler: its workers have microdsd {__version__}, this is {version}; "
            "install one version everywhere"
        )


def require_visible(path: str) -> None:
    """Refuse, on a worker, work on a file that is not there."""
    if not Path(path).exists():
        raise MicrodsdError(
            f"{path}: a worker does not see this file; workers open it by this path, so put it "
            "on a file system that all machines share"
        )


def _do(work: Work, number: int) -> Finding:
    """Measure one sample on a worker."""
    require_version(work.version)
    path, _ = split_spec(work.ensemble.place(number)[0])
    require_visible(str(path))
    return work.do(number)


def _result(distributed: Any, future: Any) -> Any:
    try:
        return future.result()
    except distributed.KilledWorker as error:
        return KilledWorkersError(
            f"{error.allowed_failures + 1} workers died over it, most likely for want of memory; "
            "fewer workers leave each more"
        )
    except CancelledError:
        raise
    except ImportError as error:
        return MicrodsdError(
            f"scheduler: a worker cannot import what it needs ({error}); install the same "
            "packages everywhere"
        )
    except Exception as error:
        return error


@contextmanager
def _loss_told(scheduler: str, goes_on: str) -> Iterator[None]:
    """Say what became of a run whose scheduler does not answer any more."""
    try:
        yield
    except (CancelledError, OSError) as error:
        raise MicrodsdError(f"scheduler: {scheduler} is lost; {goes_on}") from error


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
            # Without a dashboard, but on a free port: there may be another run on this machine.
            dashboard_address=None,
            scheduler_kwargs={"dashboard": False, "dashboard_address": "127.0.0.1:0"},
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
            'scheduler: needs dask; pip install "microdsd[distributed]", or leave the scheduler out'
        ) from error
    return distributed
