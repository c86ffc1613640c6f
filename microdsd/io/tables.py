"""Tables of numbers in CSV files, as people and spreadsheets write them."""

from __future__ import annotations

import csv
from pathlib import Path

from microdsd.errors import DataFileError, reason_of


def read_rows(path: str | Path) -> list[list[str]]:
    r"""Read the cells of a CSV file row by row, without blank rows and rows that begin with ``#``.

    In many countries spreadsheets put semicolons between cells and a comma into numbers; where the
    first row has a semicolon, the commas of all others are read as decimal points.

    Parameters
    ----------
    path : str or Path
        Text in UTF-8, with or without a byte order mark.

    Returns
    -------
    list of list of str
        Cells without the blanks around them.

    Raises
    ------
    DataFileError
        The file cannot be read, or is not in UTF-8.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "layers.csv"
    >>> _ = file.write_text("pore;clay\n0,2;0,1\n", encoding="utf-8")
    >>> read_rows(file)
    [['pore', 'clay'], ['0.2', '0.1']]
    """
    try:
        with Path(path).open(newline="", encoding="utf-8-sig") as file:
            lines = [line for line in file if line.strip() and not line.lstrip().startswith("#")]
        semicolons = bool(lines) and ";" in lines[0]
        rows = csv.reader(lines, delimiter=";" if semicolons else ",", skipinitialspace=True)
        cells = [[cell.strip() for cell in row] for row in rows]
    except UnicodeDecodeError as error:
        raise DataFileError(
            f"{path}: is not text in UTF-8 ({error.reason}); save it as CSV UTF-8"
        ) from error
    except FileNotFoundError as error:
        raise DataFileError(
            f"{path}: there is no such file; check the name and the folder"
        ) from error
    except (OSError, csv.Error) as error:
        raise DataFileError(f"{path}: not a readable CSV file ({reason_of(error)})") from error
    if semicolons:
        cells[1:] = [[cell.replace(",", ".") for cell in row] for row in cells[1:]]
    return cells
