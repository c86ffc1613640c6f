import errno
import os
import subprocess
import sys
import tempfile
import time

import pytest

from microdsd.errors import DataFileError, InputError
from microdsd.io import atomic_write, ensure_writable
from microdsd.io.atomic import _host


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_file_appears_whole_at_the_end(tmp_path):
    target = tmp_path / "a.bin"
    with atomic_write(target, overwrite=False) as temporary:
        temporary.write_bytes(b"new")
        assert not target.exists()
        assert temporary.suffix == ".bin"
        assert temporary.parent == tmp_path
    assert target.read_bytes() == b"new"
    assert names(tmp_path) == ["a.bin"]


def test_what_is_flushed_may_be_written_to(tmp_path, monkeypatch):
    """Windows refuses to flush a file that is open for reading alone."""
    flushed = []

    def flush(number):
        os.pwrite(number, b"N", 0)
        flushed.append(number)

    monkeypatch.setattr(os, "fsync", flush)
    with atomic_write(tmp_path / "a.bin", overwrite=False) as temporary:
        temporary.write_bytes(b"new")
    assert flushed
    assert (tmp_path / "a.bin").read_bytes() == b"New"


@pytest.mark.parametrize("stop", [KeyboardInterrupt, ZeroDivisionError, InputError])
def test_an_interrupt_leaves_the_old_file_and_nothing_else(tmp_path, stop):
    target = tmp_path / "a.bin"
    target.write_bytes(b"old")

    def write():
        with atomic_write(target, overwrite=True) as temporary:
            temporary.write_bytes(b"half")
            raise stop

    with pytest.raises(stop):
        write()
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == ["a.bin"]


def test_a_full_disk_is_one_clear_error(tmp_path):
    def write():
        with atomic_write(tmp_path / "a.bin", overwrite=True) as temporary:
            temporary.write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(DataFileError, match=r"a\.bin.*No space left on device.*free disk space"):
        write()
    assert names(tmp_path) == []


def test_no_overwriting_unasked(tmp_path):
    target = tmp_path / "a.bin"
    target.write_bytes(b"old")
    with pytest.raises(DataFileError, match="--force"), atomic_write(target, overwrite=False):
        pytest.fail("the block must not run")
    with atomic_write(target, overwrite=True) as temporary:
        temporary.write_bytes(b"new")
    assert target.read_bytes() == b"new"


def test_bad_targets(tmp_path):
    for target, message in [(tmp_path, "is a folder"), (tmp_path / "no" / "a", "does not exist")]:
        with (
            pytest.raises(DataFileError, match=message),
            atomic_write(target, overwrite=True),
        ):
            pytest.fail("the block must not run")


@pytest.mark.parametrize("overwrite", [True, False])
def test_a_folder_that_takes_no_files_is_found_at_once(tmp_path, monkeypatch, overwrite):
    """Also where permissions say otherwise: read-only mounts, quotas, folders of the system."""

    def refused(**options):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(tempfile, "TemporaryFile", refused)
    with pytest.raises(DataFileError, match=r"nothing can be written into .*Permission denied"):
        ensure_writable(tmp_path / "new.h5", overwrite=overwrite)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc is Linux's")
def test_a_folder_of_the_kernel():
    with pytest.raises(DataFileError, match="nothing can be written into the folder /proc"):
        ensure_writable("/proc/new.h5", overwrite=True)


def test_devices_and_pipes_are_not_replaced(tmp_path):
    pipe = tmp_path / "pipe.h5"
    os.mkfifo(pipe)
    (tmp_path / "null.h5").symlink_to("/dev/null")
    for target in (pipe, tmp_path / "null.h5", "/dev/null"):
        with pytest.raises(DataFileError, match="is a device or a pipe"):
            ensure_writable(target, overwrite=True)


def test_inputs_are_not_replaced_by_any_of_their_names(tmp_path):
    scan = tmp_path / "scan.h5"
    scan.write_bytes(b"precious")
    (tmp_path / "link.h5").symlink_to(scan)
    (tmp_path / "hard.h5").hardlink_to(scan)
    (tmp_path / "folder").mkdir()
    inputs = [tmp_path / "no such file", scan]
    for name in ("scan.h5", "link.h5", "hard.h5", "folder/../scan.h5"):
        with pytest.raises(DataFileError, match="is read by this very command"):
            ensure_writable(tmp_path / name, overwrite=True, inputs=inputs)
    assert ensure_writable(tmp_path / "new.h5", overwrite=False, inputs=inputs)
    assert scan.read_bytes() == b"precious"


def test_temporary_files_of_killed_processes_are_removed_and_no_others(tmp_path):
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    day_ago = time.time() - 100_000
    gone = [
        f".a b.{_host()}-{done.pid}-0123abcd.h5",
        ".a b.00ff00-1-0123abcd.h5",
        ".a b.0123abcd.h5",
    ]
    kept = [
        f".a b.{_host()}-{os.getpid()}-0123abcd.h5",  # at work in this process
        ".a b.ffffff-1-0123abcd.h5",  # perhaps at work on another machine
        f".a c.{_host()}-{done.pid}-0123abcd.h5",  # of another output
        f".a b.{_host()}-{done.pid}-0123abcd.tif",
        "a b.0123abcd.h5",
    ]
    for name in gone + kept:
        (tmp_path / name).write_bytes(b"half")
    for name in gone[1:]:
        os.utime(tmp_path / name, (day_ago, day_ago))
    with atomic_write(tmp_path / "a b.h5", overwrite=False) as temporary:
        temporary.write_bytes(b"whole")
        assert f"-{os.getpid()}-" in temporary.name
    assert names(tmp_path) == sorted([*kept, "a b.h5"])


@pytest.mark.parametrize("name", ["x" * 300 + ".h5", "x" * 240 + ".h5", "a\0b.h5", "a/" * 3000])
def test_names_that_no_file_can_have(name, tmp_path):
    """The second is one that its temporary file could not have."""
    with pytest.raises(DataFileError, match="no file can have this name"):
        ensure_writable(tmp_path / name, overwrite=True)


@pytest.mark.parametrize("name", ["", ".", "/"])
def test_names_without_a_last_part_are_folders(name):
    with pytest.raises(DataFileError, match="is a folder"):
        ensure_writable(name, overwrite=True)
