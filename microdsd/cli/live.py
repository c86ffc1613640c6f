"""Progress on stderr, so that stdout stays clean for ``--json``."""

from __future__ import annotations

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.status import Status
from rich.table import Column
from rich.text import Text

STDERR = Console(stderr=True, markup=False, highlight=False)
"""Names of files and phases are printed as they are: ``[red]`` is no markup."""
SECONDS_TO_JUDGE_BY = 1800.0


class RateColumn(ProgressColumn):
    """How many things are done in a time in which there is at least one.

    Parameters
    ----------
    things : str
    """

    def __init__(self, things: str) -> None:
        super().__init__(table_column=Column(no_wrap=True))
        self._things = things

    def render(self, task: Task) -> Text:
        """Rate so far; nothing where all is one thing, or while none is done."""
        if not task.speed or (task.total or 0) <= 1:
            return Text("")
        seconds, unit = next(
            (seconds, unit)
            for seconds, unit in ((1, "s"), (60, "min"), (3600, "h"))
            if task.speed * seconds >= 1 or unit == "h"
        )
        return Text(f"{task.speed * seconds:.1f} {self._things}/{unit}")


def working(doing: str) -> Status:
    """A spinner beside a few words, which are no markup."""
    return STDERR.status(Text(doing))


def note(text: str) -> None:
    """Print what the user should know but need not act on."""
    STDERR.print(Text.assemble(("note: ", "yellow"), text), soft_wrap=True)


def progress_bar(
    *, status: bool = False, rate: str | None = None, console: Console = STDERR
) -> Progress:
    """Progress bar with share done, time spent and time left.

    Parameters
    ----------
    status : bool
        Whether to show the field ``status`` of the task; it gives way on a narrow terminal.
    rate : str, optional
        What is counted, to show how many a second, minute or hour; each may take minutes.
    console : Console
    """
    told = TextColumn(
        "{task.fields[status]}",
        style="cyan",
        markup=False,
        table_column=Column(no_wrap=True, ratio=1),
    )
    return Progress(
        TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True)),
        BarColumn(bar_width=12 if status else 40),
        TaskProgressColumn(),
        *([told] if status else []),
        *([RateColumn(rate)] if rate else []),
        TimeElapsedColumn(table_column=Column(no_wrap=True, min_width=7)),
        TimeRemainingColumn(table_column=Column(no_wrap=True, min_width=7)),
        TextColumn("left", table_column=Column(no_wrap=True, min_width=4)),
        console=console,
        expand=status,
        speed_estimate_period=SECONDS_TO_JUDGE_BY if rate else 30.0,
    )
