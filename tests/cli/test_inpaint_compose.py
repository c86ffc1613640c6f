"""``microdsd inpaint`` and ``compose`` from end to end on models without training."""

import json

import numpy as np
import pytest
from PIL import Image
from tiny_models import tiny_model
from typer.testing import CliRunner

from microdsd.cli.app import app
from microdsd.io import load_microstructures, save_microstructures
from microdsd.microstructure import as_microstructure, provenance_of

PHASES = {0: "pore", 1: "solid"}
LABELS = np.random.default_rng(0).integers(0, 2, (12, 10)).astype(np.uint8)


pytestmark = pytest.mark.usefixtures("steady_precision")


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def save(path, labels, phases=PHASES):
    save_microstructures(path, as_microstructure(labels, phases=phases))


@pytest.fixture
def folder(tmp_path):
    tiny_model().save(tmp_path / "rock.model")
    save(tmp_path / "scan.h5", LABELS)
    return tmp_path


def inpaint(folder, *words, scan="scan.h5"):
    options = ["-o", folder / "new.h5", "--seed", 0]
    return run("inpaint", folder / "rock.model", folder / scan, *options, *words)


def made_of(folder, result):
    assert result.exit_code == 0, result.stderr
    assert run("verify", folder / "new.h5").exit_code == 0
    return load_microstructures(folder / "new.h5").values


def test_a_hole_with_its_summary(folder):
    result = inpaint(
        folder, "--hole", "y=2:8", "x=3:9", "-n", 3, "--fraction", "pore=0.5", "--json"
    )
    new = made_of(folder, result)
    hole = np.zeros(LABELS.shape, bool)
    hole[2:8, 3:9] = True
    assert (new[:, ~hole] == LABELS[~hole]).all()
    assert (new == 0).sum((1, 2)).tolist() == [60] * 3
    summary = json.loads(result.stdout)
    assert summary["requested_counts"] == {"pore": [60] * 3, "solid": [60] * 3}
    assert summary["known"]["voxels"] == 84
    assert not (folder / "new.h5.partial").exists()


def test_what_is_said_without_json(folder):
    result = inpaint(folder, "--hole", "y=2:8")
    assert result.stdout == ""
    assert "60 known voxels as they were, exact counts" in " ".join(result.stderr.split())


@pytest.mark.parametrize("crop", [(), ("--region", "y=4:12")])
def test_a_mask_of_the_scan_or_of_its_part(folder, crop):
    mask = np.random.default_rng(1).integers(0, 2, LABELS.shape)
    save(folder / "mask.h5", mask)
    new = made_of(folder, inpaint(folder, "--mask", folder / "mask.h5", *crop))[0]
    known = mask == 0
    assert (new == LABELS)[known].all() if not crop else (new == LABELS[4:])[known[4:]].all()


def test_damaged_voxels(folder):
    labels = LABELS.copy()
    labels[3:6, 4:7] = 7
    save(folder / "hurt.h5", labels, PHASES | {7: "crack"})
    new = made_of(folder, inpaint(folder, "--damaged", 7, scan="hurt.h5"))[0]
    assert set(np.unique(new)) == {0, 1}
    assert (new == LABELS)[labels != 7].all()


def test_a_picture_whose_phases_are_named(folder):
    """Its damaged voxels are of a label that the model does not know."""
    picture = np.where(LABELS == 1, 255, 0).astype(np.uint8)
    picture[3:6, 4:7] = 128
    Image.fromarray(picture).save(folder / "hurt.png")
    named = ["--labels", "0=pore", "255=solid", "128=crack", "--damaged", 128]
    new = made_of(folder, inpaint(folder, *named, scan="hurt.png"))[0]
    assert set(np.unique(new)) == {0, 1}
    assert (new == LABELS)[picture != 128].all()
    hole = ["--labels", "0=pore", "255=solid", "128=crack", "--hole", "y=0:2", "--force"]
    refused = inpaint(folder, *hole, scan="hurt.png")
    assert refused.exit_code == 2
    assert "'crack' is no phase of the model" in " ".join(refused.stderr.split())


