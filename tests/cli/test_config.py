"""Options from a file, and the help in groups."""

import importlib
import inspect
import json
import shlex
import sys
from types import SimpleNamespace
from typing import Annotated, Literal

import pytest
import typer
from typer.testing import CliRunner

from microdsd.cli.app import VERBS, app
from microdsd.cli.help import EXAMPLES, PANELS


@pytest.fixture
def echo(monkeypatch, tmp_path):
    """Let the verb `doctor` print its options; returns how to call it with a file of options."""

    def command(
        file: str,
        output: Annotated[str, typer.Option("-o", "--output")],
        shape: Annotated[list[int] | None, typer.Option()] = None,
        fraction: Annotated[list[str] | None, typer.Option()] = None,
        class_names: Annotated[list[str] | None, typer.Option("--class")] = None,
        kind: Annotated[Literal["a", "b"], typer.Option()] = "a",
        n: Annotated[int, typer.Option("-n", "--number")] = 1,
        minutes: Annotated[float, typer.Option()] = 1.0,
        force: Annotated[bool, typer.Option("--force")] = False,
    ) -> None:
        """Echo."""
        typer.echo(
            json.dumps([file, output, shape, fraction, class_names, kind, n, minutes, force])
        )

    monkeypatch.setitem(sys.modules, "microdsd.cli.doctor", SimpleNamespace(command=command))

    def run(text, *words):
        (tmp_path / "options.toml").write_text(text)
        config = ["--config", str(tmp_path / "options.toml")]
        return CliRunner().invoke(app, ["doctor", *words, *config])

    return run


FULL = """
number = 3
[doctor]
output = "new.h5"
shape = [4, 5]
fraction = {pore = 0.2, "clay minerals" = 0.1}
class = "sand"
kind = "b"
minutes = 2
force = true
[train]
window = 48
"""
VALUES = ["a.h5", "new.h5", [4, 5], ["pore=0.2", "clay minerals=0.1"], ["sand"], "b", 3, 2.0, True]


def test_options_of_a_file_are_those_of_the_command_line(echo):
    result = echo(FULL, "a.h5")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == VALUES


def test_the_command_line_wins(echo):
    given = ["--shape", "7", "8", "9", "-n", "4", "-o", "other.h5", "--kind", "a"]
    found = json.loads(echo(FULL, "a.h5", *given).stdout)
    assert found == ["a.h5", "other.h5", [7, 8, 9], VALUES[3], ["sand"], "a", 4, 2.0, True]


def test_the_table_wins_over_the_top(echo):
    found = json.loads(echo("number = 3\n[doctor]\nnumber = 5", "a.h5", "-o", "b").stdout)
    assert found[6] == 5


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("shap = 3", "shap is no option of doctor; did you mean shape?"),
        ("[doctor]\nminute = 3", "minute is no option of doctor; did you mean minutes?"),
        ("[traan]\nwindow = 3", "traan is no option of doctor"),
        ("class_names = 'a'", "class-names is no option"),
        ("file = 'a.h5'", "file is no option"),
        ("config = 'a.toml'", "config is no option"),
        ("help = true", "help is no option"),
        ("force = 1", "force=1: give true or false"),
        ("number = true", "number=True: give text or a number"),
        ("number = [1, 2]", "number=[1, 2]: takes one value, not a list"),
        ("shape = [[1]]", "shape=[1]: give text or a number"),
        ("shape = [true]", "shape=True: give text or a number"),
        ("number = 2024-01-01", "give text or a number"),
        ("doctor = 3", "write a table [doctor]"),
        ("number = ", "give a TOML file"),
    ],
)
def test_what_is_refused(echo, text, words):
    result = echo(text, "a.h5", "-o", "b.h5")
    assert result.exit_code == 2
    assert words in " ".join(result.stderr.split())


@pytest.mark.parametrize("text", ["number = 1.5", "kind = 'c'", "minutes = 'many'"])
def test_values_are_checked_as_on_the_command_line(echo, text):
    result = echo(text, "a.h5", "-o", "b.h5")
    assert result.exit_code == 2
    assert "Invalid value" in result.stderr


def test_files_of_editors_of_windows(tmp_path):
    """Some begin UTF-8 with a mark, others write UTF-16."""
    file = tmp_path / "options.toml"
    words = ["info", "--config", str(file)]
    file.write_text("models = true\n", encoding="utf-8-sig")
    assert "berea-2d" in CliRunner().invoke(app, words).stdout
    file.write_text("models = true\n", encoding="utf-16")
    assert "save it as UTF-8" in CliRunner().invoke(app, words).stderr.replace("\n", " ")


def test_a_file_that_is_missing():
    result = CliRunner().invoke(app, ["doctor", "--config", "nowhere.toml"])
    assert result.exit_code == 2
    assert result.stderr.startswith("error: --config nowhere.toml: ")


def test_panels_name_parameters_that_exist_once():
    names = [name for text in PANELS.values() for name in text.split()]
    assert len(names) == len(set(names))
    known = {
        name
        for module, _ in VERBS.values()
        for name in inspect.signature(
            importlib.import_module(f"microdsd.cli.{module}").command
        ).parameters
    }
    assert set(names) <= known


def test_every_verb_has_examples_that_parse():
    assert list(EXAMPLES) == list(VERBS)
    group = typer.main.get_command(app)
    context = group.make_context("microdsd", [], resilient_parsing=True)
    for verb, lines in EXAMPLES.items():
        for line in lines:
            name, *words = shlex.split(line)
            assert name == verb
            plain = [word for word in words if word not in ("--config", "rock.toml")]
            group.get_command(context, verb).make_context(verb, plain, parent=context)


def test_help_sets_research_options_apart():
    text = CliRunner().invoke(app, ["train", "--help"]).output
    assert text.index("--minutes") < text.index("Research options") < text.index("--sigma-max")
    assert "microdsd train rock.h5" in text
