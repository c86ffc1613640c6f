"""Print the house as text: lines of code per layer and room, and what each room imports.

The layers are those of the contract "rooms" in pyproject.toml, which `lint-imports` enforces.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "microdsd"


def layers() -> list[list[str]]:
    """Rooms by layer, from the top down."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
        "importlinter"
    ]
    (rooms,) = (contract for contract in settings["contracts"] if contract["id"] == "rooms")
    return [[room.strip() for room in layer.split("|")] for layer in rooms["layers"]]


def lines(room: str) -> int:
    """Lines of a room's modules, docstrings and comments included."""
    folder = ROOT / PACKAGE / room
    files = folder.rglob("*.py") if folder.is_dir() else [folder.with_suffix(".py")]
    return sum(len(file.read_text(encoding="utf-8").splitlines()) for file in files)


def imports() -> Counter[tuple[str, str]]:
    """Number of module imports from one room to another."""
    graph = grimp.build_graph(PACKAGE, cache_dir=None)
    return Counter(
        (importer.split(".")[1], imported.split(".")[1])
        for importer in graph.modules
        for imported in graph.find_modules_directly_imported_by(importer)
        if importer.count(".") and imported.count(".")
    )


def main() -> None:
    """Print one table of the layers and one of the imports."""
    found = imports()
    storeys = layers()
    order = [room for layer in storeys for room in layer]
    for number, layer in zip(range(len(storeys), 0, -1), storeys, strict=True):
        sizes = {room: lines(room) for room in layer}
        rooms = ", ".join(f"{room} {size:,}" for room, size in sizes.items())
        print(f"layer {number:>2}  {sum(sizes.values()):>6,} lines  {rooms}")
    print()
    for room in order:
        below = [(other, found[room, other]) for other in order if other != room]
        shown = ", ".join(f"{other} {number}" for other, number in below if number)
        print(f"{room:<14} -> {shown or 'nothing'}")
    arrows = sum(1 for one, other in found if one != other)
    print(f"\n{len(order)} rooms, {len(storeys)} layers, {arrows} arrows between rooms")


if __name__ == "__main__":
    main()
