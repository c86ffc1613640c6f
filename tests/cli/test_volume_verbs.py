"""Volumes from models of slices, through the commands: the files recount, whatever was asked."""

import json

import numpy as np
import pytest
from PIL import Image
from tiny_models import tiny_model
from typer.testing import CliRunner

from microdsd.cli.app import app
from microdsd.errors import InputError
from microdsd.fitting.volumes import require_pictures
from microdsd.io import load_microstructures, open_labels, save_microstructures
from microdsd.microstructure import as_microstructure, blobs, provenance_of

pytestmark = pytest.mark.usefixtures("steady_precision")

PHASES = {0: "pore", 1: "solid"}
BOX = ["--shape", 7, 9, 8]


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("volumes")
    tiny_model(2, symmetry="isotropic").save(folder / "rock.model")
    tiny_model(2).save(folder / "side.model")
    return folder


def generate(folder, *words, model="rock.model", output="new.h5"):
    return run("generate", folder / model, "-o", folder / output, "--force", *words)


def made(folder, result, output="new.h5"):
    assert result.exit_code == 0, result.stderr
    assert run("verify", folder / output).exit_code == 0
    return load_microstructures(folder / output)


def test_a_volume_with_exact_counts(folder):
    result = generate(folder, *BOX, "--fraction", "pore=0.2", "-n", 2)
    volume = made(folder, result)
    assert volume.sizes == {"sample": 2, "z": 7, "y": 9, "x": 8}
    assert (volume == 0).sum(("z", "y", "x")).values.tolist() == [101, 101]
    words = " ".join(result.stderr.split())
    assert "how it is connected in 3D is inferred" in words
    assert "not calibrated for volumes, train with --for-volumes" in words


def test_measured_planes_are_kept(folder):
    plane = np.random.default_rng(0).integers(0, 2, (9, 8)).astype(np.uint8)
    save_microstructures(folder / "top.h5", as_microstructure(plane, phases=PHASES))
    cuts = ["--plane", f"z=0:{folder / 'top.h5'}", f"z=6:{folder / 'top.h5'}"]
    volume = made(folder, generate(folder, *BOX, "--fraction", "pore=0.5", *cuts)).values[0]
    assert (volume[0] == plane).all()
    assert (volume[6] == plane).all()
    assert (volume == 0).sum() == 252
    for words, why in ((["z=a:b"], "not AXIS=PLACE:FILE"), (["w=0:b"], "not AXIS=PLACE:FILE")):
        result = generate(folder, *BOX, "--plane", *words)
        assert result.exit_code == 2
        assert why in " ".join(result.stderr.split())


def test_planes_of_pictures_are_named_like_the_phases_of_the_model(folder):
    """Whatever their labels are, and in whatever order the phases come."""
    plane = np.random.default_rng(0).integers(0, 2, (9, 8)).astype(np.uint8)
    Image.fromarray(255 * plane).save(folder / "top.png")
    cut = ["--fraction", "pore=0.5", "--plane", f"z=0:{folder / 'top.png'}"]
    volume = made(folder, generate(folder, *BOX, *cut, "--labels", "0=pore", "255=solid"))
    assert (volume.values[0, 0] == plane).all()
    assert (volume == 0).sum() == 252
    turned = made(folder, generate(folder, *BOX, *cut, "--labels", "0=solid", "255=pore"))
    assert (turned.values[0, 0] == 1 - plane).all()
    for words, why in (
        ([*cut], "holds the labels [255]"),
        ([*cut, "--labels", "0=pore", "255=grain"], "'grain' is no phase of the model"),
        (["--labels", "0=pore"], "give --plane with it"),
    ):
        refused = generate(folder, *BOX, *words)
        assert refused.exit_code == 2
        assert why in " ".join(refused.stderr.split())
    huge = ["--shape", 50_000, 50_000, 50_000]
    assert "one sample takes about" in generate(folder, *huge, *cut).stderr


def test_a_plane_whose_file_names_its_phases_is_taken_by_the_names(folder):
    plane = np.random.default_rng(1).integers(0, 2, (9, 8)).astype(np.uint8)
    turned = as_microstructure(plane, phases={0: "solid", 1: "pore"})
    save_microstructures(folder / "turned.h5", turned)
    cut = ["--fraction", "pore=0.5", "--plane", f"z=3:{folder / 'turned.h5'}"]
    assert (made(folder, generate(folder, *BOX, *cut)).values[0, 3] == 1 - plane).all()


def test_slices_by_direction(folder):
    refused = generate(folder, *BOX, model="side.model")
    assert refused.exit_code == 2
    assert "one cut does not say" in " ".join(refused.stderr.split())
    side = folder / "side.model"
    result = generate(folder, *BOX, "--slices", f"y={side}", f"x={side}")
    cuts = provenance_of(made(folder, result))["training"]["slices"]
    assert cuts["y"] == cuts["x"] != cuts["z"]
    stated = generate(folder, *BOX, "--slices", f"z={side}", model="side.model")
    assert stated.exit_code == 0, stated.stderr


