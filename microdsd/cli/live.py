"""Progress on stderr, so that stdout stays clean for ``--json``."""

from __future__ import annotations

from contextlib import AbstractContextManager

from rich.console import Console
from rich.progress import Progress

from microdsd import progress

STDERR = Console(stderr=True)


def progress_bar(
    *, status: bool = False, rate: str | None = None, console: Console = STDERR
) -> AbstractContextManager[Progress]:
    """Progress of tasks; see `microdsd.progress.progress_bar`."""
    return progress.progress_bar(status=status, rate=rate, console=console)


def show_progress() -> AbstractContextManager[None]:
    """Show the stages of whatever runs inside; see `microdsd.progress.show_progress`."""
    return progress.show_progress(STDERR)
