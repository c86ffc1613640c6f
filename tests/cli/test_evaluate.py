"""`microdsd evaluate`: the page from files, and errors before any work."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from microdsd.cli.app import app
from microdsd.io import open_labels, output_lock, save_microstructures
from microdsd.microstructure import as_microstructure, blobs, cut_windows, phase_counts

PHASES = {0: "pore", 1: "solid"}


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    scan = as_microstructure(
        blobs((12, 48, 48), fractions=(0.3, 0.7), scale=1.5, rng=0), phases=PHASES, voxel_size=1e-6
    )
    save_microstructures("scan.h5", scan)
    np.save("scan.npy", np.where(scan.values == 0, 0, 255).astype(np.uint8))
    new = cut_windows(scan, (16, 16), n=4, rng=1)
    asked = {"pore": phase_counts(new).values[:, 0].tolist()}
    save_microstructures("new.h5", as_microstructure(new, provenance={"requested_counts": asked}))
    return tmp_path


def run(*words):
    return CliRunner().invoke(app, ["evaluate", "new.h5", *words])


def test_page_and_numbers_are_written(files):
    result = run("--reference", "scan.h5", "-o", "page.html")
    assert result.exit_code == 0
    first, second = result.stdout.splitlines()
    assert first.startswith("Too few to tell: 4 samples")
    assert second.startswith("All 4 samples carry exactly the requested counts.")
    assert (files / "page.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    numbers = json.loads((files / "page.json").read_text(encoding="utf-8"))
    assert numbers["provenance"]["seed"] == 0
    assert "new.h5, sha256" in numbers["provenance"]["files"]["generated file"]


def test_json_is_the_whole_of_stdout(files):
    document = json.loads(run("--reference", "scan.h5", "-o", "page.html", "--json").stdout)
    stored = json.loads((files / "page.json").read_text(encoding="utf-8"))
    assert document["numbers"] == "page.json"
    assert document["comparison"] == stored["comparison"]


def test_only_the_region_of_the_reference_is_used(files):
    # One slice of 48 x 48 holds nine windows of 16 x 16.
    document = json.loads(
        run("--reference", "scan.h5", "--reference-region", "z=11:12", "--json").stdout
    )
    assert document["reference_windows"] == 9


def test_a_bare_reference_is_named_on_the_command_line(files):
    bare = ("--reference", "scan.npy", "--labels", "0=pore", "255=solid")
    document = json.loads(run(*bare, "--voxel-size", "1e-6", "--phase", "solid", "--json").stdout)
    assert document["phases"] == {"0": "pore", "1": "solid"}
    assert document["compared_phases"] == [1]
    assert document["notes"] == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--reference", "none.h5"), "none.h5: there is no such file"),
        (("--reference", "scan.h5:/other"), "scan.h5"),
        (("--reference", "scan.h5", "--phase", "clay"), "no phase 'clay'"),
        (("--reference", "scan.h5", "--reference-region", "w=0:2"), "no axis"),
        (("--reference", "scan.h5", "--reference-region", "x=0:8"), "smaller than the generated"),
        (("--reference", "scan.npy"), "agree neither in names nor in labels"),
        (("--reference", "scan.h5", "--voxel-size", "2e-6"), "voxels measure"),
        (("--reference", "scan.h5", "--training-log", "none.csv"), "cannot be read"),
        (("--reference", "scan.h5", "-o", "page.pdf"), "must end in .html"),
        (("--reference", "none.h5", "--require", "perfect"), "'perfect' is not one of"),
        (
            ("--reference", "none.h5", "--require", "component_count>=3"),
            "'component_count>=3' is not one",
        ),
        (("--reference", "none.h5", "--require", "memorisation"), "--training"),
        (("--reference", "none.h5", "--require", "network"), "--classifier network"),
        (("--reference", "none.h5", "--classifier", "forest"), "there is: network"),
        (("--reference", "none.h5", "--margin", "surfeit=0.1"), "no test is called 'surfeit'"),
        (("--reference", "none.h5", "--margin", "surface=5"), "0.05 for 5 %"),
        (("--reference", "scan.h5", "-o", "folder/page.html"), "folder"),
    ],
)
def test_errors_are_one_line_and_leave_no_file(files, words, message):
    before = set(files.iterdir())
    result = run(*words)
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert message in result.stderr
    assert set(files.iterdir()) == before


@pytest.mark.parametrize("existing", ["page.html", "page.json"])
def test_an_existing_report_is_kept_unless_forced(files, existing):
    (files / existing).write_text("mine")
    assert run("--reference", "none.h5", "-o", "page.html").exit_code == 2
    refused = run("--reference", "scan.h5", "-o", "page.html")
    assert refused.exit_code == 2
    assert "--force" in refused.stderr
    assert (files / existing).read_text() == "mine"
    assert run("--reference", "scan.h5", "-o", "page.html", "--force").exit_code == 0
    assert (files / existing).read_text() != "mine"


def test_a_requirement_that_is_not_met_is_exit_code_1(files):
    met = run("--reference", "scan.h5", "--require", "exact", "--phase", "pore")
    assert met.exit_code == 0
    missed = run("--reference", "scan.h5", "--force", "--require", "within", "--json")
    assert missed.exit_code == 1
    assert "not met: within: Too few to tell" in missed.stderr
    assert list(json.loads(missed.stdout)["unmet"]) == ["within"]
    assert (files / "report.html").exists()


def test_copies_of_training_windows_are_called_copies(files):
    """Windows of the scan itself, held back ones from another part: no chance involved."""
    scan = as_microstructure(
        blobs((40, 48, 48), fractions=(0.3, 0.7), scale=1.5, rng=0), phases=PHASES, voxel_size=1e-6
    )
    save_microstructures("big.h5", scan)
    copies = cut_windows(scan[:20], (16, 16), n=12, rng=1)
    save_microstructures("new.h5", copies, overwrite=True)
    result = run(
        "--reference", "big.h5", "--reference-region", "z=28:40",
        "--training", "big.h5", "--training-region", "z=0:20",
        "--require", "memorisation",
    )  # fmt: skip
    assert result.exit_code == 1
    assert "Samples are copies of training windows" in result.stdout.splitlines()[0]


@pytest.mark.parametrize(
    ("shape", "windows", "unit"),
    [((60, 48), (16, 16), "rows"), ((60, 20, 20), (16, 16, 16), "layers")],
)
def test_samples_larger_than_what_was_held_back(files, shape, windows, unit):
    """Nine of sixty rows held back, windows of sixteen: it flatters, and the remedy is said."""
    scan = as_microstructure(blobs(shape, fractions=(0.3, 0.7), scale=1, rng=0), phases=PHASES)
    training = {
        "data_sha256": open_labels(scan).sha256(),
        "data_shape": list(shape),
        "held_back": 0.15,
    }
    new = cut_windows(scan, windows, n=3, rng=1)
    save_microstructures("scan.h5", scan, overwrite=True)
    save_microstructures(
        "new.h5", as_microstructure(new, provenance={"training": training}), overwrite=True
    )
    document = json.loads(run("--reference", "scan.h5", "--force", "--json").stdout)
    assert document["flatters"]
    assert f"{unit} 51 to 60, is too thin for windows of 16" in document["notes"][0]
    assert "at most 9 voxels" in document["notes"][0]


def test_the_scan_that_was_trained_on_is_recognised(files):
    """Trained on all layers but the last three: only those are compared, and the rest is told."""
    with open_labels("scan.h5") as source:
        training = {"data_sha256": source.sha256(), "data_shape": [12, 48, 48], "held_back": 0.25}
        deeper = source.load()
    new = cut_windows(deeper, (16, 16), n=4, rng=1)
    record = as_microstructure(new, provenance={"training": training})
    save_microstructures("new.h5", record, overwrite=True)
    document = json.loads(run("--reference", "scan.h5", "--force", "--json").stdout)
    assert document["reference_windows"] == 27  # nine windows on each of three layers
    assert document["flatters"] is None
    assert "9 to 12 of 12" in document["notes"][0]
    for region, flatters in (("z=0:9", True), ("z=9:12", False)):
        words = ("--reference", "scan.h5", "--reference-region", region, "--force")
        result = run(*words)
        assert ("The comparison flatters" in result.stdout) is flatters
        assert ('class="note alarm"' in (files / "report.html").read_text()) is flatters
    nothing_kept = {**training, "held_back": 0.0}
    record = as_microstructure(new, provenance={"training": nothing_kept})
    save_microstructures("new.h5", record, overwrite=True)
    assert "flatters" in run("--reference", "scan.h5", "--force").stdout
    # The same scan with more layers on top, which training did not see.
    taller = np.concatenate([deeper.values, deeper.values[::-1]])
    save_microstructures("tall.h5", as_microstructure(taller, phases=PHASES, voxel_size=1e-6))
    document = json.loads(run("--reference", "tall.h5", "--force", "--json").stdout)
    assert "12 to 24 of 24" in document["notes"][0]


@pytest.mark.parametrize("read", ["--training-log", "--training", "--reference"])
def test_what_is_read_is_never_replaced(files, read):
    """Neither by the page nor by the numbers beside it, whatever --force says."""
    for name in ("page.html", "page.json"):
        (files / name).write_bytes((files / "scan.h5").read_bytes())
        before = (files / name).read_bytes()
        others = [] if read == "--reference" else ["--reference", "scan.h5"]
        result = run(*others, read, name, "-o", "page.html", "--force")
        assert result.exit_code == 2, result.output
        assert f"{name}: is read by this very command" in result.stderr
        assert (files / name).read_bytes() == before
        (files / name).unlink()


def test_one_process_writes_a_report(files):
    with output_lock("page.html"):
        result = run("--reference", "scan.h5", "-o", "page.html")
    assert result.exit_code == 2
    assert "page.html: process" in result.stderr
