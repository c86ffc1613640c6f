"""Draw what longer training, larger networks and more evaluations change, from the tables.

    python workflows/25_what_is_left.py docs/images/what-is-left.png

The tables are those of docs/reference/benchmarks/what-is-left.json, which
workflows/benchmarks/training_length.py makes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

TABLES = Path(__file__).parents[1] / "docs" / "reference" / "benchmarks" / "what-is-left.json"
LENGTHS = "Networks that learned longer, and larger ones"
EVALUATIONS = "More and fewer evaluations"
REAL = "other real windows"

Row = dict[str, str]


def rows_of(title: str) -> dict[str, Row]:
    """Return the rows of a table by their labels."""
    tables = json.loads(TABLES.read_text(encoding="utf-8"))["tables"]
    table = next(one for one in tables if one["title"] == title)
    return {
        label: dict(zip(table["columns"][1:], row, strict=True)) for label, *row in table["rows"]
    }


def judged(row: Row) -> float:
    """Return the mean of both judges."""
    shares = [float(share) for share in row["network judge right"].split(" and ")]
    return sum(shares) / len(shares)


def draw(ax: Axes, rows: list[tuple[float, Row]], real: Row, label: str) -> None:
    """Draw what judges make of samples against one number."""
    along = [number for number, _ in rows]
    ax.plot(along, [judged(row) for _, row in rows], "o-", label="network judge")
    discriminant = [float(row["discriminant right"]) for _, row in rows]
    ax.plot(along, discriminant, "s--", label="linear discriminant")
    ax.axhline(judged(real), color="C0", alpha=0.3)
    ax.axhline(float(real["discriminant right"]), color="C1", alpha=0.3)
    ax.set(xscale="log", xlabel=label, ylim=(0.4, 1.0))
    ax.set_xticks(along, [f"{number:.0f}" for number in along])
    ax.minorticks_off()
    ax.grid(alpha=0.3)


def main() -> None:
    lengths, evaluations = rows_of(LENGTHS), rows_of(EVALUATIONS)
    trained = [(name, row) for name, row in lengths.items() if name != REAL]
    longer = [(float(row["minutes"]), row) for name, row in trained if name.startswith("t")]
    larger = [
        (float(row["weights"].split()[0]), row)
        for name, row in trained
        if name.startswith(("t8", "w"))
    ]
    more = [
        (float(name.split(", ")[1].split()[0]), row)
        for name, row in evaluations.items()
        if name != REAL
    ]
    figure, axes = plt.subplots(1, 3, figsize=(10, 3.2), sharey=True, layout="constrained")
    draw(axes[0], longer, lengths[REAL], "minutes of training")
    draw(axes[1], larger, lengths[REAL], "million weights, ten minutes")
    draw(axes[2], sorted(more, key=lambda one: one[0]), evaluations[REAL], "evaluations")
    axes[0].set_ylabel("share that is told from rock")
    axes[0].legend(frameon=False)
    figure.savefig(sys.argv[1], dpi=100)


if __name__ == "__main__":
    main()
