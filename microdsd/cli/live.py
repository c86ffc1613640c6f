"""Progress on stderr, so that stdout stays clean for ``--json``."""

from __future__ import annotations

from contextlib import AbstractContextManager

from rich.console import Console
from rich.progress import Progress
from rich.status import Status
from rich.text import Text

from microdsd import progress

STDERR = Console(stderr=True, markup=False, highlight=False)
"""Names of files and phases are printed as they are: ``[red]`` is no markup."""


def working(doing: str) -> Status:
    """A spinner beside a few words, which are no markup."""
    return STDERR.status(Text(doing))


def note(text: str) -> None:
    """Print what the user should know but need not act on."""
    STDERR.print(Text.assemble(("note: ", "yellow"), text), soft_wrap=True)


def progress_bar(
    *, status: bool = False, rate: str | None = None, console: Console = STDERR
) -> AbstractContextManager[Progress]:
    """Progress of tasks; see `microdsd.progress.progress_bar`."""
    return progress.progress_bar(status=status, rate=rate, console=console)


def show_progress() -> AbstractContextManager[None]:
    """Show the stages of whatever runs inside; see `microdsd.progress.show_progress`."""
    return progress.show_progress(STDERR)
