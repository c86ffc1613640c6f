"""Progress on stderr, so that stdout stays clean for ``--json``."""

from __future__ import annotations

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

STDERR = Console(stderr=True)


def progress_bar(*extra: ProgressColumn | str, count: bool = False) -> Progress:
    """Progress bar with share or count done, time spent and time left, and extra columns."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn() if count else TaskProgressColumn(),
        *extra,
        TimeElapsedColumn(),
        TextColumn("elapsed,"),
        TimeRemainingColumn(),
        TextColumn("left"),
        console=STDERR,
        transient=False,
    )
