"""Pages of figures are made from JSON files, which the benchmark scripts write."""

import argparse
import importlib.util
import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def module_at(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


tables = module_at(ROOT / ".ci" / "benchmark_tables.py")
records = module_at(ROOT / "workflows" / "benchmarks" / "record.py")

FIGURES = {"generated": {"surface": 0.123456, "windows": 48}, "real": {"surface": 0.5}}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "present_commit", lambda: "abc1234")
    monkeypatch.setattr(sys, "argv", ["workflows/benchmarks/berea_fidelity.py", "berea-2d"])
    return tmp_path


def test_pages_are_up_to_date():
    assert not tables.stale(), "run .ci/benchmark_tables.py"


def test_figures_become_a_page(folder):
    records.record("rock-speed", "Two windows", FIGURES, notes=["A note."], folder=folder)
    text = tables.texts(folder)[folder / "rock-speed.md"]
    assert text.index("# Rock speed") < text.index("## Two windows") < text.index("A note.")
    assert "with `workflows/benchmarks/berea_fidelity.py`. Recorded on 20" in text
    assert "at commit `abc1234`" in text
    assert "|  | surface | windows |\n" in text
    assert "| generated | 0.1235 | 48 |\n| real | 0.5 |  |\n" in text


def test_a_table_of_the_same_title_is_replaced_and_others_stay(folder):
    for title in ("first", "second"):
        records.record("page", title, FIGURES, folder=folder)
    records.record("page", "first", {"new": {"error": 1.0}}, folder=folder)
    first, second = json.loads((folder / "page.json").read_text())["tables"]
    assert (first["title"], first["rows"]) == ("first", [["new", "1"]])
    assert second["title"] == "second"
    assert len(second["rows"]) == 2


def test_nothing_is_recorded_without_a_title(folder):
    parser = argparse.ArgumentParser()
    records.add_record_option(parser)
    records.record("page", parser.parse_args([]).record, FIGURES, folder=folder)
    assert not list(folder.iterdir())


def test_pages_that_are_edited_missing_or_without_figures_are_stale(folder):
    records.record("page", "first", FIGURES, folder=folder)
    assert tables.stale(folder) == ["index.md", "page.md"]
    for path, text in tables.texts(folder).items():
        path.write_text(text)
    assert not tables.stale(folder)
    (folder / "page.md").write_text("figures by hand")
    (folder / "orphan.md").write_text("figures by hand")
    assert tables.stale(folder) == ["orphan.md", "page.md"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rows": [["one"]]}, "3 columns, but a row"),
        ({"commit": None}, None),
        ({"script": "workflows/benchmarks/none.py"}, "none.py does not exist"),
    ],
)
def test_incomplete_tables_are_refused(folder, change, message):
    records.record("page", "first", FIGURES, folder=folder)
    path = folder / "page.json"
    page = json.loads(path.read_text())
    table = page["tables"][0]
    table.update(change)
    if message is None:
        del table["commit"]
        message = "has no commit"
    path.write_text(json.dumps(page))
    with pytest.raises(ValueError, match=message):
        tables.texts(folder)


def test_every_benchmark_can_record():
    scripts = sorted((ROOT / "workflows" / "benchmarks").glob("*.py"))
    without = [p.name for p in scripts if p.name != "record.py" and "record(" not in p.read_text()]
    assert not without
