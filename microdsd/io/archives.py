"""One volume in a zip, tar or gzip file; only its bytes are unpacked, never its names."""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import IO, Any

from microdsd.errors import DataFileError
from microdsd.io.request import ReadRequest

TAR_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
STREAMS: dict[str, Any] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
SHORT = {".tgz": ".gz", ".tbz2": ".bz2", ".txz": ".xz"}
PACKED_SUFFIXES = (*TAR_SUFFIXES, ".zip", *STREAMS)
PIECE = 1 << 20


@contextmanager
def unpacked(request: ReadRequest, suffixes: frozenset[str]) -> Iterator[ReadRequest]:
    """Yield a request for the volume in an archive, whose bytes lie in a temporary file.

    Parameters
    ----------
    request : ReadRequest
    suffixes : frozenset of str
        Suffixes of members that can be read.

    Raises
    ------
    DataFileError
        There is none, or none of the name asked for.
    InputError
        Several, and none was named.
    """
    name = request.path.name.lower()
    with TemporaryDirectory(prefix="microdsd-") as folder:
        if name.endswith(".zip"):
            member = _from_zip(request, suffixes, Path(folder))
        elif name.endswith(TAR_SUFFIXES):
            member = _from_tar(request, suffixes, Path(folder))
        else:
            member = _place(folder, request.path.stem)
            with STREAMS[request.path.suffix.lower()](request.path) as packed:
                _copy(packed, member, request)
            yield replace(request, path=member)
            return
        yield replace(request, path=member, member=None)


def _from_zip(request: ReadRequest, suffixes: frozenset[str], folder: Path) -> Path:
    with zipfile.ZipFile(request.path) as archive:
        sizes = {entry.filename: entry.file_size for entry in archive.infolist()}
        chosen = _choose(request, sizes, suffixes)
        request.check_expansion(sizes[chosen])
        place = _place(folder, chosen)
        with archive.open(chosen) as packed:
            _copy(packed, place, request)
    return place


def _from_tar(request: ReadRequest, suffixes: frozenset[str], folder: Path) -> Path:
    suffix = request.path.suffix.lower()
    suffix = SHORT.get(suffix, suffix)
    whole = request.path
    if suffix in STREAMS:
        # Unpacked to its end, since the checksum stands there.
        whole = folder / "members.tar"
        with STREAMS[suffix](request.path) as packed:
            _copy(packed, whole, request)
    with tarfile.open(whole, "r:") as archive:
        members = {entry.name: entry for entry in archive.getmembers() if entry.isreg()}
        chosen = _choose(request, {n: entry.size for n, entry in members.items()}, suffixes)
        content = archive.extractfile(members[chosen])
        if content is None:
            raise DataFileError(f"{request.name}: {chosen} is no file; name another member")
        place = _place(folder, chosen)
        _copy(content, place, request)
        if place.stat().st_size != members[chosen].size:
            raise EOFError(f"{chosen} ends early")
    return place


def _choose(request: ReadRequest, sizes: dict[str, int], suffixes: frozenset[str]) -> str:
    names = {name.strip("/"): name for name in sizes if not name.endswith("/")}
    if request.member is None:
        names = {
            short: name
            for short, name in names.items()
            if PurePosixPath(name).suffix.lower() in suffixes
            and not PurePosixPath(name).name.startswith(".")
            and "__MACOSX" not in name
        }
    texts = {short: f"{sizes[name]} bytes" for short, name in names.items()}
    return names[request.choose(texts, "file")]


def _place(folder: str | Path, member: str) -> Path:
    """Return a name of our own for a member, whose own name may lead anywhere."""
    return Path(folder) / f"volume{PurePosixPath(member).suffix.lower()}"


def _copy(packed: IO[bytes], place: Path, request: ReadRequest) -> None:
    written = 0
    with place.open("wb") as file:
        while piece := packed.read(PIECE):
            written += len(piece)
            request.check_expansion(written)
            file.write(piece)
