"""The log that training writes, as curves for the report."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from microdsd.errors import DataFileError, InputError, reason_of

Curve = NDArray[np.float64]


@dataclass(frozen=True)
class TrainingLog:
    """Hold curves over training time; NaN where a quantity was not measured.

    Attributes
    ----------
    minutes, loss : ndarray, shape (record,)
    gains : dict of str to ndarray, shape (record,)
        Nats per walker on validation windows, by noise level.
    """

    minutes: Curve
    loss: Curve
    gains: dict[str, Curve]


def read_training_log(path: str | Path) -> TrainingLog:
    r"""Read a CSV with the columns minutes, loss and any number that start with ``gain``.

    Raises
    ------
    DataFileError
        If the file cannot be read.
    InputError
        If a column is missing or a value is not a number.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "log.csv"
    >>> _ = file.write_text("step,minutes,loss,gain_0.7\n1,0.1,-0.2,\n2,0.2,-0.4,0.5\n")
    >>> read_training_log(file).gains
    {'σ = 0.7': array([nan, 0.5])}
    """
    try:
        with Path(path).open(newline="", encoding="utf-8") as file:
            records = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataFileError(
            f"{path}: the training log cannot be read ({reason_of(error)}); "
            "pass the CSV that training wrote"
        ) from error
    columns = list(records[0]) if records else []
    missing = sorted({"minutes", "loss"} - set(columns))
    if missing:
        raise InputError(
            f"{path}: the training log has no {' and no '.join(missing)} in its columns {columns}; "
            "pass the CSV that training wrote"
        )
    try:
        table = {
            name: np.array([float(record[name] or "nan") for record in records])
            for name in columns
            if name in {"minutes", "loss"} or str(name).startswith("gain")
        }
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{path}: the training log holds a value that is no number: {error}"
        ) from None
    return TrainingLog(
        minutes=table.pop("minutes"),
        loss=table.pop("loss"),
        gains={_level(name): values for name, values in table.items()},
    )


def _level(column: str) -> str:
    number = re.search(r"\d+(\.\d+)?", column)
    return f"σ = {float(number.group()):g}" if number else column
