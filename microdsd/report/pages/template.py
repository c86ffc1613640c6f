"""Fill a template of the report; the only place that knows the template engine."""

from __future__ import annotations

from typing import Any

from microdsd import __version__


def render(template: str, **context: Any) -> str:
    """Return the text of a page from its template; the context must contain all its names."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    templates = Environment(
        loader=PackageLoader("microdsd.report"), autoescape=True, undefined=StrictUndefined
    )
    return templates.get_template(template).render(version=__version__, **context)
