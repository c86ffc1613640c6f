"""Write the table of docs/reference/descriptors.md from the registry.

With --check nothing is written; the exit code says whether the table is up to date.
"""

from __future__ import annotations

import sys
from pathlib import Path

from microdsd.metrics.registry import Descriptor, Group, groups

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "descriptors.md"
BEGIN, END = "<!-- table of descriptors: written by .ci/descriptor_table.py -->", "<!-- end -->"


def table() -> str:
    """Every descriptor in a row: group, name, unit, definition, what it is used for, source."""
    head = [
        "| group | descriptor | symbol | unit | definition | compared, tested | source |",
        "|---|---|---|---|---|---|---|",
    ]
    rows = [_row(group, record) for group in groups().values() for record in group.descriptors]
    return "\n".join([*head, *rows])


def _row(group: Group, record: Descriptor) -> str:
    if record.derived_from is not None:
        name = f"{record.name}, from `{record.derived_from}`"
    else:
        name = f"`{record.name}{'_z' if record.per_axis else ''}`"
    if record.points is not None:
        name += f" ({record.points})"
    cells = [
        f"`{group.name}`",
        name,
        record.symbol,
        record.unit,
        f"**{record.label}**: {record.definition}",
        _uses(record),
        _source(record.references),
    ]
    plain = (cell.replace("|", "&#124;").replace("<", "&lt;") for cell in cells)
    return f"| {' | '.join(plain)} |"


def _uses(record: Descriptor) -> str:
    uses = ["compared"] if record.compared else []
    if record.margin is not None:
        uses.append(f"tested, {100 * record.margin.value:g} % ({record.margin.kind})")
    return "; ".join(uses)


def _source(references: str) -> str:
    doi = references.removeprefix("doi:")
    if doi == references:
        return references
    address = doi.replace("(", "%28").replace(")", "%29")
    return f"[{references}](https://doi.org/{address})"


def with_table(text: str) -> str:
    """Put the table between its marks."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"


def main() -> None:
    """Write the table, or say that it is stale."""
    text = PAGE.read_text(encoding="utf-8")
    if "--check" not in sys.argv:
        PAGE.write_text(with_table(text), encoding="utf-8")
    elif text != with_table(text):
        sys.exit(f"{PAGE.name} is stale: run .ci/descriptor_table.py")


if __name__ == "__main__":
    main()
