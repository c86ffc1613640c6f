"""Atomic writes: a file is there whole under its final name, or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from microdsd.errors import DataFileError, MicrodsdError


@contextmanager
def atomic_write(path: str | Path, *, overwrite: bool) -> Iterator[Path]:
    """Yield a temporary path that takes the final name when the block ends without an error.

    Parameters
    ----------
    path : str or Path
        Final name. The temporary file lies beside it and has the same suffix.
    overwrite : bool
        Whether a file of that name may be replaced.

    Raises
    ------
    DataFileError
        The file exists and `overwrite` is false, the folder does not exist, or the disk refused
        the data. An earlier file is then untouched and the temporary one is gone, as they are
        after an interrupt.

    Examples
    --------
    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "note.txt"
    >>> with atomic_write(target, overwrite=False) as temporary:
    ...     _ = temporary.write_text("whole")
    >>> target.read_text()
    'whole'
    """
    path = ensure_writable(path, overwrite=overwrite)
    temporary = path.with_name(f".{path.stem}.{secrets.token_hex(4)}{path.suffix}")
    try:
        yield temporary
        _flush_to_disk(temporary)
        temporary.replace(path)
    except MicrodsdError:
        raise
    except OSError as error:
        raise DataFileError(
            f"{path}: cannot be written ({error.strerror or error}); "
            "free disk space, check permissions, or choose another folder"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def ensure_writable(path: str | Path, *, overwrite: bool) -> Path:
    """Refuse a name that `atomic_write` would refuse, before long work rather than after it.

    Raises
    ------
    DataFileError
        The file exists and `overwrite` is false, is a folder, or its folder does not exist.

    Examples
    --------
    >>> ensure_writable("report.html", overwrite=True).name
    'report.html'
    """
    path = Path(path)
    if path.exists() and not overwrite:
        raise DataFileError(f"{path}: exists; pass overwrite=True (--force) or another name")
    if path.is_dir():
        raise DataFileError(f"{path}: is a folder; give the name of a file")
    if path.exists() and not path.is_file():
        raise DataFileError(f"{path}: is a device or a pipe, not a file; give another name")
    if not path.parent.is_dir():
        raise DataFileError(f"{path}: the folder {path.parent} does not exist; create it first")
    return path


def _flush_to_disk(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
