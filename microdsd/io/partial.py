"""Work that is not finished, kept beside its output so that it can go on.

One folder ``<output>.partial`` holds a record of the run and one file per finished part; one
process at a time works on an output.
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from filelock import SoftFileLock, Timeout

from microdsd.errors import DataFileError
from microdsd.io.atomic import ensure_writable, replacing

_RECORD, _DELIVERY, _ASIDE = "record.json", "delivery.json", "aside.npz"
_HELD_WITHOUT_NAME = 2.0
"""Seconds for which an empty lock file is held: its process was killed before it could write its
number, which takes it microseconds."""
_LOOK_AGAIN = 0.05


def place_of_parts(output: str | Path) -> Path:
    """Return the folder beside the output that holds what is done so far."""
    output = Path(output)
    return output.with_name(output.name + ".partial")


@contextmanager
def output_lock(output: str | Path) -> Iterator[None]:
    """Hold the lock with which one process alone works on an output.

    The lock is the file ``.<output>.lock``, with the number of the process and the host's name; one
    that a killed process of this host left is taken over.

    Raises
    ------
    DataFileError
        Another process works on the output; `ensure_writable` refuses it; or the disk is full.

    Examples
    --------
    >>> import tempfile
    >>> output = Path(tempfile.mkdtemp()) / "new.h5"
    >>> with output_lock(output), output_lock(output):  # doctest: +ELLIPSIS
    ...     pass
    Traceback (most recent call last):
    ...
    microdsd.errors.DataFileError: ...new.h5: process ... works on it; ...
    """
    output = ensure_writable(output, overwrite=True)
    place = output.with_name(f".{output.name}.lock")
    lock = SoftFileLock(place)
    try:
        _remove_abandoned_lock(place)
        lock.acquire(timeout=0)
    except Timeout:
        raise DataFileError(
            f"{output}: {_holder(place)} works on it; wait for its end, or give another name. "
            f"If there is no such process any more, delete {place}"
        ) from None
    except OSError as error:  # the lock has removed what it had begun to write
        raise DataFileError(
            f"{output}: {place.name} cannot be written beside it ({error.strerror or error}); "
            "free disk space, check permissions, or choose another folder"
        ) from error
    try:
        yield
    finally:
        lock.release()


def _remove_abandoned_lock(place: Path) -> None:
    """Remove an empty lock file that nobody writes into, now or while one waits for it."""
    asked = time.monotonic()
    with suppress(FileNotFoundError):
        while (status := place.lstat()).st_size == 0:
            age = max(time.time() - status.st_mtime, time.monotonic() - asked)
            if age > _HELD_WITHOUT_NAME:
                place.unlink()
            else:
                time.sleep(_LOOK_AGAIN)


def _holder(place: Path) -> str:
    try:
        process, host, *_ = place.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return "another process"
    return f"process {process} on {host}"


class Parts:
    """Keep finished parts of one run in a folder.

    Parameters
    ----------
    folder : Path
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def record(self) -> dict[str, Any] | None:
        """Return what the run was of; None where there is no run.

        Raises
        ------
        DataFileError
            What is there is damaged, or nobody can say what it is of.
        """
        place = self.folder / _RECORD
        if not place.is_file():
            if self._files():
                raise DataFileError(
                    f"{self.folder}: holds parts of a stopped run but not what they are of; "
                    + self._remedy()
                )
            return None
        try:
            record = json.loads(place.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise self._damaged(place, error) from error
        if not isinstance(record, dict):
            raise self._damaged(place, "no record")
        return record

    def open(self, record: Mapping[str, Any], *, discard_other: bool = False) -> None:
        """Start a run, or continue the one in the folder.

        One of which nothing is kept gives way to any other.

        Parameters
        ----------
        record : mapping
            All that the parts depend on, as JSON can hold it.
        discard_other : bool
            Whether parts of another run, or damaged ones, are thrown away rather than refused.

        Raises
        ------
        DataFileError
            What is there is of another run, or damaged.
        """
        wanted = json.loads(json.dumps(record))
        self._remove_discarded()
        try:
            earlier = self.record()
            if earlier is not None and (earlier == wanted or self.kept):
                self._require_same(wanted, earlier)
                for number in self.numbers():
                    self.read(number)
                self.aside()
                return
        except DataFileError:
            if not discard_other:
                raise
            self.remove()
        self.folder.mkdir(exist_ok=True)
        with replacing(self.folder / _RECORD) as temporary:
            temporary.write_text(json.dumps(wanted), encoding="utf-8")

    def numbers(self) -> list[int]:
        """Return the numbers of the finished parts, in order."""
        return sorted(self._files())

    def add(
        self, number: int, arrays: Mapping[str, np.ndarray], *, compressed: bool = True
    ) -> None:
        """Keep one finished part, whole or not at all; many small arrays are not worth packing."""
        save = np.savez_compressed if compressed else np.savez
        with replacing(self._part(number)) as temporary, temporary.open("wb") as file:
            save(file, **arrays)  # type: ignore[arg-type]

    def read(self, number: int, names: Iterable[str] | None = None) -> dict[str, np.ndarray]:
        """Read arrays of one part; some of them by name, or all.

        Raises
        ------
        DataFileError
            The part is damaged.
        """
        return self._arrays(self._part(number), names)

    def put_aside(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Keep the state of the part that is being made, in place of the last one."""
        with replacing(self.folder / _ASIDE) as temporary, temporary.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]

    def aside(self, names: Iterable[str] | None = None) -> dict[str, np.ndarray] | None:
        """Return the state that was put aside last, or some of its arrays; None where none was.

        Raises
        ------
        DataFileError
            It is damaged.
        """
        place = self.folder / _ASIDE
        return self._arrays(place, names) if place.is_file() else None

    def _arrays(self, place: Path, names: Iterable[str] | None) -> dict[str, np.ndarray]:
        try:
            with place.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                return {name: stored[name] for name in (names or stored.files)}
        except Exception as error:  # zip, zlib and the parser of headers raise what they like
            raise self._damaged(place, error) from error

    @property
    def kept(self) -> bool:
        """Return whether any part is finished, or a state is put aside."""
        return bool(self._files()) or (self.folder / _ASIDE).is_file()

    def begin_delivery(self) -> None:
        """Record that from now on the output of this run may lie under its final name."""
        with replacing(self.folder / _DELIVERY) as temporary:
            temporary.write_text("{}", encoding="utf-8")

    @property
    def delivering(self) -> bool:
        """Return whether an existing output may be this run's own, stopped before its very end."""
        return (self.folder / _DELIVERY).is_file()

    def remove(self) -> None:
        """Forget the run; a process killed meanwhile leaves nothing that could be taken for one."""
        if self.folder.is_dir():
            self.folder.rename(self.folder.with_name(f".{self.folder.name}.{secrets.token_hex(4)}"))
        self._remove_discarded()

    def remove_if_empty(self) -> None:
        """Forget a run of which nothing is kept, so that it stands in no other's way."""
        if not self.kept:
            self.remove()

    def _remove_discarded(self) -> None:
        name = re.compile(re.escape(f".{self.folder.name}.") + "[0-9a-f]{8}")
        for left in list(self.folder.parent.iterdir()):
            if name.fullmatch(left.name) and left.is_dir():
                shutil.rmtree(left, ignore_errors=True)

    def _require_same(self, wanted: Mapping[str, Any], earlier: Mapping[str, Any]) -> None:
        names = dict.fromkeys([*wanted, *earlier])
        differing = [name for name in names if wanted.get(name) != earlier.get(name)]
        if differing:
            raise DataFileError(
                f"{self.folder}: holds a stopped run that differs in {', '.join(differing)}; "
                "repeat its command to go on, or pass overwrite=True (--force) to discard it"
            )

    def _part(self, number: int) -> Path:
        return self.folder / f"{number:06d}.npz"

    def _files(self) -> list[int]:
        if not self.folder.is_dir():
            return []
        names = (re.fullmatch(r"(\d+)\.npz", path.name) for path in self.folder.iterdir())
        return [int(name[1]) for name in names if name]

    def _damaged(self, place: Path, why: object) -> DataFileError:
        return DataFileError(f"{place}: is damaged ({why}); {self._remedy()}")

    def _remedy(self) -> str:
        return f"delete the folder {self.folder}, or pass overwrite=True (--force), to begin anew"
