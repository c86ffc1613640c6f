"""Write the pages of docs/reference/benchmarks/ from the JSON files beside them.

With --check nothing is written; the exit code says whether the pages are up to date.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "reference" / "benchmarks"
INDEX = "index.md"

Page = dict[str, Any]


def read(path: Path) -> Page:
    """Read one JSON file and refuse a table that is incomplete."""
    page: Page = json.loads(path.read_text(encoding="utf-8"))
    for table in page["tables"]:
        place = f"{path.name}: {table['title']!r}"
        if missing := {"script", "date", "commit", "columns", "rows"} - set(table):
            raise ValueError(f"{place}: has no {', '.join(sorted(missing))}")
        if table["script"] is not None and not (ROOT / table["script"]).exists():
            raise ValueError(f"{place}: the script {table['script']} does not exist")
        if uneven := [row for row in table["rows"] if len(row) != len(table["columns"])]:
            raise ValueError(f"{place}: {len(table['columns'])} columns, but a row {uneven[0]}")
    return page


def page_text(name: str, page: Page) -> str:
    """Return the Markdown of one page."""
    head = f"<!-- Written by .ci/benchmark_tables.py from {name}.json: edit that file instead. -->"
    sections = [head, f"# {page['title']}", page["about"]]
    for table in page["tables"]:
        sections += [f"## {table['title']}", origin(table), *table.get("notes", ()), grid(table)]
    return "\n\n".join(filter(None, sections)) + "\n"


def origin(table: Page) -> str:
    """Return the sentence that says where the figures of a table come from."""
    made = (
        f"with `{table['script']}`" if table["script"] else "by hand (no script makes this table)"
    )
    return f"Measured {made}. Recorded on {table['date']} at commit `{table['commit']}`."


def grid(table: Page) -> str:
    """Return the Markdown table."""
    lines = [table["columns"], ["---"] * len(table["columns"]), *table["rows"]]
    cells = ([str(cell).replace("|", "&#124;") for cell in line] for line in lines)
    return "\n".join("|" + "|".join(f" {cell} " for cell in line) + "|" for line in cells)


def index_text(pages: dict[str, Page]) -> str:
    """Return the Markdown of the list of pages."""
    lines = [f"- [{page['title']}]({name}.md)" for name, page in pages.items()]
    return f"""\
<!-- Written by .ci/benchmark_tables.py: edit that script instead. -->

# Benchmarks

These pages hold all measured figures. Each table names the script that makes it, and the date and
the commit at which it was recorded. A figure of an earlier commit may differ from what the present
version gives. Figures from before 30 November 2026 were moved here from other pages; their date
and commit are those at which they were written there.

{chr(10).join(lines)}

A script of `workflows/benchmarks/` puts its figures into the JSON file of its page when it is
called with `--record TITLE`; a table of the same title is replaced. The command
`python .ci/benchmark_tables.py` then writes the pages.

```{{toctree}}
:hidden:
:glob:

*
```
"""


def texts(folder: Path = FOLDER) -> dict[Path, str]:
    """Return the text of every page by its path."""
    pages = {path.stem: read(path) for path in sorted(folder.glob("*.json"))}
    written = {folder / f"{name}.md": page_text(name, page) for name, page in pages.items()}
    return {folder / INDEX: index_text(pages), **written}


def stale(folder: Path = FOLDER) -> list[str]:
    """Return the names of pages that are not what the JSON files say, or have none."""
    expected = texts(folder)
    old = [
        p.name
        for p, text in expected.items()
        if not p.exists() or p.read_text(encoding="utf-8") != text
    ]
    return sorted([*old, *(p.name for p in folder.glob("*.md") if p not in expected)])


def main() -> None:
    """Write the pages, or say which of them are stale."""
    if "--check" not in sys.argv:
        for path, text in texts().items():
            path.write_text(text, encoding="utf-8")
    if names := stale():
        sys.exit(f"stale pages in {FOLDER.name}: {', '.join(names)}: run .ci/benchmark_tables.py")


if __name__ == "__main__":
    main()
