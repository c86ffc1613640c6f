"""How Sphinx builds the site out of these pages and the docstrings: `make docs`."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

import microdsd

project = "microdsd"
author = "the microdsd authors"
version = release = microdsd.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
]
exclude_patterns = ["_templates", "conf.py"]
templates_path = ["_templates"]

# Notebooks are Python files; each is run in a folder of its own when the site is built.
source_suffix = {".rst": "restructuredtext", ".md": "myst-nb", ".py": "myst-nb"}
nb_custom_formats = {".py": ["jupytext.reads", {"fmt": "py:percent"}]}
nb_execution_mode = "auto"
nb_execution_in_temp = True
nb_execution_timeout = 600
nb_execution_raise_on_error = True
nb_merge_streams = True
nb_output_stderr = "remove"  # progress

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4

autosummary_generate = True
autosummary_ignore_module_all = False
autosummary_context = {"public": frozenset(microdsd.__all__)}
autodoc_typehints = "none"  # numpydoc lists them with what they mean
autodoc_member_order = "bysource"
numpydoc_show_class_members = False

html_theme = "pydata_sphinx_theme"
html_title = f"microdsd {version}"
html_show_sphinx = False
html_theme_options = {
    "collapse_navigation": True,
    "navigation_with_keys": False,
    "header_links_before_dropdown": 7,
    "secondary_sidebar_items": ["page-toc"],
}

README = Path(__file__).resolve().parents[1] / "README.md"
LINK = re.compile(r"\]\((?!https?:|#)([^)\s#]+)")


def take_in_readme(_app: Sphinx, page: str, source: list[str]) -> None:
    """Make the README, which lies beside the pages' folder, one of the pages.

    Links to it lead there, and its links to files that are no page lose their target. Its badges,
    which are pictures from the network, are left out.
    """
    folder = posixpath.dirname(page)
    if page != "readme":
        home = posixpath.relpath("readme.md", folder or ".")
        outside = re.compile(r"\]\((?:\.\./)+README\.md")
        source[0] = outside.sub(f"]({home}", source[0])
        return
    text = README.read_text(encoding="utf-8")
    text = re.sub(r"^(!\[[^\]]*\]\(https://img\.shields\.io[^)]*\) ?)+\n", "", text, flags=re.M)
    text = re.sub(r"\[([^\]]*)\]\((?!https?:|#|docs/)[^)]*\)", r"\1", text)
    source[0] = LINK.sub(lambda link: f"]({link[1].removeprefix('docs/')}", text)


CODE = re.compile(r"(``.*?``|`.*?`)")
MARKS = re.compile(r"(?<![\\*\w])\*(?=[a-z])(?![a-z ]+\*)|(?<!\\)\|")


def escape_marks(
    _app: Sphinx, _kind: str, _name: str, _object: Any, _options: Any, lines: list[str]
) -> None:
    """Let a shape such as ``(batch, *space)`` and an absolute value ``|x|`` be plain text."""
    for i, line in enumerate(lines):
        if not line.lstrip().startswith((">>>", "...")):
            parts = CODE.split(line)
            parts[::2] = [MARKS.sub(lambda found: f"\\{found[0]}", part) for part in parts[::2]]
            lines[i] = "".join(parts)


def setup(app: Sphinx) -> None:
    """Connect what this file adds to Sphinx."""
    app.connect("source-read", take_in_readme)
    app.connect("autodoc-process-docstring", escape_marks, priority=400)  # before numpydoc
