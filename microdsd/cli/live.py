"""Progress on stderr, so that stdout stays clean for ``--json``."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.status import Status
from rich.text import Text

from microdsd import progress
from microdsd.cli.terminal import printable


class _Console(Console):
    """Escape what the terminal would act upon."""

    def render_str(self, text: str, **options: Any) -> Text:
        """Return the text of a string."""
        return super().render_str(printable(text), **options)


STDERR = _Console(stderr=True, markup=False, emoji=False, highlight=False)
"""Names of files, phases and properties are printed as they are: ``[red]`` is no markup, ``:x:`` is
no emoji."""


def working(doing: str) -> Status:
    """Show a spinner beside a few words, which are no markup."""
    return STDERR.status(Text(printable(doing)))


def note(text: str) -> None:
    """Print what the user should know but need not act on."""
    STDERR.print(Text.assemble(("note: ", "yellow"), printable(text)), soft_wrap=True)


def progress_bar(
    *, status: bool = False, rate: str | None = None, console: Console = STDERR
) -> AbstractContextManager[Progress]:
    """Show the progress of tasks; see `microdsd.progress.progress_bar`."""
    return progress.progress_bar(status=status, rate=rate, console=console)


def show_progress() -> AbstractContextManager[None]:
    """Show the stages of whatever runs inside; see `microdsd.progress.show_progress`."""
    return progress.show_progress(STDERR)
