"""Fill a template of the report; the only place that knows the template engine."""

from __future__ import annotations

import base64
import hashlib
import itertools
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from microdsd import __version__
from microdsd.report.pages.inline_figure import escaped_json

SCRIPTS = ("elements", "theme", "contents", "readings", "downloads")
"""Of every page, in the order in which one uses another."""
VOLUME_SCRIPTS = ("packed", "camera", "ray_caster", "boxes", "volumes", "slices", "pair")
"""Of pages that hold volumes, after the others."""


def render(
    template: str,
    *,
    sections: Mapping[str, str],
    numbers: str | None = None,
    scripts: Sequence[str] = SCRIPTS,
    **context: Any,
) -> str:
    """Return the text of a page from its template; the context must contain all its names.

    Parameters
    ----------
    template : str
    sections : mapping of str to str
        Identifier and title of every section, for the contents and the headings.
    numbers : str, optional
        The JSON document that the page offers for download.
    scripts : sequence of str
        Scripts to put in, by name.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    templates = Environment(
        loader=PackageLoader("microdsd.report"), autoescape=True, undefined=StrictUndefined
    )
    templates.filters["json_text"] = lambda text: Markup(escaped_json(text))
    script = joined_scripts(scripts)
    return templates.get_template(template).render(
        version=__version__,
        sections={
            name: {"title": title, "number": number}
            for number, (name, title) in enumerate(sections.items(), start=1)
        },
        numbers=numbers,
        script=script,
        policy=_policy(script),
        figure=_Counter(),
        table=_Counter(),
        **context,
    )


def joined_scripts(names: Sequence[str]) -> str:
    """Return scripts as the text of one module; what one declares, the later ones can use."""
    folder = files("microdsd.report") / "scripts"
    return "\n".join((folder / f"{name}.js").read_text(encoding="utf-8") for name in names)


def _policy(script: str) -> str:
    """Allow the browser to run this script alone, and to load nothing from anywhere."""
    digest = base64.b64encode(hashlib.sha256(f"\n{script}\n".encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


class _Counter:
    """Count figures or tables in the order in which the page asks for them."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def __str__(self) -> str:
        return str(next(self._numbers))
