"""Long work says how far it is; unless someone watches, that costs nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Protocol


class Stage(Protocol):
    """One piece of long work."""

    def advance(self, amount: float = 1) -> None:
        """So much more of the total is done."""
        ...

    def update(self, done: float, status: str = "") -> None:
        """So much of the total is done; in words, what is going on or how well it goes."""
        ...


class Watcher(Protocol):
    """Who wants to see it."""

    def watch(self, description: str, total: float | None) -> AbstractContextManager[Stage]:
        """Show a stage from its begin to its end."""
        ...


watching: ContextVar[Watcher | None] = ContextVar("watching", default=None)


class _Unwatched:
    def advance(self, amount: float = 1) -> None:
        pass

    def update(self, done: float, status: str = "") -> None:
        pass


@contextmanager
def stage(description: str, total: float | None = None) -> Iterator[Stage]:
    """Say that a piece of long work begins, how far it is, and that it has ended.

    Parameters
    ----------
    description : str
        In a word or two.
    total : float, optional
        What there is to do; without, only the time that has passed can be shown.

    Examples
    --------
    >>> with stage("counting", total=3) as counting:
    ...     for _ in range(3):
    ...         counting.advance()
    """
    watcher = watching.get()
    if watcher is None:
        yield _Unwatched()
        return
    with watcher.watch(description, total) as watched:
        yield watched
