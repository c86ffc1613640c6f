"""The verb that examines a schedule before anything is trained."""

import json

import pytest
from typer.testing import CliRunner

from microdsd.cli.app import app
from microdsd.io import save_microstructures
from microdsd.microstructure import as_microstructure, blobs


def run(*words):
    return CliRunner().invoke(app, ["schedule", *map(str, words)])


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    path = tmp_path_factory.mktemp("scan") / "rock.h5"
    rock = blobs((40, 40), fractions=(0.3, 0.7), scale=2, rng=0).values
    save_microstructures(path, as_microstructure(rock, phases={0: "pore", 1: "solid"}))
    return path


def test_a_summary_in_words(scan):
    result = run(scan, "--window", 16)
    assert result.exit_code == 0
    assert "may be taken for uniform" in result.stdout
    assert "bridges 24" in result.stdout
    assert "tau-leaping at least" in result.stdout


def test_one_json_document(scan):
    result = run(scan, "--window", 16, 20, "--json", "--evaluations", 7)
    document = json.loads(result.stdout)
    assert document["window"] == [16, 20]
    assert document["background"] == "solid"
    assert len(document["levels"]) == 7
    assert document["picture"] is None


def test_a_horizon_that_is_too_short_ends_with_one(scan):
    result = run(scan, "--window", 16, "--sigma-max", 4)
    assert result.exit_code == 1
    assert "layout of the source is still in it; use 15.5" in result.stdout


@pytest.mark.parametrize("suffix", [".html", ".png"])
def test_pictures(scan, tmp_path, suffix):
    path = tmp_path / f"schedule{suffix}"
    assert run(scan, "--window", 16, "-o", path).exit_code == 0
    written = path.read_bytes()
    if suffix == ".html":
        text = written.decode()
        assert "may be taken for uniform" in text
        assert "<svg" in text
        assert "://" not in text.replace("http://www.w3.org/", "")  # stands on its own
    else:
        assert written.startswith(b"\x89PNG")
    refused = run(scan, "--window", 16, "-o", path)
    assert refused.exit_code == 2
    assert "--force" in refused.stderr
    assert run(scan, "--window", 16, "-o", path, "--force").exit_code == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--window", 16, "-o", "schedule.pdf"], "must end in .html or .png"),
        (["--window", 41], "does not fit"),
        (["--window", 16, "--sigma-max", 0.5], "sigma_last"),
        (["--window", 16, "--region", "z=0:2"], "z"),
    ],
)
def test_refusals(scan, words, message):
    result = run(scan, *words)
    assert result.exit_code == 2
    assert message in result.stderr


def test_training_says_which_horizon_it_takes_and_why(scan, tmp_path):
    words = ["train", scan, "--window", 12, "--steps", 1, "--widths", 4, 8, "--batch", 1]
    words += ["--validation", 0, "--json"]
    plain = CliRunner().invoke(app, [str(w) for w in [*words, "-o", tmp_path / "a.model"]])
    assert plain.exit_code == 0, plain.stderr
    said = " ".join(plain.stderr.split())
    assert "moves material by up to 12 voxels, which leaves no trace of the original layout" in said
    assert json.loads(plain.stdout)["sigma_max"] == pytest.approx(11.63, abs=0.01)
    words += ["--sigma-max", 9.6]
    told = CliRunner().invoke(app, [str(w) for w in [*words, "-o", tmp_path / "b.model"]])
    said = " ".join(told.stderr.split())
    assert "moves material by up to 10 voxels; a trace of the original layout stays" in said
    assert "of which --sigma-max 12 would leave none" in said
    words[-1] = 3
    refused = CliRunner().invoke(app, [str(w) for w in [*words, "-o", tmp_path / "c.model"]])
    assert refused.exit_code == 2
    assert "sigma_max=3: at this horizon a box of (12, 12) keeps 74% of its slowest" in (
        refused.stderr
    )
    assert "recommended: 11.6" in refused.stderr
