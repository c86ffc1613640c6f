import json
import os
import subprocess
import sys
from types import SimpleNamespace
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from microdsd import __version__
from microdsd.cli.app import VERBS, app
from microdsd.cli.live import STDERR, note
from microdsd.cli.output import print_json
from microdsd.cli.terminal import say
from microdsd.errors import InputError


@pytest.fixture
def verb(monkeypatch):
    """Let a function stand for the verb `doctor`."""

    def install(command):
        module = SimpleNamespace(command=command)
        monkeypatch.setitem(sys.modules, "microdsd.cli.doctor", module)

    return install


def run(*words):
    return CliRunner().invoke(app, list(words))


def test_version():
    result = run("--version")
    assert result.exit_code == 0
    assert result.output.strip() == f"microdsd {__version__}"


def test_characters_that_the_output_lacks_are_escaped():
    code = (
        "from microdsd.cli.terminal import escape_what_cannot_be_shown, say\n"
        "escape_what_cannot_be_shown()\n"
        "say('S₂ at σ, 48³')\n"
        "say('−3 %', err=True)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "cp1252"},
        timeout=120,
        check=True,
    )
    assert done.stdout.decode("cp1252").rstrip() == r"S\u2082 at \u03c3, 48³"
    assert done.stderr.decode("cp1252").rstrip() == r"\u22123 %"


def test_help_lists_every_verb_with_one_line():
    result = run("--help")
    assert result.exit_code == 0
    for name, (_, summary) in VERBS.items():
        assert name in result.output
        assert summary.split(",")[0].split(".")[0] in result.output


def test_help_imports_no_verb():
    code = (
        "import sys\n"
        "from microdsd.cli.app import main\n"
        "sys.argv = ['microdsd', '--help']\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "loaded = [m for m in sys.modules if m.startswith('microdsd.')]\n"
        "print('LOADED', *loaded)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = done.stdout.rpartition("LOADED")[2].split()
    assert sorted(loaded) == [
        "microdsd.cli",
        "microdsd.cli.app",
        "microdsd.cli.terminal",
        "microdsd.cli.wrong_values",
        "microdsd.errors",
    ]


def test_help_of_a_verb_is_its_own(verb):
    def command(depth: int = 3) -> None:
        """Look deeper than the group knows."""

    verb(command)
    result = run("doctor", "--help")
    assert "Look deeper than the group knows." in result.output
    assert "--depth" in result.output


def test_deliberate_errors_are_one_line(verb):
    def command() -> None:
        """Fail."""
        raise InputError("fraction: 1.2 is\nmore than one")

    verb(command)
    result = run("doctor")
    assert result.exit_code == 2
    assert result.stderr == "error: fraction: 1.2 is more than one\n"
    assert result.stdout == ""


def test_interrupts_exit_with_130(verb):
    def command() -> None:
        """Wait."""
        raise KeyboardInterrupt

    verb(command)
    result = run("doctor")
    assert result.exit_code == 130
    assert result.stderr == "interrupted\n"


def test_bugs_show_themselves(verb):
    def command() -> None:
        """Divide."""
        raise ZeroDivisionError

    verb(command)
    assert isinstance(run("doctor").exception, ZeroDivisionError)


def test_unknown_verb_is_answered_with_a_guess():
    result = run("genrate")
    assert result.exit_code == 2
    assert "generate" in result.stderr


@pytest.mark.parametrize(
    ("words", "shape", "label", "name", "n"),
    [
        (["--shape", "4", "5", "6", "-n", "2", "a.h5"], [4, 5, 6], [], "a.h5", 2),
        (["a.h5", "--shape", "4", "--shape", "5"], [4, 5], [], "a.h5", 1),
        (["a.h5", "--label", "0=a", "1=b", "-n", "3"], [], ["0=a", "1=b"], "a.h5", 3),
        (["a.h5", "--label=0=a", "1=b", "--shape=4", "5"], [4, 5], ["0=a", "1=b"], "a.h5", 1),
        (["--shape", "-4", "-5", "a.h5"], [-4, -5], [], "a.h5", 1),
        (["-n", "2", "--", "a.h5"], [], [], "a.h5", 2),
    ],
)
def test_list_options_take_what_follows(verb, words, shape, label, name, n):
    def command(
        file: str,
        shape: Annotated[list[int] | None, typer.Option()] = None,
        label: Annotated[list[str] | None, typer.Option()] = None,
        n: Annotated[int, typer.Option("-n")] = 1,
    ) -> None:
        """Echo."""
        typer.echo(json.dumps([shape or [], label or [], file, n]))

    verb(command)
    result = run("doctor", *words)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == [shape, label, name, n]


def test_missing_value_of_a_list_option(verb):
    def command(shape: Annotated[list[int] | None, typer.Option()] = None) -> None:
        """Echo."""

    verb(command)
    assert run("doctor", "--shape").exit_code == 2
    assert run("doctor", "--shape", "x").exit_code == 2


def test_what_a_terminal_would_act_upon_is_escaped(verb):
    """In errors, results and notes alike."""

    def command():
        say("result \x1b[2J\x7f\u202e")
        STDERR.print("note \a\x9b")
        note("\x08[red]\udcff")
        print_json({"name": "\x7f\x1b"})
        raise InputError("phase '\x07': two\nlines")

    verb(command)
    result = run("doctor")
    assert result.exit_code == 2
    assert not {letter for letter in result.output if not letter.isprintable()} - {"\n"}
    assert r"result \u001b[2J\u007f\u202e" in result.stdout
    assert r"note \u0007\u009b" in result.stderr
    assert r"\u0008[red]\udcff" in result.stderr
    assert r"error: phase '\u0007': two lines" in result.stderr
    assert json.loads(result.stdout[result.stdout.index("{") :]) == {"name": "\x7f\x1b"}


def test_names_with_colons_are_printed_as_they_are(verb):
    """No emoji is made of the axis of a property, ``:x:``."""

    def command():
        STDERR.print("tortuosity_factor:solid 255:x: 3.1")

    verb(command)
    assert "tortuosity_factor:solid 255:x: 3.1" in run("doctor").stderr


@pytest.mark.parametrize("words", [["info"], ["verify"], ["generate"], ["describe"], ["import"]])
def test_a_name_that_is_too_long_for_a_file(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    output = [] if words[0] in ("info", "verify", "describe") else ["-o", "new.h5"]
    result = run(*words, "x" * 300 + ".h5", *output)
    assert result.exit_code == 2, result.exception
    assert result.stderr.startswith("error: ")


def test_compiled_code_that_is_interrupted(monkeypatch):
    def stopped():
        raise SystemError("returned a result with an exception set") from KeyboardInterrupt()

    monkeypatch.setattr("microdsd.cli.info.command", stopped)
    result = CliRunner().invoke(app, ["info"])
    assert result.exit_code == 130
    assert "interrupted" in result.stderr
