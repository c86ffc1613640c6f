"""Progress on stderr, so that stdout stays clean for ``--json``."""

from __future__ import annotations

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Column

STDERR = Console(stderr=True)


def progress_bar(*, status: bool = False, console: Console = STDERR) -> Progress:
    """Progress bar with share done, time spent and time left.

    Parameters
    ----------
    status : bool
        Whether to show the field ``status`` of the task; it gives way on a narrow terminal.
    console : Console
    """
    told = TextColumn("[cyan]{task.fields[status]}", table_column=Column(no_wrap=True, ratio=1))
    return Progress(
        TextColumn("{task.description}", table_column=Column(no_wrap=True)),
        BarColumn(bar_width=12 if status else 40),
        TaskProgressColumn(),
        *([told] if status else []),
        TimeElapsedColumn(table_column=Column(no_wrap=True, min_width=7)),
        TimeRemainingColumn(table_column=Column(no_wrap=True, min_width=7)),
        TextColumn("left", table_column=Column(no_wrap=True, min_width=4)),
        console=console,
        expand=status,
    )
