"""The training log: one CSV that a spreadsheet, or the report, can read while training runs."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from microdsd.training.loop import StepRecord


class TrainingLog:
    """CSV with the columns step, minutes, loss and one ``gain_<sigma>`` per validation level.

    Parameters
    ----------
    path : Path
        Rows after ``step`` are dropped from a log that is there already, as a run that goes on
        from that step will write them again.
    levels : sequence of float
        Noise levels of validation.
    step : int
        Step that the run goes on from; 0 starts a new log.
    """

    def __init__(self, path: Path, levels: Sequence[float], step: int = 0) -> None:
        self._path = path
        header = ["step", "minutes", "loss", *(f"gain_{level:.3g}" for level in levels)]
        self._gains = len(levels)
        kept: list[list[str]] = []
        if step and path.exists():
            with path.open(newline="") as file:
                kept = [row for row in list(csv.reader(file))[1:] if int(row[0]) <= step]
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([header, *kept])

    def write(self, record: StepRecord) -> None:
        """Append one row."""
        gains = [f"{gain:.5f}" for gain in record.gains] if record.gains else [""] * self._gains
        row = [str(record.step), f"{record.minutes:.4f}", f"{record.loss:.5f}", *gains]
        with self._path.open("a", newline="") as file:
            csv.writer(file).writerow(row)
