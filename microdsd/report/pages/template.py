"""Fill a template of the report; the only place that knows the template engine."""

from __future__ import annotations

from typing import Any

from microdsd import __version__


def render(template: str, **context: Any) -> str:
    """Text of a page from the name of its template; all it names must be in the context."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    templates = Environment(
        loader=PackageLoader("microdsd.report"), autoescape=True, undefined=StrictUndefined
    )
    return templates.get_template(template).render(version=__version__, **context)
