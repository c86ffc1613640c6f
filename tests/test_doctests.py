"""Every example in a docstring runs, under the suite's warnings-as-errors.

Written out instead of pytest's ``--doctest-modules`` so that examples may write files:
each module's examples run in a folder of their own.
"""

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def modules():
    """Dotted names of all modules of the package, without importing any."""
    for path in sorted((ROOT / "microdsd").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if parts[-1] != "__main__":
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@pytest.mark.parametrize("name", list(modules()))
def test_docstring_examples(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0, f"{result.failed} of {result.attempted} examples failed, see above"
