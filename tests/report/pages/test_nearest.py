"""The section on memorisation, and the verb that asks for it."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from microdsd.cli.app import app
from microdsd.io import save_microstructures
from microdsd.microstructure import as_microstructure, blobs, cut_windows

NAMES = {0: "pore", 1: "solid"}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A scan, copies of some of its windows, and fresh material."""
    folder = tmp_path_factory.mktemp("copies")
    scan, other = (blobs((64, 64), fractions=(0.3, 0.7), scale=1.5, rng=seed) for seed in (0, 1))
    copies = np.stack([np.rot90(w) for w in cut_windows(scan, (12, 12), n=8, rng=0).values])
    for name, labels in {"scan": scan.values, "other": other.values}.items():
        save_microstructures(folder / f"{name}.h5", as_microstructure(labels, phases=NAMES))
    made = as_microstructure(copies, phases=NAMES, ensemble=True)
    save_microstructures(folder / "made.h5", made)
    return folder


def run(folder, *words):
    page = folder / "page.html"
    words = ["evaluate", folder / "made.h5", "--reference", folder / "other.h5", "-o", page, *words]
    result = CliRunner().invoke(app, [str(word) for word in [*words, "--force"]])
    assert result.exit_code == 0, result.stderr
    return result.stdout, page.read_text(), json.loads(page.with_suffix(".json").read_text())


def test_turned_copies_are_reported(files):
    said, page, numbers = run(files, "--training", files / "scan.h5", "--symmetry", "isotropic")
    assert "8 of 8 samples are nearer than every held-back window" in said
    assert "8 of 8 samples are nearer than every held-back window" in page
    assert '<span class="number">6</span>Nearest training windows' in page
    assert '<span class="number">7</span>Definitions' in page
    assert numbers["memorisation"]["generated"]["distance"] == [0.0] * 8


def test_json_on_request(files):
    said, _, numbers = run(files, "--training", files / "scan.h5", "--json")
    document = json.loads(said)
    assert document["memorisation"] == numbers["memorisation"]
    assert min(document["memorisation"]["generated"]["distance"]) > 0  # not sought in all turns


def test_without_training_there_is_no_section(files):
    said, page, numbers = run(files)
    assert "held-back" not in said
    assert "Nearest training windows" not in page
    assert '<span class="number">6</span>Definitions' in page
    assert "memorisation" not in numbers