def test_a_larger_box(folder):
    new = made_of(folder, inpaint(folder, "--grow", 16, 14))[0]
    assert new.shape == (16, 14)
    assert (new[2:14, 2:12] == LABELS).all()


def test_between_slices_of_one_member_of_an_ensemble(tmp_path):
    tiny_model(3).save(tmp_path / "rock.model")
    volumes = np.random.default_rng(2).integers(0, 2, (2, 7, 6, 5))
    save_microstructures(
        tmp_path / "scan.h5", as_microstructure(volumes, phases=PHASES, ensemble=True)
    )
    new = made_of(tmp_path, inpaint(tmp_path, "--every", 3, "--sample", 1))[0]
    assert (new[::3] == volumes[1, ::3]).all()
    result = inpaint(tmp_path, "--every", 3, "--sample", 2, "--force")
    assert result.exit_code == 2
    assert "sample=2: the file holds 0 to 1" in result.stderr


def test_walls_around_a_box_alone(folder):
    made_of(folder, inpaint(folder, "--hole", "y=2:8", "x=3:9", "--walls"))
    assert provenance_of(load_microstructures(folder / "new.h5"))["walls"] is True
    result = inpaint(folder, "--grow", 16, 14, "--walls", "--force")
    assert result.exit_code == 2
    assert "one box" in result.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "give exactly one of --hole, --mask"),
        (["--hole", "y=2:8", "--every", 2], "--hole --every: give exactly one"),
        (["--hole", "y=9:9"], "hole: y from 9 to 9 is empty; give a range inside 0:12"),
        (["--hole", "z=0:4"], "hole: there is no axis z"),
        (["--hole", "y=4"], "hole: expected start:stop, got '4'"),
        (["--every", 1], "every=1: at least 2"),
        (["--grow", 10, 10], "make the box larger"),
        (["--damaged", 9], "damaged=9: no voxel has that label, only [0, 1]"),
        (["--hole", "y=2:4", "--fraction", "pore=0.9"], "the box can have 0."),
        (["--hole", "y=2:4", "--fraction", "water=0.9"], "no phase 'water'"),
        (["--region", "y=0:3", "--hole", "y=0:2"], "needs at least 4 voxels"),
    ],
)
def test_impossible_completions(folder, words, message):
    result = inpaint(folder, *words)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())
    assert not (folder / "new.h5").exists()


def test_a_mask_of_another_shape(folder):
    save(folder / "mask.h5", LABELS[:5])
    result = inpaint(folder, "--mask", folder / "mask.h5")
    assert result.exit_code == 2
    assert "its shape is (5, 10), that of the material (12, 10)" in result.stderr


@pytest.mark.parametrize("asked", [0.0, 0.9])
def test_what_the_known_part_leaves_possible(folder, asked):
    """Of 120 voxels 30 are known pores, 30 known solid: too few and too many are refused alike."""
    labels = np.zeros((12, 10), int)
    labels[3:6] = 1
    save(folder / "half.h5", labels)
    result = inpaint(folder, "--hole", "y=6:12", "--fraction", f"pore={asked}", scan="half.h5")
    assert result.exit_code == 2
    said = " ".join(result.stderr.split())
    assert "the box can have 0.25 to 0.75 of pore, 0.25 to 0.75 of solid" in said


def test_nothing_is_overwritten_unasked(folder):
    save(folder / "new.h5", LABELS)
    before = (folder / "new.h5").read_bytes()
    for result in (inpaint(folder, "--hole", "y=2:8"), compose(folder, "pore\n0.5\n")):
        assert result.exit_code == 2
        assert "--force" in result.stderr
    assert (folder / "new.h5").read_bytes() == before
    assert made_of(folder, compose(folder, "pore\n0.5\n", "--force")).shape == (1, 12, 10)


