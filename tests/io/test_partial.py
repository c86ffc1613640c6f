"""What a stopped run leaves: never mixed with another's, never lost, never in the way."""

import json
import os
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest

from microdsd.errors import DataFileError
from microdsd.io import output_lock, place_of_parts
from microdsd.io.partial import Parts

RECORD = {"seed": 1, "samples": 3}


def arrays(value):
    return {"labels": np.full((4, 4), value, np.uint8)}


@pytest.fixture
def parts(tmp_path):
    """A run of which two parts are done."""
    parts = Parts(place_of_parts(tmp_path / "new.h5"))
    parts.open(RECORD)
    for i in range(2):
        parts.add(i, arrays(i))
    return parts


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_same_run_goes_on(parts):
    again = Parts(parts.folder)
    again.open(RECORD)
    assert again.numbers() == [0, 1]
    assert (again.read(1)["labels"] == 1).all()
    assert names(parts.folder) == ["000000.npz", "000001.npz", "record.json"]


def test_another_run_is_refused_or_discarded(parts):
    with pytest.raises(DataFileError, match=r"new\.h5\.partial: .* differs in seed; .*--force"):
        parts.open({**RECORD, "seed": 2})
    assert parts.numbers() == [0, 1]
    parts.open({**RECORD, "seed": 2}, discard_other=True)
    assert parts.numbers() == []
    assert parts.record()["seed"] == 2


def test_a_run_of_which_nothing_is_kept_gives_way_to_another(tmp_path):
    """It was killed before its first part."""
    parts = Parts(place_of_parts(tmp_path / "new.h5"))
    parts.open(RECORD)
    parts.open({**RECORD, "seed": 2})
    assert parts.record()["seed"] == 2


def cut(place):
    place.write_bytes(place.read_bytes()[:-30])


DAMAGES = {
    "a part cut short": lambda folder: cut(folder / "000001.npz"),
    "a part of nothing": lambda folder: (folder / "000000.npz").write_bytes(b""),
    "a part of noise": lambda folder: (folder / "000000.npz").write_bytes(bytes(range(256))),
    "a flipped bit": lambda folder: flip(folder / "000001.npz"),
    "a record cut short": lambda folder: cut(folder / "record.json"),
    "a record that is none": lambda folder: (folder / "record.json").write_text("[1, 2]"),
    "no record": lambda folder: (folder / "record.json").unlink(),
}


