import errno

import pytest

from microdsd.errors import DataFileError, InputError
from microdsd.io import atomic_write


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
