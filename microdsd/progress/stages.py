"""Long work says how far it is; unless someone watches, that costs nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Protocol


class Progress(Protocol):
    """Receive the progress of long work: the argument `progress` of every long function."""

    def __call__(self, done: float, total: float | None, status: str, /) -> None:
        """Take the state of the work.

        Parameters
        ----------
        done : float
            How much is done. It does not fall, and need not be a whole number.
        total : float or None
            How much there is to do; None where that is not known.
        status : str
            In words, what is going on or how well it goes.
        """
        ...


class Stage(Protocol):
    """Represent one piece of long work."""

    def advance(self, amount: float = 1) -> None:
        """Add to what is done."""
        ...

    def update(self, done: float, total: float | None = None, status: str = "") -> None:
        """Set what is done, as a `Progress` is told; a total of None leaves the total as it is."""
        ...


class Watcher(Protocol):
    """Watch the stages of long work."""

    def watch(self, description: str, total: float | None) -> AbstractContextManager[Stage]:
        """Show a stage from its begin to its end."""
        ...


watching: ContextVar[Watcher | None] = ContextVar("watching", default=None)


class _Unwatched:
    def advance(self, amount: float = 1) -> None:
        pass

    def update(self, done: float, total: float | None = None, status: str = "") -> None:
        pass


class _Reported:
    """Report a stage to a `Progress` too."""

    def __init__(self, inner: Stage, total: float | None, progress: Progress) -> None:
        self._inner, self._total, self._progress = inner, total, progress
        self._done = 0.0

    def advance(self, amount: float = 1) -> None:
        self.update(self._done + amount)

    def update(self, done: float, total: float | None = None, status: str = "") -> None:
        self._done = done
        self._total = self._total if total is None else total
        self._inner.update(done, total, status)
        self._progress(done, self._total, status)


@contextmanager
def stage(
    description: str, total: float | None = None, progress: Progress | None = None
) -> Iterator[Stage]:
    """Report the start, the progress and the end of a piece of long work.

    Parameters
    ----------
    description : str
        In a word or two.
    total : float, optional
        What there is to do; without, only the time that has passed can be shown.
    progress : Progress, optional
        Receives what the stage receives, whether or not `show_progress` shows it.

    Examples
    --------
    >>> with stage("counting", 3, progress=print) as counting:
    ...     counting.update(2, status="two of them")
    ...     counting.update(3, status="all of them")
    2 3 two of them
    3 3 all of them
    """
    watcher = watching.get()
    if watcher is None:
        yield _Unwatched() if progress is None else _Reported(_Unwatched(), total, progress)
        return
    with watcher.watch(description, total) as displayed:
        yield displayed if progress is None else _Reported(displayed, total, progress)


def part_of(whole: Stage, done: float, words: str = "") -> Progress:
    """Return the progress of one unit of a stage; its share is added to the completed units.

    Parameters
    ----------
    whole : Stage
    done : float
        Units that are done when this one begins.
    words : str
        Put before the words of the unit.

    Examples
    --------
    >>> with stage("measuring", 2, progress=print) as measuring:
    ...     tell = part_of(measuring, 1, "sample 1")
    ...     tell(1, 4, "surface")
    1.25 2 sample 1: surface
    """

    def tell(part: float, total: float | None, status: str) -> None:
        share = part / total if total else 0.0
        whole.update(done + share, status=": ".join(filter(None, (words, status))))

    return tell