def compose(folder, table, *words):
    (folder / "table.csv").write_text(table)
    options = ["-o", folder / "new.h5", "--seed", 0]
    return run("compose", folder / "rock.model", folder / "table.csv", *options, *words)


def test_blocks_of_a_grid(folder):
    result = compose(folder, "pore\n0.1\n0.3\n0\n0.6\n", "--grid", 2, 2, "-n", 2, "--json")
    blocks = made_of(folder, result).reshape(2, 2, 6, 2, 5)
    assert (blocks == 0).sum((2, 4)).tolist() == [[[3, 9], [0, 18]]] * 2
    summary = json.loads(result.stdout)
    assert summary["requested_region_counts"]["pore"] == [[3, 9, 0, 18]] * 2
    assert "known" not in summary


def test_regions_of_a_map_in_any_order(folder):
    regions = np.full((14, 12), 3)
    regions[:7] = 5
    save_microstructures(folder / "map.h5", regions)
    table = "region, pore\n5, 0.25\n3, 0.5\n"
    new = made_of(folder, compose(folder, table, "--region-map", folder / "map.h5"))[0]
    assert [(new[regions == label] == 0).sum() for label in (3, 5)] == [42, 21]


def test_layers_by_default(folder):
    result = compose(folder, "pore\n0.1\n0.3\n0.5\n")
    new = made_of(folder, result)[0]
    assert [(part == 0).sum() for part in np.split(new, 3)] == [4, 12, 20]
    assert "exact counts in each of 3 regions" in " ".join(result.stderr.split())


@pytest.mark.parametrize(
    ("table", "words", "message"),
    [
        ("pore\n", [], "at least one of numbers"),
        ("pore\nmuch\n", [], "every entry must be a number"),
        ("pore, solid\n0.5\n", [], "every entry must be a number"),
        ("water\n0.5\n", [], "no phase 'water'"),
        ("pore\n0.5\n1.2\n", [], "region 1: phase_fraction['pore']=1.2: give a number from 0 to 1"),
        ("pore, solid\n0.5, 0.4\n", [], "make them sum to 1"),
        ("pore\n0.5\n0.4\n", ["--grid", 2, 2], "has 4 blocks"),
        ("pore\n0.5\n", ["--grid", 1], "give 2 numbers"),
        ("pore\n" + "0.5\n" * 13, [], "13 blocks along an axis of 12 voxels; give 1 to 12"),
        ("region, pore\n0, 0.5\n", [], "give its map with --region-map"),
    ],
)
def test_impossible_compositions(folder, table, words, message):
    result = compose(folder, table, *words)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())
    assert not (folder / "new.h5").exists()


@pytest.mark.parametrize(
    ("table", "words", "message"),
    [
        ("pore\n0.5\n", [], "needs a column 'region'"),
        ("region, pore\n0, 0.5\n", [], "has rows for regions [0.0], the map holds [0, 1]"),
        ("region, pore\n0, 0.5\n1, 0.4\n", ["--shape", 9, 9], "leave shape out"),
    ],
)
def test_maps_that_do_not_fit(folder, table, words, message):
    save_microstructures(folder / "map.h5", LABELS)
    result = compose(folder, table, "--region-map", folder / "map.h5", *words)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())


def test_images_can_be_neither_completed_nor_composed(folder):
    options = ["-o", folder / "new.h5"]
    result = run("inpaint", "digits", folder / "scan.h5", "--hole", "y=2:8", *options)
    assert result.exit_code == 2
    assert "known: the model makes images of 17 grey levels" in " ".join(result.stderr.split())
    (folder / "table.csv").write_text("grey\n5\n")
    result = run("compose", "digits", folder / "table.csv", *options)
    assert result.exit_code == 2
    assert "phase_fraction: the model makes images" in " ".join(result.stderr.split())
