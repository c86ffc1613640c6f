"""Targets in the verbs that generate: ranges before the walk, and what was made after it."""

import csv
import json

import numpy as np
import pytest
from tiny_models import tiny_model, told_model
from typer.testing import CliRunner

from microdsd.cli.app import app
from microdsd.generation import particle_walks
from microdsd.generation.microstructure_model import MicrostructureModel
from microdsd.io import load_microstructures, save_microstructures
from microdsd.microstructure import as_microstructure, provenance_of

pytestmark = pytest.mark.usefixtures("steady_precision")

SURFACE = "specific_surface_area"
NAMES = {0: "pore", 1: "solid"}


@pytest.fixture(autouse=True)
def few_pilots(monkeypatch):
    monkeypatch.setattr(particle_walks, "PILOTS", 8)


@pytest.fixture
def folder(tmp_path):
    tiny_model(unit="voxel").save(tmp_path / "free.model")
    told_model().save(tmp_path / "told.model")
    scan = np.random.default_rng(1).integers(0, 2, (12, 10), dtype=np.uint8)
    save_microstructures(tmp_path / "scan.h5", as_microstructure(scan, phases=NAMES))
    (tmp_path / "table.csv").write_text("pore\n0.3\n0.5\n")
    return tmp_path


VERBS = {
    "generate": ["--fraction", "pore=0.4"],
    "inpaint": ["scan.h5", "--hole", "y=2:10", "--fraction", "pore=0.5"],
    "compose": ["table.csv"],
    "sweep": ["--fraction", "pore=0.3:0.5:2"],
}
PARTICLES = ["--target", f"{SURFACE}=0.8", "--particles", 2, "--force"]


def verb(folder, name, *words, model="free.model"):
    words = [folder / word if word in ("scan.h5", "table.csv") else word for word in words]
    output = ["-o", folder / "new.h5", "-n", 1]
    words = [name, folder / model, *words, *output]
    return CliRunner().invoke(app, [str(word) for word in words])


def flat(text):
    return " ".join(text.split())


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_takes_targets_and_says_ranges_and_what_was_made(folder, name):
    result = verb(folder, name, *VERBS[name], *PARTICLES)
    assert result.exit_code == 0, result.stderr
    words = flat(result.stderr)
    assert "8 free samples of this box and composition have" in words
    assert f"{SURFACE} in 1/voxel: 0.8 asked for" in words
    record = provenance_of(load_microstructures(folder / "new.h5"))
    assert record["particles"] == 2
    assert record["targets"][SURFACE][0] == 0.8
    assert set(record["achieved"]) == {SURFACE}
    assert any("free samples of this box" in note for note in record["notes"])


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_takes_guidance_and_refuses_what_is_beyond(folder, name):
    steered = ["--guidance", 2, "--target"]
    beyond = verb(folder, name, *VERBS[name], *steered, f"{SURFACE}=9", model="told.model")
    assert beyond.exit_code == 2
    assert "beyond what is attainable" in flat(beyond.stderr)
    made = verb(folder, name, *VERBS[name], *steered, f"{SURFACE}=9", "--force", model="told.model")
    assert made.exit_code == 0, made.stderr
    assert "as near to it as they can" in flat(made.stderr)
    assert "ended far from the target" in flat(made.stderr)


def test_the_summary_has_the_notes_of_the_file(folder):
    result = verb(folder, "generate", *VERBS["generate"], *PARTICLES, "--json")
    summary = json.loads(result.stdout)
    record = provenance_of(load_microstructures(folder / "new.h5"))
    assert summary["notes"] == record["notes"]
    assert summary["usual_ranges"] == record["usual_ranges"]


def test_pilots_do_not_walk_again_for_samples_that_are_made(folder, monkeypatch):
    """The run was stopped while its output was written; its record is the same."""
    with monkeypatch.context() as patch:

        def stopped(*_, **options):
            raise KeyboardInterrupt

        patch.setattr("microdsd.io.save_samples", stopped)
        assert verb(folder, "generate", *VERBS["generate"], *PARTICLES).exit_code == 130
    monkeypatch.setattr(particle_walks.ParticleWalks, "_piloted", stopped)
    monkeypatch.setattr(MicrostructureModel, "within_reach", stopped)
    result = verb(folder, "generate", *VERBS["generate"], *PARTICLES)
    assert result.exit_code == 0, result.stderr
    record = provenance_of(load_microstructures(folder / "new.h5"))
    assert any("free samples of this box" in note for note in record["notes"])
    assert record["usual_ranges"][SURFACE]


def test_a_design_takes_particles_for_its_targets(folder):
    words = ["--target", f"{SURFACE}=0.4:0.5", "--minimise", "euler_density:pore"]
    words += ["--search", "random", "--candidates", 2, "--particles", 2]
    output = folder / "design.h5"
    words = ["design", folder / "told.model", *words, "-o", output]
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, result.stderr
    assert provenance_of(load_microstructures(output))["particles"] == 2
    with output.with_suffix(".csv").open() as file:
        assert len(list(csv.DictReader(file))) == 2
