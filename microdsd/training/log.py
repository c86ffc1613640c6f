"""The training log: one CSV that a spreadsheet, or the report, can read while training runs."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from microdsd.errors import DataFileError, reason_of
from microdsd.training.loop import StepRecord


class TrainingLog:
    """Write a CSV with step, minutes, loss and one ``gain_<sigma>`` per validation level.

    Parameters
    ----------
    path : Path
        Rows after ``step`` are dropped from a log that is there already, as a run that goes on
        from that step will write them again.
    levels : sequence of float
        Noise levels of validation.
    step : int
        Step that the run goes on from; 0 starts a new log, as does one that is not there.

    Raises
    ------
    DataFileError
        If the file is not the log of such a run.
    """

    def __init__(self, path: Path, levels: Sequence[float], step: int = 0) -> None:
        self._path = path
        header = ["step", "minutes", "loss", *(f"gain_{level:.3g}" for level in levels)]
        self._gains = len(levels)
        kept = _rows(path, header, step) if path.exists() else []
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([header, *kept])

    def write(self, record: StepRecord) -> None:
        """Append one row; of the last draw, whose losses are others, none."""
        if record.last_draw:
            return
        gains = [f"{gain:.5f}" for gain in record.gains] if record.gains else [""] * self._gains
        row = [str(record.step), f"{record.minutes:.4f}", f"{record.loss:.5f}", *gains]
        with self._path.open("a", newline="", encoding="utf-8") as file:
            csv.writer(file).writerow(row)


def _rows(path: Path, header: list[str], step: int) -> list[list[str]]:
    """Read rows of an earlier log up to a step; a last one that was cut short is left out."""
    try:
        text = path.read_text(encoding="utf-8")
        columns, *rows = list(csv.reader(text.splitlines())) or [header]
        if columns[:3] != header[:3] or (step and columns != header):
            raise ValueError(f"its columns are {', '.join(columns)[:60]!r}")
        if rows and not text.endswith("\n"):
            rows.pop()
        return [row for row in rows if int(row[0]) <= step]
    except (OSError, ValueError, IndexError, csv.Error) as error:
        raise DataFileError(
            f"{path}: is not the log of this run, or damaged ({reason_of(error)}); "
            "move it away: training "
            "goes on without, and begins another"
        ) from error