def flip(place):
    data = bytearray(place.read_bytes())
    data[len(data) // 2 - 20] ^= 0xFF
    place.write_bytes(bytes(data))


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damage_names_the_folder_and_the_remedy(parts, damage):
    damage(parts.folder)
    with pytest.raises(DataFileError, match=r"new\.h5\.partial.*(delete the folder|--force)"):
        parts.open(RECORD)
    parts.open(RECORD, discard_other=True)
    assert parts.numbers() == []
    assert json.loads((parts.folder / "record.json").read_text()) == RECORD


def test_a_kill_while_a_run_is_forgotten_leaves_no_part_of_it(parts, monkeypatch, tmp_path):
    """The folder is moved aside first; the next run of that output removes what is left."""

    def killed(*args, **options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            parts.remove()
    assert parts.record() is None
    assert len(names(tmp_path)) == 1
    parts.open({"seed": 9})
    assert parts.numbers() == []
    assert names(tmp_path) == ["new.h5.partial"]


def test_files_that_are_nobody_s_are_kept(tmp_path):
    folder = place_of_parts(tmp_path / "new.h5")
    folder.mkdir()
    (folder / "notes.txt").write_text("precious")
    Parts(folder).open(RECORD)
    assert (folder / "notes.txt").read_text() == "precious"


def test_delivery_is_remembered(parts):
    assert not parts.delivering
    parts.begin_delivery()
    assert Parts(parts.folder).delivering
    parts.remove()
    assert not parts.delivering


def test_one_process_at_a_time(tmp_path):
    output = tmp_path / "new.h5"
    with output_lock(output):
        with (
            pytest.raises(DataFileError, match=rf"new\.h5: process {os.getpid()} on .* works on"),
            output_lock(output),
        ):
            pytest.fail("the block must not run")
        with output_lock(tmp_path / "other.h5"):
            pass
    assert names(tmp_path) == []
    with output_lock(output):
        pass


def test_the_lock_of_a_killed_process_is_taken_over(tmp_path):
    script = """
import sys
from microdsd.io.partial import output_lock
with output_lock(sys.argv[1]):
    print("locked", flush=True)
    sys.stdin.read()
"""
    output = tmp_path / "new.h5"
    with subprocess.Popen(
        [sys.executable, "-c", script, str(output)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout.readline() == b"locked\n"
        with pytest.raises(DataFileError, match=f"process {other.pid}"), output_lock(output):
            pytest.fail("the block must not run")
        other.kill()
    assert names(tmp_path) == [".new.h5.lock"]
    with output_lock(output):
        pass
    assert names(tmp_path) == []


def test_a_lock_of_another_machine_is_not_ours_to_break(tmp_path):
    (tmp_path / ".new.h5.lock").write_text("123\nelsewhere\n")
    with (
        pytest.raises(DataFileError, match=r"process 123 on elsewhere .* delete .*\.new\.h5\.lock"),
        output_lock(tmp_path / "new.h5"),
    ):
        pytest.fail("the block must not run")


FULL_DISK = """
import resource, signal, sys
from microdsd.errors import DataFileError
from microdsd.io.partial import output_lock
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
try:
    with output_lock(sys.argv[1]):
        print("locked")
except DataFileError as error:
    print(error)
"""


@pytest.mark.parametrize("room", [0, 5])
def test_a_full_disk_is_said_and_no_lock_stays(room, tmp_path):
    """Neither an empty lock file nor one with half of the holder's name."""
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path / "new.h5"), str(room)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "new.h5: .new.h5.lock cannot be written beside it" in done.stdout
    assert "free disk space" in done.stdout
    assert names(tmp_path) == []
    with output_lock(tmp_path / "new.h5"):
        pass


def test_an_empty_lock_is_held_for_a_moment_only(tmp_path):
    """A process may be killed between making the file and writing its number into it."""
    place = tmp_path / ".new.h5.lock"
    for age, least in ((60, 0.0), (0, 1.5), (-3600, 1.5)):  # of a clock that is ahead, too
        place.touch()
        os.utime(place, (time.time() - age,) * 2)
        begun = time.monotonic()
        with output_lock(tmp_path / "new.h5"):
            assert time.monotonic() - begun >= least
        assert names(tmp_path) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_lock_that_may_not_be_replaced_is_said(tmp_path):
    place = tmp_path / ".new.h5.lock"
    place.write_text("")
    place.chmod(0o400)
    with pytest.raises(DataFileError, match=r"new\.h5"), output_lock(tmp_path / "new.h5"):
        pytest.fail("the block must not run")


def test_a_state_is_replaced_whole_or_not_at_all(parts, monkeypatch):
    assert Parts(parts.folder).aside() is None
    parts.put_aside(arrays(3))
    parts.put_aside(arrays(4))

    def full(file, **given):
        file.write(b"half of it")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(np, "savez", full)
        with pytest.raises(DataFileError, match=r"aside\.npz: cannot be written \(No space left"):
            parts.put_aside(arrays(5))
    again = Parts(parts.folder)
    again.open(RECORD)
    assert (again.aside()["labels"] == 4).all()
    assert again.numbers() == [0, 1]
    assert names(parts.folder) == ["000000.npz", "000001.npz", "aside.npz", "record.json"]


def test_a_damaged_state_is_refused_or_discarded(parts):
    parts.put_aside(arrays(3))
    cut(parts.folder / "aside.npz")
    with pytest.raises(DataFileError, match=r"aside\.npz: is damaged"):
        parts.open(RECORD)
    parts.open(RECORD, discard_other=True)
    assert parts.aside() is None
