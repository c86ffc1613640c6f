"""What Linux allows and other systems do not, found in the sources and tried here."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = [
    path
    for folder in ("microdsd", "workflows", "datasets", ".ci")
    for path in sorted((ROOT / folder).rglob("*.py"))
]
OPENERS = {"read_text", "write_text", "open"}


def text_without_encoding(source):
    """Yield the lines of calls that read or write text in the encoding of the region."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if name not in OPENERS:
            continue
        options = {each.arg: getattr(each.value, "value", None) for each in node.keywords}
        first = 1 if isinstance(node.func, ast.Name) else 0
        given = [getattr(each, "value", "?") for each in node.args[first : first + 1]]
        if name == "open" and not set("".join(map(str, given))) <= set("rwaxbt+"):
            continue  # the `open` of something else, such as an archive
        if name == "open" and "b" in str((given or [options.get("mode")])[0]):
            continue
        if "encoding" not in options:
            yield node.lineno


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_text_files_name_their_encoding(path):
    """On Windows a sigma, or the name of a phase, is otherwise an error or another letter."""
    assert list(text_without_encoding(path.read_text(encoding="utf-8"))) == []


def test_the_search_for_encodings_finds_them():
    wrong = "open(path)\npath.open()\npath.open('w')\nplace.read_text()\nplace.write_text(text)\n"
    assert list(text_without_encoding(wrong)) == [1, 2, 3, 4, 5]
    right = (
        "open(path, 'rb')\npath.open('wb')\npath.read_text(encoding='utf-8')\nImage.open(path)\n"
    )
    assert list(text_without_encoding(right)) == []


ELSEWHERE_MISSING = {"fcntl", "resource", "pwd", "grp", "termios", "posix", "syslog", "pty"}
"""Modules that Windows lacks."""

WITHOUT = """
import os, signal
import h5netcdf, h5py, psutil, skimage, torch, xarray
for module, names in ((os, {os_names}), (signal, ["pthread_sigmask", "SIGKILL", "SIGHUP"])):
    for name in names:
        if hasattr(module, name):
            delattr(module, name)
import microdsd, microdsd.cli.app
from microdsd.device.precision import fastest_threads, _processor_flags
from microdsd.progress.interrupts import held_interrupts
os.name, name = "nt", os.name
try:
    with held_interrupts(children=True) as release:
        release()
finally:
    os.name = name
assert fastest_threads(lambda: None, torch.device("cpu"), "float32") >= 1
model = microdsd.MicrostructureModel.load("digits")
print(model.sample(1, rng=0).shape)
"""


def test_a_sample_without_what_only_linux_and_macos_have(tmp_path):
    """Functions of POSIX are hidden from a process that makes a sample."""
    script = WITHOUT.format(
        os_names=["getloadavg", "sched_getaffinity", "fork", "getuid", "geteuid", "statvfs"],
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("(1,")


POSIX_ONLY = {
    "os": {"getloadavg", "fork", "getuid", "geteuid", "statvfs", "sched_getaffinity", "fchmod"},
    "signal": {"pthread_sigmask", "SIGKILL", "SIGHUP", "SIGUSR1", "SIGUSR2", "alarm", "setitimer"},
}
GUARDED = {"microdsd/device/precision.py", "microdsd/progress/interrupts.py"}
"""Where such a function is called and its absence is dealt with, as tried above."""


def test_functions_of_posix_are_used_where_their_absence_is_dealt_with():
    found = set()
    for path in SOURCES:
        if path.parts[len(ROOT.parts)] != "microdsd":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            owner = getattr(getattr(node, "value", None), "id", "")
            if isinstance(node, ast.Attribute) and node.attr in POSIX_ONLY.get(owner, ()):
                found.add(path.relative_to(ROOT).as_posix())
            if isinstance(node, ast.ImportFrom | ast.Import):
                names = {alias.name for alias in node.names} | {getattr(node, "module", None)}
                assert not names & ELSEWHERE_MISSING, path
    assert found == GUARDED


def test_files_on_a_drive_are_told_apart():
    """The colon of ``C:`` is no end of the file's name."""
    from microdsd.cli.discharge import _short_names

    specs = ["C:/data/real.h5", "C:/data/generated.h5:/set"]
    assert _short_names(specs) == {specs[0]: "real", specs[1]: "generated"}
