"""Check the English of the code: docstrings and names.

Every docstring of a function or a class begins with one full sentence in the imperative mood: a
verb and its object, on one line, with a full stop. Frozen data classes list "Attributes". No
variable has a name that says nothing of what it holds.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "microdsd"
ROOMS = tuple(sorted({path.relative_to(PACKAGE).parts[0] for path in PACKAGE.rglob("*.py")}))
"""All rooms and single modules."""

EMPTY_NAMES = "of told heard said here there theirs ours mine seen shown found made who"
"""Names that do not tell what they hold."""

VERBS = """
    Accept Add Adjust Allow Animate Anneal Append Apply Arrange Ask Assign Average Bind Bound Bridge
    Bring Build Calibrate Call Cast Change Check Choose Clean Clear Close Coarsen Collect Combine
    Compare Compile Complete Compose Compute Concatenate Configure Confirm Continue Convert Copy
    Correct Count Create Crop Cut Decide Decode Define Derive Describe Discharge Divide Draw Embed
    Emulate Encode Enumerate Escape Estimate Evaluate Exchange Expand Explain Extend Extract Factor
    Fill Find Fit Fold Forget Format Gather Generate Give Group Guide Hold Homogenise Ignore Import
    Initialise Insert Interpolate Invert Iterate Join Judge Keep Label Lay Leave Limit Link List
    Load Locate Look Make Map Mark Mask Match Maximise Measure Merge Minimise Mirror Mix Move
    Multiply Name Normalise Open Order Pack Pad Paint Pair Pass Permute Pick Place Plan Plot
    Precompute Precondition Predict Prepare Print Project Propose Put Raise Rank Read Receive
    Recognise Reconstruct Record Recount Reduce Refuse Register Relabel Remove Render Reorder Repeat
    Replace Report Represent Request Require Resample Rescale Reshape Restore Restrict Return
    Reverse Rotate Round Run Sample Save Say Scale Search Select Separate Set Shade Shift Show
    Shuffle Simulate Smooth Solve Sort Split Spread Standardise Start State Steer Step Stop Store
    Strip Subtract Suggest Sum Swap Symmetrise Take Tell Test Threshold Train Transform Translate
    Turn Unpack Update Use Validate View Visit Walk Warn Watch Weigh Weight Widen Wrap Write Yield
"""
"""Verbs with which a docstring may begin; add what is missing."""

Node = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def definitions(tree: ast.AST) -> Iterator[Node]:
    """Yield all functions and classes of a module."""
    for node in ast.walk(tree):
        if isinstance(node, Node):
            yield node


def faults_of_docstring(node: Node) -> Iterator[str]:
    """Yield what is wrong with the docstring of one definition."""
    text = ast.get_docstring(node)
    if text is None:
        return
    first, *rest = text.splitlines()
    if not first.endswith("."):
        yield f"{node.name}: the first line is not one sentence: {first!r}"
    elif not re.match(rf"({'|'.join(VERBS.split())})\b(?! of\b)", first):
        yield f"{node.name}: the first line does not begin with a verb: {first!r}"
    if is_frozen(node) and "Parameters" in (line.strip() for line in rest):
        yield f"{node.name}: a frozen data class lists Attributes, not Parameters"


def is_frozen(node: Node) -> bool:
    """Return whether a definition is a frozen data class."""
    return any(
        isinstance(decorator, ast.Call)
        and any(keyword.arg == "frozen" for keyword in decorator.keywords)
        for decorator in node.decorator_list
    )


def bound_names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the line and the name of every variable and every parameter."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg


def faults(path: Path) -> list[str]:
    """Return what is wrong with one file, with its lines."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    numbered = [(n.lineno, fault) for n in definitions(tree) for fault in faults_of_docstring(n)]
    numbered += [
        (line, f"the name {name!r} does not tell what it holds")
        for line, name in bound_names(tree)
        if name in EMPTY_NAMES.split()
    ]
    return [
        f"{path.relative_to(PACKAGE.parent)}:{line}: {fault}" for line, fault in sorted(numbered)
    ]


def all_faults(rooms: tuple[str, ...] = ROOMS) -> list[str]:
    """Return what is wrong in some rooms, by default in all."""
    return [fault for room in rooms for path in files_of(PACKAGE / room) for fault in faults(path)]


def files_of(room: Path) -> list[Path]:
    """Return the files of a room, which may be a single module."""
    return [room] if room.suffix == ".py" else sorted(room.rglob("*.py"))


def main() -> None:
    """Print what is wrong, in the rooms that are named or in all."""
    faulty = all_faults(tuple(sys.argv[1:]) or ROOMS)
    print("\n".join(faulty))
    sys.exit(bool(faulty))


if __name__ == "__main__":
    main()
