"""README and docs are true to the package: links resolve, commands and names exist."""

import ast
import functools
import importlib
import re
import shlex
from pathlib import Path

import pytest
import typer.main

import microdsd

ROOT = Path(__file__).resolve().parents[1]

PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md")])
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.M | re.S)
IDS = [str(page.relative_to(ROOT)) for page in PAGES]


def each_page(test):
    return pytest.mark.parametrize("page", PAGES, ids=IDS)(test)


def anchors(page):
    """Anchors of a page's headings, as code hosts make them."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    for heading in re.findall(r"^#+ (.*)$", text, re.M):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        yield re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


@each_page
def test_relative_links_resolve(page):
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        aim = (page.parent / path).resolve() if path else page
        if not aim.exists() or (anchor and anchor not in anchors(aim)):
            broken.append(target)
    assert not broken


def test_the_first_page_leads_to_every_page():
    """Decisions and benchmarks have lists of their own."""
    docs = ROOT / "docs"
    linked = set(re.findall(r"\]\(([\w./-]+)\)", (docs / "index.md").read_text(encoding="utf-8")))
    pages = {
        page.relative_to(docs).as_posix()
        for folder in ("tutorials", "how-to", "explanation", "reference", "notebooks")
        for page in (docs / folder).iterdir()
        if page.suffix in {".md", ".py", ".rst"} and page.stem != "index"
    }
    assert len(pages) > 50
    assert pages - linked == set()


def test_readme_has_every_model_that_ships():
    """Their names, and the windows that they learned."""
    rows = re.findall(
        r"^\| `([\w-]+)` \|[^|]*\|[^|]*\| ([^|]+) \|", (ROOT / "README.md").read_text("utf-8"), re.M
    )
    windows = {name: window.replace("³", " x" * 2) for name, window in rows}
    assert {
        name: [int(edge) for edge in re.findall(r"\d+", window)] * (3 if " x x" in window else 1)
        for name, window in windows.items()
    } == {one.name: list(one.window) for one in microdsd.list_models()}


def test_the_glossary_explains_the_measurements_of_the_readme():
    """Every item of that row, by a word of it that no other has."""
    row = re.search(
        r"^\| measurements \| (.*?)\. The", (ROOT / "README.md").read_text("utf-8"), re.M
    )
    glossary = (ROOT / "docs" / "reference" / "glossary.md").read_text(encoding="utf-8").lower()
    items = re.sub(r" \([^)]*\)", "", row[1]).replace(";", ",").split(", ")
    assert len(items) > 12
    heads = [item.split(" and ")[0].split(" of ")[0].lower() for item in items]
    words = [re.sub(r"(ie)?s\b", "", head).rstrip("y") for head in heads]  # plurals
    assert [word for word in words if word not in glossary] == []


def test_every_how_to_leads_to_the_glossary():
    pages = (ROOT / "docs" / "how-to").glob("*.md")
    assert [
        page.name
        for page in sorted(pages)
        if page.stem not in {"index", "release"}
        and "(../reference/glossary.md)" not in page.read_text(encoding="utf-8")
    ] == []


@functools.cache
def command_group():
    """The command line as click sees it, with a context."""
    from microdsd.cli.app import app

    group = typer.main.get_command(app)
    return group, group.make_context("microdsd", [], resilient_parsing=True)


def verbs():
    group, context = command_group()
    return group.list_commands(context)


@functools.cache
def options_of(verb):
    """Options of a verb, or of ``microdsd`` itself."""
    group, context = command_group()
    command = group.get_command(context, verb) if verb else group
    return {
        option
        for parameter in command.get_params(context)
        for option in (*parameter.opts, *parameter.secondary_opts)
    }


def commands(text):
    """Every ``microdsd ...`` command in the code blocks and code spans of a page."""
    blocks = [body for language, body in FENCE.findall(text) if language in {"", "sh", "console"}]
    spans = re.findall(r"`([^`\n]+)`", FENCE.sub("", text))
    for line in "\n".join([*blocks, *spans]).replace("\\\n", " ").splitlines():
        words = shlex.split(line.removeprefix("$ "), comments=True) if "microdsd " in line else []
        if words[:1] == ["microdsd"] and len(words) > 1:
            yield words[1:]


@each_page
def test_commands_exist(page):
    unknown = []
    for words in commands(page.read_text(encoding="utf-8")):
        verb = "" if words[0].startswith("-") else words[0]
        if verb and verb not in verbs():
            unknown.append(verb)
            continue
        options = {word.split("=")[0] for word in words if re.match(r"--?[a-zA-Z]", word)}
        unknown += [f"{verb} {option}" for option in options - options_of(verb)]
    assert not unknown


@each_page
def test_commands_hold_in_every_shell(page):
    """The command prompt of Windows knows double quotes alone, and redirects at < and >."""
    text = page.read_text(encoding="utf-8")
    blocks = [body for language, body in FENCE.findall(text) if language in {"sh", "console"}]
    spans = re.findall(r"`([^`\n]+)`", FENCE.sub("", text))
    lines = "\n".join([*blocks, *spans]).splitlines()
    typed = [line for line in lines if re.match(r"(\$ )?(microdsd|python|pip|uv|--\w)", line)]
    assert [line for line in typed if "'" in line.partition("#")[0]] == []


def test_messages_and_help_quote_as_every_shell_does():
    quoted = re.compile(r"pip install '|'[\w:]+[<>]=\d|'pattern\*")
    assert [
        str(path.relative_to(ROOT))
        for path in sorted((ROOT / "microdsd").rglob("*.py"))
        if quoted.search(path.read_text(encoding="utf-8"))
    ] == []


IN_COMMON = {"--help", "--config"}
"""Options of all verbs, which the reference describes once."""


def test_reference_has_every_verb():
    assert sorted(reference_sections()) == sorted(verbs())


def test_reference_has_every_option_and_no_other():
    for verb, section in reference_sections().items():
        told = set(re.findall(r"`(--[a-z0-9-]+)[^`]*`", re.sub(r", ", "` `", section)))
        assert told == {option for option in options_of(verb) if option[:2] == "--"} - IN_COMMON


def reference_sections():
    page = (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^## `microdsd (\w+)`\n(.*?)(?=^## |\Z)", page, re.M | re.S))


def test_messages_that_are_explained_exist():
    """The headings of the page of errors quote messages; three dots stand for what varies."""
    page = (ROOT / "docs" / "how-to" / "errors.md").read_text(encoding="utf-8")
    quoted = [piece for line in re.findall(r"^### (.*)$", page, re.M) for piece in quotes(line)]
    assert len(quoted) >= 20
    texts = {
        node.value
        for path in (ROOT / "microdsd").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert [piece for piece in quoted if not any(piece in text for text in texts)] == []


def quotes(line):
    return [piece.strip() for piece in re.findall(r"`([^`]+)`", line)]


def test_api_lists_every_public_name_and_every_room():
    reference = ROOT / "docs" / "reference"
    names = re.findall(r"^   (\w+)$", (reference / "api.rst").read_text(encoding="utf-8"), re.M)
    assert sorted(names) == sorted({*microdsd.__all__} - {"__version__", "plot"})
    drawn = re.findall(
        r"^   plot\.(\w+)$", (reference / "api.rst").read_text(encoding="utf-8"), re.M
    )
    assert sorted(drawn) == sorted(microdsd.plot.__all__)
    rooms = set(
        re.findall(
            r"^   microdsd\.(\w+)", (reference / "rooms.rst").read_text(encoding="utf-8"), re.M
        )
    )
    package = ROOT / "microdsd"
    parts = {path.stem for path in package.iterdir() if path.is_dir() or path.suffix == ".py"}
    assert rooms == {part for part in parts if part[0] != "_"} - {"cli"}


def microdsd_names(body):
    """Yield (module, name) of every name of the package that a Python example uses."""
    for node in ast.walk(ast.parse(body)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("microdsd"):
            yield from ((node.module, item.name) for item in node.names)
        elif isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "microdsd":
            yield "microdsd", node.attr
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute):
            room = node.value
            is_room = (ROOT / "microdsd" / room.attr).is_dir() and room.attr != "plot"
            if getattr(room.value, "id", "") == "microdsd" and is_room:
                yield f"microdsd.{room.attr}", node.attr


@each_page
def test_python_examples_take_public_names_from_the_top(page):
    """One way to a name: a reader who saw `microdsd.describe` need not learn its room."""
    examples = [
        body
        for language, body in FENCE.findall(page.read_text(encoding="utf-8"))
        if language == "python"
    ]
    used = {name for body in examples for name in microdsd_names(body)}
    public = {name for module, name in used if module != "microdsd"} & {*microdsd.__all__}
    assert public == set()


@each_page
def test_python_examples_use_names_that_exist(page):
    examples = [
        body
        for language, body in FENCE.findall(page.read_text(encoding="utf-8"))
        if language == "python"
    ]
    used = {name for body in examples for name in microdsd_names(body)}
    missing = [
        f"{module}.{name}"
        for module, name in sorted(used)
        if not hasattr(importlib.import_module(module), name)
    ]
    assert not missing
