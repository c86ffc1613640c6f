"""Atomic writes: a file is there whole under its final name, or not at all."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import socket
import stat
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from microdsd.errors import DataFileError, MicrodsdError

_ABANDONED = 24 * 3600.0
"""Seconds without a write after which the temporary file of an unknown process is given up."""


@contextmanager
def atomic_write(path: str | Path, *, overwrite: bool) -> Iterator[Path]:
    """Yield a temporary path that takes the final name when the block ends without an error.

    Temporary files that killed processes left of the same output are removed.

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
    with replacing(ensure_writable(path, overwrite=overwrite)) as temporary:
        yield temporary


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Write as `atomic_write`, over a file that may be replaced, in a checked folder."""
    temporary = temporary_beside(path)
    try:
        yield temporary
        _flush_to_disk(temporary)
        temporary.replace(path)
    except MicrodsdError:
        raise
    except OSError as error:
        raise DataFileError(
            f"{path}: cannot be written ({error.strerror or error}); "
            "free disk space, check permissions, close it in other programs, or choose another "
            "folder"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def ensure_writable(
    path: str | Path, *, overwrite: bool, inputs: Iterable[str | Path] = ()
) -> Path:
    """Refuse a name that `atomic_write` would refuse, before long work rather than after it.

    Parameters
    ----------
    path : str or Path
    overwrite : bool
        Whether a file of that name may be replaced.
    inputs : iterable of str or Path
        Files that are read for what is to be written: never replaced, whatever `overwrite` says.
        Names that are none of a file do not matter.

    Raises
    ------
    DataFileError
        The file exists and `overwrite` is false; it is one of the inputs, a folder, a device or a
        pipe; its folder does not exist, or takes no files.

    Examples
    --------
    >>> ensure_writable("report.html", overwrite=True).name
    'report.html'
    """
    path = Path(path)
    _check_name(path)
    if path.is_dir():
        raise DataFileError(f"{path}: is a folder; give the name of a file")
    if path.exists():
        if not stat.S_ISREG(path.stat().st_mode):
            raise DataFileError(f"{path}: is a device or a pipe, no file; give the name of a file")
        for read in map(Path, inputs):
            if read.exists() and read.samefile(path):
                raise DataFileError(
                    f"{path}: is read by this very command and will not be replaced; "
                    "give another name"
                )
        if not overwrite:
            raise DataFileError(f"{path}: exists; pass overwrite=True (--force) or another name")
    if not path.parent.is_dir():
        raise DataFileError(f"{path}: the folder {path.parent} does not exist; create it first")
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise DataFileError(
            f"{path}: nothing can be written into the folder {path.parent} "
            f"({error.strerror or error}); check its permissions, or choose another folder"
        ) from error
    _remove_abandoned(path)
    return path


def _check_name(path: Path) -> None:
    try:
        path.exists()
        if path.name:
            temporary_beside(path).exists()  # longer than the name itself
    except OSError as error:
        raise DataFileError(
            f"{str(path)[:80]}: no file can have this name ({error.strerror or error}); "
            "give another one"
        ) from error
    if "\0" in str(path):
        raise DataFileError(f"{path}: no file can have this name (it holds U+0000)")


def temporary_beside(path: Path) -> Path:
    """Name that tells whose it is: ``.stem.host-process-token.suffix``."""
    token = secrets.token_hex(4)
    return path.with_name(f".{path.stem}.{_host()}-{os.getpid()}-{token}{path.suffix}")


def _host() -> str:
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:6]


def _remove_abandoned(path: Path) -> None:
    """Remove temporary files of this output whose process is gone."""
    pattern = re.compile(
        re.escape(f".{path.stem}.")
        + r"(?:(?P<host>[0-9a-f]{6})-(?P<process>\d+)-)?[0-9a-f]{8}"
        + re.escape(path.suffix)
    )
    for left in path.parent.iterdir():
        if (matched := pattern.fullmatch(left.name)) is None:
            continue
        with suppress(OSError):
            same_host = matched["host"] == _host()
            gone = same_host and not psutil.pid_exists(int(matched["process"]))
            if gone or time.time() - left.stat().st_mtime > _ABANDONED:
                left.unlink()


def _flush_to_disk(path: Path) -> None:
    with path.open("r+b") as file:  # Windows flushes only what may be written to
        os.fsync(file.fileno())
