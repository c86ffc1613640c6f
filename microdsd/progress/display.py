"""Progress as people see it: bars in terminals, lines in notebooks, those with the time in logs."""

from __future__ import annotations

import datetime
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Column
from rich.text import Text

from microdsd.progress.stages import Stage, watching

SECONDS_BETWEEN_LINES = 30.0
_SECONDS_IN_NOTEBOOKS = 1.0
_SECONDS_TO_JUDGE_BY = 1800.0


class _Row:
    """Hold a stage as a row of the display."""

    def __init__(self, bar: Progress, task: TaskID) -> None:
        self._bar, self._task = bar, task

    def advance(self, amount: float = 1) -> None:
        self._bar.advance(self._task, amount)

    def update(self, done: float, total: float | None = None, status: str = "") -> None:
        self._bar.update(self._task, completed=done, total=total, status=status)


class _Rows:
    """Show every stage as a row while it lasts; see `Watcher`."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar

    @contextmanager
    def watch(self, description: str, total: float | None) -> Iterator[Stage]:
        task = self._bar.add_task(description, total=total, status="")
        try:
            yield _Row(self._bar, task)
        finally:
            self._bar.remove_task(task)


@contextmanager
def show_progress(console: Console | None = None) -> Iterator[None]:
    """Show how far whatever runs inside has come: in a terminal, a notebook or a log.

    Parameters
    ----------
    console : rich.console.Console, optional
        By default one on standard error, or the notebook's cell.

    Examples
    --------
    >>> import microdsd
    >>> model = microdsd.MicrostructureModel.load("berea-2d")
    >>> with microdsd.show_progress():  # in a log, a line every 30 seconds: here none
    ...     new = model.sample(2, shape=(32, 32), rng=0)
    """
    if watching.get() is not None:  # the outer one shows it
        yield
        return
    with progress_bar(status=True, console=console) as bar:
        token = watching.set(_Rows(bar))
        try:
            yield
        finally:
            watching.reset(token)


@contextmanager
def progress_bar(
    *, status: bool = False, rate: str | None = None, console: Console | None = None
) -> Iterator[Progress]:
    """Show the progress of tasks: bars on a terminal, elsewhere a line now and then.

    Parameters
    ----------
    status : bool
        Whether to show the field ``status`` of the task; it gives way on a narrow terminal.
    rate : str, optional
        What is counted, to show how many a second, minute or hour; each may take minutes.
    console : Console, optional
        By default one on standard error, or the notebook's cell.
    """
    console = console or Console(stderr=True, emoji=False)
    live = console.is_terminal and not (console.is_dumb_terminal or console.is_jupyter)
    status_column = TextColumn(
        "{task.fields[status]}",
        style="cyan",
        markup=False,
        table_column=Column(no_wrap=True, ratio=1),
    )
    bar = Progress(
        TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True)),
        BarColumn(bar_width=8 if status else 30),
        TaskProgressColumn(),
        *([status_column] if status else []),
        *([_RateColumn(rate)] if rate else []),
        TimeRemainingColumn(table_column=Column(no_wrap=True, min_width=7)),
        TextColumn("left", table_column=Column(no_wrap=True, min_width=4)),
        console=console,
        expand=status,
        speed_estimate_period=_SECONDS_TO_JUDGE_BY if rate else 30.0,
        redirect_stdout=False,  # standard output is for results, which may be JSON
        disable=not live,
    )
    with bar if live else _lines(bar, console, rate):
        yield bar


class _RateColumn(ProgressColumn):
    """Show how many steps are done per unit of time."""

    def __init__(self, things: str) -> None:
        super().__init__(table_column=Column(no_wrap=True))
        self._things = things

    def render(self, task: Task) -> Text:
        """Return the rate so far; empty for one step in all, or before the first."""
        return Text(_rate(task, self._things))


@contextmanager
def _lines(bar: Progress, console: Console, rate: str | None) -> Iterator[None]:
    """Say in a line what is being done, now and then, whether or not there is news."""
    ended = threading.Event()
    if console.is_jupyter:
        seconds, say = _SECONDS_IN_NOTEBOOKS, _in_place()
    else:
        seconds, say = SECONDS_BETWEEN_LINES, partial(_after_the_time, console)

    def tell() -> None:
        while not ended.wait(seconds):
            unfinished = [task for task in bar.tasks if not task.finished]
            if unfinished:
                say(line_of(unfinished[-1], rate))

    teller = threading.Thread(target=tell, daemon=True, name="progress")
    teller.start()
    try:
        yield
    finally:
        ended.set()
        teller.join()


def _after_the_time(console: Console, line: str) -> None:
    now = datetime.datetime.now().strftime("%H:%M:%S")
    console.print(f"{now} {line}", markup=False, emoji=False, highlight=False, soft_wrap=True)


def _in_place() -> Callable[[str], object]:
    """Return a function that shows each line of a notebook in the place of the last one.

    (Bars, rich's or tqdm's, would need ipywidgets, which not every notebook has.)
    """
    from IPython.display import display

    handle = display(  # type: ignore[no-untyped-call]
        {"text/plain": ""}, raw=True, display_id=True
    )
    return lambda line: handle.update({"text/plain": line}, raw=True)


def line_of(task: Task, rate: str | None = None) -> str:
    """Format one line on a task: its name, its progress, its state and its time.

    Examples
    --------
    >>> with progress_bar(status=True) as bar:
    ...     number = bar.add_task("training", total=1.0, completed=0.25, status="gain 0.31")
    ...     line_of(bar.tasks[0])
    'training: 25 %, gain 0.31, 0:00:00 so far, 0:00:00 left'
    """
    known = task.total is not None and task.total > 0
    parts = [f"{task.percentage:.0f} %"] if known else []
    if status := task.fields.get("status"):
        parts.append(status)
    if rate and (speed := _rate(task, rate)):
        parts.append(speed)
    parts.append(f"{_clock(task.elapsed or 0)} so far")
    left = task.time_remaining
    if left is None and known and task.percentage >= 1:
        left = (task.elapsed or 0) * (100 / task.percentage - 1)
    if left is not None:
        parts.append(f"{_clock(left)} left")
    return f"{task.description}: {', '.join(parts)}"


def _rate(task: Task, things: str) -> str:
    if not task.speed or (task.total or 0) <= 1:
        return ""
    seconds, unit = next(
        (seconds, unit)
        for seconds, unit in ((1, "s"), (60, "min"), (3600, "h"))
        if task.speed * seconds >= 1 or unit == "h"
    )
    return f"{task.speed * seconds:.1f} {things}/{unit}"


def _clock(seconds: float) -> str:
    return str(datetime.timedelta(seconds=round(seconds)))
