"""Keep the figures of a benchmark in docs/reference/benchmarks/, with their commit and date.

Every script of this folder offers ``--record TITLE``. ``.ci/benchmark_tables.py`` makes the pages.
"""

from __future__ import annotations

import argparse
import datetime
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "reference" / "benchmarks"

Figure = float | int | bool | str


def add_record_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--record`` to the options of a benchmark."""
    parser.add_argument(
        "--record",
        metavar="TITLE",
        help="keep the figures in docs/reference/benchmarks/ as the table of this title",
    )


def record(
    page: str,
    title: str | None,
    rows: Mapping[str, Mapping[str, Figure]],
    *,
    notes: Sequence[str] = (),
    folder: Path = FOLDER,
) -> None:
    """Put one table into the JSON file of a page; a table of the same title is replaced.

    Nothing is done without a title. `rows` maps the label of a row to its figures by column.
    """
    if title is None:
        return
    script = Path(sys.argv[0]).resolve()
    columns = list(dict.fromkeys(name for figures in rows.values() for name in figures))
    table = {
        "title": title,
        "script": str(script.relative_to(ROOT)) if script.is_relative_to(ROOT) else script.name,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "commit": present_commit(),
        "notes": [f"Command: `{' '.join(['python', *sys.argv])}`.", *notes],
        "columns": ["", *columns],
        "rows": [
            [label, *(in_words(figures.get(name, "")) for name in columns)]
            for label, figures in rows.items()
        ],
    }
    path = folder / f"{page}.json"
    new = {"title": page.replace("-", " ").capitalize(), "about": "", "tables": []}
    document = json.loads(path.read_text(encoding="utf-8")) if path.exists() else new
    titles = [one["title"] for one in document["tables"]]
    if title in titles:
        document["tables"][titles.index(title)] = table
    else:
        document["tables"].append(table)
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"recorded in {path}; .ci/benchmark_tables.py writes the page")


def in_words(figure: Figure) -> str:
    """Return a figure with four digits."""
    return f"{figure:.4g}" if isinstance(figure, float) else str(figure)


def present_commit() -> str:
    """Return the commit of the checkout; "-changed" marks one that is not as committed."""

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", *words], cwd=ROOT, check=True, capture_output=True, text=True
        ).stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no")
    return git("rev-parse", "--short", "HEAD") + ("-changed" if changed else "")