def test_every_verb_makes_volumes(folder):
    model = folder / "rock.model"
    volume = made(folder, generate(folder, *BOX), "new.h5").values[0]
    scan = as_microstructure(volume, phases=PHASES)
    save_microstructures(folder / "scan.h5", scan, overwrite=True)
    hole = ["--hole", "z=2:5", "y=2:7", "x=1:7", "-o", folder / "filled.h5"]
    filled = made(folder, run("inpaint", model, folder / "scan.h5", *hole), "filled.h5")
    assert (filled.values[0, :2] == volume[:2]).all()
    (folder / "layers.csv").write_text("pore\n0.25\n0.5\n")
    layers = ["--shape", 6, 4, 8, "-o", folder / "layers.h5"]
    graded = made(folder, run("compose", model, folder / "layers.csv", *layers), "layers.h5")
    assert (graded == 0).sum(("y", "x")).values.reshape(2, 3).sum(1).tolist() == [24, 48]
    moving = run("animate", model, "-o", folder / "walk.gif", *BOX)
    assert moving.exit_code == 0, moving.stderr
    series = ["--fraction", "pore=0.2:0.4:2", "-o", folder / "sweep.h5", "--slices", "w=rock"]
    refused = run("sweep", model, *series)  # its report would take most of the time
    assert refused.exit_code == 2
    assert "'w' is no axis of a volume" in " ".join(refused.stderr.split())


@pytest.mark.parametrize(
    ("shape", "window", "held"),
    [((150, 150), 96, 1), ((190, 800), 96, 8), ((200, 200), 64, 9), ((90, 800), 96, 0)],
)
def test_a_picture_too_small_for_volumes_is_told_how_many_windows_it_holds(
    tmp_path, shape, window, held
):
    """Also one that could not be split into a part to train on and one to validate on."""
    picture = np.random.default_rng(0).integers(0, 2, shape).astype(np.uint8)
    Image.fromarray(255 * picture).save(tmp_path / "picture.png")
    labels = ["--labels", "0=pore", "255=solid", "--window", window, "--for-volumes"]
    refused = run("train", tmp_path / "picture.png", "-o", tmp_path / "m.model", *labels)
    assert refused.exit_code == 2
    words = " ".join(refused.stderr.split())
    assert f"holds {held} such windows beside one another; volumes need 12" in words


def test_several_pictures_count_together(tmp_path):
    """Four windows each are too few of one picture, and enough of five."""
    pictures = np.random.default_rng(0).integers(0, 2, (5, 20, 20)).astype(np.uint8)
    with open_labels(pictures, phases=PHASES, ensemble=True) as source:
        require_pictures(source, (10, 10))
    with (
        open_labels(pictures[0], phases=PHASES) as source,
        pytest.raises(InputError, match="holds 4 such windows"),
    ):
        require_pictures(source, (10, 10))


def test_training_for_volumes(folder):
    picture = blobs((128, 96), fractions=(0.3, 0.7), scale=2, rng=0)
    picture = as_microstructure(picture.values, phases=PHASES, voxel_size=1e-6)
    save_microstructures(folder / "picture.h5", picture)
    words = ["--widths", 4, 8, "--batch", 2, "--steps", 3, "--for-volumes", "--evaluations", 4]
    small = run("train", folder / "picture.h5", "-o", folder / "m.model", "--window", 48, *words)
    assert small.exit_code == 2
    assert "holds 4 such windows" in " ".join(small.stderr.split())
    result = run(
        "train", folder / "picture.h5", "-o", folder / "m.model", "--window", 24, *words, "--json"
    )
    assert result.exit_code == 0, result.stderr
    calibrated = json.loads(result.stdout)["volumes"]
    assert calibrated["evaluations"] == 4
    assert calibrated["reading"]["level"] == pytest.approx(1.5**0.5)
    new = generate(folder, "--shape", 8, 8, 8, "--fraction", "pore=0.25", model="m.model")
    assert int((made(folder, new) == 0).sum()) == 128
    assert "not calibrated" not in new.stderr


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--symmetry", "none"], "the symmetry is 'none'"),
        (["--method", "tau-leaping"], "is for phases by bridges"),
    ],
)
def test_what_no_volume_is_learned_from_is_refused(folder, words, why):
    picture = blobs((64, 64), fractions=(0.3, 0.7), scale=2, rng=0)
    save_microstructures(folder / "other.h5", as_microstructure(picture.values), overwrite=True)
    options = ["--window", 12, 12, "--steps", 1, "--for-volumes", "-o", folder / "n.model"]
    result = run("train", folder / "other.h5", *options, *words)
    assert result.exit_code == 2
    assert why in " ".join(result.stderr.split())
